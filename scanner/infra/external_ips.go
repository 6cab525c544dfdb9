package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var externalIPs = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-external-ips", Title: "Service with external addresses", Severity: scanner.Medium, URL: "https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips", Tags: []string{"kubernetes"},
		Help: "`externalIPs` takes traffic of the cluster to an address of choice away from whom it was meant for (CVE-2020-8554). Use a load balancer or a Gateway.",
	},
	Pillar: scanner.PillarFirewall,
	Object: func(p *Pass, o *kube.Object) {
		if o.Group == "" && o.Kind == "Service" {
			v := o.Get("spec", "externalIPs")
			p.report(o, ask(v, func(v inventory.Value) bool { return len(v.Elements()) > 0 }), v, "takes the traffic to addresses of its choice; remove externalIPs")
		}
	},
}
