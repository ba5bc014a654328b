package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// followScaling says what the conditions of the gateway's autoscaler come to, until ctx
// ends. Its decisions are among the events.
func (k *Kube) followScaling(ctx context.Context, say func(said)) {
	before := map[string]*autoscalingv2.HorizontalPodAutoscaler{}
	for {
		k.scales.mu.Lock()
		now, changed := maps.Clone(k.scales.scalers), k.scales.changed
		k.scales.mu.Unlock()
		for _, name := range slices.Sorted(maps.Keys(now)) {
			for _, h := range scalerChanges(before[name], now[name]) {
				say(said{Happening: h, of: h.Text, times: 1})
			}
		}
		before = now
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// scalerChanges are the conditions whose status or reason has changed. Of an autoscaler
// that is seen for the first time they are those that keep it from doing what it wants.
func scalerChanges(before, now *autoscalingv2.HorizontalPodAutoscaler) (all []env.Happening) {
	for _, c := range now.Status.Conditions {
		if before == nil {
			bad := corev1.ConditionFalse
			if c.Type == autoscalingv2.ScalingLimited {
				bad = corev1.ConditionTrue
			}
			if c.Status != bad {
				continue
			}
		} else if i := slices.IndexFunc(before.Status.Conditions,
			func(b autoscalingv2.HorizontalPodAutoscalerCondition) bool { return b.Type == c.Type },
		); i >= 0 {
			was := before.Status.Conditions[i]
			if was.Status == c.Status && was.Reason == c.Reason {
				continue
			}
		}
		at := c.LastTransitionTime.Time
		all = append(all, env.Happening{At: at, Actor: gatewayActor, Text: strings.TrimRight(
			fmt.Sprintf("%s is %s: %s: %s", c.Type, c.Status, c.Reason, c.Message), ": ") +
			" (" + kindAutoscaler + " " + now.Name + ")"})
	}
	return all
}
