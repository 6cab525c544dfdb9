package intel

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/shared"
)

// compile returns the data of a folder as an index carries it.
func compile(t *testing.T, d *Data) (*Data, []byte) {
	t.Helper()
	blob, err := d.Compile()
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := FromCompiled(uint64(len(blob)), d.dir, func(offset, n uint64) ([]byte, error) { return blob[offset : offset+n], nil })
	if err != nil {
		t.Fatal(err)
	}
	return c, blob
}

func TestCompiled(t *testing.T) {
	dir := folder(t, map[string]string{kevFile: kevText, epssFile: pack(t, epssText), eolFile: eolText})
	d, _ := open(t, dir)
	c, blob := compile(t, d)
	compareData(t, d, c, []string{"CVE-2021-44228", "CVE-2020-0001", "CVE-2021-23337", "CVE-1999-0001", "GHSA-none", "CVE-9999-4294967296"})
	if _, again := compile(t, d); !bytes.Equal(blob, again) {
		t.Error("the same data compiles to different bytes")
	}
	for size := range len(blob) {
		cut, _, err := FromCompiled(uint64(size), dir, func(offset, n uint64) ([]byte, error) { return blob[offset : offset+n], nil })
		if err != nil {
			continue
		}
		if _, _, err := cut.Product("nodejs"); err == nil {
			t.Errorf("cut at %d of %d bytes: no error", size, len(blob))
		}
	}
}

func TestCompiledWithout(t *testing.T) {
	d, want := open(t, folder(t, map[string]string{eolFile: eolText}))
	blob, err := d.Compile()
	if err != nil {
		t.Fatal(err)
	}
	_, notices, err := FromCompiled(uint64(len(blob)), d.dir, func(offset, n uint64) ([]byte, error) { return blob[offset : offset+n], nil })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range notices {
		got = append(got, n.Message)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notices (-folder +compiled):\n%s", diff)
	}
}

// compareData asks both for the same vulnerabilities and a product.
func compareData(t *testing.T, d, c *Data, cves []string) {
	t.Helper()
	want, _ := d.Threats(cves)
	got, notices := c.Threats(cves)
	if len(notices) > 0 {
		t.Error(notices)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Threats (-folder +compiled):\n%s", diff)
	}
	for _, name := range []string{"nodejs", "ubuntu", "none"} {
		p1, ok1, err1 := d.Product(name)
		p2, ok2, err2 := c.Product(name)
		if err1 != nil || err2 != nil || ok1 != ok2 || cmp.Diff(p1, p2) != "" {
			t.Errorf("Product(%s): %v %v, %v %v: %s", name, ok1, err1, ok2, err2, cmp.Diff(p1, p2))
		}
	}
	if diff := cmp.Diff(d.Info(), c.Info()); diff != "" {
		t.Errorf("Info (-folder +compiled):\n%s", diff)
	}
}

func TestCompiledShared(t *testing.T) {
	d, _ := open(t, filepath.Join(shared.Dir(t), "intel"))
	all, err := d.epss(nil)
	if err != nil {
		t.Skip(err)
	}
	var cves []string
	for cve := range all {
		cves = append(cves, cve)
	}
	// Each file counts what it has whenever it is read; ask a folder that was read once.
	d, _ = open(t, filepath.Join(shared.Dir(t), "intel"))
	c, _ := compile(t, d)
	fresh, _ := open(t, filepath.Join(shared.Dir(t), "intel"))
	compareData(t, fresh, c, cves)
}
