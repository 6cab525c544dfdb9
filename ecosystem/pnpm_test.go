package ecosystem

import (
	"fmt"
	"strings"
	"testing"
)

func FuzzPNPMLock(f *testing.F) {
	seed(f, "npm", "pnpm-lock.yaml")
	f.Fuzz(func(t *testing.T, lock string) {
		tree := treeOf(t, "pnpm-lock.yaml", lock, "package.json", `{"dependencies": {"a": "^1.0.0"}}`, "b/package.json", `{"name": "b"}`)
		doc, _ := readPNPMLock(t.Context(), tree, "pnpm-lock.yaml")
		checkPlaces(t, doc, []byte(lock))
	})
}

func TestPNPMKey(t *testing.T) {
	for _, tt := range []struct {
		key             string
		version         float64
		name, reference string
	}{
		{"/foo/1.0.0", 5.3, "foo", "1.0.0"},
		{"/@foo/bar/1.0.0", 5.3, "@foo/bar", "1.0.0"},
		{"/foo/1.4.0_@types+babel__core@7.1.14", 5.4, "foo", "1.4.0"},
		{"/foo/1.0.0/bar@2.0.0", 5.0, "foo", "1.0.0"},
		{"registry.example/@foo/bar/1.1.0", 5.3, "@foo/bar", "1.1.0"},
		{"github.com/owner/name/0123", 5.3, "", "github.com/owner/name/0123"},
		{"/foo@1.0.0(react@18.0.0)(b@1)", 6, "foo", "1.0.0"},
		{"/@foo/bar@1.0.0-rc.1", 6, "@foo/bar", "1.0.0-rc.1"},
		{"registry.example/foo@1.0.0", 6, "foo", "1.0.0"},
		{"foo@1.0.0(patch_hash=abc)", 9, "foo", "1.0.0"},
		{"@foo/bar@https://host.example/bar.tgz", 9, "@foo/bar", "https://host.example/bar.tgz"},
		{"/@foo/bar@1.0.0(a@1)", 9, "@foo/bar", "1.0.0"},
		{"file:../a", 5.4, "", "file:../a"},
		{"/@foo", 5.3, "", "/@foo"},
		{"/", 5.3, "", "/"},
		{"", 6, "", ""},
	} {
		if name, reference := pnpmKey(tt.key, tt.version); name != tt.name || reference != tt.reference {
			t.Errorf("pnpmKey(%q, %v) = %q, %q, want %q, %q", tt.key, tt.version, name, reference, tt.name, tt.reference)
		}
	}
}

func TestPNPMLockAliases(t *testing.T) { // would be a billion packages if aliases were followed
	var lock strings.Builder
	lock.WriteString("lockfileVersion: '9.0'\na0: &a0 {x: 1}\n")
	for i := range 30 {
		fmt.Fprintf(&lock, "a%d: &a%[1]d {x: *a%[2]d, y: *a%[2]d}\n", i+1, i)
	}
	lock.WriteString("packages: *a30\n")
	doc, err := readPNPMLock(t.Context(), treeOf(t, "pnpm-lock.yaml", lock.String()), "pnpm-lock.yaml")
	if err != nil || len(doc.Entries) != 0 {
		t.Errorf("got %d entries, %v", len(doc.Entries), err)
	}
}

func BenchmarkPNPMLock(b *testing.B) {
	var lock strings.Builder
	lock.WriteString("lockfileVersion: '9.0'\n\npackages:\n\n")
	for i := range 1000 {
		fmt.Fprintf(&lock, "  p%d@1.0.0:\n    resolution: {integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}\n    engines: {node: '>=6'}\n\n", i)
	}
	lock.WriteString("snapshots:\n\n")
	for i := range 1000 {
		fmt.Fprintf(&lock, "  p%d@1.0.0:\n    dependencies:\n      p%d: 1.0.0\n\n", i, (i+1)%1000)
	}
	tree := treeOf(b, "pnpm-lock.yaml", lock.String())
	b.SetBytes(int64(lock.Len()))
	for b.Loop() {
		if doc, err := readPNPMLock(b.Context(), tree, "pnpm-lock.yaml"); err != nil || len(doc.Entries) != 1000 {
			b.Fatal(len(doc.Entries), err)
		}
	}
}
