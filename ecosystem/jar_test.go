package ecosystem

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func jarOf(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readJarOf(t *testing.T, data []byte) (*Document, error) {
	t.Helper()
	tree, err := inventory.NewTree(t.Context(), fstest.MapFS{"a.jar": {Data: data}}, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return readJar(t.Context(), tree, "a.jar")
}

func TestHostileJars(t *testing.T) {
	const props = "META-INF/maven/g/a/pom.properties"
	deep := jarOf(t, map[string][]byte{props: []byte("groupId=g\nartifactId=deep\nversion=1")})
	for range 50 {
		deep = jarOf(t, map[string][]byte{"inner.jar": deep})
	}
	if doc, err := readJarOf(t, deep); err != nil || len(doc.Entries) != 0 {
		t.Errorf("archives 50 deep: %d entries, %v", len(doc.Entries), err)
	}
	large := jarOf(t, map[string][]byte{props: bytes.Repeat([]byte("x"), maxJarProps+1)})
	if _, err := readJarOf(t, large); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a large pom.properties: %v", err)
	}
	if _, err := readJarOf(t, []byte("PK\x03\x04 not an archive")); err == nil {
		t.Error("a broken archive was read")
	}
	many := map[string][]byte{}
	for i := range 10 {
		many[fmt.Sprintf("%d.class", i)] = nil
	}
	if doc, err := readJarOf(t, jarOf(t, many)); err != nil || len(doc.Notices) != 1 {
		t.Errorf("an archive without coordinates: %+v, %v", doc.Notices, err)
	}
}

func FuzzJar(f *testing.F) {
	f.Add(jarOf(f, map[string][]byte{"META-INF/maven/g/a/pom.properties": []byte("groupId=g\nartifactId=a\nversion=1")}))
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = readJarOf(t, data) })
}
