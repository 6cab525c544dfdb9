package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var capabilitiesNotDropped = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-capabilities-not-dropped", Title: "Container that keeps the default capabilities", Severity: scanner.Low, URL: podSecurity, Tags: []string{"kubernetes", "pss-restricted", "nsa"},
		Help: "Few programs need any of the capabilities that a runtime gives. Drop ALL, and add NET_BIND_SERVICE back for ports below 1024.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if windows(w) {
			return
		}
		dropped := c.SecurityContext.Get("capabilities", "drop")
		var fix *change
		if c.SecurityContext.Get("capabilities").IsNull() && (isTrue(inContext(w, c, "runAsNonRoot")) == kube.Yes || userNamed(w, c)) {
			// what starts as root often needs some of them to become somebody else
			fix = addToContext(c, "drop what programs seldom need", "capabilities:", "  drop: [ALL]")
		}
		p.report(&w.Object, hasAll(dropped).Not(), or(dropped, c), "keeps the default capabilities of "+named(c)+"; drop ALL in securityContext.capabilities", fix)
	},
}

// hasAll asks whether a list of capabilities has ALL, in the spelling of the standard.
func hasAll(list inventory.Value) kube.Truth {
	answer := kube.No
	for _, e := range list.Elements() {
		answer = answer.Or(isOneOf(e, "ALL"))
	}
	return answer
}
