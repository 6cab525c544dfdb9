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

// bases returns the results that a scan is compared with: a saved one, or those of the commits at which the branch
// parted from a git revision, made from the objects of the repository by the same pipeline and the same decisions.
func (p *pipeline) bases(ctx context.Context, dir, name string, cfg *config.Config) ([]*scanner.Result, error) {
	if strings.HasSuffix(name, ".json") {
		res, err := savedResult(name)
		return []*scanner.Result{res}, err
	}
	revisions, err := git.OpenRevisions(dir, name)
	if err != nil {
		return nil, noBase(err)
	}
	results := make([]*scanner.Result, 0, len(revisions))
	for _, rev := range revisions {
		tree, err := inventory.NewTree(ctx, rev.FS, inventory.Limits{}, cfg.Skip.Paths...)
		if err != nil {
			return nil, &exitError{code: exitUnable, err: fmt.Errorf("read %s: %w", rev.Commit, err)}
		}
		res, err := p.run(ctx, tree, nil)
		if err != nil {
			return nil, err
		}
		if err := rev.Missing(); err != nil {
			return nil, noBase(err)
		}
		results = append(results, res)
	}
	return results, nil
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
