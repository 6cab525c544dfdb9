package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// runtimeSockets are the sockets through which container runtimes are told what to run.
var runtimeSockets = nodePaths{
	trees: []string{"/var/run/containerd", "/run/containerd", "/var/run/crio", "/run/crio", "/var/run/podman", "/run/podman", "/run/k3s/containerd"},
	exact: []string{"/var/run/docker.sock", "/run/docker.sock", "/var/run/cri-dockerd.sock", "/run/cri-dockerd.sock"},
}

var runtimeSocket = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-runtime-socket", Title: "Pod that mounts the socket of the container runtime", Severity: scanner.Critical, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline", "nsa"},
		Help: "Who can talk to the runtime starts privileged containers on the node. Build images with a rootless builder; read what runs from the API of the cluster.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, v := range hostPaths(w) {
			if !v.IsUnknown() {
				p.report(&w.Object, runtimeSockets.has(v), v, "mounts the socket "+text(v)+" of the container runtime, which is root on the node; remove the volume")
			}
		}
	},
}
