package advisory

import (
	"context"
	"maps"
	"os"
	"slices"
)

// Open opens the database at path: a folder in the layout of the OSV bucket, or an index file. It is an error if path
// does not exist, and a *DamageError if it is a file that is no index.
//
// Of a folder, each ecosystem that is asked about is compiled into an index in the user's cache, which serves as long
// as the content of the folder stays the same. Where the cache can't be written, the folder is read each time.
func Open(_ context.Context, path string) (Database, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return OpenIndex(path)
	}
	f, err := OpenFolder(path)
	if err != nil {
		return nil, err
	}
	f.useCache(defaultFolderCache())
	return f, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
