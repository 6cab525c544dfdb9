package fix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
)

// stage is the folder for files that are written and not yet in place, each under its number in the journal. While the
// journal is there, the tree is between two states, and Recover ends that.
const (
	stage       = ".trifecta-fix"
	journalName = stage + "/journal"
)

func part(i int) string { return stage + "/" + strconv.Itoa(i) }

// journal is what journalName holds.
type journal struct {
	Files []journalFile `json:"files"`
}

type journalFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // of the new content
}

// ChangedError says that somebody else changed a file while the change was being made.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s was changed by somebody else meanwhile; nothing was written, run it again", e.Path)
}

// Commit writes the workspace's changes into the folder that root is of, all or none of them: the new files are written
// into a folder of their own, a journal names them, and then each takes the place of the old one in one step. A process
// that ends before the journal is whole has changed nothing; one that ends after it leaves the rest to Recover, which the
// next Commit calls first. A file that is no longer what the workspace was made of is not overwritten.
func (w *Workspace) Commit(root *os.Root) error {
	return w.commit(root, func(string) error { return nil })
}

// CommitFrom writes the difference to another workspace of the same tree, which is what the folder holds now.
func (w *Workspace) CommitFrom(root *os.Root, now *Workspace) error {
	step := &Workspace{tree: w.tree, changed: map[string][]byte{}, base: map[string][]byte{}}
	// What neither has changed is read nowhere: the folder is no longer what the tree was made of.
	content := func(ws *Workspace, name string) []byte {
		for _, files := range []map[string][]byte{ws.changed, ws.base, now.base, w.base} {
			if data, ok := files[name]; ok {
				return data
			}
		}
		return nil
	}
	names := union(now.Changed(), w.Changed())
	slices.Sort(names)
	for _, name := range names {
		is, to := content(now, name), content(w, name)
		switch {
		case to == nil: // it is there because of the other
			if err := ignoreMissing(root.Remove(name)); err != nil {
				return err
			}
		case is == nil || !bytes.Equal(is, to):
			step.changed[name], step.base[name] = to, is
		}
	}
	return step.Commit(root)
}

// commit is Commit with a function that hears of each step before it is taken; tests end the process there.
func (w *Workspace) commit(root *os.Root, step func(string) error) error {
	if err := Recover(root); err != nil {
		return err
	}
	names := w.Changed()
	if len(names) == 0 {
		return nil
	}
	j, err := w.stage(root, names, step)
	if stopped := (*stoppedError)(nil); errors.As(err, &stopped) {
		return err
	}
	if err != nil {
		return errors.Join(err, root.RemoveAll(stage))
	}
	return finish(root, j, step)
}

// stoppedError is how a test ends the process: nothing is tidied up after it.
type stoppedError struct{ error }

func (e *stoppedError) Unwrap() error { return e.error }

// stage writes the new files and the journal.
func (w *Workspace) stage(root *os.Root, names []string, step func(string) error) (journal, error) {
	var j journal
	at := func(what string, do func() error) error {
		if err := step(what); err != nil {
			return &stoppedError{err}
		}
		return do()
	}
	err := at("make the folder", func() error { return root.Mkdir(stage, 0o700) })
	for i, name := range names {
		if err == nil {
			err = w.unchanged(root, name)
		}
		if err == nil {
			err = at("write "+name, func() error {
				mode := fs.FileMode(0o644)
				if info, err := root.Lstat(name); err == nil {
					mode = info.Mode().Perm()
				}
				return writeSynced(root, part(i), w.changed[name], mode)
			})
		}
		j.Files = append(j.Files, journalFile{Path: name, SHA256: sum(w.changed[name])})
	}
	if err != nil {
		return j, err
	}
	data, err := json.Marshal(j)
	if err != nil {
		return j, err
	}
	if err := at("write the journal", func() error { return writeSynced(root, journalName+".part", data, 0o600) }); err != nil {
		return j, err
	}
	for _, name := range names { // the last look before anything changes
		if err := w.unchanged(root, name); err != nil {
			return j, err
		}
	}
	return j, at("name the journal", func() error { return root.Rename(journalName+".part", journalName) })
}

// finish puts the files of a journal in place and removes what is left.
func finish(root *os.Root, j journal, step func(string) error) error {
	for i, f := range j.Files {
		if err := step("rename " + f.Path); err != nil {
			return err
		}
		if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
			return err
		}
		if err := ignoreMissing(root.Rename(part(i), f.Path)); err != nil {
			return err
		}
	}
	if err := step("remove the journal"); err != nil {
		return err
	}
	if err := ignoreMissing(root.Remove(journalName)); err != nil {
		return err
	}
	if err := step("remove the folder"); err != nil {
		return err
	}
	return root.RemoveAll(stage)
}

// Recover ends what a process that was stopped has begun: it completes a change whose journal is whole and takes back
// one that had none yet. A journal that does not fit what is there is left, with an error.
func Recover(root *os.Root) error {
	if info, err := root.Lstat(stage); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil || !info.IsDir() {
		return errors.Join(err, fmt.Errorf("%s is in the way; remove it", stage))
	}
	data, err := root.ReadFile(journalName)
	if errors.Is(err, fs.ErrNotExist) {
		return root.RemoveAll(stage)
	}
	if err != nil {
		return err
	}
	var j journal
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("%s can't be read; remove %s: %w", journalName, stage, err)
	}
	for i, f := range j.Files {
		if !fs.ValidPath(f.Path) || slices.ContainsFunc(splitPath(f.Path), isVersionControl) {
			return fmt.Errorf("%s names %q; it is not ours, remove %s", journalName, f.Path, stage)
		}
		for _, name := range []string{part(i), f.Path} {
			data, err := root.ReadFile(name)
			if err == nil && sum(data) == f.SHA256 {
				break
			}
			if name == f.Path {
				return fmt.Errorf("a change was stopped half way, and the new %s is not there; restore it from version control and remove %s", f.Path, stage)
			}
		}
	}
	return finish(root, j, func(string) error { return nil })
}

func splitPath(name string) []string {
	var parts []string
	for name != "." && name != "/" && name != "" {
		parts = append(parts, path.Base(name))
		name = path.Dir(name)
	}
	return parts
}

// unchanged returns an error where a file is not what the workspace knows it to be.
func (w *Workspace) unchanged(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if w.base[name] != nil {
			return &ChangedError{name}
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || w.base[name] == nil {
		return &ChangedError{name}
	}
	is, err := root.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Equal(w.base[name], is) {
		return &ChangedError{name}
	}
	return nil
}

func writeSynced(root *os.Root, name string, data []byte, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
