package inventory

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // git names content by SHA-1, and equal names are all that is asked of it
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// Inputs is what one reading of a file depended on: the contents of files, whether files are there, and which files
// have a name. Where all of that is the same in another tree, so is the reading. An Inputs must not be changed once
// it is shared.
type Inputs struct {
	own    map[input]string // -> digest
	shared []*Inputs        // of values that several readings use
}

// input is one question that a reading asked of its tree.
type input struct {
	kind inputKind
	name string
}

type inputKind byte

const (
	inputContent  inputKind = iota // the content of the file name
	inputPresence                  // whether there is a file name
	inputNamed                     // which files have the base name
	inputSuffix                    // which files end so
	inputFiles                     // which files there are
)

// absent is the digest of a file that is not there or can't be read.
const absent = "absent"

// Recording returns a view of the tree that notes what is asked of it. The view is for one goroutine; the inputs are
// complete when it is no longer used.
func (t *Tree) Recording() (*Tree, *Inputs) {
	view := *t
	inputs := &Inputs{own: map[input]string{}}
	view.inputs = &recorder{now: inputs}
	return &view, inputs
}

// Unchanged reports whether every input of a reading is the same in this tree, without reading a file whose content
// the file system knows by name, as that of a commit does.
func (t *Tree) Unchanged(in *Inputs) bool {
	t.digests.mu.Lock()
	known, ok := t.digests.unchanged[in]
	t.digests.mu.Unlock()
	if ok {
		return known
	}
	same := true
	for question, digest := range in.own {
		if t.digest(question) != digest {
			same = false
			break
		}
	}
	for _, shared := range in.shared {
		same = same && t.Unchanged(shared)
	}
	t.digests.mu.Lock()
	defer t.digests.mu.Unlock()
	if t.digests.unchanged == nil {
		t.digests.unchanged = map[*Inputs]bool{}
	}
	t.digests.unchanged[in] = same
	return same
}

// digests keeps what is asked more than once of a tree.
type digests struct {
	mu        sync.Mutex
	answers   map[input]string
	unchanged map[*Inputs]bool
}

func (t *Tree) digest(question input) string {
	t.digests.mu.Lock()
	answer, ok := t.digests.answers[question]
	t.digests.mu.Unlock()
	if ok {
		return answer
	}
	answer = t.answer(question)
	t.digests.mu.Lock()
	defer t.digests.mu.Unlock()
	if t.digests.answers == nil {
		t.digests.answers = map[input]string{}
	}
	t.digests.answers[question] = answer
	return answer
}

// contentNames is a file system that knows the name of a file's content, as git gives it, without reading the file.
type contentNames interface {
	ContentName(name string) (string, error)
}

func (t *Tree) answer(question input) string {
	switch question.kind {
	case inputContent:
		i, ok := t.byPath[question.name]
		if !ok || t.files[i].Size > t.limits.FileSize {
			return absent
		}
		if named, ok := t.fsys.(contentNames); ok {
			name, err := named.ContentName(question.name)
			if err != nil {
				return absent
			}
			return name
		}
		data, err := t.readFile(question.name)
		return contentName(data, err)
	case inputPresence:
		if _, ok := t.byPath[question.name]; ok {
			return "present"
		}
		return absent
	case inputNamed:
		return t.list(func(f File) bool { return f.Base() == question.name })
	case inputSuffix:
		return t.list(func(f File) bool { return strings.HasSuffix(f.Path, question.name) })
	case inputFiles:
		return t.list(func(File) bool { return true })
	}
	return absent
}

// list is the digest of the paths of some files.
func (t *Tree) list(wanted func(File) bool) string {
	hash := sha256.New()
	for _, f := range t.files {
		if wanted(f) {
			_, _ = fmt.Fprintln(hash, f.Path) // a hash takes everything
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// contentName names content as git does: the SHA-1 of a header and the content
// (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects).
func contentName(data []byte, err error) string {
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrTooLarge) {
			return absent
		}
		return "unreadable: " + err.Error()
	}
	hash := sha1.New() //nolint:gosec // see the import
	_, _ = fmt.Fprintf(hash, "blob %d\x00", len(data))
	_, _ = hash.Write(data)
	return hex.EncodeToString(hash.Sum(nil))
}

// recorder collects the inputs of a view. A nil recorder notes nothing. The lock is for a reader that has given up on a
// goroutine of its own, which still asks; what a view is worth then, its reader knows.
type recorder struct {
	mu  sync.Mutex
	now *Inputs
}

func (r *recorder) add(question input, t *Tree) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.now.own[question]; !ok {
		r.now.own[question] = t.digest(question)
	}
}

func (r *recorder) content(name string, data []byte, err error) {
	question := input{inputContent, name}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.now.own[question]; !ok {
		r.now.own[question] = contentName(data, err)
	}
}

// within returns the inputs of what do asks, apart from those of its caller.
func (r *recorder) within(do func()) *Inputs {
	if r == nil {
		do()
		return nil
	}
	inner := &Inputs{own: map[input]string{}}
	swap := func(to *Inputs) *Inputs {
		r.mu.Lock()
		defer r.mu.Unlock()
		before := r.now
		r.now = to
		return before
	}
	outer := swap(inner)
	defer swap(outer)
	do()
	return inner
}

// share adds the inputs of a value that several readings use.
func (r *recorder) share(in *Inputs) {
	if r != nil && in != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.now.shared = append(r.now.shared, in)
	}
}

// JoinInputs returns what several readings depended on together.
func JoinInputs(all ...*Inputs) *Inputs { return &Inputs{shared: all} }

// list returns every question with its answer, in order and once.
func (in *Inputs) list() []asked {
	var all []asked
	seen := map[*Inputs]bool{}
	var add func(*Inputs)
	add = func(in *Inputs) {
		if in == nil || seen[in] {
			return
		}
		seen[in] = true
		for question, digest := range in.own {
			all = append(all, asked{uint8(question.kind), question.name, digest})
		}
		for _, shared := range in.shared {
			add(shared)
		}
	}
	add(in)
	slices.SortFunc(all, func(a, b asked) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.Digest, b.Digest))
	})
	return slices.Compact(all)
}

// inputs are the questions of a value that was kept. Two answers to one question hold for no tree.
func (v *variant) inputs() *Inputs {
	in := &Inputs{own: make(map[input]string, len(v.Inputs))}
	for _, a := range v.Inputs {
		question := input{inputKind(a.Kind), a.Name}
		if have, ok := in.own[question]; ok && have != a.Digest {
			in.own[question] = "ambiguous"
			continue
		}
		in.own[question] = a.Digest
	}
	return in
}
