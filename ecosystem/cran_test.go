package ecosystem

import "testing"

func FuzzRenvLock(f *testing.F) {
	seeds(f, "renv.lock")
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _ := readRenvLock(t.Context(), treeOf(t, "renv.lock", string(data), "DESCRIPTION", "Package: x\nImports: dplyr\n"), "renv.lock")
		checkPlaces(t, doc, data)
		checkDocument(t, doc)
	})
}

func FuzzRDescription(f *testing.F) {
	seeds(f, "DESCRIPTION")
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := treeOf(t, "DESCRIPTION", string(data), "renv.lock", `{"Packages": {"dplyr": {"Version": "1"}, "rlang": {"Version": "1"}}}`)
		for name, read := range map[string]func() (*Document, error){
			"DESCRIPTION": func() (*Document, error) { return readRDescription(t.Context(), tree, "DESCRIPTION") },
			"renv.lock":   func() (*Document, error) { return readRenvLock(t.Context(), tree, "renv.lock") },
		} {
			doc, err := read()
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			checkDocument(t, doc)
		}
	})
}
