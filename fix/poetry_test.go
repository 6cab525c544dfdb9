package fix_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/fix"
)

func TestPoetryCases(t *testing.T) {
	runCases(t, "poetry", func(t *testing.T, dir string, files map[string]string) {
		unpack(t, dir, files)
		for _, args := range [][]string{{"check", "--lock"}, {"install", "--dry-run", "--no-root"}} {
			if strings.Contains(files["poetry.lock"], `type = "git"`) && args[0] == "install" {
				continue // it would clone
			}
			cmd := exec.Command("poetry", args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "POETRY_VIRTUALENVS_CREATE=false", "POETRY_NO_INTERACTION=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("poetry %v: %v\n%s\n%s", args, err, out, files["poetry.lock"])
			}
		}
	})
}

func TestPoetryConstraints(t *testing.T) {
	for _, test := range []struct {
		constraint, version string
		want                bool
	}{
		{"^1.2.3", "1.9.0", true}, {"^1.2.3", "2.0.0", false}, {"^0.2.3", "0.2.9", true}, {"^0.2.3", "0.3.0", false}, {"^0.0.3", "0.0.4", false}, {"^1", "1.99", true},
		{"~1.2.3", "1.2.9", true}, {"~1.2.3", "1.3.0", false}, {"~1", "1.9", true}, {"~1", "2.0", false}, {"1.2.3", "1.2.3", true}, {"1.2.3", "1.2.4", false},
		{"*", "0.1", true}, {"1.*", "1.5", true}, {">=1,<2 || >=3", "3.1", true}, {">=1,<2 || >=3", "2.1", false}, {">=1.5.6,<1.5.7 || >1.5.7", "1.6", true}, {">=1.0 <2.0", "2.0", false},
	} {
		if got, err := fix.Poetry.Admits(test.constraint, test.version); err != nil || got != test.want {
			t.Errorf("Admits(%q, %q) = %t, %v; want %t", test.constraint, test.version, got, err, test.want)
		}
	}
	for _, test := range []struct{ constraint, version, want string }{
		{"^1.2", "2.0.1", "^2.0.1"}, {"~1.2.3", "1.3.5", "~1.3.5"}, {"3.1.2", "3.1.6", "3.1.6"}, {"==3.1.2", "3.1.6", "==3.1.6"}, {"3.1.*", "3.2.6", "3.2.*"},
		{"*", "3", "*"}, {">=1,<2", "3.1", ">=3.1,<4"}, {"~=1.2.3", "1.3.5", "~=1.3.5"},
	} {
		if got, err := fix.Poetry.Raise(test.constraint, test.version); err != nil || got != test.want {
			t.Errorf("Raise(%q, %q) = %q, %v; want %q", test.constraint, test.version, got, err, test.want)
		}
	}
}

func TestPyprojectCases(t *testing.T) {
	runCases(t, "pyproject", func(t *testing.T, dir string, files map[string]string) {
		unpack(t, dir, files)
		if strings.Contains(files["pyproject.toml"], "[project]") { // uv resolves the tables of the standard
			cmd := exec.Command("uv", "lock", "--no-build", "--no-config")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "UV_SYSTEM_CERTS=1", "UV_NATIVE_TLS=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("uv can't resolve it: %v\n%s", err, out)
			}
			return
		}
		cmd := exec.Command("poetry", "check")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil && strings.Contains(string(out), "Error:") {
			t.Errorf("poetry check: %v\n%s", err, out)
		}
	})
}
