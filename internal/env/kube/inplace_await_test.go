package kube

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// settled makes the installation one that shows all that is wanted.
func (s *testSite) settled() {
	s.write(odigosEffective, odigosSettingsKey, "collectorGateway: {limitCPUm: 1000, minReplicas: 1}\n")
	s.put(groups, odigosObject("CollectorsGroup", odigosGateway, map[string]any{
		"resourcesSettings": map[string]any{"cpuLimitMillicores": int64(1000), "minReplicas": int64(1)},
	}))
	s.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter))
	for resource, condition := range map[string]string{
		destinations: "DestinationConfigured", processors: "AddedToCollectorConfig",
	} {
		o := odigosObject(strings.ToUpper(resource[:1])+resource[1:len(resource)-1], "mine", nil)
		s.status(resource, o, condition, "True")
	}
}

func (s *testSite) status(resource string, o *unstructured.Unstructured, condition, is string) {
	o.Object["status"] = conditionsOf(condition, is)
	s.put(resource, o)
}

func conditionsOf(name, is string) map[string]any {
	return map[string]any{"conditions": []any{map[string]any{
		"type": name, "status": is, "reason": "Because", "message": "of something",
	}}}
}

// Each step of an installation that never shows it is waited for as long as the run's patience
// lasts, and told with what was found and what would be right.
func TestSettleInVain(t *testing.T) {
	for _, c := range []struct {
		name       string
		spoil      func(s *testSite)
		deployment func(*appsv1.Deployment)
		sampling   bool
		want       []string // nil: it settles
		at         bool     // it fails at once
	}{
		{name: "all is there"},
		{
			name: "no ConfigMap effective-config",
			spoil: func(s *testSite) {
				_ = s.core.CoreV1().ConfigMaps(odigosNamespace).Delete(s.t.Context(), odigosEffective, metav1.DeleteOptions{})
			},
			want: []string{"scheduler takes the settings over", "there is no ConfigMap effective-config"},
		},
		{
			name: "effective-config is as before",
			spoil: func(s *testSite) {
				s.write(odigosEffective, odigosSettingsKey, "collectorGateway: {limitCPUm: 300, minReplicas: 1}\n")
			},
			want: []string{"ConfigMap effective-config has limitCPUm 300, want 1000"},
		},
		{
			name: "the CollectorsGroup is as before",
			spoil: func(s *testSite) {
				s.put(groups, odigosObject("CollectorsGroup", odigosGateway, map[string]any{}))
			},
			want: []string{"CollectorsGroup odigos-gateway has limitCPUm not set, want 1000"},
		},
		{
			name: "no CollectorsGroup",
			spoil: func(s *testSite) {
				_ = s.custom(groups).Delete(s.t.Context(), odigosGateway, metav1.DeleteOptions{})
			},
			want: []string{"there is no CollectorsGroup"},
		},
		{
			name:  "no right to see the CollectorsGroup",
			spoil: func(s *testSite) { s.deny("get", groups) },
			want:  []string{"forbidden"}, at: true,
		},
		{
			name: "the Deployment is as before",
			deployment: func(d *appsv1.Deployment) {
				d.Spec.Template.Spec.Containers[0].Resources.Limits = nil
			},
			want: []string{"its template has a CPU limit of 0, want 1", "a memory limit of bytes 0"},
		},
		{
			name: "GOMEMLIMIT is as before",
			deployment: func(d *appsv1.Deployment) {
				d.Spec.Template.Spec.Containers[0].Env[0].Value = "1MiB"
			},
			want: []string{"GOMEMLIMIT of bytes 1048576, want 461373440"},
		},
		{
			name:       "there are too many",
			deployment: func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(3)) },
			want:       []string{"it is wanted 3 times, want 1"},
		},
		{
			name:       "the pods are not ready",
			deployment: func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 0 },
			want:       []string{"0 of 1 pods are ready"},
		},
		{
			name:       "an old pod is there",
			deployment: func(d *appsv1.Deployment) { d.Status.Replicas = 2 },
			want:       []string{"1 of 1 pods are new, 2 there"},
		},
		{
			name: "a quota forbids it",
			deployment: func(d *appsv1.Deployment) {
				d.Status.Conditions = append(d.Status.Conditions, replicaFailureCondition("exceeded quota"))
			},
			want: []string{"the cluster makes no pod: exceeded quota"},
		},
		{
			name: "the Destination is refused",
			spoil: func(s *testSite) {
				s.status(destinations, odigosObject("Destination", "mine", nil), "DestinationConfigured", "False")
			},
			want: []string{"Destination mine", "DestinationConfigured is False: Because: of something"},
		},
		{
			name: "the Destination is removed by somebody",
			spoil: func(s *testSite) {
				_ = s.custom(destinations).Delete(s.t.Context(), "mine", metav1.DeleteOptions{})
			},
			want: []string{"Destination mine", "not found"}, at: true,
		},
		{
			name: "the Processor has no condition",
			spoil: func(s *testSite) {
				s.put(processors, odigosObject("Processor", "mine", nil))
			},
			want: []string{"Processor mine", "none of the conditions AddedToCollectorConfig"},
		},
		{
			name:  "it is rendered without the run's exporter",
			spoil: func(s *testSite) { s.write(odigosGateway, odigosConfigKey, siteRendered("otlp_grpc/generic-theirs")) },
			want:  []string{"its traces go to otlp_grpc/generic-theirs, want otlp_grpc/generic-odigos-stress"},
		},
		{
			name: "it is rendered with somebody else's",
			spoil: func(s *testSite) {
				s.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter, "otlp_grpc/generic-theirs"))
			},
			want: []string{"its traces go to otlp_grpc/generic-odigos-stress, otlp_grpc/generic-theirs, want", "alone"},
		},
		{name: "nothing samples", sampling: true, want: []string{"no processor odigostailsampling"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSite(t)
				const patience = 90 * time.Second
				run := s.takeover(InPlace{}, patience)
				s.open(run)
				s.settled()
				s.deploy(func(d *appsv1.Deployment) {
					container := &d.Spec.Template.Spec.Containers[0]
					container.Resources.Limits = resources(sized().Limits)
					container.Env[0].Value = "440MiB"
					if c.deployment != nil {
						c.deployment(d)
					}
				})
				if c.spoil != nil {
					c.spoil(s)
				}
				changes := []change{
					{After: settings{"limitCPUm": new(1000), "minReplicas": new(1)}},
					{Make: destinations, Name: "mine"},
					{Make: processors, Name: "mine"},
				}
				if c.sampling {
					changes = append(changes, change{Make: samplings, Name: "mine"})
				}
				began := time.Now()
				err := run.settle(t.Context(), run.wants(sized(), changes))
				took := time.Since(began)
				switch {
				case c.want == nil:
					if err != nil || took > time.Second || !strings.Contains(run.rendered(), stressExporter) {
						t.Errorf("settle = %v after %s, rendered %q", err, took, run.rendered())
					}
				case c.at:
					contains(t, "settle", err, c.want...)
					if took > time.Second {
						t.Errorf("it took %s, want it at once", took)
					}
				default:
					contains(t, "settle", err, append(c.want, "not within 1m30s")...)
					if took < patience || took > patience+time.Second {
						t.Errorf("it took %s, want %s", took, patience)
					}
				}
			})
		})
	}
}

// A wait ends when the changes were taken back by another.
func TestSettleOfALostRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t)
		run := s.takeover(InPlace{}, time.Hour)
		j := s.open(run)
		go func() {
			time.Sleep(5 * time.Minute) // the test's own time
			_ = s.removeJournal(t.Context(), j.uid)
			_ = j.beat(t.Context())
		}()
		err := run.settle(t.Context(), wanted{settings: settings{"limitCPUm": new(1)}})
		contains(t, "settle", err, "the journal of this run is gone")
	})
}

func TestTraceWays(t *testing.T) {
	exporters, processors, err := traceWays(siteRendered("a/b", "debug", "a/b", "c"))
	if diff := cmp.Diff([][]string{{"a/b", "c"}, {"batch"}}, [][]string{exporters, processors}); diff != "" || err != nil {
		t.Errorf("traceWays: %v (-want +got):\n%s", err, diff)
	}
	if exporters, _, err := traceWays("a: 1\n"); err != nil || exporters != nil {
		t.Errorf("of nothing: %v, %v", exporters, err)
	}
	_, _, err = traceWays("a: [")
	contains(t, "traceWays", err, "read YAML")
}
