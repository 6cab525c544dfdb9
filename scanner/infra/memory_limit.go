package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var memoryLimit = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-memory-limit", Title: "Container without a limit of memory", Severity: scanner.Low, URL: hardeningGuide, Tags: []string{"kubernetes", "nsa"},
		Help: "A container without a limit takes the memory of its neighbours, and the kernel then stops some of them. Set `resources.limits.memory`, or a LimitRange in the namespace.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if c.Role == kube.RoleEphemeral || p.limited(w) {
			return
		}
		v := c.Values.Get("resources", "limits", "memory")
		p.report(&w.Object, isWritten(v).Not(), or(v, c), "sets no limit to the memory of "+named(c)+"; set resources.limits.memory")
	},
}

// limited reports whether the namespace of a workload has a LimitRange, which sets limits where none are written.
func (p *Pass) limited(w *kube.Workload) bool {
	for _, o := range p.Others {
		if o.Kind == "LimitRange" && o.Group == "" && o.SameNamespace(&w.Object) != kube.No {
			return true
		}
	}
	return false
}
