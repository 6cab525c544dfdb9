package fix

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"deps.dev/util/semver"

	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// Maven edits pom.xml where a version stands: in the dependency, in dependencyManagement or in a property, here or in a
// parent that the tree has. Nothing is run: what builds and plug-ins would change is not known.
var Maven = &Manager{
	Name: "Maven", Ecosystem: "Maven",
	Claims:     func(_ *Workspace, name string) bool { return path.Base(name) == "pom.xml" },
	Open:       openMaven,
	Registry:   newMavenRepository,
	Admits:     mavenAdmits,
	Raise:      mavenRaise,
	Prerelease: mavenPrerelease,
	Kin:        mavenKin,
	Runs:       javaRuns,
	Sparse:     true, // which Java a release is built for is asked for one by one
	Ways:       []How{HowOverride},
	Write:      writeMaven,
}

// mavenAdmits reports whether a version is what a requirement asks for. A plain version is a recommendation that Maven
// follows, a range is binding (https://maven.apache.org/pom.html#dependency-version-requirement-specification).
func mavenAdmits(constraint, version string) (bool, error) {
	if !strings.HasPrefix(constraint, "[") && !strings.HasPrefix(constraint, "(") {
		if constraint == "" || strings.Contains(constraint, "${") {
			return false, fmt.Errorf("%q is no version", constraint)
		}
		return semver.Maven.Compare(constraint, version) == 0, nil
	}
	c, err := semver.Maven.ParseConstraint(constraint)
	if err != nil {
		return false, fmt.Errorf("%q is no range of versions", constraint)
	}
	return c.Match(version), nil
}

// mavenRaise replaces a version. The lower end of a range is raised where the upper one allows it; an upper one is
// somebody's decision.
func mavenRaise(constraint, version string) (string, error) {
	if !strings.HasPrefix(constraint, "[") && !strings.HasPrefix(constraint, "(") {
		return version, nil
	}
	lower, upper, isRange := strings.Cut(constraint, ",")
	var raised string
	switch {
	case !isRange: // [1.2] is this version and no other
		raised = "[" + version + "]"
	case strings.ContainsAny(lower[1:], "[]()") || strings.ContainsAny(strings.TrimRight(upper, "])"), "[](),"):
		return "", fmt.Errorf("%s is more than one range", constraint)
	default:
		raised = "[" + version + "," + upper
	}
	if ok, err := mavenAdmits(raised, version); err != nil || !ok {
		return "", fmt.Errorf("the range %s ends below %s", constraint, version)
	}
	return raised, nil
}

var (
	mavenUnstable = regexp.MustCompile(`(?i)(?:^|[-._\d])(?:alpha|beta|milestone|snapshot|preview|incubat\w*|rc|cr|m|pre|ea|dev|b)[-._]?\d*(?:[-._+]|$)`)
	mavenFlavour  = regexp.MustCompile(`(?i)[-.](jre\d*|jdk\d*|android|java\d+|hadoop\d*|spark\d*|graal)$`)
)

// mavenPrerelease reports whether the qualifier of a version is that of a release to try out.
func mavenPrerelease(version string) bool { return mavenUnstable.MatchString(version) }

// mavenKin reports whether a release is for the same platform: 31.1-jre is followed by 32.0-jre and not by 32.0-android.
func mavenKin(from, to string) bool {
	flavour := func(v string) string {
		if m := mavenFlavour.FindStringSubmatch(v); m != nil {
			return strings.ToLower(m[1])
		}
		return ""
	}
	return flavour(from) == flavour(to)
}

// mavenRepository is a repository in the layout of Maven Central
// (https://maven.apache.org/repository/layout.html). It tells the day of the newest release alone.
type mavenRepository struct {
	client *web.Client
	base   *url.URL

	mu    sync.Mutex
	known map[string][]Release
}

// mavenHost serves Maven Central to everybody.
const mavenHost = "repo." + "maven.apache.org"

func newMavenRepository(_ context.Context, env *Env) (Registry, error) {
	if env.Client == nil {
		return nil, nil
	}
	base := &url.URL{Scheme: "https", Host: mavenHost, Path: "/maven2"}
	if mirror, err := url.Parse(env.getenv("MAVEN_MIRROR_URL")); err == nil && mirror.Scheme == "https" && mirror.Host != "" && mirror.User == nil {
		base = mirror
	}
	return &mavenRepository{client: env.Client, base: base, known: map[string][]Release{}}, nil
}

var mavenName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// folder returns where the repository has a package, or nothing for what is no name.
func (m *mavenRepository) folder(name string) string {
	if !mavenName.MatchString(name) || strings.Contains(name, "..") {
		return ""
	}
	group, artifact, _ := strings.Cut(name, ":")
	return strings.ReplaceAll(group, ".", "/") + "/" + artifact
}

func (m *mavenRepository) get(ctx context.Context, parts ...string) ([]byte, error) {
	data, err := m.client.Get(ctx, m.base.JoinPath(parts...).String())
	if status := (*web.StatusError)(nil); errors.As(err, &status) && status.Status == http.StatusNotFound {
		return nil, ErrNoPackage
	}
	return data, err
}

// Releases reads maven-metadata.xml.
func (m *mavenRepository) Releases(ctx context.Context, name string) ([]Release, error) {
	folder := m.folder(name)
	if folder == "" {
		return nil, fmt.Errorf("%q is no name of a Maven package: %w", name, ErrNoPackage)
	}
	m.mu.Lock()
	known, ok := m.known[name]
	m.mu.Unlock()
	if ok {
		return known, nil
	}
	data, err := m.get(ctx, folder, "maven-metadata.xml")
	if err != nil {
		return nil, fmt.Errorf("ask the repository for %s: %w", name, err)
	}
	var metadata struct {
		Release  string   `xml:"versioning>release"`
		Updated  string   `xml:"versioning>lastUpdated"`
		Versions []string `xml:"versioning>versions>version"`
	}
	if err := xml.Unmarshal(data, &metadata); err != nil {
		return nil, fmt.Errorf("the repository answers for %s with no XML: %w", name, err)
	}
	releases := []Release{}
	updated, _ := time.Parse("20060102150405", metadata.Updated) // what is no date is none
	for _, version := range metadata.Versions {
		r := Release{Version: version}
		if version == metadata.Release {
			r.Published = updated
		}
		releases = append(releases, r)
	}
	m.mu.Lock()
	m.known[name] = releases
	m.mu.Unlock()
	return releases, nil
}

// Describe says whether there is such a release, and the Java that it is built for where it tells.
func (m *mavenRepository) Describe(ctx context.Context, name, version string) (Release, error) {
	releases, err := m.Releases(ctx, name)
	if err != nil {
		return Release{}, err
	}
	i := slices.IndexFunc(releases, func(r Release) bool { return r.Version == version })
	if i < 0 {
		return Release{}, fmt.Errorf("%s %s: %w", name, version, ErrNoPackage)
	}
	r := releases[i]
	if java := m.java(ctx, name, version); java > 0 {
		r.Engines = []Need{{Name: "java", Constraint: strconv.Itoa(java)}}
	}
	return r, nil
}

var (
	gradleJVM = regexp.MustCompile(`"org\.gradle\.jvm\.version"\s*:\s*(\d+)`)
	pomJava   = regexp.MustCompile(`<(?:(?:maven\.)?compiler\.(?:release|target)|java\.version|jdk\.version|javac\.target)>\s*(?:1\.)?(\d+)\s*</`)
)

// java returns the Java that a release is built for, by the metadata that Gradle publishes or the properties of its pom;
// 0 where neither says.
func (m *mavenRepository) java(ctx context.Context, name, version string) int {
	folder := m.folder(name)
	if folder == "" || !validVersion(version) {
		return 0
	}
	if data, err := m.get(ctx, folder, version, path.Base(folder)+"-"+version+".module"); err == nil {
		lowest := 0
		for _, found := range gradleJVM.FindAllSubmatch(data, -1) {
			if n, err := strconv.Atoi(string(found[1])); err == nil && (lowest == 0 || n < lowest) {
				lowest = n
			}
		}
		return lowest
	}
	for range 4 { // a project and its parents
		data, err := m.get(ctx, folder, version, path.Base(folder)+"-"+version+".pom")
		if err != nil {
			return 0
		}
		if found := pomJava.FindSubmatch(data); found != nil {
			n, _ := strconv.Atoi(string(found[1])) // digits alone
			return n
		}
		pom, err := parsePOM("pom.xml", data)
		if err != nil || !pom.parent.there {
			return 0
		}
		folder, version = m.folder(pom.parent.group.text+":"+pom.parent.artifact.text), pom.parent.version.text
		if folder == "" || !validVersion(version) {
			return 0
		}
	}
	return 0
}

// pomUse is one dependency of one project, with the version that it gets and where that is written.
type pomUse struct {
	pom     *pomFile
	dep     *pomDependency
	name    string
	version string
	sources []pomSource
}

// uses lists what the projects of the part ask for, managed dependencies included.
func (r *mavenReactor) uses() []pomUse {
	var all []pomUse
	for _, pom := range r.members {
		lineage := r.lineage(pom)
		for i := range pom.dependencies {
			dep := &pom.dependencies[i]
			group, _ := r.resolve(lineage, pom, dep.group, 0)
			artifact, _ := r.resolve(lineage, pom, dep.artifact, 0)
			use := pomUse{pom: pom, dep: dep, name: group + ":" + artifact}
			if dep.version.text != "" {
				use.version, use.sources = r.resolve(lineage, pom, dep.version, 0)
			} else if !dep.managed {
				use.version, use.sources = r.managed(lineage, use.name)
			}
			all = append(all, use)
		}
	}
	return all
}

// managed finds the version that a project or one of its parents manages for a package.
func (r *mavenReactor) managed(lineage []*pomFile, name string) (version string, sources []pomSource) {
	for _, pom := range lineage {
		for i := range pom.dependencies {
			dep := &pom.dependencies[i]
			if !dep.managed || dep.version.text == "" || dep.scope.text == "import" {
				continue
			}
			group, _ := r.resolve(lineage, pom, dep.group, 0)
			artifact, _ := r.resolve(lineage, pom, dep.artifact, 0)
			if group+":"+artifact == name {
				return r.resolve(lineage, pom, dep.version, 0)
			}
		}
	}
	return "", nil
}

func openMaven(_ context.Context, ws *Workspace, name string) (*Project, error) {
	r, err := readReactor(ws, name)
	if err != nil {
		return nil, err
	}
	if len(ws.changed) > 0 {
		return r.project(), nil
	}
	// The plan opens the project of each module, which is the same one.
	return inventory.Derive(ws.tree, "fix of "+r.root.path, r.project), nil
}

// project returns what the plan looks at.
func (r *mavenReactor) project() *Project {
	project := &Project{Path: r.root.path, Dir: path.Dir(r.root.path), Data: r}
	for _, pom := range r.members {
		project.Files = append(project.Files, pom.path)
	}
	if java := r.java(); java > 0 {
		project.Runtime = []Need{{Name: "java", Constraint: strconv.Itoa(java)}}
	}
	seen := map[string]bool{}
	for _, use := range r.uses() {
		if use.version == "" {
			continue
		}
		version := use.version
		if strings.HasPrefix(version, "[") || strings.HasPrefix(version, "(") {
			version, _, _ = strings.Cut(strings.Trim(version, "[]()"), ",")
		}
		project.Packages = append(project.Packages, Locked{
			Name: use.name, Version: version, Location: use.pom.lines.Location(use.pom.path, use.dep.start, use.dep.end),
			Direct: true, Origin: inventory.OriginRegistry,
		})
		for _, source := range use.sources {
			place := source.file.place(source.text)
			key := fmt.Sprint(use.name, place)
			if seen[key] {
				continue
			}
			seen[key] = true
			line := Requirement{Package: use.name, Constraint: source.text.text, Location: place, List: "dependencies"}
			if source.property != "" {
				line.List = "properties"
			}
			if source.text.start < 0 {
				line.Fixed = "its version is written with entities or comments inside"
			}
			project.Requirements = append(project.Requirements, line)
		}
		if len(use.sources) == 0 {
			project.Requirements = append(project.Requirements, Requirement{
				Package: use.name, Constraint: use.version, Location: use.pom.lines.Location(use.pom.path, use.dep.start, use.dep.end),
				List: "dependencies", Fixed: "its version is put together from properties, or is that of the project itself",
			})
		}
	}
	return project
}

func writeMaven(ctx context.Context, job *Job) error {
	r, err := readReactor(job.Workspace, job.Project.Path)
	if err != nil {
		return err
	}
	repository, _ := job.Registry.(*mavenRepository)
	uses := r.uses()
	var edits []textEdit
	for _, t := range job.Targets {
		if !mavenName.MatchString(t.Package) || !validVersion(t.To) {
			return fmt.Errorf("%q is no name of a Maven package, or %q no version", t.Package, t.To)
		}
		if t.How == HowOverride || t.How == HowLock {
			edits = append(edits, r.manage(t))
			continue
		}
		for _, use := range uses {
			if ok, err := mavenAdmits(use.version, t.From); use.name != t.Package || err != nil || !ok {
				continue
			}
			to := t.To
			for _, line := range t.Lines {
				if line.Constraint == use.version && line.To != "" {
					to = line.To
				}
			}
			for _, source := range use.sources {
				if source.text.start < 0 {
					return fmt.Errorf("%s: the version of %s is written with entities or comments inside", source.file.path, t.Package)
				}
				if !r.shared(ctx, repository, uses, source, t, job.Targets) {
					edits = append(edits, textEdit{source.file.path, source.text.start, source.text.end, to})
					continue
				}
				// The property stays what it is for the others.
				if use.dep.version.start < 0 || use.dep.version.text == "" {
					return fmt.Errorf("%s: the property %s is that of other packages, too, which have no version %s", source.file.path, source.property, t.To)
				}
				edits = append(edits, textEdit{use.pom.path, use.dep.version.start, use.dep.version.end, to})
			}
		}
	}
	if len(edits) == 0 {
		return errors.New("no pom.xml says the version any more")
	}
	return applyEdits(job.Workspace, edits)
}

// javaRuns reports whether what is built for one Java is for a project that is built for another.
func javaRuns(runtime, engine string) bool {
	ours, err := strconv.Atoi(runtime)
	theirs, bad := strconv.Atoi(engine)
	return err != nil || bad != nil || theirs <= ours
}

// java returns the oldest Java that the projects of the part are built for; 0 where none says.
func (r *mavenReactor) java() int {
	oldest := 0
	for _, pom := range r.members {
		for _, p := range pom.properties {
			switch p.name {
			case "maven.compiler.release", "maven.compiler.target", "java.version":
				n, err := strconv.Atoi(strings.TrimPrefix(p.text, "1."))
				if err == nil && (oldest == 0 || n < oldest) {
					oldest = n
				}
			}
		}
	}
	return oldest
}

// shared reports whether the place is a property that another package gets its version from, one that has no such
// release and is not changed with it.
func (r *mavenReactor) shared(ctx context.Context, repository *mavenRepository, uses []pomUse, source pomSource, t Target, targets []Target) bool {
	if source.property == "" || repository == nil {
		return false
	}
	for _, other := range uses {
		if other.name == t.Package || slices.ContainsFunc(targets, func(u Target) bool { return u.Package == other.name && u.To == t.To }) {
			continue
		}
		for _, s := range other.sources {
			if s.file != source.file || s.text != source.text {
				continue
			}
			releases, err := repository.Releases(ctx, other.name)
			if err == nil && !slices.ContainsFunc(releases, func(r Release) bool { return r.Version == t.To }) {
				return true
			}
		}
	}
	return false
}

// manage returns the edit that manages the version of a package that no project asks for itself: it holds wherever
// something brings the package in (https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html).
func (r *mavenReactor) manage(t Target) textEdit {
	f := r.root
	for i := range f.dependencies { // an older entry of ours, or of somebody else
		dep := &f.dependencies[i]
		if dep.managed && !dep.profile && dep.group.text+":"+dep.artifact.text == t.Package && dep.version.start > 0 && !strings.Contains(dep.version.text, "${") {
			return textEdit{f.path, dep.version.start, dep.version.end, t.To}
		}
	}
	newline := "\n"
	if strings.Contains(string(f.data), "\r\n") {
		newline = "\r\n"
	}
	unit := f.indent()
	group, artifact, _ := strings.Cut(t.Package, ":")
	entry := func(depth int) string {
		in := strings.Repeat(unit, depth)
		return in + "<dependency>" + newline + in + unit + "<groupId>" + group + "</groupId>" + newline + in + unit + "<artifactId>" + artifact + "</artifactId>" + newline +
			in + unit + "<version>" + t.To + "</version>" + newline + in + "</dependency>" + newline
	}
	list := func(depth int) string {
		in := strings.Repeat(unit, depth)
		return in + "<dependencies>" + newline + entry(depth+1) + in + "</dependencies>" + newline
	}
	in := unit
	whole := in + "<dependencyManagement>" + newline + list(2) + in + "</dependencyManagement>" + newline
	switch {
	case f.listOfManaged >= 0:
		return f.before(f.listOfManaged, entry(3))
	case f.management >= 0:
		return f.before(f.management, list(2))
	case f.ownList >= 0:
		return f.before(f.ownList, whole)
	}
	return f.before(f.end, whole)
}

// before returns the edit that puts lines before the line of an offset.
func (f *pomFile) before(at int, text string) textEdit {
	line := strings.LastIndexByte(string(f.data[:at]), '\n') + 1
	if strings.TrimSpace(string(f.data[line:at])) != "" { // something else stands before it in the line
		line = at
	}
	return textEdit{f.path, line, line, text}
}

// indent returns what one level of the file is indented by.
func (f *pomFile) indent() string {
	line := strings.LastIndexByte(string(f.data[:f.artifact.start]), '\n') + 1
	lead := string(f.data[line:f.artifact.start])
	lead = lead[:len(lead)-len(strings.TrimLeft(lead, " \t"))]
	if lead == "" {
		return "  "
	}
	return lead
}
