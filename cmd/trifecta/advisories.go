package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/config"
	"github.com/trifecta-scanner/trifecta/intel"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
	"github.com/trifecta-scanner/trifecta/scanner/osv"
)

// advisories is the database of a scan with what is known of exploitation.
type advisories struct {
	scanner *osv.Scanner
	notices []inventory.Notice
	own     bool // the repository's own advisories, which no update makes newer
}

// advisories opens what --db names, else TRIFECTA_DB, else the folder of the configuration, else the user's own index,
// else the OSV service unless the scan is offline. Without any of them nothing is matched, and the result says so.
func (a *app) advisories(ctx context.Context, dir string, cfg *config.Config, opts *scanOptions) (advisories, error) {
	found := advisories{scanner: &osv.Scanner{Private: cfg.Private}}
	path, source, err := a.databasePath(dir, cfg, opts)
	if err != nil {
		return found, err
	}
	found.own = opts.db == "" && cfg.Advisories != "" && a.getenv("TRIFECTA_DB") == ""
	switch {
	case path != "":
		found.scanner.DB, err = advisory.Open(ctx, path)
		if err != nil {
			return found, usage("", "%s: %w", source, err)
		}
	case !opts.offline:
		found.scanner.DB = &osv.API{BaseURL: a.getenv("TRIFECTA_OSV_API"), Cache: osv.CacheDir()}
	}
	intelDir := opts.intel
	if x, ok := found.scanner.DB.(*advisory.Index); ok && intelDir == "" {
		found.scanner.Intel, found.notices, err = indexIntel(x, path)
		if err != nil {
			return found, errors.Join(usage("", "%s: %w", source, err), found.Close())
		}
	}
	if intelDir == "" && path != "" && found.scanner.Intel == nil {
		intelDir = intel.Find(path)
	}
	if intelDir != "" {
		found.scanner.Intel, found.notices, err = intel.Open(intelDir)
		if err != nil {
			return found, errors.Join(usage("", "--intel: %w", err), found.Close())
		}
	}
	return found, nil
}

// Close closes the database and the intelligence.
func (f advisories) Close() error {
	var err error
	if f.scanner == nil {
		return nil
	}
	if f.scanner.DB != nil {
		err = f.scanner.DB.Close()
	}
	return errors.Join(err, f.scanner.Intel.Close())
}

// databasePath returns the local database to use and what named it; empty where there is none.
func (a *app) databasePath(dir string, cfg *config.Config, opts *scanOptions) (path, source string, err error) {
	if opts.db != "" {
		return opts.db, "--db", nil
	}
	if path := a.getenv("TRIFECTA_DB"); path != "" {
		return path, "TRIFECTA_DB", nil
	}
	if cfg.Advisories != "" {
		path, err := insideTree(dir, cfg.Advisories)
		if err != nil {
			return "", "", usage("advisories names a folder of the repository", "%s: advisories: %w", cfg.Path, err)
		}
		return path, cfg.Path + ": advisories", nil
	}
	if path, err := advisory.DefaultIndex(); err == nil {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, "the index in the user's cache", nil
		}
	}
	return "", "", nil
}

// staleAfter is the age in days from which advisories are called stale: new ones are published every day.
const staleAfter = 7

// stale tells the age of a local database that is no longer fresh by the day of the scan.
func (f advisories) stale(day time.Time) []inventory.Notice {
	if f.scanner == nil || f.scanner.DB == nil || f.own {
		return nil
	}
	info := f.scanner.DB.Info()
	age := ageInDays(info.AsOf, day)
	if info.AsOf == "" || age < staleAfter {
		return nil
	}
	published, _, _ := strings.Cut(info.AsOf, "T")
	return []inventory.Notice{{Code: "advisories-stale", Message: fmt.Sprintf(
		"the newest advisory of the database is of %s, %d days before the scan; later ones were not matched, trifecta db update fetches them",
		published, age)}}
}

// insideTree returns the path of a folder that a file of the tree names. Neither the name nor a link may lead out.
func insideTree(dir, name string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }() // it was only asked
	if _, err := root.Stat(filepath.FromSlash(name)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s is not there", name)
		}
		return "", err
	}
	return filepath.Join(dir, filepath.FromSlash(name)), nil
}

// describe says which data a scan used.
func (f advisories) describe(run *scanner.RunInfo) {
	if f.scanner == nil {
		return
	}
	if f.scanner.DB != nil {
		info := f.scanner.DB.Info()
		run.Advisories = scanner.DataInfo{Source: filepath.ToSlash(info.Source), AsOf: info.AsOf, Digest: info.Digest, Count: info.Records}
	}
	info := f.scanner.Intel.Info()
	run.Intel = scanner.DataInfo{Source: filepath.ToSlash(info.Source), AsOf: info.AsOf, Digest: info.Digest, Count: info.Count}
}
