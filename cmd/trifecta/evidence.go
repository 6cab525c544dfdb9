package main

import (
	"context"
	"path"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/imports"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// called says of each vulnerable package whether the project around its lock file imports it. Malware runs where it is
// installed, so that nothing is asked about it.
func called(ctx context.Context, tree *inventory.Tree, res *scanner.Result) {
	reader := imports.New(tree)
	needed := neededPackages(res)
	for i := range res.Findings {
		f := &res.Findings[i]
		p := res.Package(f.Subject)
		if f.Kind != scanner.KindVulnerability || p == nil {
			continue
		}
		at := placeIn(p, f.Location)
		if at == nil {
			continue
		}
		answer := reader.Answer(ctx, imports.Question{Ecosystem: p.Ecosystem, Name: p.Name, Path: at.Path, Direct: at.Direct && !needed.by(p.ID, at)})
		f.Called = string(answer.Use)
		switch {
		case answer.Tests:
			f.Related = append(f.Related, scanner.Related{Location: answer.Location, Message: "tests alone import " + p.Name})
		case answer.Use == imports.Imported && !answer.Location.IsZero():
			f.Related = append(f.Related, scanner.Related{Location: answer.Location, Message: "imports " + p.Name})
		}
	}
}

// placeIn returns the place of a package that a finding stands on.
func placeIn(p *inventory.Package, at inventory.Location) *inventory.PackageLocation {
	for i := range p.Locations {
		if l := &p.Locations[i]; l.Path == at.Path && l.Line == at.Line {
			return l
		}
	}
	for i := range p.Locations { // a finding without a line stands on the file
		if l := &p.Locations[i]; l.Path == at.Path {
			return l
		}
	}
	return nil
}

// needed are the packages that other packages of a lock file need, by the file. Code that is not in the tree may import
// those.
type needed struct {
	users map[inventory.ID]map[string]bool
	edges map[string]bool // lock files that say which package needs which
}

// neededPackages reads the edges between packages that somebody else publishes.
func neededPackages(res *scanner.Result) needed {
	n := needed{map[inventory.ID]map[string]bool{}, map[string]bool{}}
	for i := range res.Packages {
		p := &res.Packages[i]
		for j := range p.Locations {
			l := &p.Locations[j]
			if len(p.Dependencies) > 0 {
				n.edges[l.Path] = true
			}
			if l.Origin.Own() {
				continue
			}
			for _, to := range p.Dependencies {
				if n.users[to] == nil {
					n.users[to] = map[string]bool{}
				}
				n.users[to][l.Path] = true
			}
		}
	}
	return n
}

// by reports whether another package of the file at that place may need the package: one does, or the file does not say.
func (n needed) by(id inventory.ID, at *inventory.PackageLocation) bool {
	return !n.edges[at.Path] || n.users[id][at.Path] || path.Base(at.Path) == "go.mod"
}
