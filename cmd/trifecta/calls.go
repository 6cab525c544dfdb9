package main

import (
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/calls"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// notAnalysed is the code of the notice that calls were asked for and could not be told.
const notAnalysed = "calls-not-analysed"

// callAnalysis asks, for each Go module with findings, whether its code calls what the advisories name. It runs the go
// command over the tree, so that it is for trees that the user trusts: whatever a proposal brings is not analysed.
func (a *app) callAnalysis(ctx context.Context, dir string, opts *scanOptions, db advisory.Database, res *scanner.Result) {
	notice := func(at *inventory.Location, format string, args ...any) {
		res.Notices = append(res.Notices, inventory.Notice{Code: notAnalysed, Message: fmt.Sprintf(format, args...), Location: at})
	}
	if opts.proposal || opts.sealed {
		notice(nil, "calls are not analysed here: it runs the go command over code that somebody proposes, or in a process that may start none")
		return
	}
	modules := map[string][]int{} // findings by the path of their go.mod
	for i := range res.Findings {
		f := &res.Findings[i]
		if p := res.Package(f.Subject); f.Kind == scanner.KindVulnerability && p != nil && p.Ecosystem == "Go" && p.Name != "stdlib" && path.Base(f.Location.Path) == "go.mod" {
			modules[f.Location.Path] = append(modules[f.Location.Path], i)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		at := &inventory.Location{Path: file}
		var queries []advisory.Query
		for _, i := range modules[file] {
			p := res.Package(res.Findings[i].Subject)
			q := advisory.Query{Ecosystem: p.Ecosystem, Name: p.Name, Version: p.Version}
			if !slices.Contains(queries, q) {
				queries = append(queries, q)
			}
		}
		matches, _, err := db.Match(ctx, queries)
		if err != nil {
			notice(at, "calls of %s are not analysed: %v", file, err)
			continue
		}
		uses, err := calls.Analyze(ctx, filepath.Join(dir, filepath.FromSlash(path.Dir(file))), slices.Concat(matches...), calls.Options{Offline: opts.offline, Getenv: a.getenv})
		if err != nil {
			notice(at, "calls of %s are not analysed: %v", file, err)
			continue
		}
		for _, i := range modules[file] {
			f := &res.Findings[i]
			for _, id := range f.IDs() {
				if use, ok := uses[id]; ok && strings.HasPrefix(id, "GO-") {
					f.Called = string(use)
				}
			}
		}
	}
}
