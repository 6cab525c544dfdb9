package ecosystem

import (
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestConanReference(t *testing.T) {
	for _, tt := range []struct {
		text, name, version string
		origin              inventory.Origin
	}{
		{"zlib/1.2.11", "zlib", "1.2.11", inventory.OriginRegistry},
		{"zlib/1.2.11@", "zlib", "1.2.11", inventory.OriginRegistry},
		{"zlib/1.2.11@_/_", "zlib", "1.2.11", inventory.OriginRegistry},
		{"zlib/1.2.11@_/_#rev:package#prev%1692672717.68", "zlib", "1.2.11", inventory.OriginRegistry},
		{"zlib/1.2.11#rev:package", "zlib", "1.2.11", inventory.OriginRegistry},
		{"zlib/1.2.11:package", "zlib", "1.2.11", inventory.OriginRegistry},
		{"acme/1.0@acme/stable", "acme", "1.0", inventory.OriginPrivate},
		{"acme/1.0@acme/stable:package", "acme", "1.0", inventory.OriginPrivate},
		{"acme/1.0@acme", "acme", "1.0", inventory.OriginPrivate},
		{"conanfile.txt", "", "conanfile.txt", inventory.OriginRegistry},
		{"", "", "", inventory.OriginRegistry},
	} {
		if name, version, origin := conanReference(tt.text); name != tt.name || version != tt.version || origin != tt.origin {
			t.Errorf("conanReference(%q) = %q, %q, %s; want %q, %q, %s", tt.text, name, version, origin, tt.name, tt.version, tt.origin)
		}
	}
}

func FuzzConanLock(f *testing.F) {
	seeds(f, "conan.lock")
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _ := readConanLock(t.Context(), treeOf(t, "conan.lock", string(data), "conanfile.py", string(data)), "conan.lock")
		checkPlaces(t, doc, data)
		checkDocument(t, doc)
	})
}

func FuzzConanfile(f *testing.F) {
	seeds(f, "conanfile.txt")
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _ := readConanfile(t.Context(), treeOf(t, "conanfile.txt", string(data)), "conanfile.txt")
		checkPlaces(t, doc, data)
		checkDocument(t, doc)
	})
}
