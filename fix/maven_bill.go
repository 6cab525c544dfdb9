package fix

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// What a pom.xml does not say, a bill of materials of a build does: the packages that are brought in. A fixed version of
// one of these is managed in the outermost pom.xml, whatever brings it in
// (https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html#dependency-management). The
// bill itself says the old version until the next build, so no scan can prove the change, and the plan says that.

// isBill reports whether a file is a bill of materials, by its name: one of the tree, or one that the user gave.
func isBill(ws *Workspace, name string) bool {
	base := path.Base(name)
	for _, suffix := range []string{".cdx.json", ".cdx.xml", ".spdx.json", ".spdx"} {
		if strings.HasSuffix(base, suffix) {
			return true
		}
	}
	return base == "bom.json" || base == "bom.xml" || !ws.Has(name) && (path.Ext(base) == ".json" || path.Ext(base) == ".xml")
}

// bill plans what a bill of materials says of Maven packages, and returns the findings that are about others.
func (p *planner) bill(name string, findings []*scanner.Finding) (rest []*scanner.Finding) {
	roots := mavenRoots(p.ws)
	if len(roots) == 0 || !isBill(p.ws, name) {
		return findings
	}
	byRoot := map[*mavenReactor][]*scanner.Finding{}
	for _, f := range findings {
		pkg := p.res.Package(f.Subject)
		if pkg == nil || pkg.Ecosystem != Maven.Ecosystem {
			rest = append(rest, f)
			continue
		}
		root := rootOf(roots, p.ws, name, chainOf(p.res, f))
		if root == nil {
			p.unfixed("no-manager", "which pom.xml brings it in is not known", f)
			continue
		}
		byRoot[root] = append(byRoot[root], f)
	}
	for _, root := range roots {
		if list := byRoot[root]; len(list) > 0 {
			p.managed(root, name, list)
		}
	}
	return rest
}

// managed plans the packages that a bill says are brought in by the projects of a reactor.
func (p *planner) managed(root *mavenReactor, name string, findings []*scanner.Finding) {
	project := root.project()
	project.Manager = Maven
	var open []*scanner.Finding
	for _, f := range findings {
		pkg, chain := p.res.Package(f.Subject), chainOf(p.res, f)
		if newer := root.asked(pkg.Name, pkg.Version); newer != "" {
			p.unfixed("not-built", fmt.Sprintf("%s asks for %s already; %s", root.root.path, newer, stale(name)), f)
			continue
		}
		open = append(open, f)
		if slices.ContainsFunc(project.Packages, func(l Locked) bool { return l.Name == pkg.Name && l.Version == pkg.Version }) {
			continue
		}
		at := len(project.Packages)
		project.Packages = append(project.Packages, Locked{Name: pkg.Name, Version: pkg.Version, Location: f.Location, Origin: inventory.OriginRegistry})
		above := Locked{Name: "something", Location: f.Location, Origin: inventory.OriginRegistry, Needs: []Edge{{To: at}}}
		if len(chain) > 1 {
			above.Name = chain[len(chain)-2]
		}
		project.Packages = append(project.Packages, above)
	}
	p.solveAll(project, open, name)
}

// asked returns the version that a project asks for or manages, where that is a later one than what a bill says.
func (r *mavenReactor) asked(name, version string) string {
	for _, use := range r.uses() {
		if use.name == name && later(Maven.Ecosystem, use.version, version) {
			return use.version
		}
	}
	return ""
}

// stale says why a bill is no proof.
func stale(bill string) string {
	return fmt.Sprintf("%s says what the last build took: make it anew and scan again", scanner.Plain(path.Base(bill)))
}

// mavenRoots returns the projects of Maven in the tree, each with its modules.
func mavenRoots(ws *Workspace) []*mavenReactor {
	var roots []*mavenReactor
	for _, name := range ws.tree.Named("pom.xml") {
		if slices.ContainsFunc(roots, func(r *mavenReactor) bool {
			return slices.ContainsFunc(r.members, func(pom *pomFile) bool { return pom.path == name })
		}) {
			continue
		}
		if r, err := readReactor(ws, name); err == nil { // another one is no project to be changed
			roots = append(roots, r)
		}
	}
	return roots
}

// rootOf returns the project that a bill is of: the one in whose folder it stands, or the one that asks for what brings a
// package in; nil where that is none, or several.
func rootOf(roots []*mavenReactor, ws *Workspace, bill string, chain []string) *mavenReactor {
	one := func(fits func(*mavenReactor) bool) *mavenReactor {
		var found *mavenReactor
		for _, r := range roots {
			if fits(r) {
				if found != nil {
					return nil
				}
				found = r
			}
		}
		return found
	}
	if len(roots) == 1 {
		return roots[0]
	}
	if r := one(func(r *mavenReactor) bool {
		return slices.ContainsFunc(r.uses(), func(use pomUse) bool { return slices.Contains(chain, use.name) })
	}); r != nil {
		return r
	}
	if !ws.Has(bill) {
		return nil
	}
	return one(func(r *mavenReactor) bool { return strings.HasPrefix(bill, path.Dir(r.root.path)+"/") })
}

// unseenIn notes that no scan can tell whether a finding is gone: a bill of materials stays what it is.
func (c *Change) unseenIn(f *scanner.Finding, bill string) {
	if c.unseen == nil {
		c.unseen = map[string]string{}
	}
	c.unseen[f.Fingerprint] = stale(bill)
}

// provable reports whether a scan can tell that the change clears anything.
func (c *Change) provable() bool {
	return slices.ContainsFunc(c.Clears, func(f Finding) bool { return c.unseen[f.Fingerprint] == "" })
}

// unproven returns the findings that the change is to clear and no scan can tell of.
func (c *Change) unproven() []Finding {
	var list []Finding
	for _, f := range c.Clears {
		if why := c.unseen[f.Fingerprint]; why != "" {
			f.Why = why
			list = append(list, f)
		}
	}
	return list
}
