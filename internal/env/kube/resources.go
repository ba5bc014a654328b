package kube

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// resources are limits as Kubernetes writes them: thousandths of a core, bytes.
func resources(l env.Limits) corev1.ResourceList {
	list := corev1.ResourceList{}
	if l.CPUCores > 0 {
		list[corev1.ResourceCPU] = *resource.NewMilliQuantity(
			max(1, int64(math.Round(l.CPUCores*1000))), resource.DecimalSI)
	}
	if l.MemoryBytes > 0 {
		list[corev1.ResourceMemory] = *resource.NewQuantity(l.MemoryBytes, resource.BinarySI)
	}
	return list
}
