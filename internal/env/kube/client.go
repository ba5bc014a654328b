package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"
)

// An access is a way to one cluster's API server, with somebody's rights.
type access struct {
	client kubernetes.Interface
	custom dynamic.Interface // for objects of kinds that are not Kubernetes' own
	http   *http.Client      // authenticated; nil in tests that have no server
	base   *url.URL
	where  string // for errors
	// asked is the namespace of the context.
	asked string
}

// Looks come once a second, at ten pods at most; the client's own limit of 5 requests a
// second would hold them up.
const (
	clientQPS   = 100
	clientBurst = 200
)

// connect reads the same files as kubectl, in the same order.
func connect(c Cluster) (access, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if c.Kubeconfig != "" {
		rules.Precedence = filepath.SplitList(c.Kubeconfig)
		for _, path := range rules.Precedence {
			if _, err := os.Stat(path); err != nil {
				return access{}, fmt.Errorf("read kubeconfig: %w; want a file as kubectl writes it", err)
			}
		}
	}
	files := strings.Join(rules.Precedence, string(filepath.ListSeparator))
	overrides := &clientcmd.ConfigOverrides{
		CurrentContext: c.Context, AuthInfo: clientcmdapi.AuthInfo{Impersonate: c.As},
		Context: clientcmdapi.Context{Namespace: c.Namespace},
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	raw, err := loader.RawConfig()
	if err != nil {
		return access{}, fmt.Errorf("read kubeconfig %s: %w", files, err)
	}
	if _, ok := raw.Contexts[c.Context]; !ok && c.Context != "" {
		return access{}, fmt.Errorf("use context %q: %s has none of that name; it has: %s",
			c.Context, files, orNone(slices.Sorted(maps.Keys(raw.Contexts))))
	}
	config, err := loader.ClientConfig()
	where := contextOf(raw, c, files)
	if err != nil && c.Context == "" && raw.CurrentContext == "" {
		return access{}, fmt.Errorf("find a cluster: %s names none, and this process runs in none (%w): "+
			"set KUBECONFIG, or name a context of: %s", files, err,
			orNone(slices.Sorted(maps.Keys(raw.Contexts))))
	}
	if err != nil {
		return access{}, fmt.Errorf("use %s: %w", where, err)
	}
	config.Impersonate.UserName = c.As
	a, err := dial(config, where)
	if err != nil {
		return access{}, err
	}
	if a.asked, _, err = loader.Namespace(); err != nil {
		return access{}, fmt.Errorf("use %s: %w", where, err)
	}
	return a, nil
}

// contextOf says which context of which files is meant.
func contextOf(raw clientcmdapi.Config, c Cluster, files string) string {
	name := c.Context
	if name == "" {
		name = raw.CurrentContext
	}
	if name == "" {
		return "the cluster that this process runs in"
	}
	where := "context " + name
	if found := raw.Contexts[name]; found != nil && found.LocationOfOrigin != "" {
		files = found.LocationOfOrigin
	}
	where += " of " + files
	if c.As != "" {
		where += " as " + c.As
	}
	return where
}

// dial makes the client; nothing is sent yet.
func dial(config *rest.Config, where string) (access, error) {
	config.QPS, config.Burst = clientQPS, clientBurst
	config.UserAgent = manager
	config.WarningHandlerWithContext = rest.NoWarnings{}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return access{}, fmt.Errorf("use %s: %w", where, err)
	}
	set, err := kubernetes.NewForConfigAndClient(config, client)
	if err != nil {
		return access{}, fmt.Errorf("use %s: %w", where, err)
	}
	custom, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return access{}, fmt.Errorf("use %s: %w", where, err)
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return access{}, fmt.Errorf("use %s: server %q: %w", where, config.Host, err)
	}
	// Or what is joined to it would be no path of HTTP/2's.
	base.Path = "/" + strings.TrimPrefix(base.Path, "/")
	return access{client: set, custom: custom, http: client, base: base, where: where}, nil
}

// now is the cluster's time, good to a second: leases are written and judged by the API
// server's clock alone, whatever that of the machine says.
func (a access) now(ctx context.Context) (time.Time, error) {
	if a.http == nil {
		return time.Now(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	resp, err := a.get(ctx, "", "version")
	if err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode != http.StatusOK {
		return time.Time{}, fmt.Errorf("GET /version: %s", resp.Status)
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("read the API server's clock: %w", err)
	}
	return at, nil
}

// get asks the API server itself.
func (a access) get(ctx context.Context, query string, path ...string) (*http.Response, error) {
	target := a.base.JoinPath(path...)
	target.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	return a.http.Do(req)
}

// proxyNode reads a page of a node's kubelet through the API server.
func (a access) proxyNode(ctx context.Context, node, path string) ([]byte, error) {
	if a.http == nil {
		return nil, errors.New("there is no kubelet")
	}
	path, query, _ := strings.Cut(path, "?")
	resp, err := a.get(ctx, query, "api/v1/nodes", node, "proxy", path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	const most = 64 << 20
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		if said := statusOf(resp, text); said != nil {
			return nil, said
		}
		return nil, fmt.Errorf("GET %s of the kubelet of %s: %s", path, node, resp.Status)
	}
	return text, nil
}

// close lets go of connections.
func (a access) close() {
	if a.http != nil {
		utilnet.CloseIdleConnectionsFor(a.http.Transport)
	}
}

// callTime bounds one request that should be answered at once.
const callTime = 20 * time.Second

// quiet makes the client's library speak through log, in place of standard error.
func quiet(ctx context.Context, log *slog.Logger) context.Context {
	return klog.NewContext(ctx, logr.FromSlogHandler(lowered{log.Handler()}))
}

// A lowered handler takes everything as if it were for debugging: what matters of what
// the client's library says is said again by who called it.
type lowered struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h lowered) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle implements slog.Handler.
func (h lowered) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h lowered) WithAttrs(attrs []slog.Attr) slog.Handler {
	return lowered{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h lowered) WithGroup(name string) slog.Handler { return lowered{h.Handler.WithGroup(name)} }

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
