package envtest_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/envtest"
)

func Example() {
	place := envtest.New(map[string]envtest.Program{"backend": envtest.Idle})
	defer place.Close()
	backend, err := place.Start(context.Background(), env.Actor{Name: "backend", Ports: []string{"grpc"}})
	fmt.Println(err, backend.Addr("grpc"), backend.State().Running)
	place.Instance("backend").Kill("SIGKILL", true)
	fmt.Println(backend.State().Signal, *backend.State().OOMKilled)
	// Output:
	// <nil> backend.test:1000 true
	// SIGKILL true
}

func TestReferencesAreExpanded(t *testing.T) {
	place := envtest.New(map[string]envtest.Program{"backend": envtest.Idle, "gateway": envtest.Idle})
	defer place.Close()
	if _, err := place.Start(t.Context(), env.Actor{Name: "backend", Ports: []string{"grpc"}}); err != nil {
		t.Fatal(err)
	}
	_, err := place.Start(t.Context(), env.Actor{
		Name: "gateway", Ports: []string{"otlp"}, Files: map[string]string{"c.yaml": ""},
		Args: []string{"$(file.c.yaml)", "$(self.otlp)"}, Env: map[string]string{"TO": "$(backend.grpc)"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := place.Instance("gateway").Actor()
	want := []string{"/files/gateway/c.yaml", "gateway.test:2000", "backend.test:1000"}
	if diff := cmp.Diff(want, append(got.Args, got.Env["TO"])); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := place.Start(t.Context(), env.Actor{Name: "gateway", Args: []string{"$(x.y)"}}); err == nil {
		t.Error("an unknown reference was expanded")
	}
	if _, err := place.Start(t.Context(), env.Actor{Name: "other"}); err == nil {
		t.Error("an actor without a program was started")
	}
}

// One that is started again can be reached where the first could.
func TestActorKeepsItsAddress(t *testing.T) {
	place := envtest.New(map[string]envtest.Program{"gateway": envtest.Idle})
	defer place.Close()
	a := env.Actor{Name: "gateway", Ports: []string{"otlp", "metrics"}}
	first, err := place.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	place.Instance("gateway").Exit(1)
	second, err := place.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range a.Ports {
		if first.Addr(port) == "" || first.Addr(port) != second.Addr(port) {
			t.Errorf("port %s: %q first, then %q", port, first.Addr(port), second.Addr(port))
		}
	}
}

// All that takes time takes the time of the bubble.
func TestTimeIsFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(ctx context.Context, p *envtest.Process) int {
			fmt.Fprintln(p.Out, "still thinking")
			<-ctx.Done()
			return 0
		}
		deaf := func(ctx context.Context, p *envtest.Process) int {
			p.Ready()
			<-ctx.Done()
			return 0
		}
		place := envtest.New(map[string]envtest.Program{"never": never, "deaf": deaf})
		begun := time.Now()
		_, err := place.Start(t.Context(), env.Actor{Name: "never", Ready: env.Probe{Timeout: time.Minute}})
		if err == nil || !strings.Contains(err.Error(), "still thinking") || time.Since(begun) != time.Minute {
			t.Errorf("Start(never) = %v after %s", err, time.Since(begun))
		}
		i, err := place.Start(t.Context(), env.Actor{Name: "deaf", Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		begun = time.Now()
		state, err := i.Stop(t.Context())
		if err != nil || state.Signal != "SIGKILL" || !state.Stopped || time.Since(begun) != time.Hour {
			t.Errorf("Stop(deaf) = %+v, %v after %s", state, err, time.Since(begun))
		}
		if err := place.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestUsageIsWhatTheTestSays(t *testing.T) {
	place := envtest.New(map[string]envtest.Program{"gateway": func(ctx context.Context, p *envtest.Process) int {
		fmt.Fprint(p.Out, "hello")
		return envtest.Idle(ctx, p)
	}})
	i, err := place.Start(t.Context(), env.Actor{Name: "gateway"})
	if err != nil {
		t.Fatal(err)
	}
	seconds := 1.5
	place.Instance("gateway").SetUsage(func(time.Time) (env.Usage, error) {
		return env.Usage{CPUSeconds: &seconds}, nil
	})
	if u, err := i.Usage(t.Context()); err != nil || *u.CPUSeconds != seconds || u.At.IsZero() {
		t.Errorf("Usage() = %+v, %v", u, err)
	}
	logs, _ := i.Logs()
	if text, _ := io.ReadAll(logs); string(text) != "hello" {
		t.Errorf("Logs() = %q", text)
	}
	place.Instance("gateway").Exit(3)
	if s := i.State(); s.ExitCode != 3 || s.Running || s.Stopped {
		t.Errorf("State() = %+v", s)
	}
	if _, err := i.Usage(t.Context()); err == nil {
		t.Error("Usage() of an instance that has ended did not fail")
	}
}

// Each of several has addresses of its own and knows which it is; others know all of them.
func TestSeveralOfAnActor(t *testing.T) {
	place := envtest.New(map[string]envtest.Program{"backend": envtest.Idle, "gateway": envtest.Idle})
	defer place.Close()
	i, err := place.Start(t.Context(), env.Actor{
		Name: "backend", Replicas: 3, Ports: []string{"grpc"}, Args: []string{"$(self.index)/$(self.replicas)"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var names, addrs []string
	for n, member := range env.Members(i) {
		names, addrs = append(names, member.Name()), append(addrs, member.Addr("grpc"))
		if got, want := place.Instance(member.Name()).Actor().Args[0], fmt.Sprintf("%d/3", n); got != want {
			t.Errorf("%s is %s, want %s", member.Name(), got, want)
		}
	}
	if diff := cmp.Diff([]string{"backend/0", "backend/1", "backend/2"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	_, err = place.Start(t.Context(), env.Actor{Name: "gateway", Args: []string{"$(backend.grpc)"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := place.Instance("gateway").Actor().Args[0], strings.Join(addrs, ","); got != want {
		t.Errorf("others know %s, want %s", got, want)
	}
	place.Instance("backend/1").Kill("SIGKILL", false)
	if s := i.State(); s.Running || s.Signal != "SIGKILL" {
		t.Errorf("State() without one of them = %+v", s)
	}
}
