package cloudformation

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// seeds calls add with the content of each file of testdata that ends so.
func seeds(f *testing.F, add func(data []byte), suffixes ...string) {
	f.Helper()
	err := filepath.WalkDir("testdata", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		for _, suffix := range suffixes {
			if strings.HasSuffix(name, suffix) && entry.Name() != "cfnlint.json" {
				data, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				add(data)
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

// FuzzTemplate evaluates anything as a template in both notations. Every unknown value must have a reason, and every
// resource a place.
func FuzzTemplate(f *testing.F) {
	seeds(f, func(data []byte) { f.Add(data) }, ".yaml", ".json")
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"t.yaml", "t.json"} {
			inv := read(t, Source{Params: map[string]string{"P": "x"}}, files(t, map[string]string{name: string(data)}))
			for _, r := range inv.Resources {
				if r.ID == "" || r.Type == "" || r.Location.Path == "" {
					t.Errorf("a resource without address, type or place: %+v", r)
				}
				eachUnknown(r.Values, func(v inventory.Value) {
					if len(v.Reasons()) == 0 {
						t.Errorf("%s has an unknown value without a reason at %v", r.ID, v.Location())
					}
				})
			}
		}
	})
}

// FuzzSettings reads anything as the files that stand beside a template.
func FuzzSettings(f *testing.F) {
	seeds(f, func(data []byte) { f.Add(data) }, ".parameters.json", ".toml", "manifest.json")
	const template = head + "Parameters: {A: {Type: String}}\nResources:\n  R: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref A}}\n"
	f.Fuzz(func(t *testing.T, data []byte) {
		inv := read(t, Source{}, files(t, map[string]string{
			"template.yaml": template, "template.parameters.json": string(data), "samconfig.toml": string(data), "manifest.json": string(data),
		}))
		if len(inv.Resources) == 0 {
			t.Error("what stands beside a template keeps it from being evaluated")
		}
	})
}
