package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// appArmorAnnotation begins the annotations that chose a profile before there was a field
// (https://kubernetes.io/docs/tutorials/security/apparmor/).
const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/"

var appArmorDisabled = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-apparmor-disabled", Title: "Container without the profile of AppArmor", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "The runtime's profile keeps a container from what none needs. Leave the profile out, or set it to RuntimeDefault or Localhost.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, f := range everywhere(w, "appArmorProfile", "type") {
			p.report(&w.Object, isOtherThan(f.value, "RuntimeDefault", "Localhost"), f.value, "turns AppArmor off for "+f.who+"; set appArmorProfile.type to RuntimeDefault",
				replace(f.value, "RuntimeDefault", "use the profile of the runtime"))
		}
		for _, f := range w.Pod.Annotations.Fields() {
			if !strings.HasPrefix(f.Name, appArmorAnnotation) {
				continue
			}
			off := ask(f.Value, func(v inventory.Value) bool {
				profile, ok := v.Text()
				return ok && profile != "" && profile != "runtime/default" && !strings.HasPrefix(profile, "localhost/")
			})
			p.report(&w.Object, off, f.Value, "turns AppArmor off for container "+strings.TrimPrefix(f.Name, appArmorAnnotation)+"; set the annotation to runtime/default",
				replace(f.Value, "runtime/default", "use the profile of the runtime"))
		}
	},
}
