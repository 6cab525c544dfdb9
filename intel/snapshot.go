package intel

import (
	_ "embed"
	"encoding/json"
	"sync"
)

// snapshot is end-of-life data of what machine images, runtimes and databases are made of, for scans without data of their
// own. It is that of endoflife.date (MIT licence), cut to those products.
//
//go:embed snapshot.json
var snapshot []byte

// Snapshot returns a product of the data that the program carries, and the day that the data is of. ok is false where it
// does not know the product.
func Snapshot(name string) (p Product, day string, ok bool) {
	file := readSnapshot()
	p, ok = file.Products[name]
	p.Name = name
	return p, file.AsOf, ok
}

type snapshotFile struct {
	AsOf     string             `json:"as_of"`
	Products map[string]Product `json:"products"`
}

var readSnapshot = sync.OnceValue(func() (file snapshotFile) {
	if err := json.Unmarshal(snapshot, &file); err != nil { // a test reads it, so that it is whole
		return snapshotFile{}
	}
	return file
})
