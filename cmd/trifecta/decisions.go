package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/trifecta-scanner/trifecta/config"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/license"
)

// baseMissing is the code of the notice that a proposal could not be compared.
const baseMissing = "base-missing"

func hasNotice(res *scanner.Result, code string) bool {
	return slices.ContainsFunc(res.Notices, func(n inventory.Notice) bool { return n.Code == code })
}

// since opens the base of the scan, if there is one. A base that nobody asked for by name and that the clone lacks is a
// notice: whoever proposes a change is not kept from seeing the rest.
func (a *app) since(dir string, opts *scanOptions) (*base, []inventory.Notice, error) {
	if opts.base == "" {
		return nil, nil, nil
	}
	since, err := openBase(dir, opts.base)
	if exit := (*exitError)(nil); opts.baseOptional && errors.As(err, &exit) {
		return nil, []inventory.Notice{{
			Code:    baseMissing,
			Message: fmt.Sprintf("not compared with the base, so that every finding counts as new: %v; %s", exit.err, exit.hint),
		}}, nil
	}
	return since, nil, err
}

// decisions returns the configuration that holds for a scan: the file that the user names, that of the tree, or for a
// proposal that of its base. What a proposal would change is returned beside it.
func decisions(dir string, since *base, opts *scanOptions) (*config.Config, *proposedConfig, error) {
	if opts.config != "" {
		cfg, err := config.Read(os.DirFS(filepath.Dir(opts.config)), filepath.Base(opts.config))
		if err != nil {
			return nil, nil, usage("", "%w", err)
		}
		if err := cfg.CheckRules(knownRules()); err != nil {
			return nil, nil, usage("", "%w", err)
		}
		if opts.proposal {
			return cfg, &proposedConfig{cfg: cfg}, nil
		}
		return cfg, nil, nil
	}
	head, headErr := configOfFolder(dir)
	if !opts.proposal {
		return head, nil, headErr
	}
	cfg, err := since.config()
	if err != nil {
		return nil, nil, err
	}
	if cfg.TrustHead && headErr == nil {
		return head, nil, nil
	}
	return cfg, &proposedConfig{cfg: head, err: headErr}, nil
}

func configOfFolder(dir string) (*config.Config, error) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, usage("name a folder that exists", "%s is not a folder", dir)
	}
	tree, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &exitError{code: exitUnable, err: err}
	}
	defer func() { _ = tree.Close() }() // it was only read
	return configOf(tree.FS())
}

// configOf reads the configuration of a tree. None at all is an empty one.
func configOf(fsys fs.FS) (*config.Config, error) {
	cfg, err := config.Read(fsys, config.FileName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &config.Config{}, nil
	case err != nil:
		return nil, usage("", "%w", err)
	}
	if err := cfg.CheckRules(knownRules()); err != nil {
		return nil, usage("", "%w", err)
	}
	return cfg, nil
}

// licensePolicy returns the scanner for the licences that the configuration allows and denies; nil where it says nothing.
func licensePolicy(cfg *config.Config, looksAt func(part string) bool) (scanner.Scanner, error) {
	if len(cfg.Licenses.Allow)+len(cfg.Licenses.Deny) == 0 || !looksAt("licenses") {
		return nil, nil
	}
	s, err := license.New(license.Policy{Allow: cfg.Licenses.Allow, Deny: cfg.Licenses.Deny})
	if err != nil {
		return nil, usage("", "%s: %w", cfg.Path, err)
	}
	return s, nil
}

// judge puts the decisions of the team into results. For a proposal only those count that stand in its base.
type judge struct {
	cfg      *config.Config
	asOf     time.Time
	proposed *proposedConfig // nil: the tree may decide about itself
	files    *config.Ignores // ignore files and VEX documents
	comments config.CommentCache
}

// readComments reads the comments of a tree. That of the head comes first: its base then reads what differs.
func (j *judge) readComments(cfg *config.Config, tree *inventory.Tree, res *scanner.Result) *config.Ignores {
	cache := &j.comments
	if cfg.OwnIgnoresOnly != j.cfg.OwnIgnoresOnly {
		cache = nil
	}
	return cfg.Comments(tree, res, knownRules(), cache)
}

// read reads the ignore files of the tree, or for a proposal those of its base.
func (j *judge) read(ctx context.Context, tree *inventory.Tree, since *base) error {
	if j.proposed == nil {
		j.files = j.cfg.Ignores(tree)
		return nil
	}
	trees, err := since.walk(ctx, j.cfg.Skip.Paths)
	if err == nil && len(trees) > 0 {
		j.files = j.cfg.Ignores(trees[0])
	}
	return err
}

// base judges the result of a base; comments are those of its own files.
func (j *judge) base(tree *inventory.Tree, res *scanner.Result) {
	j.cfg.Apply(res, j.asOf, j.readComments(j.cfg, tree, res), j.files)
}

// head judges the result of the tree. The comments of a proposal count for findings that its base suppresses in the same
// words.
func (j *judge) head(tree *inventory.Tree, res *scanner.Result, comments *config.Ignores, bases []*scanner.Result) {
	if j.proposed != nil {
		var since *scanner.Result
		if len(bases) > 0 {
			since = bases[0]
		}
		comments.Trust(since)
	}
	j.cfg.Apply(res, j.asOf, comments, j.files)
	res.Notices = append(res.Notices, j.proposes(tree, res)...)
}

// proposedConfig is the configuration that a change brings with it. It is shown and does not count yet.
type proposedConfig struct {
	cfg *config.Config
	err error
}

// proposes says what the decisions of a change would do once it is merged: its configuration, its ignore files and its
// comments.
func (j *judge) proposes(tree *inventory.Tree, res *scanner.Result) []inventory.Notice {
	p := j.proposed
	if p == nil {
		return nil
	}
	var notices []inventory.Notice
	cfg := p.cfg
	if p.err != nil {
		cfg = &config.Config{}
		notices = append(notices, inventory.Notice{
			Code: "configuration-proposed", Message: fmt.Sprintf("the configuration of this change can't be read: %v", p.err),
		})
	}
	then := *res
	then.Findings, then.Notices, then.Rules = slices.Clone(res.Findings), nil, slices.Clone(res.Rules)
	cfg.Apply(&then, j.asOf, j.readComments(cfg, tree, &then), cfg.Ignores(tree))
	counted := map[string]bool{}
	for i := range res.Findings {
		if f := &res.Findings[i]; f.Status != scanner.StatusSuppressed {
			counted[f.Fingerprint] = true
		}
	}
	var first *scanner.Finding
	n := 0
	for i := range then.Findings {
		if f := &then.Findings[i]; f.Status == scanner.StatusSuppressed && counted[f.Fingerprint] {
			if n++; first == nil {
				first = f
			}
		}
	}
	if n == 0 {
		return notices
	}
	return append(notices, inventory.Notice{
		Code: "configuration-proposed", Location: &inventory.Location{Path: first.Suppression.File()},
		Message: fmt.Sprintf("this change would suppress %s once it is merged, the first is %s in %s (%s)",
			plural(n, "finding"), first.RuleID, first.Location.Path, first.Suppression.Reason),
	})
}
