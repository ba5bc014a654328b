package kube

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A CPU limit that is read from a cluster is the very number that the same text is as a flag, and
// that is written there: they are compared.
func TestAmountIsWhatWasAsked(t *testing.T) {
	for m := 1; m <= 4000; m++ {
		text := fmt.Sprintf("%dm", m)
		asked, err := scenario.ParseCPU(text)
		if err != nil {
			t.Fatal(err)
		}
		cpu := func(q resource.Quantity) float64 {
			return amount(corev1.ResourceList{corev1.ResourceCPU: q}).CPUCores
		}
		if got := cpu(resource.MustParse(text)); got != float64(asked) {
			t.Errorf("amount of %s = %v, want %v", text, got, float64(asked))
		}
		if got := amount(resources(env.Limits{CPUCores: float64(asked)})).CPUCores; got != float64(asked) {
			t.Errorf("amount of the resources of %s = %v, want %v", text, got, float64(asked))
		}
	}
}

// A variable that bears a container's own limit is rounded up to whole units, as kubelet does, and
// only where something is left over.
func TestOwnResourceIsRoundedUp(t *testing.T) {
	for _, c := range []struct{ resource, is, divisor, want string }{
		{"limits.cpu", "700m", "1m", "700"},
		{"limits.cpu", "700m", "1", "1"},
		{"limits.memory", "300Mi", "1Mi", "300"},
		{"limits.memory", "300Mi", "1Gi", "1"},
	} {
		limits := corev1.ResourceList{
			corev1.ResourceName(c.resource[len("limits."):]): resource.MustParse(c.is),
		}
		got, ok := ownResource(corev1.Container{
			Resources: corev1.ResourceRequirements{Limits: limits},
		}, corev1.ResourceFieldSelector{Resource: c.resource, Divisor: resource.MustParse(c.divisor)})
		if !ok || got != c.want {
			t.Errorf("%s of %s by %s = %q, %v; want %s", c.resource, c.is, c.divisor, got, ok, c.want)
		}
	}
}
