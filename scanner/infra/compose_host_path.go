package infra

import (
	"path"
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// harmlessFiles are what services often mount below sensitive folders: the time and the names of a machine.
var harmlessFiles = []string{"/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/os-release", "/etc/machine-id"}

var composeHostPath = Check{
	Rule: scanner.Rule{
		ID: "compose-host-path", Title: "Service that mounts a sensitive folder of the machine", Severity: scanner.High, URL: dockerSecurity, Tags: []string{"compose"},
		Help: "These folders hold the machine's configuration, its credentials or the files of other containers; who writes there has the machine. Mount what is needed and nothing above it, read-only.",
	},
	Service: func(p *Pass, s *inventory.Resource) {
		for _, v := range binds(s) {
			name, _ := v.Text()
			if runtimeSockets.has(v) == kube.No && !slices.Contains(harmlessFiles, path.Clean(name)) {
				p.say(s, sensitivePaths.has(v), v, "mounts "+name+" of the machine, which holds its configuration or credentials; use a volume")
			}
		}
	},
}
