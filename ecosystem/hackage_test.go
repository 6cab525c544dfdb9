package ecosystem

import "testing"

func FuzzCabalFreeze(f *testing.F) {
	seeds(f, "cabal.project.freeze", "shop.cabal")
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _ := readCabalFreeze(t.Context(), treeOf(t, "cabal.project.freeze", string(data), "x.cabal", string(data)), "cabal.project.freeze")
		checkPlaces(t, doc, data)
		checkDocument(t, doc)
		doc, _ = readCabalFreeze(t.Context(), treeOf(t, "cabal.project.freeze", "constraints: any.aeson ==2.1", "x.cabal", string(data)), "cabal.project.freeze")
		checkDocument(t, doc)
	})
}

func FuzzStack(f *testing.F) {
	seeds(f, "stack.yaml", "stack.yaml.lock")
	f.Fuzz(func(t *testing.T, data []byte) {
		tree := treeOf(t, "stack.yaml", string(data), "stack.yaml.lock", string(data))
		doc, _ := readStackLock(t.Context(), tree, "stack.yaml.lock")
		checkDocument(t, doc)
		doc, _ = readStackYAML(t.Context(), tree, "stack.yaml")
		checkDocument(t, doc)
	})
}
