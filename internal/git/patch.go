package git

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/diff"
	linediff "github.com/go-git/go-git/v5/utils/diff"
	"github.com/sergi/go-diff/diffmatchpatch"
)

// FileChange is one file before and after a change. A nil side is a file that is not there.
type FileChange struct {
	Path          string // with slashes, relative to the root of the repository
	Before, After []byte
}

// WritePatch writes a change as git apply reads it, with a message before it. Files are written in order of their
// paths, as regular ones.
func WritePatch(w io.Writer, message string, files []FileChange) error {
	files = slices.SortedFunc(slices.Values(files), func(a, b FileChange) int { return strings.Compare(a.Path, b.Path) })
	p := patch{message: message}
	for _, f := range files {
		p.files = append(p.files, filePatch{f})
	}
	if err := diff.NewUnifiedEncoder(w, diff.DefaultContextLines).Encode(p); err != nil {
		return fmt.Errorf("write a patch: %w", err)
	}
	return nil
}

type patch struct {
	message string
	files   []diff.FilePatch
}

func (p patch) FilePatches() []diff.FilePatch { return p.files }
func (p patch) Message() string               { return p.message }

type filePatch struct{ change FileChange }

func (f filePatch) IsBinary() bool {
	return bytes.IndexByte(f.change.Before, 0) >= 0 || bytes.IndexByte(f.change.After, 0) >= 0
}

func (f filePatch) Files() (from, to diff.File) {
	if f.change.Before != nil {
		from = patchFile{f.change.Path, f.change.Before}
	}
	if f.change.After != nil {
		to = patchFile{f.change.Path, f.change.After}
	}
	return from, to
}

func (f filePatch) Chunks() []diff.Chunk {
	var chunks []diff.Chunk
	for _, d := range linediff.Do(string(f.change.Before), string(f.change.After)) {
		kind := diff.Equal
		switch d.Type {
		case diffmatchpatch.DiffInsert:
			kind = diff.Add
		case diffmatchpatch.DiffDelete:
			kind = diff.Delete
		}
		chunks = append(chunks, chunk{d.Text, kind})
	}
	return chunks
}

type patchFile struct {
	path string
	data []byte
}

func (f patchFile) Hash() plumbing.Hash     { return plumbing.ComputeHash(plumbing.BlobObject, f.data) }
func (f patchFile) Mode() filemode.FileMode { return filemode.Regular }
func (f patchFile) Path() string            { return f.path }

type chunk struct {
	content string
	kind    diff.Operation
}

func (c chunk) Content() string      { return c.content }
func (c chunk) Type() diff.Operation { return c.kind }
