package infra

import (
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var hostPath = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-host-path", Title: "Pod that mounts a folder of the node", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "A folder of the node is shared with everything else on it. Use a volume that the cluster manages, such as a claim, an emptyDir or a projected volume.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, v := range hostPaths(w) {
			if runtimeSockets.has(v) == kube.No && sensitivePaths.has(v) == kube.No {
				p.report(&w.Object, isWritten(v), v, "mounts the folder "+text(v)+" of the node; use a volume of the cluster")
			}
		}
	},
}

// hostPaths returns the paths of the node that a pod mounts.
func hostPaths(w *kube.Workload) []inventory.Value {
	var paths []inventory.Value
	for _, volume := range w.Pod.Volumes.Elements() {
		if mount := volume.Get("hostPath"); !mount.IsNull() && !volume.IsRest() {
			at := mount.Get("path")
			if at.IsNull() {
				at = mount
			}
			paths = append(paths, at)
		}
	}
	return paths
}

// nodePaths are paths of a node: folders with all below them, and others that stand for themselves alone.
type nodePaths struct{ trees, exact []string }

// has asks whether a path is one of them.
func (n nodePaths) has(v inventory.Value) kube.Truth {
	return ask(v, func(v inventory.Value) bool {
		name, ok := v.Text()
		if !ok || name == "" {
			return false
		}
		name = path.Clean(name)
		return slices.Contains(n.exact, name) || slices.ContainsFunc(n.trees, func(tree string) bool {
			return name == tree || strings.HasPrefix(name, tree+"/")
		})
	})
}
