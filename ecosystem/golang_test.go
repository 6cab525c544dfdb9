package ecosystem

import (
	"fmt"
	"strings"
	"testing"
)

func FuzzGoMod(f *testing.F) {
	seed(f, "go", "go.mod")
	seed(f, "go", "go.sum")
	f.Fuzz(func(t *testing.T, mod string) {
		doc, _ := readGoMod(t.Context(), treeOf(t, "go.mod", mod, "go.sum", mod), "go.mod")
		checkDocument(t, doc)
	})
}

func FuzzGoWork(f *testing.F) {
	seed(f, "go", "go.work")
	f.Fuzz(func(t *testing.T, work string) {
		doc, _ := readGoWork(t.Context(), treeOf(t, "go.work", work, "api/go.mod", "module example.org/api"), "go.work")
		checkDocument(t, doc)
	})
}

func FuzzVendorModules(f *testing.F) {
	seed(f, "go", "vendor/modules.txt")
	f.Fuzz(func(t *testing.T, modules string) {
		doc, _ := readVendorModules(t.Context(), treeOf(t, "vendor/modules.txt", modules), "vendor/modules.txt")
		checkDocument(t, doc)
	})
}

func TestGoPURL(t *testing.T) {
	for _, tt := range []struct{ name, version, want string }{
		{"github.com/Azure/go-autorest", "14.2.0+incompatible", "pkg:golang/github.com/Azure/go-autorest@v14.2.0%2Bincompatible"},
		{"example.org/major/v2", "2.0.1", "pkg:golang/example.org/major/v2@v2.0.1"},
		{"stdlib", "1.22.5", "pkg:golang/stdlib@1.22.5"},
		{"single", "", "pkg:golang/single"},
	} {
		purl := Golang.PURL(tt.name, tt.version)
		if got := purl.ToString(); got != tt.want {
			t.Errorf("PURL(%q, %q) = %s, want %s", tt.name, tt.version, got, tt.want)
		}
	}
}

func TestGoModNotUTF16(t *testing.T) {
	doc, err := readGoMod(t.Context(), treeOf(t, "go.mod", "\xff\xfem\x00o\x00d\x00u\x00l\x00e\x00"), "go.mod")
	if err == nil && len(doc.Notices) == 0 {
		t.Error("neither an error nor a notice")
	}
}

func BenchmarkGoMod(b *testing.B) {
	var mod strings.Builder
	mod.WriteString("module example.org/big\n\ngo 1.22\n\nrequire (\n")
	for i := range 500 {
		fmt.Fprintf(&mod, "\texample.org/m%d v1.%d.0 // indirect\n", i, i)
	}
	mod.WriteString(")\n")
	tree := treeOf(b, "go.mod", mod.String())
	b.SetBytes(int64(mod.Len()))
	for b.Loop() {
		if doc, err := readGoMod(b.Context(), tree, "go.mod"); err != nil || len(doc.Entries) != 501 {
			b.Fatal(len(doc.Entries), err)
		}
	}
}
