package kube

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// grantable are the rights of a role that is proposed: those that a run needs, and of those that
// it can do without the ones that are granted already. A role of the proposed name that is there
// is replaced by who applies it, and must not lose any.
func grantable(answers []answer) (all []right) {
	for _, x := range answers {
		if x.allowed || x.right.without == "" {
			all = append(all, x.right)
		}
	}
	return all
}

// denied names each missing verb on each resource, and roles that would grant them, bound to
// the user where that is known.
func (k *Kube) denied(ctx context.Context, missing, all []right, namespace string) error {
	lines := make([]string, 0, len(missing))
	hint := ""
	for _, r := range missing {
		lines = append(lines, "  "+r.String())
		if r.resource == "namespaces" {
			hint = "Or name a namespace that exists, in which you have rights.\n"
		}
	}
	p := proposal{name: roleName, rights: all, namespace: namespace, user: k.user(ctx)}
	if namespace != k.naming.namespace { // what a run needs stays as it is
		p.name = roleName + "-in-place"
	}
	if k.own && namespace == k.naming.namespace {
		p.namespace = "" // it is not there, and the next run's has another name
	}
	text, err := p.text()
	if err != nil {
		return err
	}
	grants := "This would grant them, by kubectl apply"
	if p.user == "" {
		grants = "This would grant them, bound to you"
	}
	return fmt.Errorf("use %s: %d rights that a run in namespace %s needs are missing:\n%s\n"+
		"%s%s:\n%s", k.access.where, len(missing), namespace, strings.Join(lines, "\n"), hint, grants,
		text)
}

// user is who asks, as the API server has it; empty where it does not say.
func (k *Kube) user(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	said, err := k.access.client.AuthenticationV1().SelfSubjectReviews().Create(ctx,
		&authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return k.o.Cluster.As
	}
	return cmp.Or(said.Status.UserInfo.Username, k.o.Cluster.As)
}

// roleName is that of the roles that the tool proposes.
const roleName = manager

// A proposal is roles of one name that grant rights. Without a namespace one ClusterRole has all;
// in one what is of it is in a Role. A user gets a binding to each.
type proposal struct {
	name      string
	rights    []right
	namespace string
	user      string
}

// text is what kubectl apply takes.
func (p proposal) text() (string, error) {
	var inNamespace, inCluster []right
	for _, r := range p.rights {
		if r.cluster || p.namespace == "" {
			inCluster = append(inCluster, r)
		} else {
			inNamespace = append(inNamespace, r)
		}
	}
	var objects []any
	if len(inNamespace) > 0 {
		objects = append(objects, rbacv1.Role{
			TypeMeta: ofRBAC("Role"), Rules: rules(inNamespace),
			ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: p.namespace},
		})
		if p.user != "" {
			objects = append(objects, rbacv1.RoleBinding{
				TypeMeta: ofRBAC("RoleBinding"), RoleRef: p.roleRef("Role"), Subjects: p.subjects(),
				ObjectMeta: metav1.ObjectMeta{Name: p.binding(), Namespace: p.namespace},
			})
		}
	}
	if len(inCluster) > 0 {
		objects = append(objects, rbacv1.ClusterRole{
			TypeMeta: ofRBAC("ClusterRole"), Rules: rules(inCluster),
			ObjectMeta: metav1.ObjectMeta{Name: p.name},
		})
		if p.user != "" {
			objects = append(objects, rbacv1.ClusterRoleBinding{
				TypeMeta: ofRBAC("ClusterRoleBinding"), RoleRef: p.roleRef("ClusterRole"),
				Subjects: p.subjects(), ObjectMeta: metav1.ObjectMeta{Name: p.binding()},
			})
		}
	}
	texts := make([]string, 0, len(objects))
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return "", fmt.Errorf("write a role: %w", err)
		}
		texts = append(texts, strings.ReplaceAll(string(text), "  creationTimestamp: null\n", ""))
	}
	return strings.Join(texts, "---\n"), nil
}

func ofRBAC(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}

func (p proposal) roleRef(kind string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: p.name}
}

// binding is the name of a binding of the user's own: one of another's is not replaced.
func (p proposal) binding() string {
	return p.name + ":" + strings.NewReplacer("/", "-", "%", "-").Replace(p.user)
}

// subjects are the user, or the service account that it stands for.
func (p proposal) subjects() []rbacv1.Subject {
	account, ok := strings.CutPrefix(p.user, "system:serviceaccount:")
	if namespace, name, both := strings.Cut(account, ":"); ok && both {
		return []rbacv1.Subject{{
			Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name,
		}}
	}
	return []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: p.user}}
}

// rules gathers the verbs of each resource.
func rules(rights []right) []rbacv1.PolicyRule {
	verbs := map[right][]string{}
	for _, r := range rights {
		of := right{group: r.group, resource: r.resource, sub: r.sub}
		verbs[of] = append(verbs[of], r.verb)
	}
	of := slices.SortedFunc(maps.Keys(verbs), func(a, b right) int {
		return strings.Compare(a.String(), b.String())
	})
	all := make([]rbacv1.PolicyRule, 0, len(of))
	for _, r := range of {
		resource := r.resource
		if r.sub != "" {
			resource += "/" + r.sub
		}
		all = append(all, rbacv1.PolicyRule{
			APIGroups: []string{r.group}, Resources: []string{resource}, Verbs: verbs[r],
		})
	}
	return all
}
