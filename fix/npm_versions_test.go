package fix

import "testing"

func TestNPMRaise(t *testing.T) {
	tests := []struct{ spec, version, want string }{
		{"^1.2.0", "1.4.1", "^1.4.1"},
		{"~1.2.0", "1.4.1", "~1.4.1"},
		{"1.2.0", "1.4.1", "1.4.1"},
		{"=1.2.0", "1.4.1", "=1.4.1"},
		{"v1.2.0", "1.4.1", "1.4.1"},
		{">=1.2.0", "1.4.1", ">=1.4.1"},
		{"1.x", "2.0.1", "^2.0.1"},
		{"1", "2.0.1", "^2.0.1"},
		{"1.2", "1.4.1", "^1.4.1"},
		{">=1.2.0 <2.0.0", "2.1.0", "^2.1.0"},
		{"<1.3.0", "1.4.1", "^1.4.1"},
		{"^1.2.0 || ^2.0.0", "3.1.0", "^1.2.0 || ^2.0.0 || ^3.1.0"},
		{"npm:real@^1.2.0", "1.4.1", "npm:real@^1.4.1"},
		{"npm:@scope/real@1.2.0", "1.4.1", "npm:@scope/real@1.4.1"},
	}
	for _, test := range tests {
		got, err := npmRaise(test.spec, test.version)
		if err != nil || got != test.want {
			t.Errorf("npmRaise(%q, %q) = %q, %v; want %q", test.spec, test.version, got, err, test.want)
			continue
		}
		if ok, err := npmAdmits(got, test.version); err != nil || !ok {
			t.Errorf("%q does not admit %s: %v", got, test.version, err)
		}
	}
	for _, spec := range []string{"git+https://git.example/a.git", "file:../a", "owner/repository", "https://archive.example/a.tgz", "workspace:../x"} {
		if got, err := npmRaise(spec, "1.0.0"); err == nil {
			t.Errorf("npmRaise(%q) = %q", spec, got)
		}
	}
}

func TestNPMAdmits(t *testing.T) {
	tests := []struct {
		spec, version string
		want          bool
	}{
		{"^1.2.0", "1.9.0", true}, {"^1.2.0", "2.0.0", false}, {"^0.2.0", "0.3.0", false}, {"~1.2.0", "1.3.0", false},
		{"*", "9.0.0", true}, {"", "9.0.0", true}, {"latest", "9.0.0", true}, {"x", "9.0.0", true}, {"1.x || >=2.5.0 || 5.0.0 - 7.2.3", "6.1.0", true},
		{"npm:real@^1.2.0", "1.3.0", true}, {"workspace:^1.2.0", "1.3.0", true}, {"^1.2.0", "1.3.0-rc.1", false},
	}
	for _, test := range tests {
		if got, err := npmAdmits(test.spec, test.version); err != nil || got != test.want {
			t.Errorf("npmAdmits(%q, %q) = %v, %v", test.spec, test.version, got, err)
		}
	}
}

func TestNodeRuns(t *testing.T) {
	tests := []struct {
		runtime, engine string
		want            bool
	}{
		{">=18", ">=14", true}, {">=8", ">=14", false}, {"^20.0.0", ">=18", true}, {"20.x", "^18 || >=20", true}, {">=14", "", true}, {">=14", "*", true},
	}
	for _, test := range tests {
		if got := nodeRuns(test.runtime, test.engine); got != test.want {
			t.Errorf("nodeRuns(%q, %q) = %v", test.runtime, test.engine, got)
		}
	}
}

func FuzzNPMLock(f *testing.F) {
	f.Add([]byte(`{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "^1"}}, "node_modules/a": {"version": "1.0.0"}, "node_modules/b": {"resolved": "packages/b", "link": true}}}`))
	f.Add([]byte(`{"lockfileVersion": 1, "dependencies": {"a": {"version": "npm:b@1.0.0", "requires": {"c": "1"}, "dependencies": {"c": {"version": "1.0.0", "bundled": true}}}}}`))
	f.Add([]byte(`{"packages": {"node_modules/a": {"link": true, "resolved": "node_modules/a"}, "../x": {}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := parseNPMLock(data)
		if err != nil {
			return
		}
		p := new(Project)
		lock.fill(p)
		for i := range p.Packages {
			for _, e := range p.Packages[i].Needs {
				if e.To < 0 || e.To >= len(p.Packages) {
					t.Fatalf("%s needs entry %d of %d", p.Packages[i].Name, e.To, len(p.Packages))
				}
			}
		}
		for _, folder := range lock.order {
			if n := lock.nodes[folder]; n.origin() == "" {
				t.Fatal("an entry without an origin")
			}
		}
	})
}
