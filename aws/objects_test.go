package aws_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// evaluate reads one file of either language.
func evaluate(tb testing.TB, name, content string) []*inventory.Resource {
	tb.Helper()
	tree, err := inventory.NewTree(tb.Context(), fstest.MapFS{name: {Data: []byte(content)}}, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	var source inventory.Source = cloudformation.Source{Region: "eu-central-1"}
	if strings.HasSuffix(name, ".tf") {
		source = terraform.Source{}
	}
	inv, err := source.Read(tb.Context(), tree)
	if err != nil {
		tb.Fatal(err)
	}
	for _, n := range inv.Notices {
		tb.Logf("%s: %s", n.Code, n.Message)
	}
	return inv.Resources
}

// TestObjects reads what testdata/objects declares in both languages. The golden files were compared by hand with what
// the declarations mean.
func TestObjects(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "objects", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, file+".golden", write(t, aws.Build(evaluate(t, filepath.Base(file), string(content)))))
		})
	}
}
