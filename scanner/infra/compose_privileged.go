package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var composePrivileged = Check{
	Rule: scanner.Rule{
		ID: "compose-privileged", Title: "Privileged service", Severity: scanner.High, URL: dockerSecurity, Tags: []string{"compose"},
		Help: "A privileged container has every capability and every device of its machine: whoever takes it over has the machine. Leave `privileged` out, and add the one device or capability that is needed.",
	},
	Service: func(p *Pass, s *inventory.Resource) {
		v := s.Get("privileged")
		// No edit: which device or capability takes its place, only those know who run it.
		p.say(s, isTrue(v), v, "runs privileged, which is root on the machine; remove privileged")
	},
}
