package ecosystem

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// TestFormats reads each tree testdata/ECOSYSTEM/CASE with every format that claims one of its files, and compares
// what they say with want.txt of that tree. To test one more shape of a file, add a tree and run with -update.
//
// Each file makes a section; each entry is one line:
//
//	NAME VERSION LINE:COLUMN-LINE:COLUMN SCOPE ORIGIN [direct] [manifest PLACE] [chain A > B] [needs ...] ...
func TestFormats(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range cases {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || strings.HasPrefix(dir, filepath.Join("testdata", "fuzz")) {
			continue
		}
		t.Run(strings.TrimPrefix(filepath.ToSlash(dir), "testdata/"), func(t *testing.T) {
			tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			golden.Check(t, filepath.Join(dir, "want.txt"), describeTree(t.Context(), tree))
		})
	}
}

// TestFormatsHaveExamples says which formats lack a tree in testdata.
func TestFormatsHaveExamples(t *testing.T) {
	claimed := map[string]bool{}
	cases, err := filepath.Glob("testdata/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range cases {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range tree.Files() {
			for _, eco := range All {
				for i := range eco.Formats {
					if eco.Formats[i].Claims(file, tree.System()) {
						claimed[eco.Name+" "+eco.Formats[i].Name] = true
					}
				}
			}
		}
		tree.Close()
	}
	for _, eco := range All {
		for _, f := range eco.Formats {
			if !f.Binary && !claimed[eco.Name+" "+f.Name] { // a program is no text to keep; TestGoBinary makes one
				t.Errorf("no tree below testdata has a file of format %s of %s; add testdata/%s/CASE with one", f.Name, eco.Name, strings.ToLower(eco.Name))
			}
		}
	}
}

// describeTree writes down what all formats say about the files of a tree.
func describeTree(ctx context.Context, tree *inventory.Tree) []byte {
	var b bytes.Buffer
	for _, file := range tree.Files() {
		for _, eco := range All {
			for i := range eco.Formats {
				if f := &eco.Formats[i]; f.Claims(file, tree.System()) {
					fmt.Fprintf(&b, "== %s: %s of %s", file.Path, f.Name, eco.Name)
					doc, err := f.Read(ctx, tree, file.Path)
					describe(&b, file.Path, eco, doc, err)
				}
			}
		}
	}
	return b.Bytes()
}

func describe(b *bytes.Buffer, path string, eco *Ecosystem, doc *Document, err error) {
	if doc == nil {
		doc = &Document{}
	}
	if doc.Root != "" {
		fmt.Fprintf(b, ", root %s", doc.Root)
	}
	if len(doc.Entries) < doc.Declared {
		fmt.Fprintf(b, ", %d of %d entries", len(doc.Entries), doc.Declared)
	}
	b.WriteString(" ==\n")
	for i, e := range doc.Entries {
		in := eco
		fmt.Fprintf(b, "%s %s ", e.Name, orDash(e.Version))
		if e.Location.Path != path {
			fmt.Fprintf(b, "%s:", e.Location.Path)
		}
		fmt.Fprintf(b, "%s %s %s", span(e.Location), e.Scope, e.Origin)
		if e.Direct {
			b.WriteString(" direct")
		}
		if e.Ecosystem != nil {
			in = e.Ecosystem
			fmt.Fprintf(b, " ecosystem %s", in.Name)
		}
		if name := in.OSVName(e.Name); name != e.Name {
			fmt.Fprintf(b, " osv %s", name)
		}
		if manifest := doc.ManifestOf(i); !manifest.IsZero() {
			fmt.Fprintf(b, " manifest %s:%s", manifest.Path, span(manifest))
		}
		if len(e.Chain) > 0 {
			fmt.Fprintf(b, " chain %s", strings.Join(e.Chain, " > "))
		}
		if len(e.Needs) > 0 {
			b.WriteString(" needs")
			for _, need := range e.Needs {
				fmt.Fprintf(b, " %s@%s", doc.Entries[need].Name, doc.Entries[need].Version)
			}
		}
		if e.Commit != "" {
			fmt.Fprintf(b, " commit %s", e.Commit)
		}
		if len(e.Licenses) > 0 {
			fmt.Fprintf(b, " licenses %q", e.Licenses)
		}
		for _, h := range e.Hashes {
			fmt.Fprintf(b, " %s:%.8s", h.Algorithm, h.Value)
		}
		purl := in.PURL(e.Name, e.Version)
		fmt.Fprintf(b, " %s\n", purl.ToString())
	}
	for _, n := range doc.Notices {
		var place string
		if n.Location != nil {
			place = fmt.Sprintf("%s:%d", n.Location.Path, n.Location.Line)
		}
		fmt.Fprintf(b, "! %s %s %s\n", n.Code, place, n.Message)
	}
	if err != nil {
		fmt.Fprintf(b, "error: %v\n", err)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func span(l inventory.Location) string {
	return fmt.Sprintf("%d:%d-%d:%d", l.Line, l.Column, l.EndLine, l.EndColumn)
}
