package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var serviceAccountToken = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-service-account-token", Title: "Pod with a token of the cluster that nothing asks for", Severity: scanner.Low, URL: hardeningGuide, Tags: []string{"kubernetes", "nsa"},
		Help: "Every pod gets a token of its service account. One that names no account of its own seldom talks to the API: set `automountServiceAccountToken: false`, so that whoever gets in finds none.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		name := isOtherThan(w.Pod.ServiceAccount, "", "default")
		v := w.Pod.Spec.Get("automountServiceAccountToken")
		if name == kube.Yes || !v.IsNull() && isNotFalse(v) == kube.No || len(w.Pod.Containers) == 0 {
			return // an account of its own is there to be used
		}
		if v.IsNull() {
			for _, account := range p.serviceAccounts {
				if account.Name == "default" && account.SameNamespace(&w.Object) != kube.No && isNotFalse(account.Get("automountServiceAccountToken")) == kube.No {
					return
				}
			}
			v = spec(w)
		}
		p.report(&w.Object, isNotFalse(v).And(name.Not()), v, "mounts the token of the default service account; set automountServiceAccountToken to false")
	},
}
