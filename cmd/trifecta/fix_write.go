package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/internal/git"
)

// fixWriter makes the changes of a plan, in the folder or as patches.
type fixWriter struct {
	*app
	*session
	dir    string
	plan   *fix.Plan
	verify string // the user's command; empty for none
	made   []made
}

// made is a change that was written and proven.
type made struct {
	change *fix.Change
	files  []git.FileChange
}

// make does what the flags ask for; without any, nothing.
func (r *fixWriter) make(ctx context.Context, opts *fixOptions) error {
	if opts.patch != "" { // first: they are made of the tree as it is
		whole := *r.plan
		if err := r.apart(ctx); err != nil {
			return err
		}
		if err := r.patches(opts.patch); err != nil || !opts.write {
			return err
		}
		*r.plan = whole
	}
	if opts.write {
		return r.inPlace(ctx)
	}
	return nil
}

// inPlace makes the changes in the folder: all at once, or one on top of the other where the user's command judges each.
func (r *fixWriter) inPlace(ctx context.Context) error {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	defer func() { _ = root.Close() }() // its files are closed
	if err := fix.Recover(root); err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	ws := fix.NewWorkspace(r.tree)
	if r.verify == "" {
		_, err := r.plan.ApplyAll(ctx, ws, r.res, r.again)
		if err == nil {
			err = ws.Commit(root)
		}
		if err != nil {
			return &exitError{code: exitUnable, err: err}
		}
		return nil
	}
	now := r.res
	var kept []fix.Change
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		before := ws.Clone()
		after, err := r.plan.Apply(ctx, ws, c, now, r.again)
		if dropped := (*fix.DroppedError)(nil); errors.As(err, &dropped) {
			r.drop(dropped)
			continue
		}
		if err != nil {
			return &exitError{code: exitUnable, err: err}
		}
		if failed := r.verified(ctx, root, before, ws); failed != nil {
			if ctx.Err() != nil {
				return &exitError{code: exitUnable, err: failed}
			}
			r.drop(&fix.DroppedError{Change: c, Code: "not-verified", Why: failed.Error()})
			ws = before
			continue
		}
		now = after
		kept = append(kept, *c)
	}
	r.plan.Changes = kept
	return nil // it is there already
}

// drop moves a change to what is not fixed.
func (r *fixWriter) drop(d *fix.DroppedError) {
	r.plan.Drop(d)
}

// verified puts the state of a workspace into the folder and runs the user's command there. Where that fails, the
// folder is put back to the state before.
func (r *fixWriter) verified(ctx context.Context, root *os.Root, before, after *fix.Workspace) error {
	if err := after.CommitFrom(root, before); err != nil {
		return err
	}
	shell, flag := "sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	cmd := exec.CommandContext(ctx, shell, flag, r.verify) //nolint:gosec // the operator asks for it on the command line
	cmd.Dir = r.dir
	cmd.Stdout, cmd.Stderr = r.err, r.err // standard output is the plan's
	err := cmd.Run()
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("%s: %w", r.verify, err), before.CommitFrom(root, after))
}

// apart makes each change on its own from the tree as it is.
func (r *fixWriter) apart(ctx context.Context) error {
	var kept []fix.Change
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		ws := fix.NewWorkspace(r.tree)
		_, err := r.plan.Apply(ctx, ws, c, r.res, r.again)
		if dropped := (*fix.DroppedError)(nil); errors.As(err, &dropped) {
			r.drop(dropped)
			continue
		}
		if err != nil {
			return &exitError{code: exitUnable, err: err}
		}
		var files []git.FileChange
		for _, name := range ws.Changed() {
			f := git.FileChange{Path: name}
			if r.tree.Has(name) {
				if f.Before, err = r.tree.ReadFile(name); err != nil {
					return &exitError{code: exitUnable, err: err}
				}
			}
			if f.After, err = ws.ReadFile(name); err != nil {
				return &exitError{code: exitUnable, err: err}
			}
			files = append(files, f)
		}
		kept = append(kept, *c)
		r.made = append(r.made, made{files: files})
	}
	r.plan.Changes = kept
	for i := range r.made {
		r.made[i].change = &r.plan.Changes[i]
	}
	return nil
}

// patches writes each change into a file of its own, numbered by urgency.
func (r *fixWriter) patches(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	for i, m := range r.made {
		name := filepath.Join(dir, fmt.Sprintf("%03d-%s.patch", i+1, slug(m.change.Title)))
		var buf bytes.Buffer
		if err := git.WritePatch(&buf, message(m.change, m.change.Title), m.files); err != nil {
			return &exitError{code: exitUnable, err: err}
		}
		if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil { //nolint:gosec // a patch is to be read by others
			return &exitError{code: exitUnable, err: err}
		}
		r.say("%s", name)
	}
	return nil
}

// slug makes a name of a file of a title.
func slug(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.')
	})
	text := strings.Join(words, "-")
	const most = 60
	return strings.Trim(text[:min(len(text), most)], "-.")
}
