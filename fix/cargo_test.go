package fix_test

import (
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
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

// TestCargoByHand changes lock files without cargo and wants what cargo made of them, byte by byte.
func TestCargoByHand(t *testing.T) {
	for _, test := range []struct{ archive, pkg, from, to string }{
		{"transitive", "regex", "1.5.4", "1.5.5"},
		{"workspace", "bytes", "1.10.1", "1.11.1"},
	} {
		t.Run(test.archive, func(t *testing.T) {
			var locks []string
			for _, byHand := range []bool{false, true} {
				env := fixtest.Env(t, "testdata/cargo/registry.json.gz", nil)
				if byHand {
					env.Runner = nil
				}
				ws := fix.NewWorkspace(fixtest.Tree(t, readCase(t, "testdata/cargo/"+test.archive+".txtar").files))
				project, err := fix.Cargo.Open(t.Context(), ws, "Cargo.lock")
				if err != nil {
					t.Fatal(err)
				}
				registry, err := fix.Cargo.Registry(t.Context(), env)
				if err != nil {
					t.Fatal(err)
				}
				target := fix.Target{Package: test.pkg, From: test.from, To: test.to, How: fix.HowLock}
				if err := fix.Cargo.Write(t.Context(), &fix.Job{Env: env, Workspace: ws, Project: project, Targets: []fix.Target{target}, Registry: registry}); err != nil {
					t.Fatal(err)
				}
				lock, err := ws.ReadFile("Cargo.lock")
				if err != nil {
					t.Fatal(err)
				}
				locks = append(locks, string(lock))
			}
			if diff := cmp.Diff(locks[0], locks[1]); diff != "" {
				t.Errorf("-cargo +by hand:\n%s", diff)
			}
		})
	}
}

// TestCargoByHandRefuses are changes that cargo alone can make.
func TestCargoByHandRefuses(t *testing.T) {
	for _, test := range []struct{ archive, pkg, from, to, want string }{
		{"direct", "tokio", "1.20.0", "1.38.2", "tokio 1.38.2 asks for other packages than 1.20.0"},
		{"workspace", "smallvec", "0.6.10", "0.6.14", "smallvec 0.6.14 asks for other packages than 0.6.10"},
	} {
		t.Run(test.pkg, func(t *testing.T) {
			env := fixtest.Env(t, "testdata/cargo/registry.json.gz", nil)
			env.Runner = nil
			ws := fix.NewWorkspace(fixtest.Tree(t, readCase(t, "testdata/cargo/"+test.archive+".txtar").files))
			project, err := fix.Cargo.Open(t.Context(), ws, "Cargo.lock")
			if err != nil {
				t.Fatal(err)
			}
			registry, err := fix.Cargo.Registry(t.Context(), env)
			if err != nil {
				t.Fatal(err)
			}
			target := fix.Target{Package: test.pkg, From: test.from, To: test.to, How: fix.HowLock}
			err = fix.Cargo.Write(t.Context(), &fix.Job{Env: env, Workspace: ws, Project: project, Targets: []fix.Target{target}, Registry: registry})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if len(ws.Changed()) > 0 {
				t.Errorf("changed %v", ws.Changed())
			}
		})
	}
}
