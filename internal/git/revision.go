package git

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-billy/v5"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Revision is the content of one commit, read from the objects of a repository without a checkout.
type Revision struct {
	Commit string // 40 hexadecimal digits
	FS     fs.FS  // the files below the folder that was asked for; safe for use by several goroutines

	name    string
	missing *missingObjects
}

// Missing returns an error if a file could not be read because the clone lacks its content, as one made with
// --filter=blob:none does.
func (r *Revision) Missing() error {
	r.missing.mu.Lock()
	defer r.missing.mu.Unlock()
	if r.missing.path == "" {
		return nil
	}
	return &MissingObjectsError{
		Revision: r.name, Partial: true,
		Err: fmt.Errorf("the content of %s at %s was left out", r.missing.path, r.Commit[:10]),
	}
}

// missingObjects remembers the first file whose content is not in the clone.
type missingObjects struct {
	mu   sync.Mutex
	path string
}

// MissingObjectsError says that the clone lacks what a comparison needs, and what to fetch.
type MissingObjectsError struct {
	Revision string
	Shallow  bool // the history was cut
	Partial  bool // contents were left out
	Err      error
}

func (e *MissingObjectsError) Error() string {
	return fmt.Sprintf("the clone does not hold %s: %v", e.Revision, e.Err)
}

func (e *MissingObjectsError) Unwrap() error { return e.Err }

// Hint returns the command that brings what is missing.
func (e *MissingObjectsError) Hint() string {
	if e.Shallow {
		return "the clone is shallow; fetch more of it with `git fetch --unshallow`, or set fetch-depth: 0 in the checkout step"
	}
	if e.Partial {
		return "the clone is a partial one; fetch what was left out with `git fetch --refetch --filter=blob:limit=100m`, or leave --filter out of the checkout step"
	}
	return fmt.Sprintf("fetch it with `git fetch origin %s`", strings.TrimPrefix(e.Revision, "origin/"))
}

// OpenRevisions opens the state of the folder dir at the point where the named revision and the checked-out commit
// parted: what a pull request changes is what came since then. Branches that were merged both ways have several such
// points. Branches without a common commit are compared with the revision itself. It never runs git and follows no
// address of the repository's configuration.
func OpenRevisions(dir, name string) ([]*Revision, error) {
	repo, err := gogit.PlainOpenWithOptions(dir, &gogit.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return nil, fmt.Errorf("%s is in no git repository: %w", dir, err)
	}
	if repo, err = keepingOpen(repo); err != nil {
		return nil, fmt.Errorf("open the repository of %s: %w", dir, err)
	}
	missing := func(err error) error {
		shallow, _ := repo.Storer.Shallow() // what can't be read is not known to be shallow
		return &MissingObjectsError{Revision: name, Shallow: len(shallow) > 0, Err: err}
	}
	commit, err := resolve(repo, name)
	if err != nil {
		return nil, missing(err)
	}
	commits, err := mergeBases(repo, commit)
	if err != nil {
		return nil, missing(err)
	}
	inner, err := folderInRepository(repo, dir)
	if err != nil {
		return nil, err
	}
	revisions := make([]*Revision, 0, len(commits))
	for _, c := range commits {
		tree, err := c.Tree()
		if err != nil {
			return nil, missing(err)
		}
		rev := &Revision{Commit: c.Hash.String(), name: name, missing: new(missingObjects)}
		root := &revisionFS{mu: new(sync.Mutex), repo: repo, root: tree, when: c.Committer.When, missing: rev.missing}
		if rev.FS, err = root.Sub(inner); err != nil {
			return nil, fmt.Errorf("%s in %s: %w", inner, rev.Commit, err)
		}
		revisions = append(revisions, rev)
	}
	return revisions, nil
}

// keepingOpen returns the repository with packs that are opened once and not for each of thousands of objects. They
// stay open until the process ends or the repository is forgotten.
func keepingOpen(repo *gogit.Repository) (*gogit.Repository, error) {
	storage, ok := repo.Storer.(*filesystem.Storage)
	if !ok {
		return repo, nil
	}
	var tree billy.Filesystem
	work, err := repo.Worktree()
	switch {
	case err == nil:
		tree = work.Filesystem
	case !errors.Is(err, gogit.ErrIsBareRepository):
		return nil, err
	}
	return gogit.Open(filesystem.NewStorageWithOptions(storage.Filesystem(), cache.NewObjectLRUDefault(), filesystem.Options{KeepDescriptors: true}), tree)
}

// resolve finds the commit that a person or a platform means by a name: a branch, a tag, a commit, HEAD~1, or a branch
// that only the remote has.
func resolve(repo *gogit.Repository, name string) (*object.Commit, error) {
	var failed error
	for _, candidate := range []string{name, "refs/remotes/origin/" + strings.TrimPrefix(name, "refs/heads/")} {
		hash, err := repo.ResolveRevision(plumbing.Revision(candidate))
		if err == nil {
			return repo.CommitObject(*hash)
		}
		failed = cmp.Or(failed, err)
	}
	return nil, failed
}

// mergeBases returns the best common ancestors of the checked-out commit and another one, in order of their names; the
// other one itself where there is none.
func mergeBases(repo *gogit.Repository, other *object.Commit) ([]*object.Commit, error) {
	ref, err := repo.Head()
	if err != nil {
		return nil, err
	}
	head, err := repo.CommitObject(ref.Hash())
	if err != nil {
		return nil, err
	}
	bases, err := head.MergeBase(other)
	if err != nil {
		return nil, err
	}
	if len(bases) == 0 {
		return []*object.Commit{other}, nil
	}
	slices.SortFunc(bases, func(a, b *object.Commit) int { return strings.Compare(a.Hash.String(), b.Hash.String()) })
	return bases, nil
}

// folderInRepository returns the path of dir below the root of the work tree, with slashes.
func folderInRepository(repo *gogit.Repository, dir string) (string, error) {
	work, err := repo.Worktree()
	if err != nil {
		return "", fmt.Errorf("the repository of %s has no work tree: %w", dir, err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(work.Filesystem.Root())
	if err != nil {
		return "", err
	}
	inner, err := filepath.Rel(root, abs)
	if err != nil {
		return "", err
	}
	return filepath.ToSlash(inner), nil
}

// revisionFS is a commit's tree as a file system. go-git's readers share file handles, so that one read happens at a
// time.
type revisionFS struct {
	mu   *sync.Mutex
	repo *gogit.Repository
	root *object.Tree
	when time.Time

	missing *missingObjects
}

func (r *revisionFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	entry, tree, err := r.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if tree != nil {
		return &revisionFolder{info: r.info(path.Base(name), filemode.Dir, 0), entries: r.list(tree)}, nil
	}
	blob, err := r.repo.BlobObject(entry.Hash)
	if err != nil {
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			r.missing.mu.Lock()
			r.missing.path = cmp.Or(r.missing.path, name)
			r.missing.mu.Unlock()
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	reader, err := blob.Reader()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &revisionFile{fs: r, ReadCloser: reader, info: r.info(path.Base(name), entry.Mode, blob.Size)}, nil
}

// Sub returns the files below a folder (fs.SubFS). A folder that the commit does not have has no files.
func (r *revisionFS) Sub(name string) (fs.FS, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, tree, err := r.find(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && tree == nil {
		tree, err = &object.Tree{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &revisionFS{mu: r.mu, repo: r.repo, root: tree, when: r.when, missing: r.missing}, nil
}

// ContentName returns the name of a file's content, the hash that git gives it, without reading the file.
func (r *revisionFS) ContentName(name string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry, _, err := r.find(name)
	if err != nil {
		return "", &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	if entry == nil {
		return "", &fs.PathError{Op: "stat", Path: name, Err: errors.New("is a folder")}
	}
	return entry.Hash.String(), nil
}

// find walks to the entry of a name; the tree is that of a folder.
func (r *revisionFS) find(name string) (*object.TreeEntry, *object.Tree, error) {
	if name == "." {
		return nil, r.root, nil
	}
	_, folder, err := r.find(path.Dir(name))
	if err != nil {
		return nil, nil, err
	}
	if folder == nil {
		return nil, nil, fs.ErrNotExist
	}
	entry, err := folder.FindEntry(path.Base(name))
	if errors.Is(err, object.ErrEntryNotFound) {
		return nil, nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, nil, err
	}
	switch entry.Mode {
	case filemode.Dir:
		tree, err := r.repo.TreeObject(entry.Hash)
		return entry, tree, err
	case filemode.Regular, filemode.Executable, filemode.Deprecated:
		return entry, nil, nil
	case filemode.Symlink, filemode.Submodule, filemode.Empty: // links are not followed; submodules are other repositories
	}
	return nil, nil, fs.ErrNotExist
}

// list returns the entries of a folder that are files or folders of this repository.
func (r *revisionFS) list(tree *object.Tree) []fs.DirEntry {
	entries := make([]fs.DirEntry, 0, len(tree.Entries))
	for _, e := range tree.Entries {
		if e.Mode == filemode.Submodule || e.Mode == filemode.Empty {
			continue
		}
		entries = append(entries, &revisionEntry{fs: r, entry: e})
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries
}

func (r *revisionFS) info(name string, mode filemode.FileMode, size int64) fs.FileInfo {
	return revisionInfo{name: name, mode: osMode(mode), size: size, when: r.when}
}

func osMode(mode filemode.FileMode) fs.FileMode {
	m, err := mode.ToOSFileMode()
	if err != nil {
		return fs.ModeIrregular
	}
	return m
}

type revisionEntry struct {
	fs    *revisionFS
	entry object.TreeEntry
}

func (e *revisionEntry) Name() string      { return e.entry.Name }
func (e *revisionEntry) IsDir() bool       { return e.entry.Mode == filemode.Dir }
func (e *revisionEntry) Type() fs.FileMode { return osMode(e.entry.Mode).Type() }

func (e *revisionEntry) Info() (fs.FileInfo, error) {
	var size int64
	if !e.IsDir() {
		e.fs.mu.Lock()
		defer e.fs.mu.Unlock()
		var err error
		size, err = e.fs.repo.Storer.EncodedObjectSize(e.entry.Hash)
		// A content that was left out of the clone matters only if somebody wants to read it.
		if err != nil && !errors.Is(err, plumbing.ErrObjectNotFound) {
			return nil, err
		}
	}
	return e.fs.info(e.entry.Name, e.entry.Mode, size), nil
}

type revisionInfo struct {
	name string
	mode fs.FileMode
	size int64
	when time.Time
}

func (i revisionInfo) Name() string       { return i.name }
func (i revisionInfo) Size() int64        { return i.size }
func (i revisionInfo) Mode() fs.FileMode  { return i.mode }
func (i revisionInfo) ModTime() time.Time { return i.when }
func (i revisionInfo) IsDir() bool        { return i.mode.IsDir() }
func (i revisionInfo) Sys() any           { return nil }

type revisionFile struct {
	io.ReadCloser
	fs   *revisionFS
	info fs.FileInfo
}

func (f *revisionFile) Stat() (fs.FileInfo, error) { return f.info, nil }

func (f *revisionFile) Read(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return f.ReadCloser.Read(p)
}

func (f *revisionFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return f.ReadCloser.Close()
}

type revisionFolder struct {
	info    fs.FileInfo
	entries []fs.DirEntry
}

func (d *revisionFolder) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *revisionFolder) Close() error               { return nil }

func (d *revisionFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a folder")}
}

func (d *revisionFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.entries) {
		if n > 0 && len(d.entries) == 0 {
			return nil, io.EOF
		}
		n = len(d.entries)
	}
	head := d.entries[:n]
	d.entries = d.entries[n:]
	return head, nil
}
