package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var composeUnconfined = Check{
	Rule: scanner.Rule{
		ID: "compose-unconfined", Title: "Service whose confinement is switched off", Severity: scanner.Medium, URL: "https://docs.docker.com/engine/security/seccomp/", Tags: []string{"compose"},
		Help: "Without the profiles of seccomp, AppArmor or SELinux every system call and file is open to the container, and with them most ways out of it. Remove the option, or name a profile that allows what is needed.",
	},
	Service: func(p *Pass, s *inventory.Resource) {
		for _, v := range s.Get("security_opt").Elements() {
			written, _ := v.Text()
			switch strings.ReplaceAll(strings.ReplaceAll(written, "=", ":"), " ", "") {
			case "seccomp:unconfined", "apparmor:unconfined", "label:disable", "systempaths:unconfined", "no-new-privileges:false":
				p.say(s, kube.Yes, v, "switches a confinement off ("+written+"); remove it, or name a profile that allows what is needed")
			}
		}
	},
}
