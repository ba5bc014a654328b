package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Windows that follow each other make a counter whose rise is what was used, whatever the
// seconds that their ends are cut to; what is not known is in no rise.
func TestWindowsMakeACounter(t *testing.T) {
	began := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	type window struct{ at, over, cores float64 }
	for _, c := range []struct {
		name    string
		windows []window
		want    []string // "AT:CPU", one for each change
	}{
		{
			"one after the other",
			[]window{{20, 15.3, 1}, {35, 15.1, 0.5}, {50, 14.9, 2}},
			[]string{"20.0:15.30", "35.1:22.85", "50.0:52.65"},
		},
		{
			"the same told again",
			[]window{{20, 15, 1}, {20, 15, 1}, {35, 15, 1}},
			[]string{"20.0:15.00", "35.0:30.00"},
		},
		{
			"one of the life before",
			[]window{{10, 15, 1}, {25, 15, 1}},
			[]string{"25.0:15.00"},
		},
		{
			"a mean over a minute that slides",
			[]window{
				{60, 60, 1}, {65, 60, 1.1}, {115, 60, 1.9}, {121, 60, 2}, {126, 60, 2}, {180, 60, 2},
			},
			[]string{"60.0:60.00", "120.0:180.00", "180.0:300.00"},
		},
		{
			"one was missed",
			[]window{{20, 15, 1}, {50, 15, 1}, {65, 15, 1}},
			[]string{"20.0:15.00", "50.0:0.00", "65.0:15.00"},
		},
		{"no window", []window{{20, 0, 1}}, nil},
	} {
		var u env.Usage
		var got []string
		for _, w := range c.windows {
			next := follows(u, metricsWindow{
				at: began.Add(time.Duration(w.at * 1e9)), over: time.Duration(w.over * 1e9),
				cores: w.cores, workingSet: 7,
			}, began)
			if next.At != u.At {
				got = append(got, fmt.Sprintf("%.1f:%.2f", next.At.Sub(began).Seconds(), *next.CPUSeconds))
			}
			u = next
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// podMetrics is what metrics-server tells of the gateway after so many seconds.
func podMetrics(at time.Time) string {
	return fmt.Sprintf(`{"kind":"PodMetrics","apiVersion":"metrics.k8s.io/v1beta1",
 "metadata":{"name":"gateway-1","namespace":"ns"},"timestamp":%q,"window":"15.0s",
 "containers":[{"name":"other","usage":{"cpu":"1","memory":"1Ki"}},
  {"name":"gateway","usage":{"cpu":"250000000n","memory":"2Ki"}}]}`, at.Format(time.RFC3339))
}

// The API is asked every few seconds, however often it is looked at, and in the background:
// who looks is told what was read last.
func TestMetricsAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		life, end := context.WithCancel(context.Background())
		var runs sync.WaitGroup
		defer runs.Wait()
		defer end()
		began := time.Now().Truncate(time.Second)
		gateway := measured
		gateway.began = began
		asked := 0
		var fails error
		m := newMetricsAPI(life, &runs, func(_ context.Context, path string) ([]byte, error) {
			if path != metricsPath+"/namespaces/ns/pods/gateway-1" {
				return nil, fmt.Errorf("asked for %s", path)
			}
			asked++
			time.Sleep(2 * time.Second) // in the test's own time; a look waits for 0.8 s
			passed := time.Since(began)
			if passed < 20*time.Second {
				return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "gateway-1")
			}
			return []byte(podMetrics(began.Add(passed.Truncate(15 * time.Second)))), fails
		})
		var got []string
		look := func() (env.Usage, error) {
			ctx, cancel := context.WithTimeout(context.Background(), 800*time.Millisecond)
			defer cancel()
			return m.of(ctx, "ns", gateway)
		}
		for range 60 {
			u, err := look()
			text := fmt.Sprint(err)
			if err == nil {
				text = fmt.Sprintf("%.0f: %.2f CPU-s, %d B", u.At.Sub(began).Seconds(), *u.CPUSeconds,
					*u.MemoryWorkingSet)
			}
			if len(got) == 0 || got[len(got)-1] != text {
				got = append(got, text)
			}
			time.Sleep(time.Second)
		}
		want := []string{
			"not known: the metrics API has not measured it yet", "15: 3.75 CPU-s, 2048 B",
			"30: 7.50 CPU-s, 2048 B", "45: 11.25 CPU-s, 2048 B", "60: 15.00 CPU-s, 2048 B",
		}
		if n := min(len(want), len(got)); cmp.Diff(want[:n], got[:n]) != "" || n < 4 {
			t.Errorf("told (-want +got):\n%s", cmp.Diff(want, got))
		}
		if asked > 16 {
			t.Errorf("asked %d times while a minute was looked at", asked)
		}
		fails = errors.New("no metrics known")
		time.Sleep(6 * time.Second)
		_, _ = look()
		time.Sleep(3 * time.Second)
		_, err := look()
		contains(t, "usage", err, "not known: ask the metrics API for pod gateway-1: no metrics known")
	})
}

// promAnswer is a Prometheus' of two scrapes, by these labels, and of a life before.
func promAnswer(namespace, pod, container string) string {
	at := float64(measured.began.Unix()) + 60
	var all []string
	series := func(name, id string, first, second float64) {
		all = append(all, fmt.Sprintf(`{"metric":{"__name__":%q,%q:"ns",%q:"gateway-1",%q:"gateway",
   "id":"/kubepods/pod1/%s"},"values":[[%f,"%g"],[%f,"%g"]]}`, name, namespace, pod, container, id,
			at-15, first, at+0.25, second))
	}
	series(cpuTotal, "abc", 8, 12.5)
	series(cpuTotal, "before", 1, 99)
	series("container_memory_working_set_bytes", "abc", 100, 200)
	series("container_cpu_cfs_periods_total", "abc", 300, 600)
	series("container_cpu_cfs_throttled_periods_total", "abc", 3, 6)
	series(throttledTotal, "abc", 0.1, 0.25)
	return `{"status":"success","data":{"resultType":"matrix","result":[` + strings.Join(all, ",") + `]}}`
}

// What a Prometheus tells is of the moment at which it was measured, and of this life alone,
// whichever labels it knows containers by.
func TestPrometheusUsage(t *testing.T) {
	want := env.Usage{
		At: measured.began.Add(60*time.Second + 250*time.Millisecond), CPUSeconds: new(12.5),
		MemoryWorkingSet: new(int64(200)), Periods: new(uint64(600)), ThrottledPeriods: new(uint64(6)),
		ThrottledSeconds: new(0.25),
	}
	for _, labels := range ofContainer {
		t.Run(labels[1], func(t *testing.T) {
			var queries []string
			var mu sync.Mutex
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				query := r.FormValue("query")
				mu.Lock()
				queries = append(queries, query)
				mu.Unlock()
				w.Header().Set("Content-Type", "application/json")
				if !strings.Contains(query, labels[1]+`="gateway-1"`) ||
					!strings.Contains(query, labels[2]+`="gateway"`) {
					fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
					return
				}
				fmt.Fprint(w, promAnswer(labels[0], labels[1], labels[2]))
			}))
			defer server.Close()
			life, end := context.WithCancel(context.Background())
			var runs sync.WaitGroup
			defer runs.Wait()
			defer end()
			p, err := newPromUsage(life, &runs, PromServer{URL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			for range 3 { // within its interval it is asked once
				got, err := p.of(t.Context(), "ns", measured)
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("usage, %v (-want +got):\n%s", err, diff)
				}
			}
			another := measured
			another.id, another.began = "containerd://def", measured.began.Add(time.Hour)
			_, err = p.of(t.Context(), "ns", another)
			contains(t, "usage of another life", err, "not known: Prometheus has not told it yet")
			mu.Lock()
			defer mu.Unlock()
			if n := len(queries); n > 2*len(ofContainer) {
				t.Errorf("it was asked %d times:\n%s", n, strings.Join(queries, "\n"))
			}
		})
	}
}

// Where a Prometheus was told to forget the cgroup, the time alone tells a life from the one
// before.
func TestPrometheusWithoutCgroups(t *testing.T) {
	series := func(at time.Time) model.Matrix {
		return model.Matrix{{
			Metric: model.Metric{model.MetricNameLabel: cpuTotal},
			Values: []model.SamplePair{{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: 3}},
		}}
	}
	u, ok := promFigures(series(measured.began.Add(time.Second)), measured)
	if !ok || *u.CPUSeconds != 3 {
		t.Errorf("usage %+v, %v; want 3 CPU seconds", u, ok)
	}
	if u, ok := promFigures(series(measured.began.Add(-time.Second)), measured); ok {
		t.Errorf("usage %+v of before it began", u)
	}
}

func TestPrometheusThatDoesNotAnswer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	c := newTestCluster(t)
	c.denied["get nodes/proxy"] = true
	_, err := c.try(Options{Prometheus: PromServer{URL: server.URL}})
	contains(t, "a run", err, "ask Prometheus "+server.URL, "want one that answers")
	if names := c.names(""); len(names) > 0 {
		t.Errorf("made before: %v", names)
	}
	_, err = Options{RunID: "run-1", Image: "i", Prometheus: PromServer{URL: "localhost:9090"}}.complete()
	contains(t, "options", err, `use a Prometheus: found "localhost:9090", want a URL such as`)
}

// The finest source is asked that the rights allow, and the next once it refuses.
func TestUsageSources(t *testing.T) {
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	}))
	defer prometheus.Close()
	for _, c := range []struct {
		name            string
		denied, metrics bool
		prometheus      string
		want            []string
		note            string
	}{
		{name: "kubelet alone", want: []string{fromKubelet}},
		{
			name: "all", metrics: true, prometheus: prometheus.URL,
			want: []string{fromKubelet, fromPrometheus, fromMetricsAPI},
		},
		{
			name: "no right", denied: true, metrics: true, want: []string{fromMetricsAPI},
			note: "processor time and memory of pods are by the metrics API",
		},
		{
			name: "no right, Prometheus", denied: true, metrics: true, prometheus: prometheus.URL,
			want: []string{fromPrometheus, fromMetricsAPI},
			note: "processor time and memory of pods are by Prometheus",
		},
		{name: "nothing", denied: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !c.metrics || r.URL.Path != "/"+metricsPath {
					http.NotFound(w, r)
				}
			}))
			defer api.Close()
			base, err := url.Parse(api.URL)
			if err != nil {
				t.Fatal(err)
			}
			cluster := newTestCluster(t)
			cluster.denied["get nodes/proxy"] = c.denied
			a := cluster.access()
			a.http, a.base = api.Client(), base
			k := &Kube{o: Options{Prometheus: PromServer{URL: c.prometheus}}, access: a}
			k.o, err = Options{
				RunID: "run-1", Image: "i", Prometheus: PromServer{URL: c.prometheus},
			}.complete()
			if err != nil {
				t.Fatal(err)
			}
			life, end := context.WithCancelCause(context.Background())
			defer end(nil)
			k.life = life
			if err := k.chooseUsage(t.Context()); err != nil {
				t.Fatal(err)
			}
			if k.usage.close != nil {
				defer k.usage.close()
			}
			var got []string
			for _, s := range k.usage.sources {
				got = append(got, s.name)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
			if notes := strings.Join(k.Notes(), "\n"); notes != c.note {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

// A source is what it is asked to tell.
type source func() (env.Usage, error)

func (s source) of(context.Context, string, incarnation) (env.Usage, error) { return s() }

func TestARefusalLeadsToTheNextSource(t *testing.T) {
	refused := fmt.Errorf("not known: %w",
		apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "node-1", errors.New("no")))
	var notes []string
	u := usages{note: func(s string) { notes = append(notes, s) }, sources: []namedSource{
		{fromKubelet, source(func() (env.Usage, error) { return env.Usage{}, refused })},
		{fromMetricsAPI, source(func() (env.Usage, error) { return env.Usage{CPUSeconds: new(1.0)}, nil })},
	}}
	for range 2 {
		got, err := u.of(t.Context(), "ns", measured)
		want := env.Usage{CPUSeconds: new(1.0), Source: fromMetricsAPI}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("usage, %v (-want +got):\n%s", err, diff)
		}
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "by the metrics API: the kubelet refuses: not known") {
		t.Errorf("notes %q", notes)
	}
	u.sources = u.sources[:0]
	_, err := u.of(t.Context(), "ns", measured)
	contains(t, "usage", err, errNoUsage.Error())
}
