package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var namespacePodSecurity = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-namespace-pod-security", Title: "Namespace that enforces no Pod Security Standard", Severity: scanner.Info, URL: "https://kubernetes.io/docs/concepts/security/pod-security-admission/", Tags: []string{"kubernetes", "nsa"},
		Help: "With the label `pod-security.kubernetes.io/enforce` the cluster itself refuses pods that break the standard, whoever makes them.",
	},
	Object: func(p *Pass, o *kube.Object) {
		if o.Group != "" || o.Kind != "Namespace" || strings.HasPrefix(o.Name, "kube-") {
			return
		}
		v := o.Labels.Get("pod-security.kubernetes.io/enforce")
		if v.IsNull() {
			v = o.Get("metadata", "name")
			p.report(o, kube.Yes, v, "enforces no Pod Security Standard; add the label pod-security.kubernetes.io/enforce")
			return
		}
		p.report(o, isOneOf(v, "privileged"), v, "lets pods do everything; enforce baseline or restricted")
	},
}
