package infra

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// harmless are the capabilities that the baseline policy lets containers add.
var harmless = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

var addedCapabilities = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-added-capabilities", Title: "Container with capabilities beyond the default ones", Severity: scanner.High, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "Capabilities such as SYS_ADMIN or NET_ADMIN reach out of the container. Add none but those that a runtime gives anyway.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		for _, v := range c.SecurityContext.Get("capabilities", "add").Elements() {
			p.report(&w.Object, capabilityBeyond(v, harmless), v, "gives "+named(c)+" the capability "+text(v)+", which reaches out of the container; remove it")
		}
	},
}

// capabilityBeyond asks whether a capability is none of some, in the spelling of the standard: others are refused.
func capabilityBeyond(v inventory.Value, allowed []string) kube.Truth {
	return ask(v, func(v inventory.Value) bool {
		name, ok := v.Text()
		return ok && !slices.Contains(allowed, name)
	})
}
