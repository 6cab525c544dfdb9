package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var seLinuxOptions = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-selinux-options", Title: "Container with a type, user or role of SELinux of its own", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "Other types than those for containers, such as spc_t, are not confined. Leave `user` and `role` out, and the type to the runtime.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, f := range everywhere(w, "seLinuxOptions", "type") {
			p.report(&w.Object, isOtherThan(f.value, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"), f.value, "runs "+f.who+" with the SELinux type "+text(f.value)+", which is not one for containers; remove it")
		}
		for _, field := range []string{"user", "role"} {
			for _, f := range everywhere(w, "seLinuxOptions", field) {
				p.report(&w.Object, isOtherThan(f.value, ""), f.value, "runs "+f.who+" with the SELinux "+field+" "+text(f.value)+"; remove it")
			}
		}
	},
}
