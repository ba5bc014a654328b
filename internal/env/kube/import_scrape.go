package kube

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
)

// ScrapeFor is how long a gateway's own metrics are looked at.
const ScrapeFor = 10 * time.Second

// metricsPort is where a collector serves its own metrics, unless it is told otherwise.
const metricsPort = 8888

// WatchPods reads the own metrics of a gateway's pods through the API server, twice, a
// time apart. What cannot be read is told in Problems; it is an error only if ctx ends.
func WatchPods(
	ctx context.Context, c Cluster, f Found, exporter string, port int,
) (Observed, error) {
	a, err := connect(c)
	if err != nil {
		return Observed{}, err
	}
	defer a.close()
	return watchPods(ctx, a.client, f, exporter, port)
}

// A look is what one pod served at a moment.
type look struct {
	at   time.Time
	rows []row
}

// A row is one series of a scrape; sums and counts of histograms are rows of their own.
type row struct {
	name   string
	labels map[string]string
	value  float64
}

func watchPods(
	ctx context.Context, client kubernetes.Interface, f Found, exporter string, port int,
) (Observed, error) {
	o := Observed{From: fmt.Sprintf("the pods' own metrics, over %s", ScrapeFor)}
	s := scraper{client: client, found: f, port: port}
	if s.port == 0 {
		s.port = metricsPort
	}
	first := s.all(ctx, &o)
	if len(first) == 0 {
		if len(o.Problems) == 0 {
			o.Problems = []string{"There is no pod whose metrics could be read."}
		}
		return o, ctx.Err()
	}
	select {
	case <-ctx.Done():
		return o, ctx.Err()
	case <-time.After(ScrapeFor):
	}
	o.figures(first, s.all(ctx, &o), exporter)
	return o, ctx.Err()
}

type scraper struct {
	client kubernetes.Interface
	found  Found
	port   int
}

// all looks at each pod once, by name.
func (s scraper) all(ctx context.Context, o *Observed) map[string]look {
	out := map[string]look{}
	for _, p := range s.found.Pods {
		l, err := s.pod(ctx, p.Name)
		if err != nil {
			o.Problems = append(o.Problems, fmt.Sprintf("Metrics of pod %s are not known: %v.", p.Name, err))
			continue
		}
		out[p.Name] = l
	}
	return out
}

func (s scraper) pod(ctx context.Context, name string) (look, error) {
	ctx, cancel := context.WithTimeout(ctx, ScrapeFor)
	defer cancel()
	text, err := s.client.CoreV1().Pods(s.found.Namespace).
		ProxyGet("http", name, strconv.Itoa(s.port), "metrics", nil).DoRaw(ctx)
	if apierrors.IsForbidden(err) {
		return look{}, rightsError("get", "pods/proxy", s.found.Namespace, err)
	}
	if err != nil {
		return look{}, fmt.Errorf("read port %d: %w", s.port, err)
	}
	l := look{at: time.Now()}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return look{}, fmt.Errorf("parse metrics of port %d: %w", s.port, err)
	}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range m.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if h := m.GetHistogram(); h != nil {
				l.rows = append(l.rows, row{name + "_sum", labels, h.GetSampleSum()},
					row{name + "_count", labels, float64(h.GetSampleCount())})
				continue
			}
			value := m.GetCounter().GetValue() + m.GetUntyped().GetValue()
			l.rows = append(l.rows, row{name, labels, value})
		}
	}
	return l, nil
}

// figures are the increases from the first looks to the second ones.
func (o *Observed) figures(first, second map[string]look, exporter string) {
	var rate, most float64
	known := len(first) == len(second)
	for pod, before := range first {
		after, there := second[pod]
		spans, counted := increase(map[string]look{pod: before}, map[string]look{pod: after}, accepted)
		if !there || !counted {
			known = false
			continue
		}
		of := spans / after.at.Sub(before.at).Seconds()
		rate, most = rate+of, max(most, of)
	}
	says := fmt.Sprintf("spans accepted in %s, by %d pods", ScrapeFor, len(first))
	switch {
	case known:
		o.Mean = &Figure{rate, says}
		o.PodPeak = &Figure{most, says + ", of the busiest"}
	default:
		o.Problems = append(o.Problems,
			"The rate is not known: a pod does not tell how many spans it accepts.")
	}
	all, counted := increase(first, second, accepted)
	http, some := increase(first, second, acceptedHTTP)
	if counted && all > 0 {
		if !some {
			http = 0 // all is known, and none of it came so
		}
		o.HTTP = &Figure{http / all, "spans accepted over HTTP, and all"}
	}
	if n, ok := increase(first, second, rejected); ok {
		o.Rejected = &Figure{n, "requests rejected in " + ScrapeFor.String()}
	}
	for _, r := range reckonings(exporter) {
		for _, way := range r.ways {
			of, ok := increase(first, second, way.of)
			per, also := increase(first, second, way.per)
			if ok && also && of > 0 && per > 0 {
				*r.into(o) = &Figure{of / per * way.scale, way.says}
				break
			}
		}
	}
}

// increase is by how much a counter grew in all pods together; ok is false where none has
// it, or where one began anew.
func increase(first, second map[string]look, c counter) (grown float64, ok bool) {
	for pod, before := range first {
		from, _ := before.sum(c)
		to, there := second[pod].sum(c)
		switch {
		case !there:
			continue
		case to < from:
			return 0, false
		}
		grown, ok = grown+to-from, true
	}
	return grown, ok
}

func (l look) sum(c counter) (total float64, ok bool) {
	name := whole(c.named())
	for _, r := range l.rows {
		if name.MatchString(r.name) && c.counts(r.labels) &&
			!math.IsNaN(r.value) && !math.IsInf(r.value, 0) {
			total, ok = total+r.value, true
		}
	}
	return total, ok
}

// counts tells whether labels are those of one of the counter's series.
func (c counter) counts(labels map[string]string) bool {
	for i := 0; i+1 < len(c.where); i += 2 {
		if !whole(c.where[i+1]).MatchString(labels[c.where[i]]) {
			return false
		}
	}
	return true
}

// whole matches a text from end to end, as Prometheus does.
func whole(pattern string) *regexp.Regexp { return regexp.MustCompile("^(?:" + pattern + ")$") }
