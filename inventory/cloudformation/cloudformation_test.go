package cloudformation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// open walks a folder of templates.
func open(tb testing.TB, dir string) *inventory.Tree {
	tb.Helper()
	tree, err := inventory.OpenTree(tb.Context(), dir, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tree.Close() })
	return tree
}

func read(tb testing.TB, source Source, tree *inventory.Tree) *inventory.Inventory {
	tb.Helper()
	inv, err := source.Read(tb.Context(), tree)
	if err != nil {
		tb.Fatal(err)
	}
	return inv
}

// TestGolden evaluates each folder of testdata and compares everything that comes out with the file beside it.
func TestGolden(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == "fuzz" {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			dir := filepath.Join("testdata", e.Name())
			inv := read(t, Source{Params: map[string]string{}}, open(t, dir))
			golden.Check(t, dir+".golden", printed(t, inv))
		})
	}
}

// printed is an inventory as text: one block a resource, with the places of its values.
func printed(tb testing.TB, inv *inventory.Inventory) []byte {
	tb.Helper()
	var b bytes.Buffer
	root := ""
	for _, r := range inv.Resources {
		if at := r.Root + " " + r.Environment; at != root {
			fmt.Fprintf(&b, "== %s\n", strings.TrimSpace(at))
			root = at
		}
		fmt.Fprintf(&b, "%s %s %s", r.ID, r.Type, place3(r.Location))
		if r.Region != "" || r.Account != "" {
			fmt.Fprintf(&b, " in %s %s", r.Region, r.Account)
		}
		if r.Exists != inventory.Exists {
			fmt.Fprintf(&b, " %s %v", [...]string{"", "maybe", "never"}[r.Exists], r.Reasons)
		}
		for _, call := range r.Via {
			fmt.Fprintf(&b, " via %s", call.Address)
		}
		b.WriteByte('\n')
		for _, f := range r.Values.Fields() {
			fmt.Fprintf(&b, "  %s: %s %s\n", f.Name, shown(tb, f.Value), place3(f.Value.Location()))
		}
	}
	for _, n := range inv.Notices {
		at := ""
		if n.Location != nil {
			at = place3(*n.Location)
		}
		fmt.Fprintf(&b, "%s %s %s\n", n.Code, at, n.Message)
	}
	return b.Bytes()
}

func place3(at inventory.Location) string {
	return fmt.Sprintf("%s:%d:%d", at.Path, at.Line, at.Column)
}

// shown is a value with what its JSON leaves out.
func shown(tb testing.TB, v inventory.Value) string {
	tb.Helper()
	var b strings.Builder
	switch {
	case v.IsSensitive():
		b.WriteString("(sensitive)")
	case v.Kind() == inventory.List:
		b.WriteByte('[')
		for i, e := range v.Elements() {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(shown(tb, e))
		}
		b.WriteByte(']')
	case v.Kind() == inventory.Map:
		b.WriteByte('{')
		for i, f := range v.Fields() {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.Name + ": " + shown(tb, f.Value))
		}
		b.WriteByte('}')
	case v.IsUnknown():
		b.WriteString("unknown")
		for _, r := range v.Reasons() {
			b.WriteString(" " + r.Code + "(" + r.Ref + ")")
		}
	default:
		data, err := json.Marshal(v)
		if err != nil {
			tb.Fatal(err)
		}
		b.Write(data)
	}
	if ref, ok := v.Ref(); ok {
		b.WriteString(" -> " + strings.TrimSuffix(ref.Root+"#"+string(ref.Resource)+"."+ref.Attribute, "."))
	}
	list := func(name string, values []inventory.Value) {
		for i, c := range values {
			if i == 0 {
				b.WriteString(" " + name + "(")
			} else {
				b.WriteString(" | ")
			}
			b.WriteString(shown(tb, c))
			if i == len(values)-1 {
				b.WriteString(")")
			}
		}
	}
	if !v.IsSensitive() {
		list("one of", v.Candidates())
		list("parts", v.Parts())
		if inner, ok := v.Encoded(); ok {
			list("encodes", []inventory.Value{inner})
		}
	}
	if v.IsMaybe() {
		b.WriteString(" maybe")
		if !v.IsUnknown() {
			fmt.Fprintf(&b, " %v", v.Reasons())
		}
	}
	if v.IsDefault() {
		b.WriteString(" by default")
	}
	return b.String()
}
