package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Start starts an actor and waits until it is ready. If it could not listen because
// somebody took its port meanwhile, it is started once more with other ports. One that
// was ready before, and has ended and been stopped, listens where it did: others dial it
// there. Its cgroup is a new one, and its output goes on in the same file. ctx bounds the
// start alone.
func (l *Local) Start(ctx context.Context, a env.Actor) (env.Instance, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, fmt.Errorf("start %s: %w", a.Name, errClosed)
	}
	l.starting.Add(1)
	l.mu.Unlock()
	defer l.starting.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(l.life, func() { cancel(errClosed) })()

	members := membersOf(a)
	if len(members) > 1 {
		return l.startAll(ctx, a.Name, members)
	}
	i, err := l.startOne(ctx, members[0])
	if err != nil {
		return nil, err
	}
	return i, nil
}

// startOne starts one instance, a second time if need be.
func (l *Local) startOne(ctx context.Context, a member) (*Instance, error) {
	i, err := l.start(ctx, a)
	var failed *env.StartError
	if errors.As(err, &failed) && errors.Is(err, errEnded) && len(a.Ports) > 0 && !l.settled(a) &&
		strings.Contains(failed.Tail, "address already in use") {
		l.note(fmt.Sprintf("%s found its port taken and was started again with others", a.shown))
		i, err = l.start(ctx, a)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", a.shown, err)
	}
	return i, nil
}

func (l *Local) start(ctx context.Context, a member) (*Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := check(a.Actor); err != nil {
		return nil, err
	}
	i, err := l.admit(a)
	if err != nil {
		return nil, err
	}
	if err := l.launch(i, a); err != nil {
		i.discard()
		return nil, err
	}
	if a.Ready.Port == "" {
		return i, nil
	}
	url := "http://" + i.Addr(a.Ready.Port) + "/" + strings.TrimPrefix(a.Ready.Path, "/")
	err = awaitReady(ctx, url, a.Ready, i.ended)
	if err == nil {
		err = l.fence.holds(i.group, i.proc.PID, a.Limits)
	}
	if err != nil {
		said := i.output.tail()
		dead, cancel := context.WithCancel(context.Background())
		cancel()
		state, stopErr := i.Stop(dead)
		failed := &env.StartError{Actor: a.shown, State: state, Tail: said, Err: err}
		return nil, errors.Join(failed, stopErr)
	}
	i.locate()
	l.mu.Lock()
	l.homes[a.Name] = i.addrs
	l.mu.Unlock()
	return i, nil
}

// settled is whether others know already where the actor listens.
func (l *Local) settled(a member) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.homes[a.Name] != nil
}

// check refuses an actor that could not be started as it is.
func check(a env.Actor) error {
	if !nameRule.MatchString(a.Name) || a.Name == "self" || a.Name == "file" || a.Name == probeName ||
		strings.Contains(a.Name, ".") {
		return fmt.Errorf("name %q: want letters, digits, _ and -, and neither self, file nor %s",
			a.Name, probeName)
	}
	if a.Ready.Port != "" && !slices.Contains(a.Ports, a.Ready.Port) {
		return fmt.Errorf("probe port %q is none of its ports: %s", a.Ready.Port,
			strings.Join(a.Ports, ", "))
	}
	for _, reserved := range []string{"index", "replicas"} {
		if slices.Contains(a.Ports, reserved) {
			return fmt.Errorf("port %q: want another name, $(self.%s) is no address", reserved, reserved)
		}
	}
	for name := range a.Files {
		if name != filepath.Base(name) || name == "." || name == ".." || name == "/" {
			return fmt.Errorf("file %q: want a base name", name)
		}
	}
	return nil
}

// admit makes an instance that is not started yet, with addresses of its own: those that
// it had, where it was ready before.
func (l *Local) admit(a member) (*Instance, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range l.instances {
		if i.key == a.Name && !i.released() {
			return nil, fmt.Errorf("%s runs already: stop it first", a.shown)
		}
	}
	addrs, known := l.homes[a.Name], true
	for _, port := range a.Ports {
		known = known && addrs[port] != ""
	}
	if !known {
		var err error
		if addrs, err = freePorts(a.Ports, l.ports); err != nil {
			return nil, err
		}
	}
	l.starts[a.Name]++
	i := &Instance{
		local: l, name: a.shown, key: a.Name, actor: a.actor, of: a.of, addrs: addrs, grace: a.Grace,
		serial: fmt.Sprintf("%s-%d", a.Name, l.starts[a.Name]),
		ended:  make(chan struct{}), gone: make(chan struct{}),
	}
	if i.grace == 0 {
		i.grace = l.o.Grace
	}
	// One that is stopped makes room: its cgroup is gone, its log goes on.
	l.instances = slices.DeleteFunc(l.instances, func(x *Instance) bool { return x.key == a.Name })
	l.instances = append(l.instances, i)
	return i, nil
}

// launch writes the actor's files, makes its cgroup and starts its process.
func (l *Local) launch(i *Instance, a member) error {
	lookup := l.references(i, a)
	args, environ, err := expandAll(a.Actor, lookup)
	if err != nil {
		return err
	}
	program := l.o.Self
	if a.Program != "" {
		if program, err = exec.LookPath(a.Program); err != nil {
			return err
		}
	}
	if program, err = filepath.Abs(program); err != nil {
		return err
	}
	if err := l.writeFiles(a.Actor); err != nil {
		return err
	}
	if i.group, err = l.fence.make(a.Name, a.Limits); err != nil {
		return err
	}
	l.noteError(favour(i.group, a.Program == ""))
	out, output, err := openOutput(l.logPath(a.shown))
	if err != nil {
		return err
	}
	defer out.Close()
	i.output = output
	cmd, closeDir, err := l.command(i, a.Limits, program, args)
	if err != nil {
		return err
	}
	defer closeDir()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = overlay(l.environ, environ)
	if a.Program != "" { // what is ours tells itself
		i.goProcs = goProcs(program, a.Actor, l.fence.how)
	}
	if err := l.spawner.start(cmd); err != nil {
		return fmt.Errorf("exec %s: %w", program, err)
	}
	i.run(cmd)
	return nil
}

// command is the process that becomes the actor.
func (l *Local) command(i *Instance, limits env.Limits, program string, args []string) (
	cmd *exec.Cmd, closeDir func(), err error,
) {
	closeDir = func() {}
	whole := append([]string{program}, args...)
	var dir *os.File
	switch l.fence.how.Method {
	case methodV1:
		whole = append([]string{l.o.Self}, execArgs(os.Getpid(), i.group.procsFiles(), whole...)...)
	case methodV2:
		if dir, err = os.Open(i.group.Dirs[""]); err != nil {
			return nil, nil, fmt.Errorf("join cgroup: %w", err)
		}
		closeDir = func() { dir.Close() }
	case methodSystemd:
		whole = append([]string{l.fence.systemd}, scopeArgs(l.unit(i), limits, whole...)...)
	}
	cmd = exec.Command(whole[0], whole[1:]...)
	isolate(cmd, dir)
	return cmd, closeDir, nil
}

// unit names the scope of one start of one actor.
func (l *Local) unit(i *Instance) string {
	return strings.ReplaceAll(parentName+"-"+l.fence.run+"-"+i.serial, "@", "-")
}

func (l *Local) logPath(instance string) string {
	if l.o.LogPath != nil {
		return l.o.LogPath(instance)
	}
	return filepath.Join(l.dir, strings.ReplaceAll(instance, "/", "-")+".log")
}

func (l *Local) filePath(actor, name string) string {
	return filepath.Join(l.dir, actor, name)
}

func (l *Local) writeFiles(a env.Actor) error {
	if len(a.Files) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(l.dir, a.Name), 0o700); err != nil {
		return fmt.Errorf("write its files: %w", err)
	}
	for name, text := range a.Files {
		if err := os.WriteFile(l.filePath(a.Name, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write its files: %w", err)
		}
	}
	return nil
}

func expandAll(a env.Actor, lookup func(string) (string, error)) (
	args []string, environ map[string]string, err error,
) {
	for _, arg := range a.Args {
		arg, err := env.Expand(arg, lookup)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, arg)
	}
	environ = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(a.Env)) {
		if environ[name], err = env.Expand(a.Env[name], lookup); err != nil {
			return nil, nil, fmt.Errorf("variable %s: %w", name, err)
		}
	}
	return args, environ, nil
}
