package kube

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
)

// owners are the field managers of an object.
func owners(o metav1.Object) (all []string) {
	for _, f := range o.GetManagedFields() {
		all = append(all, f.Manager)
	}
	return all
}

// Whoever applied an object on the server applies it again after a run without a conflict: the tool
// owns no field any more.
func TestOthersApplyAgainAfterARun(t *testing.T) {
	s := newTestSite(t)
	other := theirs.DeepCopy()
	other.SetManagedFields([]metav1.ManagedFieldsEntry{
		{Manager: "helm", Operation: metav1.ManagedFieldsOperationApply},
		{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate}, // as the API server adds it
	})
	s.put(destinations, other)
	apply := func(force bool) error {
		_, err := s.core.CoreV1().ConfigMaps(odigosNamespace).Apply(t.Context(),
			coreac.ConfigMap(odigosConfiguration, odigosNamespace).
				WithData(map[string]string{odigosSettingsKey: siteConfiguration}),
			metav1.ApplyOptions{FieldManager: "helm", Force: force})
		return err
	}
	if err := apply(true); err != nil {
		t.Fatal(err)
	}
	run := s.takeover(InPlace{}, time.Minute)
	s.changed(run)
	if apply(false) == nil {
		t.Error("an apply during the run has no conflict: the check is blind")
	}
	if err := run.giveBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := apply(false); err != nil {
		t.Errorf("an apply after the run: %v", err)
	}
	d, err := s.custom(destinations).Get(t.Context(), "theirs", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"helm"}, owners(d)); diff != "" {
		t.Errorf("managers of the Destination (-want +got):\n%s", diff)
	}
}

func TestDisowned(t *testing.T) {
	for _, c := range []struct {
		managers, want []string
		did            bool
	}{
		{[]string{"helm"}, []string{"helm"}, false},
		{[]string{"helm", manager, "kubectl"}, []string{"helm", "kubectl"}, true},
		{[]string{manager}, []string{""}, true},
		{nil, nil, false},
	} {
		o := &metav1.ObjectMeta{}
		for _, name := range c.managers {
			o.ManagedFields = append(o.ManagedFields, metav1.ManagedFieldsEntry{Manager: name})
		}
		if did := disowned(o); did != c.did || cmp.Diff(c.want, owners(o)) != "" {
			t.Errorf("disowned(%q) = %v, %q; want %v, %q", c.managers, did, owners(o), c.did, c.want)
		}
	}
}
