package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// safeSysctls are those that the baseline policy lets pods set.
var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
	"net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}

var unsafeSysctl = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-unsafe-sysctl", Title: "Pod that sets an unsafe parameter of the kernel", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "Parameters that have no namespace change the node for all pods. Set only those that are known to be safe.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, setting := range w.Pod.SecurityContext.Get("sysctls").Elements() {
			v := setting.Get("name")
			p.report(&w.Object, isOtherThan(v, safeSysctls...), v, "sets the kernel parameter "+text(v)+", which may change the node for others; remove it")
		}
	},
}
