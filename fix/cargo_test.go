package fix_test

import (
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/fix"
)

func TestCargoCases(t *testing.T) {
	runCases(t, "cargo", func(t *testing.T, dir string, files map[string]string) {
		with := map[string]string{}
		for name, text := range files {
			if !strings.HasPrefix(path.Base(name), "Cargo.") {
				continue // what the canary has would fire here
			}
			with[name] = text
			if path.Base(name) == "Cargo.toml" && strings.Contains(text, "[package]") {
				with[path.Join(path.Dir(name), "src/lib.rs")] = ""
				with[path.Join(path.Dir(name), "src/bin/serve.rs")] = ""
			}
		}
		unpack(t, dir, with)
		cmd := exec.Command("cargo", "metadata", "--locked", "--format-version", "1")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("cargo does not accept the lock file: %v\n%.2000s", err, out)
		}
	})
}

func TestCargoRaise(t *testing.T) {
	for _, test := range []struct{ constraint, version, want string }{
		{"1.2", "1.9.3", "1.9.3"},
		{"^1.2", "2.0.1", "^2.0.1"},
		{"~1.2.3", "1.3.5", "~1.3.5"},
		{"=0.4.2", "0.4.5", "=0.4.5"},
		{">=1.2, <2", "2.3.4", ">=2.3.4, <3"},
		{"1.*", "2.3.4", "2.*"},
		{"0.9", "0.9.61+1.1.1", "0.9.61"},
	} {
		got, err := fix.Cargo.Raise(test.constraint, test.version)
		if err != nil || got != test.want {
			t.Errorf("Raise(%q, %q) = %q, %v; want %q", test.constraint, test.version, got, err, test.want)
		}
	}
	if got, err := fix.Cargo.Raise("what?", "1.0.0"); err == nil {
		t.Errorf("Raise of what is no requirement = %q, want an error", got)
	}
}
