package inventory

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/trifecta-scanner/trifecta/internal/pack"
)

// Memory is a folder in which readers keep from one run to the next what they made of a tree, so that what is dear to
// read is read once. It holds facts, never a judgement: advisories and rules change while a tree stays the same.
//
// A value is kept with the contents of all that it was made from (Inputs) and is good for a tree in which all of them
// are the same, and for the build of the program that wrote it. A file that is damaged, or of another build, is as good
// as none. A nil Memory remembers nothing. It is safe for use by several goroutines and programs.
//
// # Limitations
//
// Whoever can write to the folder can make a tree look as they like. It must not come from those whose changes are
// judged: a run for the change of a stranger opens it with ReadOnly.
type Memory struct {
	root     *os.Root
	build    string
	readOnly bool
	limits   MemoryLimits

	mu       sync.Mutex
	variants map[string][]variant // by file, as far as they were read
	notices  []Notice
	written  int
}

// MemoryOptions say how a memory is used.
type MemoryOptions struct {
	Build    string // names the build of the program; values of another one are not used
	ReadOnly bool   // nothing is written
	Limits   MemoryLimits
}

// MemoryLimits bound a memory. The zero value stands for DefaultMemoryLimits.
type MemoryLimits struct {
	File   int64 // bytes of one file
	Folder int64 // bytes of all files
}

// DefaultMemoryLimits hold the facts of hundreds of large repositories.
var DefaultMemoryLimits = MemoryLimits{File: 64 << 20, Folder: 256 << 20}

// OpenMemory opens the memory in a folder, which is made where it is not there and may be written.
func OpenMemory(dir string, o MemoryOptions) (*Memory, error) {
	if !o.ReadOnly {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("make the folder of the cache: %w", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		if o.ReadOnly && errors.Is(err, fs.ErrNotExist) {
			return nil, nil //nolint:nilnil // a nil Memory is one that remembers nothing
		}
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	if o.Limits == (MemoryLimits{}) {
		o.Limits = DefaultMemoryLimits
	}
	return &Memory{root: root, build: o.Build, readOnly: o.ReadOnly, limits: o.Limits, variants: map[string][]variant{}}, nil
}

// Close releases the folder, and makes it as small as its limit says where something was written.
func (m *Memory) Close() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	if m.written > 0 {
		err = m.shrink()
	}
	return errors.Join(err, m.root.Close())
}

// Notices returns what of the memory could not be used, which makes a run slower and no less right.
func (m *Memory) Notices() []Notice {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.notices)
}

// Kept returns how many values were kept so far; what was recalled need not be kept again.
func (m *Memory) Kept() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.written
}

// MemoryNotice is the code of a notice about a memory.
const MemoryNotice = "cache-not-used"

// variant is a value with what it was made from.
type variant struct {
	Inputs []asked
	Value  []byte
}

// asked is one question to a tree with its answer.
type asked struct {
	Kind   uint8
	Name   string
	Digest string
}

// The form of a file: this line, the SHA-256 of the rest, the build, the variants. maxVariants are kept of a name: the
// two sides of a comparison, and those of the branch before.
const (
	memoryMagic = "trifecta facts 1\n"
	memoryEnd   = ".facts"
	maxVariants = 4
)

// Recall puts the value that was kept under the name into what into points to, and returns true, if there is one that
// holds for the tree. Otherwise what into points to is not to be used. The name says who keeps it and of what: two values under one name are two states of the same.
func (m *Memory) Recall(tree *Tree, name string, into any) bool {
	if m == nil {
		return false
	}
	for _, v := range m.load(name) {
		if tree.Unchanged(v.inputs()) {
			return pack.Unmarshal(v.Value, into) == nil // the file was whole, so that this is right or of another type
		}
	}
	return false
}

// Keep keeps a value under a name with what it was made from. What can't be kept is a notice.
func (m *Memory) Keep(name string, in *Inputs, value any) {
	if m == nil || m.readOnly || in == nil {
		return
	}
	data, err := pack.Marshal(value)
	if err != nil {
		m.notice(fmt.Errorf("keep %s: %w", name, err))
		return
	}
	fresh := variant{in.list(), data}
	kept := []variant{fresh}
	for _, v := range m.load(name) {
		if len(kept) < maxVariants && !slices.Equal(v.Inputs, fresh.Inputs) {
			kept = append(kept, v)
		}
	}
	m.mu.Lock()
	m.variants[name] = kept
	m.mu.Unlock()
	if err := m.store(name, kept); err != nil {
		m.notice(err)
	}
}

// RecallInventory returns the inventory that KeepInventory kept under the name and that holds for the tree.
func (m *Memory) RecallInventory(tree *Tree, name string) (*Inventory, bool) {
	inv := new(Inventory)
	return inv, m.Recall(tree, name, inv)
}

// KeepInventory keeps what a source made of a tree. One with a value that must not be shown is not kept: it would stand
// in a file.
func (m *Memory) KeepInventory(name string, in *Inputs, inv *Inventory) {
	for _, list := range [][]*Resource{inv.Resources, inv.Automation} {
		for _, r := range list {
			if r.Values.hasSensitive() {
				return
			}
		}
	}
	m.Keep(name, in, inv)
}

// file returns the name of the file for a name. It depends on the build, so that two builds do not take turns.
func (m *Memory) file(name string) string {
	sum := sha256.Sum256([]byte(memoryMagic + m.build + "\x00" + name))
	return hex.EncodeToString(sum[:16]) + memoryEnd
}

func (m *Memory) notice(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notices = append(m.notices, Notice{Code: MemoryNotice, Message: fmt.Sprintf("the cache was not used in full: %v", err)})
}

func (m *Memory) load(name string) []variant {
	m.mu.Lock()
	known, ok := m.variants[name]
	m.mu.Unlock()
	if ok {
		return known
	}
	variants, err := m.read(m.file(name))
	if err != nil {
		m.notice(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.variants[name] = variants
	return variants
}

// memoryFile is the content of a file behind its sum.
type memoryFile struct {
	Build    string
	Variants []variant
}

func (m *Memory) read(file string) ([]variant, error) {
	f, err := m.root.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > m.limits.File {
		return nil, fmt.Errorf("%s is no file of at most %d MiB", file, m.limits.File>>20)
	}
	data, err := io.ReadAll(io.LimitReader(f, m.limits.File))
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(data, []byte(memoryMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, fmt.Errorf("%s is no file of the cache", file)
	}
	sum := [sha256.Size]byte(rest)
	rest = rest[sha256.Size:]
	if sha256.Sum256(rest) != sum {
		return nil, fmt.Errorf("%s is damaged", file)
	}
	var content memoryFile
	if err := pack.Unmarshal(rest, &content); err != nil || content.Build != m.build {
		return nil, fmt.Errorf("%s is of another build of the program", file)
	}
	return content.Variants, nil
}

// store replaces a file by one with these variants, fewer where they would be too large.
func (m *Memory) store(name string, variants []variant) error {
	var data []byte
	for {
		content, err := pack.Marshal(&memoryFile{m.build, variants})
		if err != nil {
			return fmt.Errorf("keep %s: %w", name, err)
		}
		sum := sha256.Sum256(content)
		data = slices.Concat([]byte(memoryMagic), sum[:], content)
		if int64(len(data)) <= m.limits.File {
			break
		}
		if variants = variants[:len(variants)-1]; len(variants) == 0 {
			return fmt.Errorf("keep %s: it has more than %d MiB", name, m.limits.File>>20)
		}
	}
	file := m.file(name)
	part := fmt.Sprintf("%s.%d.part", file, os.Getpid())
	if err := m.root.WriteFile(part, data, 0o644); err != nil {
		return errors.Join(fmt.Errorf("keep %s: %w", name, err), m.root.Remove(part))
	}
	if err := m.root.Rename(part, file); err != nil {
		return errors.Join(fmt.Errorf("keep %s: %w", name, err), m.root.Remove(part))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written++
	return nil
}

// shrink removes the files that were written the longest ago until the rest is within the limit. Others' files in the
// folder are left alone.
func (m *Memory) shrink() error {
	entries, err := fs.ReadDir(m.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("look at the size of the cache: %w", err)
	}
	var files []fs.FileInfo
	var size int64
	for _, e := range entries {
		ours := strings.HasSuffix(e.Name(), memoryEnd) || strings.HasSuffix(e.Name(), ".part") && strings.Contains(e.Name(), memoryEnd+".")
		info, err := e.Info()
		if err != nil || !ours || !info.Mode().IsRegular() {
			continue
		}
		files = append(files, info)
		size += info.Size()
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, f := range files {
		if size <= m.limits.Folder {
			break
		}
		if err := m.root.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make the cache smaller: %w", err)
		}
		size -= f.Size()
	}
	return nil
}

// Within reports whether the folder of a memory stands in a tree, whose authors could then write it.
func Within(tree, dir string) bool {
	resolved := func(name string) string {
		abs, err := filepath.Abs(name)
		if err != nil {
			return name
		}
		// What does not exist yet is judged by the part of it that does.
		for at, rest := abs, ""; ; at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest) {
			if real, err := filepath.EvalSymlinks(at); err == nil {
				return filepath.Join(real, rest)
			}
			if at == filepath.Dir(at) {
				return abs
			}
		}
	}
	rel, err := filepath.Rel(resolved(tree), resolved(dir))
	return err == nil && filepath.IsLocal(rel)
}
