package ecosystem

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Maven is the repository of Java packages with the tools that draw from it. Names are GROUP:ARTIFACT.
var Maven = &Ecosystem{
	Name: "Maven",
	Formats: append([]Format{
		jarFormat,
		{Name: "pom.xml", Match: isPOM, Read: readPOM},
	}, gradleFormats...),
	PURL: func(name, version string) packageurl.PackageURL {
		group, artifact := splitLast(name, ":")
		return packageurl.PackageURL{Type: packageurl.TypeMaven, Namespace: group, Name: artifact, Version: version}
	},
}

// Bounds on what a pom.xml may make of the tree; builds of thousands of modules stay far below.
const (
	mavenMaxDepth     = 100       // parents above each other, properties inside each other
	mavenMaxBills     = 300       // bills of materials that are asked for one dependency
	mavenMaxExpansion = 4 << 10   // bytes of a value with its properties replaced
	mavenMaxInherited = 2_000_000 // inherited dependencies in all files together
)

// mavenReactor is every pom.xml of the tree: Maven looks parents and bills of materials up in the project first and in
// repositories, which a scan never asks, after that.
type mavenReactor struct {
	tree     *inventory.Tree
	byName   map[string][]*mavenPOM // GROUP:ARTIFACT, in the order of paths
	count    int
	projects sync.Map // *mavenPOM -> *mavenProject
}

func mavenReactorOf(tree *inventory.Tree) *mavenReactor {
	return inventory.Derive(tree, "maven reactor", func() *mavenReactor {
		r := &mavenReactor{tree: tree, byName: map[string][]*mavenPOM{}}
		for _, f := range tree.Files() {
			if f.Vendored || !isPOM(f.Path) {
				continue
			}
			// What is wrong with a file is said where the file itself is read.
			if pom, _ := mavenFile(tree, f.Path); pom != nil && pom.artifact != "" {
				r.byName[pom.name()] = append(r.byName[pom.name()], pom)
				r.count++
			}
		}
		return r
	})
}

// name is GROUP:ARTIFACT as written; a project without a group has that of its parent.
func (p *mavenPOM) name() string {
	group := p.group
	if group == "" && p.parent != nil {
		group = p.parent.group
	}
	return group + ":" + p.artifact
}

// isVersion reports whether the project has this version, as far as its own file tells.
func (p *mavenPOM) isVersion(version string) bool {
	own := p.version
	if own == "" && p.parent != nil {
		own = p.parent.version
	}
	if own == version || strings.ContainsAny(version, "[(,") {
		return true
	}
	name, isProperty := strings.CutPrefix(own, "${")
	return isProperty && p.properties[strings.TrimSuffix(name, "}")] == version
}

// find returns the project of the tree with these coordinates, whose version may come from its parents.
func (r *mavenReactor) find(name, version string) *mavenProject {
	for _, pom := range r.byName[name] {
		project := r.project(pom)
		if own, known := project.version(); pom.isVersion(version) || known && own == version {
			return project
		}
	}
	return nil
}

// parentOf returns the project that pom inherits from, or nil where it is not in the tree.
func (r *mavenReactor) parentOf(pom *mavenPOM) *mavenPOM {
	want := pom.parent
	if want.relativePath != "" {
		at := path.Join(path.Dir(pom.path), strings.ReplaceAll(want.relativePath, `\`, "/"))
		if !r.tree.Has(at) {
			at = path.Join(at, "pom.xml")
		}
		if r.tree.Has(at) {
			parent, _ := mavenFile(r.tree, at)
			if parent != nil && parent.name() == want.group+":"+want.artifact && parent.isVersion(want.version) {
				return parent
			}
		}
	}
	for _, parent := range r.byName[want.group+":"+want.artifact] {
		if parent.isVersion(want.version) {
			return parent
		}
	}
	return nil
}

// mavenProject is a pom.xml with all that it inherits from.
type mavenProject struct {
	reactor *mavenReactor
	lineage []*mavenPOM       // the project itself, its parent, and so on
	user    map[string]string // properties that .mvn/maven.config sets on every build
	outside *mavenParent
	circle  bool
	once    sync.Once
	open    map[mavenKey]mavenDependency // management whose key has properties
}

func (r *mavenReactor) project(pom *mavenPOM) *mavenProject {
	if p, ok := r.projects.Load(pom); ok {
		return p.(*mavenProject)
	}
	p := &mavenProject{reactor: r, lineage: []*mavenPOM{pom}, user: mavenUserProperties(r.tree, pom.path)}
	for at := pom; at.parent != nil; {
		next := r.parentOf(at)
		if next == nil {
			p.outside = at.parent
			break
		}
		if slices.Contains(p.lineage, next) || len(p.lineage) == mavenMaxDepth {
			p.circle = true
			break
		}
		p.lineage = append(p.lineage, next)
		at = next
	}
	kept, _ := r.projects.LoadOrStore(pom, p)
	return kept.(*mavenProject)
}

// mavenUserProperties returns the properties on the command line that the project keeps in .mvn/maven.config of its
// root folder.
// Source: https://maven.apache.org/configure.html#mvn-maven-config-file
func mavenUserProperties(tree *inventory.Tree, name string) map[string]string {
	at := fileAbove(tree, path.Dir(name), ".mvn/maven.config")
	if at == "" {
		return nil
	}
	properties, _ := inventory.Parse(tree, at, "maven.config", func(data []byte) (map[string]string, error) {
		properties := map[string]string{}
		words := strings.Fields(string(data))
		for i, word := range words {
			set, ok := strings.CutPrefix(word, "-D")
			if ok && set == "" && i+1 < len(words) {
				set = words[i+1]
			}
			if name, value, hasValue := strings.Cut(set, "="); ok && hasValue {
				properties[name] = value
			}
		}
		return properties, nil
	})
	return properties
}

// activeProfiles are those that hold on every machine: the ones that nobody has to ask for.
func (p *mavenPOM) activeProfiles() []*mavenProfile {
	var active, standard []*mavenProfile
	for i := range p.profiles {
		if p.profiles[i].active {
			active = append(active, &p.profiles[i])
		}
		if p.profiles[i].standard {
			standard = append(standard, &p.profiles[i])
		}
	}
	if len(active) > 0 {
		return active
	}
	return standard
}

// property returns the value of ${name}, with other properties in it as they are written. What is set on the command
// line wins. A profile that is being
// looked at comes first; the file of the project wins over its parents. A property that only profiles define counts
// where they agree, because one of them is then on.
// Source: https://maven.apache.org/ref/current/maven-model-builder/#model-interpolation
func (p *mavenProject) property(name string, profile *mavenProfile) (string, bool) {
	for _, prefix := range []string{"project.", "pom."} {
		if field, ok := strings.CutPrefix(name, prefix); ok {
			if value, ok := p.field(field); ok {
				return value, true
			}
		}
	}
	if value, ok := p.user[name]; ok {
		return value, true
	}
	if profile != nil {
		if value, ok := profile.properties[name]; ok {
			return value, true
		}
	}
	for _, pom := range p.lineage {
		for _, active := range pom.activeProfiles() {
			if value, ok := active.properties[name]; ok {
				return value, true
			}
		}
		if value, ok := pom.properties[name]; ok {
			return value, true
		}
	}
	if value, ok := p.field(name); ok {
		return value, true
	}
	value, found := "", false
	for _, pom := range p.lineage {
		for i := range pom.profiles {
			other, ok := pom.profiles[i].properties[name]
			if ok && found && other != value {
				return "", false
			}
			if ok {
				value, found = other, true
			}
		}
	}
	return value, found
}

// field returns a part of the project that ${project.FIELD} stands for.
func (p *mavenProject) field(name string) (string, bool) {
	pom := p.lineage[0]
	var value string
	switch name {
	case "groupId":
		value = pom.group
		if value == "" && pom.parent != nil {
			value = pom.parent.group
		}
	case "artifactId":
		value = pom.artifact
	case "version":
		value = pom.version
		if value == "" && pom.parent != nil {
			value = pom.parent.version
		}
	case "packaging":
		value = cmp.Or(pom.packaging, "jar")
	case "parent.groupId", "parent.artifactId", "parent.version":
		if pom.parent != nil {
			value = map[string]string{"parent.groupId": pom.parent.group, "parent.artifactId": pom.parent.artifact, "parent.version": pom.parent.version}[name]
		}
	}
	return value, value != ""
}

// version returns the project's own version, as far as the tree tells it.
func (p *mavenProject) version() (string, bool) {
	own, _ := p.field("version")
	if own, known := p.interpolate(own, nil); known && own != "" {
		return own, true
	}
	return "", false
}

// interpolate replaces the properties in s. Where one is not known, or stands for itself, or the text grows without
// measure, ok is false and s comes back as it was.
func (p *mavenProject) interpolate(s string, profile *mavenProfile) (text string, ok bool) {
	if !strings.Contains(s, "${") {
		return s, true
	}
	steps := 0
	var expand func(s string, inside []string) (string, bool)
	expand = func(s string, inside []string) (string, bool) {
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(s, "${")
			b.WriteString(before)
			if !found {
				return b.String(), b.Len() <= mavenMaxExpansion
			}
			name, after, closed := strings.Cut(rest, "}")
			if steps++; !closed || steps > mavenMaxExpansion || slices.Contains(inside, name) || len(inside) == mavenMaxDepth {
				return "", false
			}
			value, ok := p.property(name, profile)
			if !ok || b.Len()+len(value) > mavenMaxExpansion {
				return "", false
			}
			if strings.Contains(value, "${") {
				if value, ok = expand(value, append(slices.Clip(inside), name)); !ok {
					return "", false
				}
			}
			b.WriteString(value)
			s = after
		}
	}
	if text, ok = expand(s, nil); !ok {
		return s, false
	}
	return strings.TrimSpace(text), true
}

// key is what a dependency is managed and told apart by, with its properties replaced.
func (p *mavenProject) key(d mavenDependency, profile *mavenProfile) (mavenKey, bool) {
	key := d.key()
	ok := true
	for _, field := range []*string{&key.group, &key.artifact, &key.kind, &key.classifier} {
		value, known := p.interpolate(*field, profile)
		*field, ok = value, ok && known
	}
	return key, ok
}

// managements calls visit for each <dependencyManagement> of the lineage, the strongest first.
func (p *mavenProject) managements(profile *mavenProfile, visit func(*mavenManagement) bool) {
	if profile != nil && !visit(&profile.management) {
		return
	}
	for _, pom := range p.lineage {
		for _, active := range pom.activeProfiles() {
			if !visit(&active.management) {
				return
			}
		}
		if !visit(&pom.management) {
			return
		}
	}
}

// managed returns what <dependencyManagement> says of a dependency, with the properties replaced: first what the
// project and its parents declare, then the bills of materials that they import, in order.
// Source: https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html#importing-dependencies
//
// seen holds the projects that were asked for this dependency already: bills of materials may import each other.
func (p *mavenProject) managed(key mavenKey, profile *mavenProfile, seen map[*mavenProject]bool) (mavenDependency, bool) {
	if seen[p] || len(seen) == mavenMaxBills {
		return mavenDependency{}, false
	}
	seen[p] = true
	var found mavenDependency
	var ok bool
	p.managements(profile, func(m *mavenManagement) bool {
		found, ok = m.literal[key]
		return !ok
	})
	if !ok {
		found, ok = p.openManaged()[key]
	}
	if ok {
		if version, known := p.interpolate(found.version, profile); known {
			found.version = version
		}
		found.scope, _ = p.interpolate(found.scope, profile)
		return found, true
	}
	p.managements(profile, func(m *mavenManagement) bool {
		for _, d := range m.imports {
			if bom := p.bom(d, profile); bom != nil {
				if found, ok = bom.managed(key, nil, seen); ok {
					if strings.Contains(found.version, "${") {
						found.version = "" // it has a meaning in the other project only
					}
					return false
				}
			}
		}
		return true
	})
	return found, ok
}

// openManaged holds the managed dependencies whose names need the project's properties.
func (p *mavenProject) openManaged() map[mavenKey]mavenDependency {
	p.once.Do(func() {
		p.open = map[mavenKey]mavenDependency{}
		p.managements(nil, func(m *mavenManagement) bool {
			for _, d := range m.open {
				if key, ok := p.key(d, nil); ok && d.version != "" {
					if _, twice := p.open[key]; !twice {
						p.open[key] = d
					}
				}
			}
			return true
		})
	})
	return p.open
}

// bom returns the project of the tree that an import names, or nil.
func (p *mavenProject) bom(d mavenDependency, profile *mavenProfile) *mavenProject {
	key, ok := p.key(d, profile)
	version, known := p.interpolate(d.version, profile)
	if !ok || !known {
		return nil
	}
	return p.reactor.find(key.group+":"+key.artifact, version)
}

// outsideSources names the parent and the bills of materials that the project builds on and that are not in the tree.
func (p *mavenProject) outsideSources() []string {
	var outside []string
	seen := map[*mavenProject]bool{}
	var visit func(p *mavenProject)
	visit = func(p *mavenProject) {
		if seen[p] || len(seen) == mavenMaxBills {
			return
		}
		seen[p] = true
		if p.outside != nil && !slices.Contains(outside, p.outside.String()) {
			outside = append(outside, p.outside.String())
		}
		p.managements(nil, func(m *mavenManagement) bool {
			for _, d := range m.imports {
				if bom := p.bom(d, nil); bom != nil {
					visit(bom)
					continue
				}
				key, _ := p.key(d, nil)
				version, _ := p.interpolate(d.version, nil)
				if name := key.group + ":" + key.artifact + ":" + version; !slices.Contains(outside, name) {
					outside = append(outside, name)
				}
			}
			return len(outside) < mavenMaxBills
		})
	}
	visit(p)
	return outside
}

// readPOM lists the project itself and what it depends on: its own dependencies, those of its profiles (any of which
// somebody's build switches on) and those of its parents. What only <dependencyManagement> names is not used by the
// project and is left out, as are the plug-ins of the build.
func readPOM(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	pom, err := mavenFile(tree, name)
	if pom == nil {
		return nil, err
	}
	reactor := mavenReactorOf(tree)
	doc := &mavenDocument{Document: &Document{}, pom: pom, project: reactor.project(pom), seen: map[mavenKey]bool{}}
	doc.self()
	for _, d := range pom.dependencies {
		doc.add(d, nil, false)
	}
	for i := range pom.profiles {
		for _, d := range pom.profiles[i].dependencies {
			doc.add(d, &pom.profiles[i], false)
		}
	}
	doc.inherit(max(100, mavenMaxInherited/max(1, reactor.count)))
	doc.notices()
	doc.Resolve()
	return doc.Document, err
}

// mavenDocument is the Document of one pom.xml while it is being put together.
type mavenDocument struct {
	*Document
	pom     *mavenPOM
	project *mavenProject
	seen    map[mavenKey]bool
	own     int // the entry of the project itself, or -1

	open openVersions
}

// self adds the project itself, which is the root of every chain and never matched against advisories.
func (d *mavenDocument) self() {
	d.own = -1
	group, _ := d.project.field("groupId")
	group, _ = d.project.interpolate(group, nil)
	artifact, _ := d.project.interpolate(d.pom.artifact, nil)
	if artifact == "" {
		d.Root = projectName("", d.pom.path)
		return
	}
	d.Root = strings.TrimPrefix(group+":"+artifact, ":")
	version, _ := d.project.version()
	if path.Base(d.pom.path) != "pom.xml" {
		return // a file of a repository describes a foreign package, which is here for others to depend on
	}
	d.own = len(d.Entries)
	d.Entries = append(d.Entries, Entry{
		Name: d.Root, Version: version, Location: d.pom.place, Scope: inventory.ScopeRuntime,
		Origin: inventory.OriginWorkspace, Licenses: d.pom.licenses, Chain: []string{d.Root},
	})
}

// add lists one dependency; inherited ones stand in the file of a parent and are placed where this file names it.
func (d *mavenDocument) add(dep mavenDependency, profile *mavenProfile, inherited bool) {
	key, known := d.project.key(dep, profile)
	if key.group == "" || key.artifact == "" {
		d.unreadable(dep.place, "a dependency without groupId or artifactId was left out")
		return
	}
	if d.full(dep.place) != nil {
		return
	}
	if inherited && d.seen[key] {
		return
	}
	d.seen[key] = true
	version, scope := dep.version, dep.scope
	if version == "" || scope == "" {
		if managed, ok := d.project.managed(key, profile, map[*mavenProject]bool{}); ok {
			version, scope = cmp.Or(version, managed.version), cmp.Or(scope, managed.scope)
		}
	}
	scope, _ = d.project.interpolate(scope, profile)
	entry := Entry{Name: key.group + ":" + key.artifact, Location: dep.place, Direct: true, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry}
	if inherited {
		entry.Location, entry.Manifest = d.pom.parent.place, dep.place
	}
	switch scope {
	case "test":
		entry.Scope = inventory.ScopeDevelopment
	case "system":
		entry.Origin = inventory.OriginPath
	}
	exact, isRange := "", false
	if text, ok := d.project.interpolate(version, profile); ok && known {
		exact, isRange = mavenVersion(text)
		version = text
	}
	entry.Version = exact
	if d.isMember(entry.Name, exact) {
		entry.Origin = inventory.OriginWorkspace
	}
	if !entry.Origin.Own() {
		d.open.note(entry, version, isRange)
	}
	at := len(d.Entries)
	d.Entries = append(d.Entries, entry)
	d.Roots = append(d.Roots, at)
	if d.own >= 0 {
		d.Entries[d.own].Needs = append(d.Entries[d.own].Needs, at)
	}
}

// isMember reports whether a dependency is another project of the same tree. What a repository of packages in the tree
// holds (ARTIFACT-VERSION.pom) is foreign code and is matched.
func (d *mavenDocument) isMember(name, version string) bool {
	for _, pom := range d.project.reactor.byName[name] {
		if path.Base(pom.path) != "pom.xml" {
			continue
		}
		project := d.project.reactor.project(pom)
		own, known := project.version()
		if version == "" || !known || own == version {
			return true
		}
	}
	return false
}

// inherit adds the dependencies of the parents, at most limit.
func (d *mavenDocument) inherit(limit int) {
	for _, pom := range d.project.lineage[1:] {
		lists := [][]mavenDependency{pom.dependencies}
		for _, active := range pom.activeProfiles() {
			lists = append(lists, active.dependencies)
		}
		for _, dep := range slices.Concat(lists...) {
			if limit--; limit < 0 {
				d.notice("too-many-entries", fmt.Sprintf("%s inherits too many dependencies; the rest was left out", d.pom.path), d.pom.parent.place)
				return
			}
			d.add(dep, nil, true)
		}
	}
}

// notices says what the versions of this file hang on that is not in the tree.
func (d *mavenDocument) notices() {
	if parent := d.pom.parent; parent != nil && d.project.outside == parent {
		d.notice("external-parent-not-in-tree", fmt.Sprintf(
			"%s inherits from %s, which is not in the tree; what that adds and the versions that it sets are not known", d.pom.path, parent), parent.place)
	}
	if d.project.circle {
		d.notice("circular-parents", fmt.Sprintf("the parents of %s go round in a circle or are more than %d", d.pom.path, mavenMaxDepth), d.pom.parent.place)
	}
	notices := d.open.notices(d.pom.path)
	if len(d.open.unknown) > 0 {
		if outside := d.project.outsideSources(); len(outside) > 0 {
			notices[0].Message += fmt.Sprintf("; versions may stand in %s, which the tree does not have", firstOf(outside))
		}
	}
	d.Notices = append(d.Notices, notices...)
}

func (d *mavenDocument) notice(code, message string, place inventory.Location) {
	d.Notices = append(d.Notices, inventory.Notice{Code: code, Message: message, Location: &place})
}

// mavenVersion returns the version that a requirement pins, or the lower end of a range: the version that a build
// takes out of a range depends on what the repository has on that day. The names LATEST and RELEASE pin nothing.
// Source: https://maven.apache.org/pom.html#dependency-version-requirement-specification
func mavenVersion(want string) (version string, isRange bool) {
	if want == "LATEST" || want == "RELEASE" {
		return "", false
	}
	if want == "" || want[0] != '[' && want[0] != '(' {
		return want, false
	}
	first, _, _ := strings.Cut(want[1:], "]")
	first, _, _ = strings.Cut(first, ")")
	lower, _, hasUpper := strings.Cut(first, ",")
	lower = strings.TrimSpace(lower)
	return lower, hasUpper && lower != ""
}
