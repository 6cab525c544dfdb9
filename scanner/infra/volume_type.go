package infra

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// clusterVolumes are the kinds of volumes that the restricted policy allows.
var clusterVolumes = []string{"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image"}

var volumeType = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-volume-type", Title: "Volume that the cluster does not manage", Severity: scanner.Low, URL: podSecurity, Tags: []string{"kubernetes", "pss-restricted"},
		Help: "A volume that names a disk or a server goes past the access control of the cluster. Use a PersistentVolumeClaim.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, volume := range w.Pod.Volumes.Elements() {
			for _, f := range volume.Fields() {
				if f.Name != "hostPath" && !slices.Contains(clusterVolumes, f.Name) { // other rules speak of hostPath
					p.report(&w.Object, isWritten(f.Value), f.Value, "mounts a volume of the kind "+f.Name+"; use a PersistentVolumeClaim")
				}
			}
		}
	},
}
