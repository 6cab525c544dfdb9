package sbom

import (
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestRPM(t *testing.T) {
	tree, err := inventory.OpenTree(t.Context(), "testdata/rpm", inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	inv, err := Source{}.Read(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Packages) != 1 || len(inv.Notices) != 0 {
		t.Fatalf("packages %+v, notices %+v; want one package", inv.Packages, inv.Notices)
	}
	p := inv.Packages[0]
	const want = "pkg:rpm/almalinux/hello-libs@1.2.3-4.el9?arch=noarch&distro=almalinux-9.3"
	if p.PURL != want || p.Ecosystem != "AlmaLinux:9" || p.Version != "1.2.3-4.el9" {
		t.Errorf("package %+v, want %s of AlmaLinux:9", p, want)
	}
}

func TestBrokenRPM(t *testing.T) {
	for _, data := range []string{"", "SQLite format 3\x00 and then nothing"} {
		tree, err := inventory.NewTree(t.Context(), fstest.MapFS{
			"etc/os-release":           {Data: []byte("ID=almalinux\nVERSION_ID=9\n")},
			"var/lib/rpm/rpmdb.sqlite": {Data: []byte(data)},
		}, inventory.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		inv, err := Source{}.Read(t.Context(), tree)
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Packages) != 0 || len(inv.Notices) != 1 || inv.Notices[0].Location.Path != "var/lib/rpm/rpmdb.sqlite" {
			t.Errorf("%q: packages %+v, notices %+v; want a notice of the database", data, inv.Packages, inv.Notices)
		}
	}
}
