package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var ingressWithoutTLS = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-ingress-without-tls", Title: "Ingress without TLS", Severity: scanner.Medium, URL: "https://kubernetes.io/docs/concepts/services-networking/ingress/#tls", Tags: []string{"kubernetes", "nsa"},
		Help: "What goes through it can be read and changed on the way. Add `spec.tls`, or the certificate of the load balancer in its annotation.",
	},
	Pillar: scanner.PillarFirewall,
	Object: func(p *Pass, o *kube.Object) {
		if o.Kind != "Ingress" || o.Group != "networking.k8s.io" && o.Group != "extensions" {
			return
		}
		for _, f := range o.Annotations.Fields() {
			for _, certificate := range certificateAnnotations {
				if strings.HasPrefix(f.Name, certificate) {
					return
				}
			}
		}
		tls := o.Get("spec", "tls")
		v := o.Get("spec")
		p.report(o, isWritten(tls).Not(), inventory.NullValue(v.Location()), "takes requests without TLS; add spec.tls")
	},
}

// certificateAnnotations begin the annotations by which controllers are given a certificate outside of spec.tls.
var certificateAnnotations = []string{
	"alb.ingress.kubernetes.io/certificate-arn", "alb.ingress.kubernetes.io/listen-ports", "networking.gke.io/managed-certificates",
	"ingress.gcp.kubernetes.io/pre-shared-cert", "networking.gke.io/v1beta1.FrontendConfig", "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
	"haproxy.org/ssl-certificate", "traefik.ingress.kubernetes.io/router.tls",
}
