package infra

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// escaping are the capabilities that lead out of a container (capabilities(7)).
var escaping = []string{
	"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "DAC_READ_SEARCH", "NET_ADMIN", "BPF", "PERFMON", "MAC_ADMIN", "MAC_OVERRIDE",
}

var composeAddedCapabilities = Check{
	Rule: scanner.Rule{
		ID: "compose-added-capabilities", Title: "Service with capabilities that lead out of its container", Severity: scanner.High, URL: dockerSecurity, Tags: []string{"compose"},
		Help: "With SYS_ADMIN, SYS_PTRACE and the like a container reaches the kernel, the devices or the processes of the machine. Remove the capability, or find the smaller one that is needed.",
	},
	Service: func(p *Pass, s *inventory.Resource) {
		for _, v := range s.Get("cap_add").Elements() {
			name, _ := v.Text()
			if slices.Contains(escaping, strings.TrimPrefix(strings.ToUpper(name), "CAP_")) {
				p.say(s, kube.Yes, v, "has the capability "+name+", which leads out of the container; remove it")
			}
		}
	},
}
