package main

import (
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
	return cfg, nil
}

// proposedConfig is the configuration that a change brings with it. It is shown and does not count yet.
type proposedConfig struct {
	cfg *config.Config
	err error
}

// notices says what the configuration of a change would do once it is merged.
func (p *proposedConfig) notices(res *scanner.Result, asOf time.Time) []inventory.Notice {
	if p == nil {
		return nil
	}
	if p.err != nil {
		return []inventory.Notice{{Code: "configuration-proposed", Message: fmt.Sprintf("the configuration of this change can't be read: %v", p.err)}}
	}
	then := *res
	then.Findings, then.Notices, then.Rules = slices.Clone(res.Findings), nil, slices.Clone(res.Rules)
	p.cfg.Apply(&then, asOf)
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
		return nil
	}
	return []inventory.Notice{{
		Code: "configuration-proposed", Location: &inventory.Location{Path: p.cfg.Path},
		Message: fmt.Sprintf("this change would suppress %s once it is merged, the first is %s in %s (%s)",
			plural(n, "finding"), first.RuleID, first.Location.Path, first.Suppression.Reason),
	}}
}
