package kube

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

var errAnswerLost = errors.New("the connection was lost")

// What others did in the moment before a change stays as they did it, though it looks like the
// change: that was refused, and nobody takes it back. What may have been made is taken back.
func TestRefusedChangeIsNotTakenBack(t *testing.T) {
	theirsOff := odigosObject("Destination", "theirs", map[string]any{"type": "otlp", "disabled": true})
	for _, c := range []struct {
		name   string
		entry  int // of changesForTest
		before func(s *testSite)
		after  func(s *testSite) // the change was tried
		want   string            // empty: it is made
		stays  bool              // as it is then; else as it was found
	}{
		{
			name: "disabled by its owner", entry: 1, want: "spec.disabled is true", stays: true,
			before: func(s *testSite) { s.put(destinations, theirsOff.DeepCopy()) },
		},
		{
			name: "sized by its owner", entry: 0, want: "somebody changed it just now", stays: true,
			before: func(s *testSite) {
				s.set("limitCPUm", new(1000))
				s.set("maxReplicas", new(9))
			},
		},
		{
			name: "made by another", entry: 2, want: "there is one of that name", stays: true,
			before: func(s *testSite) { s.put(processors, odigosObject("Processor", "mine", nil)) },
		},
		{
			name: "forbidden, and then disabled by its owner", entry: 1, want: "not allowed", stays: true,
			before: func(s *testSite) { s.refuseOnce("update", destinations, forbidden) },
			after:  func(s *testSite) { s.put(destinations, theirsOff.DeepCopy()) },
		},
		{
			name: "gone", entry: 1, want: "not found", stays: true,
			before: func(s *testSite) {
				if err := s.custom(destinations).Delete(s.t.Context(), "theirs", metav1.DeleteOptions{}); err != nil {
					s.t.Fatal(err)
				}
			},
		},
		{
			name: "made, and the answer was lost", entry: 1, want: "the connection was lost",
			before: func(s *testSite) { s.loseAnswer("update", destinations, errAnswerLost) },
		},
		{
			name: "made twice, since the first answer was lost", entry: 2,
			before: func(s *testSite) {
				s.loseAnswer("create", processors,
					apierrors.NewAlreadyExists(odigosResource(processors).GroupResource(), "mine"))
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSite(t, theirs.DeepCopy())
			found := s.state()
			run := s.takeover(InPlace{}, time.Minute)
			change := changesForTest(s, run)[c.entry]
			j := s.open(run)
			if c.before != nil {
				c.before(s)
			}
			err := run.make(t.Context(), change)
			if c.want != "" {
				contains(t, "make", err, c.want)
			} else if err != nil {
				t.Errorf("make: %v", err)
			}
			if c.after != nil {
				c.after(s)
			}
			want := found
			if c.stays {
				want = s.state()
				m, err := s.journal(t.Context())
				if err != nil || len(m.Data) > 0 || len(j.written) > 0 {
					t.Errorf("journal %v, %v; want the entry struck out", m, err)
				}
			}
			if err := run.giveBack(t.Context()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, s.state()); diff != "" {
				t.Errorf("the installation (-want +got):\n%s", diff)
			}
		})
	}
}

var forbidden = apierrors.NewForbidden(odigosResource(destinations).GroupResource(), "theirs",
	errors.New("not allowed"))

// refuseOnce has the next such request answered with an error, and not done.
func (s *testSite) refuseOnce(verb, resource string, err error) {
	s.once(verb, resource, func(clienttesting.Action) error { return err })
}

// loseAnswer has the next such request done, and answered with an error.
func (s *testSite) loseAnswer(verb, resource string, err error) {
	s.once(verb, resource, func(a clienttesting.Action) error {
		if _, _, failed := clienttesting.ObjectReaction(s.odigos.Tracker())(a); failed != nil {
			return failed
		}
		return err
	})
}

func (s *testSite) once(verb, resource string, do func(clienttesting.Action) error) {
	done := false
	intercept(&s.odigos.Fake, verb, resource,
		func(a clienttesting.Action) (bool, runtime.Object, error) {
			if done {
				return false, nil, nil
			}
			done = true
			return true, &unstructured.Unstructured{}, do(a)
		})
}
