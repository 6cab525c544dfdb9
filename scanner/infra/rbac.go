package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// role is a Role or ClusterRole.
type role struct {
	*kube.Object
	cluster bool
	grants  []grant
}

// grant is one rule of a role.
type grant struct {
	groups, resources, verbs, names inventory.Value
	at                              inventory.Value // what a finding about it points at
}

// binding is a RoleBinding or ClusterRoleBinding.
type binding struct {
	*kube.Object
	cluster  bool
	role     inventory.Value // its name
	roleKind string
	subjects []subject
}

type subject struct {
	kind, name, namespace inventory.Value
}

// builtIn reports whether the cluster brings the object itself.
func builtIn(o *kube.Object) bool {
	defaults, _ := o.Labels.Get("kubernetes.io/bootstrapping").Text()
	return strings.HasPrefix(o.Name, "system:") || defaults == "rbac-defaults"
}

func newRole(o *kube.Object) *role {
	r := &role{Object: o, cluster: o.Kind == "ClusterRole"}
	for _, v := range o.Get("rules").Elements() {
		if v.Kind() != inventory.Map && !v.IsUnknown() {
			continue
		}
		g := grant{groups: v.Get("apiGroups"), resources: v.Get("resources"), verbs: v.Get("verbs"), names: v.Get("resourceNames"), at: v}
		if !g.verbs.IsNull() {
			g.at = g.verbs
		}
		r.grants = append(r.grants, g)
	}
	return r
}

func newBinding(o *kube.Object) *binding {
	b := &binding{Object: o, cluster: o.Kind == "ClusterRoleBinding", role: o.Get("roleRef", "name")}
	b.roleKind, _ = o.Get("roleRef", "kind").Text()
	for _, v := range o.Get("subjects").Elements() {
		b.subjects = append(b.subjects, subject{v.Get("kind"), v.Get("name"), v.Get("namespace")})
	}
	return b
}

// allows asks whether a grant lets somebody do one of verbs to one of resources of a group; "*" stands for all of them.
func (g grant) allows(group string, resources, verbs []string) kube.Truth {
	wanted := []string{"*"}
	for _, r := range resources {
		wanted = append(wanted, r)
		if base, sub, ok := strings.Cut(r, "/"); ok {
			wanted = append(wanted, "*/"+sub, base+"/*")
		}
	}
	return contains(g.groups, group, "*").And(contains(g.resources, wanted...)).And(contains(g.verbs, append([]string{"*"}, verbs...)...))
}

// everything asks whether a grant is one of everything.
func (g grant) everything() kube.Truth {
	return contains(g.groups, "*").And(contains(g.resources, "*")).And(contains(g.verbs, "*"))
}

// reach says how far a role goes.
func (r *role) reach() string {
	if r.cluster {
		return " in the whole cluster"
	}
	return " in its namespace"
}

// firstGrant reports the first grant of a role that allows what is asked, apart from those of every resource, of which other rules
// speak, and from those that name what they are for.
func (r *role) firstGrant(p *Pass, group string, resources, verbs []string, message string) {
	for _, g := range r.grants {
		if contains(g.resources, "*") == kube.Yes || isWritten(g.names) == kube.Yes {
			continue
		}
		if allowed := g.allows(group, resources, verbs); allowed != kube.No {
			p.report(r.Object, allowed, g.at, message)
			return
		}
	}
}

// firstClusterGrant is firstGrant for resources that stand in no namespace: a Role can't allow them.
func (r *role) firstClusterGrant(p *Pass, group string, resources, verbs []string, message string) {
	if r.cluster {
		r.firstGrant(p, group, resources, verbs, message)
	}
}

// rbacPractices is the page on good practice that the rules on access follow.
const rbacPractices = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
