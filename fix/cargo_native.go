package fix

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"deps.dev/util/semver"
)

// withoutCargo changes versions in the lock file itself where that is exactly what cargo would do: a release that asks for
// the same packages with the same features as the one before it, each of which the lock file has in a version that
// suits it, and that everybody who needs it admits. Everything else is left, for the reason that cargo may not run.
func (p *cargoProject) withoutCargo(ctx context.Context, job *Job) error {
	index, _ := job.Registry.(*crates)
	if index == nil {
		return errors.New(p.outside)
	}
	var edits []textEdit
	for _, t := range job.Targets {
		if len(t.Lines) > 0 {
			return fmt.Errorf("a manifest would change, and cargo may not run: %s", p.outside)
		}
		at := slices.IndexFunc(p.packages, func(pkg cargoPackage) bool { return pkg.name == t.Package && pkg.version == t.From })
		if at < 0 {
			continue // a change before this one has raised it
		}
		if err := p.sameShape(ctx, index, at, t); err != nil {
			return fmt.Errorf("%w, and cargo may not run: %s", err, p.outside)
		}
		release, err := index.line(ctx, t.Package, t.To)
		if err != nil {
			return err
		}
		if !isSHA256(release.Checksum) {
			return fmt.Errorf("the index states no digest of %s %s", t.Package, t.To)
		}
		for _, leaf := range p.lock.leaves {
			if leaf.keys[0] != "package" || leaf.item < 0 || len(leaf.keys) < 2 {
				continue
			}
			var text string
			switch {
			case leaf.item == at && leaf.keys[1] == "version":
				text = t.To
			case leaf.item == at && leaf.keys[1] == "checksum":
				text = release.Checksum
			case leaf.keys[1] == "dependencies":
				name, rest, _ := strings.Cut(leaf.text, " ")
				version, source, _ := strings.Cut(rest, " ")
				if name != t.Package || version != t.From {
					continue
				}
				text = strings.TrimSpace(name + " " + t.To + " " + source)
			default:
				continue
			}
			e, err := p.lock.replace(leaf, text)
			if err != nil {
				return err
			}
			edits = append(edits, e)
		}
	}
	return applyEdits(job.Workspace, edits)
}

// sameShape says why changing the version of a package alone would not be what cargo does.
func (p *cargoProject) sameShape(ctx context.Context, index *crates, at int, t Target) error {
	pkg := p.packages[at]
	if !isCratesIO(pkg.source) {
		return fmt.Errorf("%s does not come from crates.io", pkg.name)
	}
	for i, other := range p.packages {
		if other.name != pkg.name || i == at {
			continue
		}
		before, after := semver.Cargo.Compare(pkg.version, other.version), semver.Cargo.Compare(t.To, other.version)
		if after == 0 || before != after {
			return fmt.Errorf("the lock file has %s %s beside it", other.name, other.version)
		}
	}
	was, err := index.line(ctx, t.Package, t.From)
	if err != nil {
		return err
	}
	is, err := index.line(ctx, t.Package, t.To)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(shipped(was.Deps), shipped(is.Deps), sameNeed) || !sameFeatures(was, is) {
		return fmt.Errorf("%s %s asks for other packages than %s", t.Package, t.To, t.From)
	}
	for _, need := range shipped(is.Deps) {
		found, suits := false, false
		for _, text := range pkg.needs {
			name, rest, _ := strings.Cut(text, " ")
			version, _, _ := strings.Cut(rest, " ")
			if name != need.crate() {
				continue
			}
			for _, other := range p.packages {
				if other.name == name && (version == "" || other.version == version) {
					found = true
					ok, err := cargoAdmits(need.Req, other.version)
					suits = suits || err == nil && ok
				}
			}
		}
		if found && !suits {
			return fmt.Errorf("%s %s asks for %s %s, which the lock file does not have", t.Package, t.To, need.crate(), need.Req)
		}
	}
	return p.everybodyAdmits(ctx, index, t)
}

// everybodyAdmits checks the requirements of all that need a package.
func (p *cargoProject) everybodyAdmits(ctx context.Context, index *crates, t Target) error {
	for _, other := range p.packages {
		if !slices.ContainsFunc(other.needs, func(need string) bool {
			name, rest, _ := strings.Cut(need, " ")
			version, _, _ := strings.Cut(rest, " ")
			return name == t.Package && (version == "" || version == t.From)
		}) {
			continue
		}
		var constraints []string
		switch {
		case other.source == "":
			for _, manifest := range p.manifests {
				for _, ask := range cargoAsks(manifest) {
					if ask.crate == t.Package {
						constraints = append(constraints, ask.leaf.text)
					}
				}
			}
		case isCratesIO(other.source):
			release, err := index.line(ctx, other.name, other.version)
			if err != nil {
				return err
			}
			for _, need := range shipped(release.Deps) {
				if need.crate() == t.Package {
					constraints = append(constraints, need.Req)
				}
			}
		default:
			return fmt.Errorf("what %s asks for is in its repository alone", other.name)
		}
		for _, constraint := range constraints {
			before, err := cargoAdmits(constraint, t.From)
			if err != nil || !before {
				continue // it is about another version of the package
			}
			if after, err := cargoAdmits(constraint, t.To); err != nil || !after {
				return fmt.Errorf("%s asks for %s %s", other.name, t.Package, constraint)
			}
		}
	}
	return nil
}

// shipped returns what a release needs apart from its own tests, in the order of names.
func shipped(needs []crateNeed) []crateNeed {
	needs = slices.DeleteFunc(slices.Clone(needs), func(n crateNeed) bool { return n.Kind == "dev" })
	slices.SortStableFunc(needs, func(a, b crateNeed) int { return strings.Compare(a.Name+a.Kind+a.Target, b.Name+b.Kind+b.Target) })
	return needs
}

func sameNeed(a, b crateNeed) bool {
	return a.Name == b.Name && a.Package == b.Package && a.Optional == b.Optional && a.Default == b.Default && a.Target == b.Target &&
		a.Kind == b.Kind && slices.Equal(a.Features, b.Features)
}

// sameFeatures reports whether every feature of a release brings in what it did before; new ones are asked for by nobody,
// unless the default does.
func sameFeatures(was, is crateRelease) bool {
	for _, pair := range [][2]map[string][]string{{was.Features, is.Features}, {was.More, is.More}} {
		for name, list := range pair[0] {
			if !reflect.DeepEqual(list, pair[1][name]) && len(list)+len(pair[1][name]) > 0 {
				return false
			}
		}
	}
	return true
}
