package terraform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// files reads the configuration of a tree: each file and each module once, however many call it.
type files struct {
	tree      *inventory.Tree
	notices   *notices
	modules   map[string]*module
	folders   map[string][]string // names of the configuration files of each folder of the walk
	cited     map[string]*graphemes
	templates map[templateKey]hclsyntax.Expression
	builtins  []builtin
	builtinAt map[inventory.Location]int
	locks     map[string]map[string]string // versions of providers, of each root
}

// endings of configuration files; those of OpenTofu win over a file of the same name of Terraform.
var endings = []string{".tofu", ".tofu.json", ".tf", ".tf.json"}

func newFiles(tree *inventory.Tree, n *notices) *files {
	f := &files{tree: tree, notices: n, modules: map[string]*module{}, folders: map[string][]string{}, cited: map[string]*graphemes{}, templates: map[templateKey]hclsyntax.Expression{}, builtinAt: map[inventory.Location]int{}, locks: map[string]map[string]string{}}
	for _, ending := range endings {
		for _, file := range tree.WithSuffix(ending) {
			dir, base := path.Split(file.Path)
			if strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~") {
				continue
			}
			dir = path.Clean(dir)
			f.folders[dir] = append(f.folders[dir], base)
		}
	}
	return f
}

// configuration returns the names of the files that make the module of a folder, in the order in which Terraform reads
// them. A folder that the walk left out, such as .terraform/modules, is listed from the file system.
func (f *files) configuration(dir string) []string {
	if b, inner := f.builtinOf(dir); b != nil {
		return b.configuration(inner)
	}
	var names []string
	entries, err := fs.ReadDir(f.tree.FS(), dir)
	if err != nil {
		names = slices.Clone(f.folders[dir])
	}
	outside := len(f.folders[dir]) == 0
	for _, entry := range entries {
		name := entry.Name()
		if !isConfiguration(name) {
			continue
		}
		if entry.Type()&fs.ModeSymlink != 0 { // a link within the tree; links that lead out of it can't be opened
			if info, err := fs.Stat(f.tree.FS(), path.Join(dir, name)); err != nil || !info.Mode().IsRegular() {
				continue
			}
		} else if !entry.Type().IsRegular() || !outside && !slices.Contains(f.folders[dir], name) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool {
		for _, pair := range [][2]string{{".tf", ".tofu"}, {".tf.json", ".tofu.json"}} {
			if base, ok := strings.CutSuffix(name, pair[0]); ok && slices.Contains(names, base+pair[1]) {
				return true
			}
		}
		return false
	})
}

func isConfiguration(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
		return false
	}
	return slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(name, ending) })
}

// errTooLarge is returned for a file above a limit of this package.
var errTooLarge = errors.New("it is larger than the limit")

// read returns the content of a file of the tree, also of one that the walk left out.
func (f *files) read(name string, limit int64) ([]byte, error) {
	name = path.Clean(name)
	if b, inner := f.builtinOf(name); b != nil {
		return b.read(inner)
	}
	if !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	if f.tree.Has(name) {
		data, err := f.tree.ReadFile(name)
		if err == nil && int64(len(data)) > limit {
			err = errTooLarge
		}
		return data, err
	}
	file, err := f.tree.FS().Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fs.ErrInvalid
	case info.Size() > limit:
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}

// module returns the module of a folder; it is empty where the folder has none.
func (f *files) module(dir string) *module {
	if m := f.modules[dir]; m != nil {
		return m
	}
	m := newModule(dir)
	f.modules[dir] = m
	var overrides []*hclsyntax.Body
	for _, base := range f.configuration(dir) {
		name := path.Join(dir, base)
		body := f.parse(name)
		if body == nil {
			continue
		}
		m.files++
		stem, _, _ := strings.Cut(base, ".")
		if stem == "override" || strings.HasSuffix(stem, "_override") {
			overrides = append(overrides, body)
			continue
		}
		m.add(body, f.notices)
	}
	for _, body := range overrides {
		m.override(body)
	}
	return m
}

// parse returns the body of a file, as much of it as can be read; nil where nothing can.
func (f *files) parse(name string) *hclsyntax.Body {
	at := inventory.Location{Path: name, Line: 1}
	data, err := f.read(name, maxFile)
	if err != nil {
		if errors.Is(err, errTooLarge) || errors.Is(err, inventory.ErrTooLarge) {
			f.notices.add("terraform-too-large", at, fmt.Sprintf("%s is larger than %d MiB and was not evaluated", name, maxFile>>20))
		} else {
			f.notices.add("unreadable-file", at, fmt.Sprintf("%s can't be read: %v", name, causeOf(err)))
		}
		return nil
	}
	f.cite(name, data)
	if strings.HasSuffix(name, ".json") {
		body, problems, err := parseJSON(data, name)
		for _, p := range problems {
			f.notices.add("terraform-syntax", p.at, fmt.Sprintf("%s is not understood: %s; the rest of the file is evaluated", name, p.what))
		}
		if err != nil {
			f.notices.add("terraform-syntax", at, fmt.Sprintf("%s is not understood: %v", name, err))
		}
		return body
	}
	body, diags, err := parseBody(data, name)
	if err != nil {
		var deep *depthError
		if errors.As(err, &deep) {
			at = location(deep.at)
		}
		f.notices.add("terraform-syntax", at, fmt.Sprintf("%s was not evaluated: %v", name, err))
		return nil
	}
	for i, d := range diags {
		if d.Severity != hcl.DiagError || i >= maxProblems {
			continue
		}
		where := at
		if d.Subject != nil {
			where = location(*d.Subject)
		}
		f.notices.add("terraform-syntax", where, fmt.Sprintf("%s is not understood here: %s; the rest of the file is evaluated", name, d.Summary))
	}
	return body
}

// maxProblems bounds the notices about the syntax of one file.
const maxProblems = 10

func causeOf(err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// cite remembers the lines of a file that is not ASCII: hcl counts columns in characters, the inventory in bytes.
func (f *files) cite(name string, data []byte) {
	for _, c := range data {
		if c >= 0x80 {
			f.cited[name] = &graphemes{lines: bytes.Split(data, []byte("\n"))}
			return
		}
	}
}

// columns returns at with its columns in bytes; a place in a built-in model is that of the call.
func (f *files) columns(at inventory.Location) inventory.Location {
	if b, _ := f.builtinOf(at.Path); b != nil {
		at = b.at
	}
	if g := f.cited[at.Path]; g != nil {
		at.Column = g.column(at.Line, at.Column)
		at.EndColumn = g.column(at.EndLine, at.EndColumn)
	}
	return at
}
