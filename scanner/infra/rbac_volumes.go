package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacVolumes = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-volumes", Title: "Role that makes persistent volumes", Severity: scanner.Medium, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "A PersistentVolume may be a folder of a node. Let storage classes make volumes.",
	},
	Role: func(p *Pass, r *role) {
		r.firstClusterGrant(p, "", []string{"persistentvolumes"}, []string{"create"}, "makes persistent volumes, which may be folders of a node; let a storage class make them")
	},
}
