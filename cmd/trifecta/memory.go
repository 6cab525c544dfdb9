package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// cacheVariable names the folder that keeps what was read from one run to the next. Without it nothing is kept.
const cacheVariable = "TRIFECTA_CACHE"

// openMemory opens the folder that cacheVariable names. One that can't be used, or that stands in the scanned tree,
// whose authors could make it say what they like, is a notice and no memory.
func (a *app) openMemory(tree string, readOnly bool) (*inventory.Memory, []inventory.Notice) {
	dir := a.getenv(cacheVariable)
	if dir == "" {
		return nil, nil
	}
	unusable := func(why any) (*inventory.Memory, []inventory.Notice) {
		return nil, []inventory.Notice{{Code: inventory.MemoryNotice, Message: fmt.Sprintf("the cache that %s names was not used: %v", cacheVariable, why)}}
	}
	if inventory.Within(tree, dir) {
		return unusable("it stands in the scanned tree; name a folder outside of it")
	}
	memory, err := inventory.OpenMemory(dir, inventory.MemoryOptions{Build: build(), ReadOnly: readOnly})
	if err != nil {
		return unusable(err)
	}
	return memory, nil
}

// remembered is a source whose facts are kept as a whole.
type remembered struct {
	inventory.Source
	memory *inventory.Memory
	// settings is everything beside the tree that the source reads by.
	settings any
}

// slow is below every limit of time that a source has. What took longer may have been cut off by one, which is no fact
// about the tree.
const slow = 5 * time.Second

// After implements inventory.Follower. What a source finds that goes by resources of others is not remembered: it changes
// with files that the source does not read.
func (r remembered) After(declared []*inventory.Resource) (source inventory.Source, goesBy bool) {
	if f, ok := r.Source.(inventory.Follower); ok {
		if source, goesBy = f.After(declared); goesBy {
			return source, true
		}
	}
	return r, false
}

// Read implements inventory.Source.
func (r remembered) Read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, error) {
	if r.memory == nil {
		return r.Source.Read(ctx, tree)
	}
	// A setting may be a password, which a notice about this name must not say.
	settings := sha256.Sum256(fmt.Appendf(nil, "%#v", r.settings))
	name := r.Name() + " " + hex.EncodeToString(settings[:])
	if inv, ok := r.memory.RecallInventory(tree, name); ok {
		return inv, nil
	}
	view, inputs := tree.Recording()
	started := time.Now()
	inv, err := r.Source.Read(ctx, view)
	if err == nil && time.Since(started) < slow {
		r.memory.KeepInventory(name, inputs, inv)
	}
	return inv, err
}

// build names this build of the program: two that could read a file in different ways have different names. The name
// that the linker gives to what it built (https://pkg.go.dev/cmd/internal/buildid) does that, and is the same when the
// same source is built again.
func build() string {
	name := fmt.Sprintf("%s %s %s %s", version, builtFrom(), runtime.Version(), runtime.GOARCH)
	executable, err := os.Executable()
	if err != nil {
		return name
	}
	f, err := os.Open(executable)
	if err != nil {
		return name
	}
	defer func() { _ = f.Close() }() // it was only read
	start, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err == nil {
		if id := linked(start); len(id) > 0 {
			return name + " " + string(id)
		}
	}
	if info, err := f.Stat(); err == nil { // a build without a name
		name += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
	}
	return name
}

// linked returns the name of a build from the start of its file: a note of type 4 in ELF, a text elsewhere.
func linked(start []byte) []byte {
	if before, rest, ok := bytes.Cut(start, []byte("\x04\x00\x00\x00Go\x00\x00")); ok && len(before) >= 4 {
		if size := binary.LittleEndian.Uint32(before[len(before)-4:]); uint64(size) <= uint64(len(rest)) {
			return rest[:size]
		}
	}
	if _, rest, ok := bytes.Cut(start, []byte("\xff Go build ID: \"")); ok {
		id, _, _ := bytes.Cut(rest, []byte("\"\n"))
		return id
	}
	return nil
}
