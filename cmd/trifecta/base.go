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

// base returns the result that a scan is compared with: a saved one, or that of the git revision at which the branch
// parted, made from the objects of the repository by the same pipeline and the same decisions.
func (p *pipeline) base(ctx context.Context, dir, name string, cfg *config.Config) (*scanner.Result, error) {
	if strings.HasSuffix(name, ".json") {
		return savedResult(name)
	}
	rev, err := git.OpenRevision(dir, name)
	if err != nil {
		hint := "name a branch, a tag, a commit or a saved result"
		if missing := (*git.MissingObjectsError)(nil); errors.As(err, &missing) {
			hint = missing.Hint()
		}
		return nil, usage(hint, "--base: %w", err)
	}
	tree, err := inventory.NewTree(ctx, rev.FS, inventory.Limits{}, cfg.Skip.Paths...)
	if err != nil {
		return nil, &exitError{code: exitUnable, err: fmt.Errorf("read %s: %w", rev.Commit, err)}
	}
	return p.run(ctx, tree, nil)
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
