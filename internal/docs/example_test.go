package docs_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/trifecta-scanner/trifecta/internal/shared"
)

// root is the module's folder.
var root = filepath.Join("..", "..")

// TestExampleAdvisories holds the records of the example to the schema that real ones pass.
func TestExampleAdvisories(t *testing.T) {
	schema := filepath.Join(shared.Dir(t), "schemas", "osv", "osv-schema.json")
	compiled, err := jsonschema.NewCompiler().Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	fsys := os.DirFS(filepath.Join(root, "examples", "three-tier", "advisories"))
	records := 0
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		records++
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		record, err := jsonschema.UnmarshalJSON(f)
		if err != nil {
			return err
		}
		if err := compiled.Validate(record); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if records == 0 {
		t.Error("no records found")
	}
}

// TestExampleLayout checks what the reader of a bucket relies on: the folder names the ecosystem, the file the record.
func TestExampleLayout(t *testing.T) {
	fsys := os.DirFS(filepath.Join(root, "examples", "three-tier", "advisories"))
	names, err := fs.Glob(fsys, "*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		var record struct {
			ID       string
			Affected []struct{ Package struct{ Ecosystem string } }
		}
		if err := json.Unmarshal(data, &record); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := strings.TrimSuffix(path.Base(name), ".json"); record.ID != want {
			t.Errorf("%s: record %s is in the file of %s", name, record.ID, want)
		}
		for _, a := range record.Affected {
			if a.Package.Ecosystem != path.Dir(name) {
				t.Errorf("%s: a package of %s in the folder of %s", name, a.Package.Ecosystem, path.Dir(name))
			}
		}
	}
}
