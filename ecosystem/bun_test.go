package ecosystem

import "testing"

func FuzzBunLock(f *testing.F) {
	seed(f, "npm", "bun.lock")
	f.Fuzz(func(t *testing.T, lock string) {
		tree := treeOf(t, "bun.lock", lock, "package.json", `{"dependencies": {"a": "^1.0.0"}}`, "b/package.json", `{"name": "b"}`)
		doc, _ := readBunLock(t.Context(), tree, "bun.lock")
		checkPlaces(t, doc, []byte(lock))
	})
}
