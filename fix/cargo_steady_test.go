package fix

import (
	"strings"
	"testing"
)

func TestSteadyCargo(t *testing.T) {
	// NAME VERSION: NEED, NEED; the first is the project's own.
	lock := func(lines ...string) string {
		var b strings.Builder
		for i, line := range lines {
			head, needs, _ := strings.Cut(line, ": ")
			name, version, _ := strings.Cut(head, " ")
			b.WriteString("[[package]]\nname = \"" + name + "\"\nversion = \"" + version + "\"\n")
			if i > 0 {
				b.WriteString("source = \"registry+https://github.com/rust-lang/crates.io-index\"\n")
			}
			if needs != "" {
				b.WriteString("dependencies = [\n \"" + strings.ReplaceAll(needs, ", ", "\",\n \"") + "\",\n]\n")
			}
			b.WriteString("\n")
		}
		return b.String()
	}
	tests := []struct {
		name                string
		before, after, want []string
	}{
		{
			"what stays needs what it needed", []string{"shop 1.0.0: errno, h2, old", "errno 0.3.0: win 0.61.0", "h2 0.4.15", "old 1.0.0: win 0.52.0", "win 0.52.0", "win 0.61.0"},
			[]string{"shop 1.0.0: errno, h2, old", "errno 0.3.0: win 0.52.0", "h2 0.4.16: win 0.61.0", "old 1.0.0: win 0.52.0", "win 0.52.0", "win 0.61.0"},
			[]string{"shop 1.0.0: errno, h2, old", "errno 0.3.0: win 0.61.0", "h2 0.4.16: win 0.61.0", "old 1.0.0: win 0.52.0", "win 0.52.0", "win 0.61.0"},
		},
		{
			"what is raised needs what it wants", []string{"shop 1.0.0: h2, old", "h2 0.4.15: win 0.61.0", "old 1.0.0: win 0.52.0", "win 0.52.0", "win 0.61.0"},
			[]string{"shop 1.0.0: h2, old", "h2 0.4.16: win 0.52.0", "old 1.0.0: win 0.52.0", "win 0.52.0", "win 0.61.0"}, nil,
		},
		{
			"a version that is gone", []string{"shop 1.0.0: h2, x", "h2 0.4.15", "x 1.0.0: h2"}, []string{"shop 1.0.0: h2, x", "h2 0.4.16", "x 1.0.0: h2"}, nil,
		},
		{
			"one version is left", []string{"shop 1.0.0: errno, old", "errno 0.3.0: win 0.61.0", "old 1.0.0: win 0.52.0", "win 0.52.0", "win 0.61.0"},
			[]string{"shop 1.0.0: errno, old", "errno 0.3.0: win", "old 1.0.1", "win 0.61.0"}, nil,
		},
		{
			"nobody would need what came in", []string{"shop 1.0.0: errno, old", "errno 0.3.0: win 0.61.0", "old 1.0.0: win 0.52.0", "win 0.52.0", "win 0.61.0"},
			[]string{"shop 1.0.0: errno, old", "errno 0.3.0: win 0.60.0", "old 1.0.0: win 0.61.0", "win 0.60.0: more", "win 0.61.0", "more 1.0.0"}, nil,
		},
		{
			"two of one name under other names", []string{"shop 1.0.0: a, b", "a 1.0.0: win 0.52.0, win 0.61.0", "b 1.0.0: win 0.61.0", "win 0.52.0", "win 0.61.0"},
			[]string{"shop 1.0.0: a, b", "a 1.0.0: win 0.61.0, win 0.52.0", "b 1.0.0: win 0.61.0", "win 0.52.0", "win 0.61.0"}, nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ws := NewWorkspace(treeOf(t, map[string]string{"Cargo.lock": lock(test.before...), "after/Cargo.lock": lock(test.after...)}))
			before, err := readTOML(ws, "Cargo.lock")
			if err != nil {
				t.Fatal(err)
			}
			after, err := readTOML(ws, "after/Cargo.lock")
			if err != nil {
				t.Fatal(err)
			}
			if err := applyEdits(ws, steadyCargo(cargoPackages(before), cargoPackages(after), after)); err != nil {
				t.Fatal(err)
			}
			got, err := ws.ReadFile("after/Cargo.lock")
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			if want == nil {
				want = test.after
			}
			if string(got) != lock(want...) {
				t.Errorf("%s\nwant\n%s", got, lock(want...))
			}
		})
	}
}
