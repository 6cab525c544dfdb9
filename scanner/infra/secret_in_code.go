package infra

import (
	"encoding/base64"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var secretInCode = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-secret-in-code", Title: "Secret whose content is in the repository", Severity: scanner.Medium, URL: hardeningGuide, Tags: []string{"kubernetes", "nsa"},
		Help: "base64 hides nothing. Keep secrets out of the repository: encrypt them (SOPS, sealed secrets), or let an operator fetch them from a store; and change those that were here.",
	},
	Object: func(p *Pass, o *kube.Object) {
		if o.Group != "" || o.Kind != "Secret" || !o.Get("sops").IsNull() {
			return
		}
		kind, _ := o.Get("type").Text()
		if kind == "kubernetes.io/service-account-token" {
			return // the cluster fills it
		}
		for _, field := range []string{"data", "stringData"} {
			for _, f := range o.Get(field).Fields() {
				if !aboutSecrets().MatchString(f.Name) && secretContent(f.Value, field == "data") {
					p.report(o, kube.Yes, f.Value, "has the content of "+f.Name+" in the repository; encrypt it or fetch it from a store, and change it")
					break // one finding for each list
				}
			}
		}
	},
}

// secretContent reports whether a value is one that somebody would want to hide.
func secretContent(v inventory.Value, encoded bool) bool {
	t, ok := v.Text()
	if !ok {
		return false
	}
	if encoded {
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(t)); err == nil {
			t = string(raw)
		}
	}
	return !placeholders().MatchString(strings.TrimSpace(t)) && !strings.HasPrefix(t, "ENC[") && !strings.HasPrefix(t, "vault:")
}
