package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// sensitivePaths are folders of a node whose content is as good as the node: its root, configuration, credentials and
// the state of the kubelet.
var sensitivePaths = nodePaths{
	trees: []string{
		"/etc", "/root", "/home", "/proc", "/boot", "/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd", "/var/lib/etcd", "/usr", "/bin", "/sbin",
	},
	exact: []string{"/", "/sys", "/dev", "/var", "/var/lib", "/var/run", "/run", "/lib"},
}

var sensitiveHostPath = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-sensitive-host-path", Title: "Pod that mounts a sensitive folder of the node", Severity: scanner.High, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline", "nsa"},
		Help: "These folders hold the node's configuration, its credentials or the files of other pods; who writes there has the node. Mount what is needed and nothing above it, read-only.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, v := range hostPaths(w) {
			if !v.IsUnknown() && runtimeSockets.has(v) == kube.No {
				p.report(&w.Object, sensitivePaths.has(v), v, "mounts "+text(v)+" of the node, which holds its configuration or credentials; use a volume of the cluster")
			}
		}
	},
}
