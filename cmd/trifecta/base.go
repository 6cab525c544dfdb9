package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/trifecta-scanner/trifecta/config"
	"github.com/trifecta-scanner/trifecta/internal/git"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// base is what a scan is compared with: a saved result, or the commits at which the branch parted from a revision.
type base struct {
	saved     *scanner.Result
	revisions []*git.Revision
	trees     []*inventory.Tree // of the revisions, once they are walked
}

// openBase finds the base by the name that the user gives it.
func openBase(dir, name string) (*base, error) {
	if strings.HasSuffix(name, ".json") {
		res, err := savedResult(name)
		if err != nil {
			return nil, err
		}
		return &base{saved: res}, nil
	}
	revisions, err := git.OpenRevisions(dir, name)
	if err != nil {
		return nil, noBase(err)
	}
	return &base{revisions: revisions}, nil
}

// walk returns the trees of the revisions; none for a saved result.
func (b *base) walk(ctx context.Context, skip []string) ([]*inventory.Tree, error) {
	if b == nil {
		return nil, nil
	}
	if b.trees != nil {
		return b.trees, nil
	}
	for _, rev := range b.revisions {
		tree, err := inventory.NewTree(ctx, rev.FS, inventory.Limits{}, skip...)
		if err != nil {
			return nil, &exitError{code: exitUnable, err: fmt.Errorf("read %s: %w", rev.Commit, err)}
		}
		b.trees = append(b.trees, tree)
	}
	return b.trees, nil
}

// results returns the results to compare with. Those of revisions are made from the objects of the repository by the
// same pipeline and the same decisions.
func (b *base) results(ctx context.Context, p *pipeline, judge *judge) ([]*scanner.Result, error) {
	if b.saved != nil {
		return []*scanner.Result{b.saved}, nil
	}
	trees, err := b.walk(ctx, judge.cfg.Skip.Paths)
	if err != nil {
		return nil, err
	}
	before := *p
	before.quick = true
	results := make([]*scanner.Result, 0, len(b.revisions))
	for i, rev := range b.revisions {
		res, _, err := before.run(ctx, trees[i], nil)
		if err != nil {
			return nil, err
		}
		judge.base(trees[i], res)
		if err := rev.Missing(); err != nil {
			return nil, noBase(err)
		}
		results = append(results, res)
	}
	return results, nil
}

// config returns the configuration that holds at the base; an empty one where it has none.
func (b *base) config() (*config.Config, error) {
	if b == nil || len(b.revisions) == 0 {
		return &config.Config{}, nil
	}
	return configOf(b.revisions[0].FS)
}

// noBase says why there is nothing to compare with, and what to do.
func noBase(err error) error {
	hint := "name a branch, a tag, a commit or a saved result"
	if missing := (*git.MissingObjectsError)(nil); errors.As(err, &missing) {
		hint = missing.Hint()
	}
	return usage(hint, "--base: %w", err)
}

// savedResult reads what scan -o json wrote.
func savedResult(name string) (*scanner.Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	res, err := report.ReadJSON(f)
	if err != nil {
		return nil, usage("a result is what `trifecta scan -o json=FILE` writes", "%s: %w", name, err)
	}
	return res, nil
}
