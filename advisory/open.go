package advisory

import (
	"context"
	"maps"
	"os"
	"slices"
)

// Open opens the database at path: a folder in the layout of the OSV bucket, or an index file. It is an error if path
// does not exist, and a *DamageError if it is a file that is no index.
func Open(_ context.Context, path string) (Database, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return OpenFolder(path)
	}
	return OpenIndex(path)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
