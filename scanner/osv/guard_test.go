package osv

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// TestLockWithoutAddresses guards facts 1.2 from the file to the finding: npm writes lock files without "resolved" with
// omit-lockfile-registry-resolved, and for some tools that makes every package a local one without vulnerabilities.
func TestLockWithoutAddresses(t *testing.T) {
	const lock = `{"name":"shop","lockfileVersion":3,"packages":{
	"":{"name":"shop","dependencies":{"lodash":"^4.0.0","evil-pad":"1.0.0"},"workspaces":["tools/*"]},
	"node_modules/lodash":{"version":"4.17.15","integrity":"sha512-AA=="},
	"node_modules/evil-pad":{"version":"1.0.0"},
	"node_modules/tool":{"resolved":"tools/tool","link":true},
	"tools/tool":{"name":"lodash","version":"4.17.15"}}}`
	tree, err := inventory.NewTree(t.Context(), fstest.MapFS{"package-lock.json": {Data: []byte(lock)}}, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	inv := &inventory.Inventory{}
	for _, format := range ecosystem.NPM.Formats {
		if !format.Match("package-lock.json") {
			continue
		}
		doc, err := format.Read(t.Context(), tree, "package-lock.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range doc.Entries {
			inv.Packages = append(inv.Packages, inventory.Package{
				ID: inventory.ID(e.Name), Name: e.Name, Version: e.Version, Ecosystem: "npm",
				Locations: []inventory.PackageLocation{{Location: e.Location, LockFile: true, Scope: e.Scope, Origin: e.Origin}},
			})
		}
	}
	j, err := (&Scanner{DB: &memory{records: records(t, lodashGHSA, evil)}}).Scan(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range j.Findings {
		got = append(got, f.RuleID)
	}
	if diff := cmp.Diff([]string{"GHSA-35jh-r3h4-6jhm", "MAL-2025-1"}, got); diff != "" {
		t.Errorf("%s\nnotices %s", diff, messages(j.Notices))
	}
	for _, f := range j.Findings {
		if f.Location.Line != 3 && f.Location.Line != 4 {
			t.Errorf("%s stands in line %d", f.RuleID, f.Location.Line)
		}
	}
}
