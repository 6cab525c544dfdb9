package osv

import (
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// TestMovingTag says that a tag of GitHub Actions which moves is asked about as the newest release that it stands for.
func TestMovingTag(t *testing.T) {
	for version, want := range map[string]string{"v4": "v4.999999.999999", "v4.1.2": "v4.1.2"} {
		pkg := &inventory.Package{Name: "octo/action/inner", Version: version, Ecosystem: "GitHub Actions"}
		query, _ := queryFor(pkg, inventory.PackageLocation{Origin: inventory.OriginRegistry})
		if query.Version != want || query.Name != "octo/action" {
			t.Errorf("%s is asked about as %s %s, want octo/action %s", version, query.Name, query.Version, want)
		}
	}
}
