package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var composeHostNamespace = Check{
	Rule: scanner.Rule{
		ID: "compose-host-namespace", Title: "Service that shares a namespace of the machine", Severity: scanner.High, URL: composeServices, Tags: []string{"compose"},
		Help: "With the network of the machine a service listens on all of its addresses and reaches what listens on the loopback alone; with its processes it reads their environment and memory. Give the service a network of its own, and publish the ports that clients use.",
	},
	Service: func(p *Pass, s *inventory.Resource) {
		for _, shared := range []struct{ key, what string }{
			{"network_mode", "the network"}, {"pid", "the processes"}, {"ipc", "the memory between processes"}, {"userns_mode", "the users"},
		} {
			v := s.Get(shared.key)
			p.say(s, isOneOf(v, "host"), v, "shares "+shared.what+" of the machine; remove "+shared.key)
		}
	},
}
