package layers_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/layers"
)

const module = "github.com/trifecta-scanner/trifecta"

func TestModule(t *testing.T) {
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	found, err := layers.Check(os.DirFS(root), module)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

func TestCheck(t *testing.T) {
	imports := func(pkg string, paths ...string) string {
		return "package " + pkg + "\n\nimport (\n\t\"" + strings.Join(paths, "\"\n\t\"") + "\"\n)\n"
	}
	tests := []struct {
		name string
		file string
		src  string
		want string // what the one message says after the place; empty for none
	}{
		{"down", "scanner/osv/osv.go", imports("osv", module+"/scanner", module+"/inventory"), ""},
		{"skip a layer", "report/text.go", imports("report", module+"/inventory"), ""},
		{"up", "inventory/inventory.go", imports("inventory", module+"/scanner"), "inventory imports scanner, which stands above it"},
		{"sibling", "report/text.go", imports("report", module+"/config"), "report imports its sibling config"},
		{"siblings of one parent", "scanner/osv/osv.go", imports("osv", module+"/scanner/infra"), "scanner/osv imports its sibling scanner/infra"},
		{"child of the same source", "inventory/terraform/a.go", imports("terraform", module+"/inventory"), ""},
		{"everything may use the ground", "inventory/tree.go", imports("inventory", module+"/internal/git"), ""},
		{"the ground uses nothing", "internal/git/git.go", imports("git", module+"/inventory"), "internal/git imports inventory: packages below internal serve every layer"},
		{"tests may look up", "inventory/tree_test.go", imports("inventory_test", module+"/scanner"), ""},
		{"test data outside of tests", "sbom/sbom.go", imports("sbom", module+"/internal/shared"), "internal/shared is for tests"},
		{"library at home", "sbom/sbom.go", imports("sbom", "github.com/anchore/syft/syft/pkg"), ""},
		{"library abroad", "report/a.go", imports("report", "github.com/anchore/syft/syft/pkg"), "github.com/anchore/syft/syft/pkg is imported only in sbom"},
		{"library without a home", "sbom/a.go", imports("sbom", "github.com/anchore/syft/syft/pkg/cataloger/java"), "github.com/anchore/syft/syft/pkg/cataloger/java is imported nowhere: it links"},
		{"major version", "fix/a.go", imports("fix", "github.com/google/go-github/v60/github"), "github.com/google/go-github/v60/github is imported only in forge/github"},
		{"another library with the same beginning", "report/a.go", imports("report", "github.com/anchore/syfter"), ""},
		{"init", "report/a.go", "package report\n\nfunc init() {}\n", "func init runs at every start"},
		{"a method may be called init", "report/a.go", "package report\n\nfunc (t table) init() {}\n", ""},
		{"side effect", "report/a.go", "package report\n\nimport _ \"image/png\"\n", "image/png is imported for its side effect"},
		{"embed", "report/a.go", "package report\n\nimport _ \"embed\"\n", ""},
		{"vague name", "internal/x/a.go", "package util\n", "package util: name it for what it provides"},
		{"new folder", "helm/a.go", "package helm\n", "folder helm is in no layer"},
		{"another module", "tools/a.go", "package util\n", ""},
		{"test data", "report/testdata/a.go", "package util\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{
				tt.file:        {Data: []byte(tt.src)},
				"go.mod":       {Data: []byte("module " + module + "\n")},
				"tools/go.mod": {Data: []byte("module " + module + "/tools\n")},
			}
			found, err := layers.Check(fsys, module)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if diff := cmp.Diff([]string(nil), found); diff != "" {
					t.Error(diff)
				}
				return
			}
			if len(found) != 1 || !strings.HasPrefix(found[0], tt.file+":") || !strings.Contains(found[0], ": "+tt.want) {
				t.Errorf("found %q, want one message with %q", found, tt.want)
			}
		})
	}
}

func TestCheckBrokenFile(t *testing.T) {
	if _, err := layers.Check(fstest.MapFS{"report/a.go": {Data: []byte("package")}}, module); err == nil {
		t.Error("a file that does not parse gives no error")
	}
}
