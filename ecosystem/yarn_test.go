package ecosystem

import (
	"fmt"
	"strings"
	"testing"
)

func FuzzYarnLock(f *testing.F) {
	seed(f, "npm", "yarn.lock")
	f.Add("\n?:")
	f.Fuzz(func(t *testing.T, lock string) {
		tree := treeOf(t, "yarn.lock", lock, "package.json", `{"dependencies": {"a": "^1.0.0"}, "workspaces": ["*"]}`, "b/package.json", `{"name": "b"}`)
		doc, err := readYarnLock(t.Context(), tree, "yarn.lock")
		if err != nil {
			t.Fatal(err)
		}
		checkPlaces(t, doc, []byte(lock))
	})
}

func TestYarnIdent(t *testing.T) {
	for _, tt := range []struct{ pattern, name, spec string }{
		{"lodash@^4.17.0", "lodash", "^4.17.0"},
		{"@scope/a@npm:^1", "@scope/a", "npm:^1"},
		{"a@npm:@scope/b@1.0.0", "a", "npm:@scope/b@1.0.0"},
		{"a@git@host:b.git", "a", "git@host:b.git"},
		{"@", "@", ""},
		{"", "", ""},
		{"plain", "plain", ""},
	} {
		if name, spec := yarnIdent(tt.pattern); name != tt.name || spec != tt.spec {
			t.Errorf("yarnIdent(%q) = %q, %q, want %q, %q", tt.pattern, name, spec, tt.name, tt.spec)
		}
	}
}

func BenchmarkYarnLock(b *testing.B) {
	var lock strings.Builder
	lock.WriteString("# yarn lockfile v1\n\n\n")
	for i := range 2000 {
		fmt.Fprintf(&lock, "p%d@^1.0.0:\n  version \"1.%[1]d.0\"\n  resolved \"https://registry.example/p%[1]d/-/p%[1]d-1.%[1]d.0.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709\"\n  integrity sha512-bC7ElrdJaJnPbAP+1EotYvqZsb3ecl5wi6Bfi6BJTUcNowp6cvspg0jXznRTKDjm/E7AdgFBVeAPVMNcKGsHMA==\n  dependencies:\n    p%[2]d \"^1.0.0\"\n\n", i, (i+1)%2000)
	}
	tree := treeOf(b, "yarn.lock", lock.String())
	b.SetBytes(int64(lock.Len()))
	for b.Loop() {
		if doc, err := readYarnLock(b.Context(), tree, "yarn.lock"); err != nil || len(doc.Entries) != 2000 {
			b.Fatal(len(doc.Entries), err)
		}
	}
}
