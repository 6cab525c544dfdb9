package report

import (
	"cmp"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// gitlabVersion is the version of GitLab's security report schemas that the reports keep to: the newest that GitLab 16
// and everything later takes.
// https://docs.gitlab.com/development/integrations/secure/#report
const gitlabVersion = "15.0.7"

// Limits of the schemas, in characters, and of the parser behind them.
const (
	maxGitLabName        = 255
	maxGitLabSolution    = 7000
	maxGitLabIdentifiers = 20 // further ones fail the vulnerability
)

// GitLabDependency writes findings about packages as GitLab's dependency scanning report: what an artifact of
// reports:dependency_scanning holds. The schema wants the place to be a file and a package, so that only findings about
// packages are in it; those of the files that build containers are in GitLabContainer and all others in GitLabSAST, each
// finding in one of the three.
//
// # Limitations
//
// GitLab has no word for what was decided in the repository: suppressed findings are left out of all three reports, and
// a message of the scan says how many. CVSS 4.0 has no place in this version of the schema.
func GitLabDependency(w io.Writer, res *scanner.Result, _ Options) error {
	g := newGitLab(res)
	doc := gitlabReport{Version: gitlabVersion, Scan: g.scan("dependency_scanning"), Vulnerabilities: g.vulnerabilities(gitlabPackages)}
	files := g.files()
	doc.DependencyFiles = &files
	return writeJSON(w, doc)
}

// GitLabContainer writes findings about container images and the system packages in them as GitLab's container scanning
// report, an artifact of reports:container_scanning. Where the system of an image is not known it is called unknown; the
// image itself stands for the package where the finding is about all of it.
func GitLabContainer(w io.Writer, res *scanner.Result, _ Options) error {
	g := newGitLab(res)
	return writeJSON(w, gitlabReport{Version: gitlabVersion, Scan: g.scan("container_scanning"), Vulnerabilities: g.vulnerabilities(gitlabImages)})
}

// GitLabSAST writes findings about declared infrastructure, and whatever else is about a line and no package, as GitLab's
// SAST report, which is what its own scanner of infrastructure writes: an artifact of reports:sast.
func GitLabSAST(w io.Writer, res *scanner.Result, _ Options) error {
	g := newGitLab(res)
	return writeJSON(w, gitlabReport{Version: gitlabVersion, Scan: g.scan("sast"), Vulnerabilities: g.vulnerabilities(gitlabLines)})
}

// gitlabPart is the report that a finding belongs into.
type gitlabPart int

const (
	gitlabLines gitlabPart = iota
	gitlabPackages
	gitlabImages
)

// gitlabWriter holds what the three reports ask of a result.
type gitlabWriter struct {
	res    *scanner.Result
	byID   map[inventory.ID]*inventory.Package
	images map[inventory.ID]bool
	within map[inventory.ID]inventory.ID // system package: the first image that contains it
	rules  map[string]*scanner.Rule
}

func newGitLab(res *scanner.Result) *gitlabWriter {
	g := &gitlabWriter{
		res: res, byID: make(map[inventory.ID]*inventory.Package, len(res.Packages)), images: make(map[inventory.ID]bool, len(res.Images)),
		within: map[inventory.ID]inventory.ID{}, rules: make(map[string]*scanner.Rule, len(res.Rules)),
	}
	for i := range res.Packages {
		g.byID[res.Packages[i].ID] = &res.Packages[i]
	}
	for i := range res.Images {
		g.images[res.Images[i].ID] = true
	}
	for i := range res.Rules {
		g.rules[res.Rules[i].ID] = &res.Rules[i]
	}
	for _, l := range res.Links {
		p := g.byID[l.To]
		if _, ok := g.within[l.To]; p != nil && !ok && g.images[l.From] && systemOf(p) != "" {
			g.within[l.To] = l.From
		}
	}
	return g
}

func (g *gitlabWriter) part(f *scanner.Finding) gitlabPart {
	_, contained := g.within[f.Subject]
	switch {
	case contained, g.images[f.Subject]:
		return gitlabImages
	case g.byID[f.Subject] != nil:
		return gitlabPackages
	}
	return gitlabLines
}

// systemOf returns the distribution that a package is part of, as OSV spells it in the name of its ecosystem
// (Debian:12), and nothing for a package of a language.
func systemOf(p *inventory.Package) string {
	for _, kind := range []string{"pkg:deb/", "pkg:rpm/", "pkg:apk/", "pkg:alpm/"} {
		if strings.HasPrefix(p.PURL, kind) {
			return clean(cmp.Or(p.Ecosystem, "unknown"))
		}
	}
	return ""
}

// scan describes the run. Notices are warnings of it, so that a short list is not taken for a clean tree.
func (g *gitlabWriter) scan(kind string) gitlabScan {
	start, end := g.times()
	tool := gitlabTool{ID: "trifecta", Name: "trifecta", URL: informationURI, Version: cmp.Or(clean(g.res.Tool.Version), "unknown"), Vendor: gitlabVendor{"trifecta"}}
	s := gitlabScan{Analyzer: tool, Scanner: tool, Type: kind, StartTime: start, EndTime: end, Status: "success"}
	for _, n := range g.res.Notices {
		s.Messages = append(s.Messages, gitlabMessage{"warn", cmp.Or(noticeText(n), "something was not looked at")})
	}
	if n := g.res.Summary.Suppressed; n > 0 {
		s.Messages = append(s.Messages, gitlabMessage{"info", count(n, "finding") + " suppressed by decisions in the repository; trifecta report -o json shows them"})
	}
	return s
}

// times returns when the scan began and ended, in UTC and without a zone as the schema wants it. A result that does not
// say when it was made is of the day by which it judged.
func (g *gitlabWriter) times() (start, end string) {
	const layout = "2006-01-02T15:04:05"
	at, err := time.Parse(time.RFC3339, cmp.Or(timestamp(g.res.Run.StartedAt), created(g.res)))
	if err != nil || at.Year() > 9999 {
		at = time.Unix(0, 0)
	}
	took := time.Duration(min(max(g.res.Run.DurationMS, 0), time.Hour.Milliseconds()*24)) * time.Millisecond
	return at.UTC().Format(layout), at.Add(took).UTC().Format(layout)
}

func (g *gitlabWriter) vulnerabilities(part gitlabPart) []gitlabVulnerability {
	list := []gitlabVulnerability{}
	for i := range g.res.Findings {
		if f := &g.res.Findings[i]; f.Status != scanner.StatusSuppressed && g.part(f) == part {
			list = append(list, g.vulnerability(f, part))
		}
	}
	return list
}

func (g *gitlabWriter) vulnerability(f *scanner.Finding, part gitlabPart) gitlabVulnerability {
	rule := g.rules[f.RuleID]
	v := gitlabVulnerability{
		ID:          uuid.NewSHA1(documents, []byte(f.Fingerprint)).String(),
		Name:        f.RuleID,
		Description: mdText(clean(f.Message)),
		Severity:    gitlabSeverity(f.Severity),
		Identifiers: identifiers(f, rule),
		Location:    g.location(f, part),
		Details:     gitlabDetails(f),
	}
	if rule != nil {
		v.Name = cmp.Or(rule.Title, v.Name)
	}
	if f.Advisory != nil {
		v.Name = cmp.Or(f.Advisory.Summary, v.Name)
		v.CVSS = gitlabCVSS(f)
	}
	v.Name = cut(clean(v.Name), maxGitLabName)
	if f.Fix != nil {
		v.Solution = cut(clean(f.Fix.Message), maxGitLabSolution)
	}
	add := func(address string) {
		u := httpURL(address)
		if u != "" && !slices.ContainsFunc(v.Links, func(l gitlabLink) bool { return l.URL == u }) {
			v.Links = append(v.Links, gitlabLink{u})
		}
	}
	if rule != nil {
		add(rule.URL)
	}
	if f.Advisory != nil {
		for _, address := range f.Advisory.References {
			add(address)
		}
	}
	return v
}

// location says where a finding is, in the words of its report. GitLab needs a line in a SAST report to show it at all;
// what has none is on the first.
func (g *gitlabWriter) location(f *scanner.Finding, part gitlabPart) gitlabLocation {
	l := gitlabLocation{}
	if part != gitlabImages {
		l.File = cmp.Or(clean(f.Location.Path), ".")
	}
	switch p := g.byID[f.Subject]; part {
	case gitlabLines:
		l.StartLine, l.EndLine = max(f.Location.Line, 1), f.Location.EndLine
	case gitlabPackages:
		l.Dependency = dependencyOf(p, slices.ContainsFunc(p.Locations, func(at inventory.PackageLocation) bool {
			return at.Direct && at.Path == f.Location.Path
		}))
	case gitlabImages:
		l.Image, l.System = cmp.Or(clean(string(f.Subject)), "unknown"), "unknown"
		if image, ok := g.within[f.Subject]; ok {
			l.Image, l.System = cmp.Or(clean(string(image)), "unknown"), systemOf(p)
			l.Dependency = dependencyOf(p, false)
			break
		}
		name, version := imageName(f.Subject)
		l.Dependency = &gitlabDependency{Package: gitlabPackage{clean(name)}, Version: clean(version)}
	}
	return l
}

// imageName splits a reference into its name and its tag.
func imageName(id inventory.ID) (name, tag string) {
	name, _, _ = strings.Cut(string(id), "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return cmp.Or(name, string(id)), tag
}

func dependencyOf(p *inventory.Package, direct bool) *gitlabDependency {
	return &gitlabDependency{Package: gitlabPackage{clean(p.Name)}, Version: clean(p.Version), Direct: direct}
}

// files lists the files that name packages, each with its packages, in order.
func (g *gitlabWriter) files() []gitlabFile {
	list := []gitlabFile{}
	index := map[string]int{}
	for i := range g.res.Packages {
		p := &g.res.Packages[i]
		for _, at := range p.Locations {
			if at.Path == "" || at.Origin.Own() {
				continue
			}
			n, ok := index[at.Path]
			if !ok {
				n = len(list)
				index[at.Path] = n
				list = append(list, gitlabFile{Path: clean(at.Path), PackageManager: packageManager(p, at.Path)})
			}
			list[n].Dependencies = append(list[n].Dependencies, *dependencyOf(p, at.Direct))
		}
	}
	slices.SortStableFunc(list, func(a, b gitlabFile) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// managers are GitLab's names of package managers, by the file that they write.
var managers = map[string]string{
	"yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm", "bun.lock": "bun", "bun.lockb": "bun",
	"poetry.lock": "poetry", "uv.lock": "uv", "Pipfile": "pipenv", "Pipfile.lock": "pipenv", "pdm.lock": "pdm",
	"build.gradle": "gradle", "build.gradle.kts": "gradle", "gradle.lockfile": "gradle", "buildscript-gradle.lockfile": "gradle",
	"libs.versions.toml": "gradle", "verification-metadata.xml": "gradle",
}

// managersOf are those of a whole kind of package URL, where the file does not say more.
var managersOf = map[string]string{
	"npm": "npm", "pypi": "pip", "maven": "maven", "golang": "go", "gem": "bundler", "composer": "composer", "cargo": "cargo",
	"nuget": "nuget", "conan": "conan", "swift": "swift", "pub": "pub", "hex": "mix", "deb": "apt", "apk": "apk", "rpm": "rpm",
}

// packageManager returns GitLab's name of the package manager that a file with the package belongs to.
func packageManager(p *inventory.Package, file string) string {
	if name, ok := managers[path.Base(file)]; ok {
		return name
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(p.PURL, "pkg:"), "/")
	return cmp.Or(managersOf[kind], "unknown")
}

// identifiers returns the names of what is wrong. GitLab tells vulnerabilities apart by the first one, which is that of
// the rule or the advisory.
func identifiers(f *scanner.Finding, rule *scanner.Rule) []gitlabIdentifier {
	var list []gitlabIdentifier
	add := func(kind, name, value, address string) {
		id := gitlabIdentifier{Type: kind, Name: clean(name), Value: clean(value), URL: httpURL(address)}
		same := func(other gitlabIdentifier) bool { return other.Type == id.Type && other.Value == id.Value }
		if id.Value != "" && len(list) < maxGitLabIdentifiers && !slices.ContainsFunc(list, same) {
			list = append(list, id)
		}
	}
	page := ""
	if rule != nil {
		page = rule.URL
	}
	if f.Advisory == nil {
		add("trifecta_rule", f.RuleID, f.RuleID, page)
		if rule != nil {
			for _, alias := range rule.Aliases {
				add("trifecta_rule", alias, alias, page)
			}
		}
	} else {
		for i, id := range f.IDs() {
			address := "https://osv.dev/vulnerability/" + id
			switch {
			case strings.HasPrefix(id, "CVE-"):
				address = "https://nvd.nist.gov/vuln/detail/" + id
			case i == 0 && page != "":
				address = page
			}
			add(identifierType(id), id, id, address)
		}
		for _, cwe := range f.Advisory.CWE {
			if number, ok := strings.CutPrefix(strings.ToUpper(cwe), "CWE-"); ok && number != "" && strings.Trim(number, "0123456789") == "" {
				add("cwe", "CWE-"+number, number, "https://cwe.mitre.org/data/definitions/"+number+".html")
			}
		}
	}
	if len(list) == 0 {
		add("trifecta_rule", "unknown", "unknown", "")
	}
	return list
}

// identifierType is what stands before the first hyphen of an advisory's id, in small letters: cve, ghsa, rustsec.
func identifierType(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	if _, known := databases[prefix]; known {
		return strings.ToLower(prefix)
	}
	return "osv"
}

// gitlabSeverity is GitLab's word for a severity.
func gitlabSeverity(s scanner.Severity) string {
	switch s {
	case scanner.Critical, scanner.High, scanner.Medium, scanner.Low, scanner.Info:
		return strings.ToUpper(string(s[:1])) + string(s[1:])
	}
	return "Unknown"
}

// vectors are the CVSS vectors that the schema takes: of versions 2 and 3, of metrics and values that exist. A vector that
// it does not take would fail the whole report.
var vectors = map[string]*regexp.Regexp{
	"2.0": regexp.MustCompile(`^AV:[NAL]/AC:[LMH]/Au:[MSN]/C:[NPC]/I:[NPC]/A:[NPC]$`),
	"3.0": regexp.MustCompile(`^CVSS:3\.0/AV:[NALP]/AC:[LH]/PR:[NLH]/UI:[NR]/S:[UC]/C:[NLH]/I:[NLH]/A:[NLH]$`),
	"3.1": regexp.MustCompile(`^CVSS:3\.1/AV:[NALP]/AC:[LH]/PR:[NLH]/UI:[NR]/S:[UC]/C:[NLH]/I:[NLH]/A:[NLH]$`),
}

func gitlabCVSS(f *scanner.Finding) []gitlabVector {
	var list []gitlabVector
	for _, c := range f.Advisory.CVSS {
		if known := vectors[c.Version]; known != nil && known.MatchString(c.Vector) {
			list = append(list, gitlabVector{Vendor: sourceOf(f.RuleID), Vector: c.Vector})
		}
	}
	return list
}

// gitlabDetails are what GitLab shows below a vulnerability: when it wants attention, and what a stranger can do about it.
func gitlabDetails(f *scanner.Finding) map[string]gitlabDetail {
	details := map[string]gitlabDetail{}
	add := func(key, name, value string) {
		if value != "" {
			details[key] = gitlabDetail{Type: "text", Name: name, Value: clean(value)}
		}
	}
	add("tier", "Tier", string(f.Tier))
	add("reason", "Why", f.Reason)
	add("exposure", "Exposure", string(f.Exposure.Level))
	var way []string
	for _, s := range f.Path {
		way = append(way, string(s.Address))
	}
	add("path", "Way from the internet", strings.Join(way, " → "))
	return details
}

// The structs below follow GitLab's description of its reports
// (https://docs.gitlab.com/development/integrations/secure/#report); a test holds them to the schemas.
type (
	gitlabReport struct {
		Version         string                `json:"version"`
		Scan            gitlabScan            `json:"scan"`
		Vulnerabilities []gitlabVulnerability `json:"vulnerabilities"`
		DependencyFiles *[]gitlabFile         `json:"dependency_files,omitempty"`
	}
	gitlabScan struct {
		Analyzer  gitlabTool      `json:"analyzer"`
		Scanner   gitlabTool      `json:"scanner"`
		Type      string          `json:"type"`
		StartTime string          `json:"start_time"`
		EndTime   string          `json:"end_time"`
		Status    string          `json:"status"`
		Messages  []gitlabMessage `json:"messages,omitempty"`
	}
	gitlabTool struct {
		ID      string       `json:"id"`
		Name    string       `json:"name"`
		URL     string       `json:"url"`
		Version string       `json:"version"`
		Vendor  gitlabVendor `json:"vendor"`
	}
	gitlabVendor struct {
		Name string `json:"name"`
	}
	gitlabMessage struct {
		Level string `json:"level"`
		Value string `json:"value"`
	}
	gitlabVulnerability struct {
		ID          string                  `json:"id"`
		Name        string                  `json:"name"`
		Description string                  `json:"description"`
		Severity    string                  `json:"severity"`
		Solution    string                  `json:"solution,omitempty"`
		Identifiers []gitlabIdentifier      `json:"identifiers"`
		CVSS        []gitlabVector          `json:"cvss_vectors,omitempty"`
		Links       []gitlabLink            `json:"links,omitempty"`
		Location    gitlabLocation          `json:"location"`
		Details     map[string]gitlabDetail `json:"details,omitempty"` // encoding/json sorts the keys
	}
	gitlabIdentifier struct {
		Type  string `json:"type"`
		Name  string `json:"name"`
		Value string `json:"value"`
		URL   string `json:"url,omitempty"`
	}
	gitlabVector struct {
		Vendor string `json:"vendor"`
		Vector string `json:"vector"`
	}
	gitlabLink struct {
		URL string `json:"url"`
	}
	gitlabLocation struct {
		File       string            `json:"file,omitempty"`
		StartLine  int               `json:"start_line,omitempty"`
		EndLine    int               `json:"end_line,omitempty"`
		Dependency *gitlabDependency `json:"dependency,omitempty"`
		System     string            `json:"operating_system,omitempty"`
		Image      string            `json:"image,omitempty"`
	}
	gitlabDependency struct {
		Package gitlabPackage `json:"package"`
		Version string        `json:"version"`
		Direct  bool          `json:"direct,omitempty"`
	}
	gitlabPackage struct {
		Name string `json:"name"`
	}
	gitlabFile struct {
		Path           string             `json:"path"`
		PackageManager string             `json:"package_manager"`
		Dependencies   []gitlabDependency `json:"dependencies"`
	}
	gitlabDetail struct {
		Type  string `json:"type"`
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)
