package infra

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// Questions about one value. What is not known answers Maybe, unless all that it can be agrees.

// ask answers a question about a value whose answer for a known value, Null included, is given.
func ask(v inventory.Value, known func(inventory.Value) bool) kube.Truth {
	answer := kube.No
	switch {
	case v.IsUnknown() && len(v.Candidates()) == 0:
		return kube.Maybe
	case v.IsUnknown():
		seen := [3]bool{}
		for _, c := range v.Candidates() {
			seen[ask(c, known)] = true
		}
		switch {
		case seen[kube.Maybe] || seen[kube.Yes] && seen[kube.No]:
			return kube.Maybe
		case seen[kube.Yes]:
			answer = kube.Yes
		}
	case known(v):
		answer = kube.Yes
	}
	if v.IsMaybe() {
		return answer.And(kube.Maybe)
	}
	return answer
}

// isTrue asks whether a switch is on; what is not written is off.
func isTrue(v inventory.Value) kube.Truth {
	return ask(v, func(v inventory.Value) bool { b, _ := v.Bool(); return b })
}

// isNotTrue asks whether a switch is off or not written.
func isNotTrue(v inventory.Value) kube.Truth {
	return ask(v, func(v inventory.Value) bool { b, _ := v.Bool(); return !b })
}

// isNotFalse asks whether a switch is on or not written.
func isNotFalse(v inventory.Value) kube.Truth {
	return ask(v, func(v inventory.Value) bool { b, ok := v.Bool(); return !ok || b })
}

// isWritten asks whether a value is there.
func isWritten(v inventory.Value) kube.Truth {
	return ask(v, func(v inventory.Value) bool { return !v.IsNull() })
}

// isOneOf asks whether a text is one of some; what is not written is none.
func isOneOf(v inventory.Value, texts ...string) kube.Truth {
	return ask(v, func(v inventory.Value) bool {
		t, ok := v.Text()
		return ok && slices.Contains(texts, t)
	})
}

// isOtherThan asks whether a text is written and is none of some.
func isOtherThan(v inventory.Value, texts ...string) kube.Truth {
	return ask(v, func(v inventory.Value) bool {
		t, ok := v.Text()
		return ok && !slices.Contains(texts, t)
	})
}

// contains asks whether a list has an element that is one of some texts, in whichever case they are written.
func contains(list inventory.Value, texts ...string) kube.Truth {
	answer := kube.No
	for _, e := range list.Elements() {
		answer = answer.Or(ask(e, func(v inventory.Value) bool {
			t, ok := v.Text()
			return ok && slices.ContainsFunc(texts, func(want string) bool { return strings.EqualFold(want, t) })
		}))
	}
	return answer
}

// text returns a known text, or what stands for one that is not known.
func text(v inventory.Value) string {
	if t, ok := v.Text(); ok {
		return t
	}
	return "of a value that is not known"
}

// inContext returns a field of the security context of a container, or else that of its pod: what the kubelet applies.
func inContext(w *kube.Workload, c *kube.Container, path ...string) inventory.Value {
	own := c.SecurityContext.Get(path...)
	if !own.IsNull() {
		return own
	}
	if pod := w.Pod.SecurityContext.Get(path...); !pod.IsNull() {
		return pod
	}
	return inventory.NullValue(here(c))
}

// userNamed asks whether the code itself says that a container runs as somebody else than root.
func userNamed(w *kube.Workload, c *kube.Container) bool {
	v := inContext(w, c, "runAsUser")
	return !v.IsNull() && isOneOf(v, "0") == kube.No
}

// here is where a finding about what a container does not say stands: the line of its name.
func here(c *kube.Container) inventory.Location {
	if name := c.Values.Get("name"); !name.IsNull() {
		return name.Location()
	}
	return c.Values.Location()
}

// absent returns a value that is not written, at the line of the container.
func absent(c *kube.Container) inventory.Value { return inventory.NullValue(here(c)) }

// or places a value that is not written at the container.
func or(v inventory.Value, c *kube.Container) inventory.Value {
	if v.IsNull() {
		return v.At(here(c))
	}
	return v
}

// spec is where a finding about what a pod does not say stands.
func spec(w *kube.Workload) inventory.Value {
	if at := w.Pod.Spec.Location(); at.Line > 0 {
		return inventory.NullValue(at)
	}
	return inventory.NullValue(w.Resource.Location)
}

// windows asks whether a pod says that it runs on Windows: the standard excepts it from what only Linux has
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
func windows(w *kube.Workload) bool {
	name, _ := w.Pod.Spec.Get("os", "name").Text()
	return name == "windows"
}

// userNamespaces asks whether a pod has user namespaces of its own, in which root is nobody: the standard then excepts it
// from the rules about root.
func userNamespaces(w *kube.Workload) bool {
	host, ok := w.Pod.Spec.Get("hostUsers").Bool()
	return ok && !host
}

// named says which container it is.
func named(c *kube.Container) string {
	if c.Name == "" {
		return "a container"
	}
	return "container " + c.Name
}

// contextField is one field of a security context with what it holds for.
type contextField struct {
	value inventory.Value
	who   string
}

// everywhere returns a field of the security context of a pod and of each of its containers, where it is written.
func everywhere(w *kube.Workload, path ...string) []contextField {
	var fields []contextField
	if v := w.Pod.SecurityContext.Get(path...); !v.IsNull() {
		fields = append(fields, contextField{v, "its containers"})
	}
	for i := range w.Pod.Containers {
		c := &w.Pod.Containers[i]
		if v := c.SecurityContext.Get(path...); !v.IsNull() {
			fields = append(fields, contextField{v, named(c)})
		}
	}
	return fields
}

// addToContext adds fields to the security context of a container.
func addToContext(c *kube.Container, message string, fields ...string) *change {
	if c.SecurityContext.IsNull() {
		lines := []string{"securityContext:"}
		for _, f := range fields {
			lines = append(lines, "  "+f)
		}
		return add(c.Values.Get("name"), message, lines...)
	}
	for _, f := range c.SecurityContext.Fields() {
		if _, ok := f.Value.Text(); ok {
			return add(f.Value, message, fields...)
		}
	}
	return nil
}
