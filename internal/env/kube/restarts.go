package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// followRestarts says when kubelet has started a container again. That the one before ended
// is in the state of its instance; what comes after it in the same pod is in none.
func (k *Kube) followRestarts(ctx context.Context, say func(said)) {
	seen := map[types.UID]string{} // the container of each pod
	for {
		pods, changed := k.table.living()
		for _, p := range pods {
			life, runs := incarnationOf(p, p.Labels[labelComponent])
			before := seen[p.UID]
			if !runs || before == life.id {
				continue
			}
			seen[p.UID] = life.id
			if before != "" {
				say(said{Happening: k.restarted(p, life)})
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (k *Kube) restarted(p *corev1.Pod, life incarnation) env.Happening {
	s := statusOfContainer(p, life.container)
	text := fmt.Sprintf("kubelet started the container again, restart %d", s.RestartCount)
	if end := s.LastTerminationState.Terminated; end != nil {
		text += fmt.Sprintf(": the one before ended at %s, %s, exit code %d",
			end.FinishedAt.UTC().Format("15:04:05"), orUnknown(end.Reason), end.ExitCode)
	}
	about := corev1.ObjectReference{Kind: string(kindPod), Name: p.Name}
	return env.Happening{
		At: life.began, Actor: k.memberOf(life.container, about), Text: text + " (Pod " + p.Name + ")",
	}
}

func orUnknown(reason string) string {
	if reason == "" {
		return "why is not known"
	}
	return reason
}
