package infra

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/peers"
	"github.com/trifecta-scanner/trifecta/internal/shared"
)

// controls names, for each rule, the controls of Kubernetes' own admission controller that it stands for.
var controls = map[string][]string{
	"kubernetes-host-process":             {"windowsHostProcess"},
	"kubernetes-host-network":             {"hostNamespaces"},
	"kubernetes-host-pid":                 {"hostNamespaces"},
	"kubernetes-host-ipc":                 {"hostNamespaces"},
	"kubernetes-privileged-container":     {"privileged"},
	"kubernetes-added-capabilities":       {"capabilities_baseline", "capabilities_restricted"},
	"kubernetes-host-path":                {"hostPathVolumes", "restrictedVolumes"},
	"kubernetes-runtime-socket":           {"hostPathVolumes", "restrictedVolumes"},
	"kubernetes-sensitive-host-path":      {"hostPathVolumes", "restrictedVolumes"},
	"kubernetes-host-port":                {"hostPorts"},
	"kubernetes-host-probe":               {"hostProbesAndHostLifecycle"},
	"kubernetes-apparmor-disabled":        {"appArmorProfile"},
	"kubernetes-selinux-options":          {"seLinuxOptions"},
	"kubernetes-proc-mount":               {"procMount"},
	"kubernetes-seccomp-unconfined":       {"seccompProfile_baseline", "seccompProfile_restricted"},
	"kubernetes-unsafe-sysctl":            {"sysctls"},
	"kubernetes-volume-type":              {"restrictedVolumes"},
	"kubernetes-privilege-escalation":     {"allowPrivilegeEscalation"},
	"kubernetes-run-as-non-root":          {"runAsNonRoot"},
	"kubernetes-run-as-root":              {"runAsUser", "runAsNonRoot"},
	"kubernetes-no-seccomp-profile":       {"seccompProfile_restricted"},
	"kubernetes-capabilities-not-dropped": {"capabilities_restricted"},
	"kubernetes-restricted-capabilities":  {"capabilities_restricted"},
}

// TestPodSecurityStandards compares the rules with the admission controller of Kubernetes, object by object: each control
// that a pod breaks has a finding, and each finding a control. testdata/record_podsecurity.go made the list.
func TestPodSecurityStandards(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "podsecurity.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string][]string
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	checks := slices.Concat(podSecurityBaseline, podSecurityRestricted)
	for _, c := range checks {
		if controls[c.Rule.ID] == nil {
			t.Errorf("%s stands for no control", c.Rule.ID)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(all)) {
		t.Run(folder, func(t *testing.T) {
			dir := folder
			if strings.Contains(folder, "+") {
				dir = t.TempDir()
				if err := peers.Unpack(filepath.Join(shared.Dir(t), "corpus", folder+".tar.gz"), dir); err != nil {
					t.Fatal(err)
				}
			}
			found := map[string][]string{} // rules by object
			for _, f := range scan(t, dir, checks).Findings {
				_, file, inside := strings.Cut(f.Location.Path, folder+"/")
				if !inside {
					file = f.Location.Path
				}
				key := file + " " + string(f.Subject)
				found[key] = append(found[key], f.RuleID)
			}
			compared := 0
			for object, broken := range all[folder] {
				compared++
				for _, control := range broken {
					if control == "hostPorts" && slices.Contains(found[object], "kubernetes-host-network") {
						continue // all its ports are the node's: one finding says so
					}
					if !slices.ContainsFunc(found[object], func(rule string) bool { return slices.Contains(controls[rule], control) }) {
						t.Errorf("%s breaks %s, and only these rules say something: %q", object, control, found[object])
					}
				}
				for _, rule := range found[object] {
					if !slices.ContainsFunc(controls[rule], func(control string) bool { return slices.Contains(broken, control) }) {
						t.Errorf("%s: %s says something, and Kubernetes admits it: it breaks %q", object, rule, broken)
					}
				}
			}
			if compared == 0 {
				t.Error("nothing was compared")
			}
			t.Logf("%d objects compared", compared)
		})
	}
}
