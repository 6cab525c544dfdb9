package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var composeRuntimeSocket = Check{
	Rule: scanner.Rule{
		ID: "compose-runtime-socket", Title: "Service that mounts the socket of the container runtime", Severity: scanner.High, URL: "https://docs.docker.com/engine/security/protect-access/", Tags: []string{"compose"},
		Help: "Who can talk to the runtime starts a privileged container and has the machine; mounting the socket read-only changes nothing about that. Put a proxy in between that lets only the calls through that are needed.",
	},
	Service: func(p *Pass, s *inventory.Resource) {
		for _, v := range binds(s) {
			p.say(s, runtimeSockets.has(v), v, "mounts the socket "+text(v)+" of the container runtime, which is root on the machine; remove it, or put a proxy in between")
		}
	},
}
