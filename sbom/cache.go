package sbom

import (
	"sync"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Cache keeps readings of files, so that a second tree that has the same files need not parse them again. It holds
// facts of single files and never a judgement. It is safe for use by several goroutines.
type Cache struct {
	mu       sync.Mutex
	readings map[cacheKey][]cached
}

type cacheKey struct{ path, format string }

type cached struct {
	reading reading
	inputs  *inventory.Inputs
}

// read returns a reading of the file that holds for the tree, from the cache or by reading it, and what it was made
// from. Without a cache that is not recorded.
func (c *Cache) read(tree *inventory.Tree, claim claim, read func(*inventory.Tree) reading) (reading, *inventory.Inputs) {
	if c == nil {
		return read(tree), nil
	}
	key := cacheKey{claim.path, claim.format.Name}
	c.mu.Lock()
	known := c.readings[key]
	c.mu.Unlock()
	for _, k := range known {
		if tree.Unchanged(k.inputs) {
			return k.reading, k.inputs
		}
	}
	view, inputs := tree.Recording()
	r := read(view)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.readings == nil {
		c.readings = map[cacheKey][]cached{}
	}
	c.readings[key] = append(c.readings[key], cached{r, inputs})
	return r, inputs
}
