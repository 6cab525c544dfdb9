package ecosystem

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestResolve(t *testing.T) {
	line := func(n int) inventory.Location { return inventory.Location{Path: "manifest", Line: n} }
	doc := &Document{
		Root: "app",
		Entries: []Entry{
			0: {Name: "run", Scope: inventory.ScopeRuntime, Manifest: line(1), Needs: []int{2}},
			1: {Name: "test", Scope: inventory.ScopeDevelopment, Manifest: line(2), Needs: []int{2, 3}},
			2: {Name: "both", Needs: []int{4}},
			3: {Name: "helper", Needs: []int{1}}, // a cycle
			4: {Name: "deep"},
			5: {Name: "alone"},
			6: {Name: "member", Scope: inventory.ScopeRuntime, Origin: inventory.OriginWorkspace, Needs: []int{7}},
			7: {Name: "of-member", Direct: true, Manifest: line(3), Needs: []int{8}},
			8: {Name: "below-member"},
			9: {Name: "stated", Chain: []string{"app", "test", "stated"}},
		},
		Roots: []int{0, 1, 6},
	}
	doc.Resolve()
	var got []string
	for i, e := range doc.Entries {
		got = append(got, fmt.Sprintf("%s direct=%t %s %s %v line %d", e.Name, e.Direct, e.Scope, e.Origin, e.Chain, doc.ManifestOf(i).Line))
	}
	want := []string{
		"run direct=true runtime registry [app run] line 1",
		"test direct=true development registry [app test] line 2",
		"both direct=false runtime registry [app run both] line 1",
		"helper direct=false development registry [app test helper] line 2",
		"deep direct=false runtime registry [app run both deep] line 1",
		"alone direct=false unknown registry [] line 0",
		"member direct=true runtime workspace [app member] line 0",
		"of-member direct=true runtime registry [app member of-member] line 3",
		"below-member direct=false runtime registry [app member of-member below-member] line 3",
		"stated direct=false unknown registry [app test stated] line 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResolveLongChains(t *testing.T) {
	const n = 100_000
	doc := &Document{Root: "app", Entries: make([]Entry, n), Roots: []int{0}}
	for i := range n {
		doc.Entries[i] = Entry{Name: "p", Needs: []int{(i + 1) % n}}
	}
	doc.Entries[0].Manifest = inventory.Location{Path: "manifest", Line: 1}
	doc.Resolve()
	for _, i := range []int{1, maxChain - 2, maxChain - 1, n - 1} {
		want := i + 2
		if want > maxChain {
			want = 0
		}
		if got := len(doc.Entries[i].Chain); got != want {
			t.Errorf("chain of entry %d has %d elements, want %d", i, got, want)
		}
		if doc.ManifestOf(i).Line != 1 {
			t.Errorf("entry %d has no manifest line", i)
		}
	}
}

func TestTooManyPackages(t *testing.T) {
	var npm, yarn, mod strings.Builder
	npm.WriteString(`{"packages": {"": {}`)
	yarn.WriteString("# yarn lockfile v1\n")
	mod.WriteString("module m\n\ngo 1.22\n\nrequire (\n")
	for i := range maxEntries + 2 {
		fmt.Fprintf(&npm, ",\n\"node_modules/p%d\": {\"version\": \"1.0.0\"}", i)
		fmt.Fprintf(&yarn, "p%d@1:\n  version \"1.0.0\"\n", i)
		fmt.Fprintf(&mod, "m%d.example/m v1.0.0\n", i)
	}
	npm.WriteString("}}")
	mod.WriteString(")\n")
	for name, data := range map[string]string{"package-lock.json": npm.String(), "yarn.lock": yarn.String(), "go.mod": mod.String()} {
		t.Run(name, func(t *testing.T) {
			tree := treeOf(t, name, data)
			for _, eco := range All {
				for _, f := range eco.Formats {
					if !f.Match(name) {
						continue
					}
					doc, err := f.Read(t.Context(), tree, name)
					if err != nil {
						t.Error(err)
					}
					if len(doc.Entries) < maxEntries || len(doc.Entries) > maxEntries+1 {
						t.Errorf("%d entries", len(doc.Entries))
					}
					if diff := cmp.Diff([]string{"too-many-packages"}, noticeCodes(doc)); diff != "" {
						t.Errorf("notices (-want +got):\n%s", diff)
					}
				}
			}
		})
	}
}

func TestError(t *testing.T) {
	placed := &Error{Location: inventory.Location{Path: "a/b.lock", Line: 3}, Err: errFull}
	if got, want := placed.Error(), "a/b.lock:3: too many packages"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	placed.Location.Line = 0
	if got, want := placed.Error(), "a/b.lock: too many packages"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if unlessFull(placed) != nil {
		t.Error("errFull was not recognised inside of another error")
	}
}
