package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var restrictedCapabilities = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-restricted-capabilities", Title: "Container with more than the capability to bind low ports", Severity: scanner.Low, URL: podSecurity, Tags: []string{"kubernetes", "pss-restricted"},
		Help: "The restricted policy lets containers add NET_BIND_SERVICE and no other capability.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if windows(w) {
			return
		}
		for _, v := range c.SecurityContext.Get("capabilities", "add").Elements() {
			if capabilityBeyond(v, harmless) == kube.No { // of the others another rule speaks
				p.report(&w.Object, capabilityBeyond(v, []string{"NET_BIND_SERVICE"}), v, "gives "+named(c)+" the capability "+text(v)+"; remove it")
			}
		}
	},
}
