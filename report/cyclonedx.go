package report

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// CycloneDX writes a CycloneDX 1.6 document (https://cyclonedx.org/docs/1.6/json/): every package and image with the
// places that name it, who needs whom, and the known vulnerabilities with the state of their analysis. What is only
// used in development has the scope excluded, which the specification gives to "test and other non-runtime purposes".
//
// The serial number is computed from the content, and the time is the day by which the run judged, so that equal runs
// give equal bytes.
func CycloneDX(w io.Writer, res *scanner.Result, _ Options) error {
	c := cycloneDX{bill: newBill(res), licenses: licenses{}}
	bom := c.document()
	bom.SerialNumber = "urn:uuid:" + uuid.Nil.String()
	var buf bytes.Buffer
	if err := cyclonedx.NewBOMEncoder(&buf, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bom); err != nil {
		return err
	}
	_, err := w.Write(numbered(readable(buf.Bytes()), `"serialNumber": "`+bom.SerialNumber))
	return err
}

// cycloneDX holds what one document needs while it is made.
type cycloneDX struct {
	*bill
	licenses licenses
}

// rootRef names the scanned project; a package's reference is its package URL, so that the two never meet.
const rootRef = "root"

func (c *cycloneDX) document() *cyclonedx.BOM {
	bom := cyclonedx.NewBOM()
	bom.SpecVersion, bom.JSONSchema = cyclonedx.SpecVersion1_6, "http://cyclonedx.org/schema/bom-1.6.schema.json"
	bom.Metadata = c.metadata()

	components := make([]cyclonedx.Component, 0, len(c.refs)+len(c.res.Images))
	dependencies := make([]cyclonedx.Dependency, 0, cap(components)+1)
	needed := make([]string, 0, len(c.roots)+len(c.res.Images))
	for _, i := range c.roots {
		needed = append(needed, c.refs[i])
	}
	for i := range c.res.Packages {
		p := &c.res.Packages[i]
		components = append(components, c.component(p, c.refs[i]))
		dependencies = append(dependencies, dependency(c.refs[i], c.names(c.needs(p))))
	}
	for i := range c.res.Images {
		component := c.image(&c.res.Images[i])
		components = append(components, component)
		dependencies = append(dependencies, dependency(component.BOMRef, nil))
		needed = append(needed, component.BOMRef)
	}
	dependencies = append([]cyclonedx.Dependency{dependency(rootRef, needed)}, dependencies...)
	bom.Components, bom.Dependencies = &components, &dependencies
	if len(c.res.Notices) > 0 { // something was not looked at: the list must not pass for complete
		bom.Compositions = &[]cyclonedx.Composition{{
			Aggregate:  cyclonedx.CompositionAggregateIncomplete,
			Assemblies: &[]cyclonedx.BOMReference{rootRef},
		}}
	}
	if vulnerabilities := c.vulnerabilities(); len(vulnerabilities) > 0 {
		bom.Vulnerabilities = &vulnerabilities
	}
	return bom
}

func dependency(ref string, needs []string) cyclonedx.Dependency {
	d := cyclonedx.Dependency{Ref: ref}
	if len(needs) > 0 {
		d.Dependencies = &needs
	}
	return d
}

func (c *cycloneDX) names(indices []int) []string {
	names := make([]string, len(indices))
	for i, at := range indices {
		names[i] = c.refs[at]
	}
	return names
}

func (c *cycloneDX) metadata() *cyclonedx.Metadata {
	root := cyclonedx.Component{BOMRef: rootRef, Type: cyclonedx.ComponentTypeApplication, Name: c.name, Version: c.version}
	phase := cyclonedx.LifecyclePhasePreBuild
	switch c.res.Target.Kind {
	case scanner.MachineTarget:
		root.Type, phase = cyclonedx.ComponentTypeOS, cyclonedx.LifecyclePhasePostBuild
		if len(c.res.MachineImages) > 0 {
			root.Description = valid(c.res.MachineImages[0].Name)
		}
	case scanner.ContainerTarget:
		root.Type, phase, root.Version = cyclonedx.ComponentTypeContainer, cyclonedx.LifecyclePhasePostBuild, valid(c.res.Target.Digest)
	}
	if u := httpURL(c.res.Target.Repository); u != "" {
		root.ExternalReferences = &[]cyclonedx.ExternalReference{{Type: cyclonedx.ERTypeVCS, URL: u}}
	}
	tool := cyclonedx.Component{Type: cyclonedx.ComponentTypeApplication, Name: "trifecta", Version: c.res.Tool.Version,
		ExternalReferences: &[]cyclonedx.ExternalReference{{Type: cyclonedx.ERTypeWebsite, URL: informationURI}}}
	return &cyclonedx.Metadata{
		Timestamp:  created(c.res),
		Lifecycles: &[]cyclonedx.Lifecycle{{Phase: phase}},
		Tools:      &cyclonedx.ToolsChoice{Components: &[]cyclonedx.Component{tool}},
		Component:  &root,
		Properties: c.gitlabMetadata(),
	}
}

// gitlabMetadata are the properties by which GitLab knows that the document speaks its words at all, and the one file
// that the packages are from. Where there are several, each component has its own.
// https://docs.gitlab.com/development/sec/cyclonedx_property_taxonomy/
func (c *cycloneDX) gitlabMetadata() *[]cyclonedx.Property {
	properties := []cyclonedx.Property{{Name: "gitlab:meta:schema_version", Value: "1"}}
	var from *inventory.Package
	file := ""
	for i := range c.res.Packages {
		for _, l := range c.res.Packages[i].Locations {
			if file != "" && l.Path != file {
				return &properties
			}
			from, file = &c.res.Packages[i], l.Path
		}
	}
	if file != "" {
		properties = append(properties, gitlabInput(from, file)...)
	}
	return &properties
}

// gitlabInput says in GitLab's words which file names a package, and whose file it is.
func gitlabInput(p *inventory.Package, file string) []cyclonedx.Property {
	return []cyclonedx.Property{
		{Name: "gitlab:dependency_scanning:input_file:path", Value: file},
		{Name: "gitlab:dependency_scanning:package_manager:name", Value: packageManager(p, file)},
	}
}

// gitlabComponent says in GitLab's words where a package is from. A property can be there once: of several files it is
// the first.
func gitlabComponent(p *inventory.Package) []cyclonedx.Property {
	i := slices.IndexFunc(p.Locations, func(l inventory.PackageLocation) bool { return l.Path != "" })
	if i < 0 {
		return nil
	}
	properties := gitlabInput(p, p.Locations[i].Path)
	if m := p.Locations[i].Manifest; m != nil && m.Path != "" {
		properties = append(properties, cyclonedx.Property{Name: "gitlab:dependency_scanning:source_file:path", Value: m.Path})
	}
	category := "production"
	if scope(p) == inventory.ScopeDevelopment {
		category = "development"
	}
	return append(properties, cyclonedx.Property{Name: "gitlab:dependency_scanning:category", Value: category})
}

func (c *cycloneDX) component(p *inventory.Package, ref string) cyclonedx.Component {
	group, name := grouped(p)
	component := cyclonedx.Component{
		BOMRef:     ref,
		Type:       cyclonedx.ComponentTypeLibrary,
		Group:      group,
		Name:       name,
		Version:    p.Version,
		PackageURL: p.PURL,
		Licenses:   c.license(p),
	}
	if own(p) {
		component.Type = cyclonedx.ComponentTypeApplication
	}
	switch scope(p) {
	case inventory.ScopeRuntime:
		component.Scope = cyclonedx.ScopeRequired
	case inventory.ScopeDevelopment:
		component.Scope = cyclonedx.ScopeExcluded
	}
	if good := hashes(p); len(good) > 0 {
		list := make([]cyclonedx.Hash, len(good))
		for i, h := range good {
			list[i] = cyclonedx.Hash{Algorithm: cyclonedx.HashAlgorithm(h.Algorithm), Value: h.Value}
		}
		component.Hashes = &list
	}
	component.Evidence = occurrences(places(p))
	var properties []cyclonedx.Property
	if p.Ecosystem != "" {
		properties = append(properties, cyclonedx.Property{Name: "trifecta:ecosystem", Value: p.Ecosystem})
	}
	if slices.ContainsFunc(p.Locations, func(l inventory.PackageLocation) bool { return l.Direct }) {
		properties = append(properties, cyclonedx.Property{Name: "trifecta:direct", Value: "true"})
	}
	for _, w := range p.Workloads {
		properties = append(properties, cyclonedx.Property{Name: "trifecta:workload", Value: string(w)})
	}
	properties = append(properties, gitlabComponent(p)...)
	if len(properties) > 0 {
		component.Properties = &properties
	}
	return component
}

// grouped splits the names of the ecosystems whose tools write scope or group apart from the name in CycloneDX.
func grouped(p *inventory.Package) (group, name string) {
	u, err := packageurl.FromString(p.PURL)
	if err == nil && u.Namespace != "" && (u.Type == packageurl.TypeNPM || u.Type == packageurl.TypeMaven) {
		return u.Namespace, u.Name
	}
	return "", cmp.Or(p.Name, string(p.ID))
}

// places returns where a package is named: lock files and manifests, in order and each once.
func places(p *inventory.Package) []inventory.Location {
	var list []inventory.Location
	for _, l := range p.Locations {
		list = append(list, l.Location)
		if l.Manifest != nil && l.Direct {
			list = append(list, *l.Manifest)
		}
	}
	slices.SortFunc(list, inventory.Location.Compare)
	return slices.CompactFunc(list, func(a, b inventory.Location) bool { return a.Path == b.Path && a.Line == b.Line })
}

func occurrences(list []inventory.Location) *cyclonedx.Evidence {
	if len(list) == 0 {
		return nil
	}
	found := make([]cyclonedx.EvidenceOccurrence, len(list))
	for i, l := range list {
		found[i].Location = l.Path
		if l.Line > 0 {
			found[i].Line = &list[i].Line
		}
	}
	return &cyclonedx.Evidence{Occurrences: &found}
}

// license writes the licences of a package as the specification allows them: ids and names in a list, or one
// expression alone.
func (c *cycloneDX) license(p *inventory.Package) *cyclonedx.Licenses {
	list := c.licenses.of(p)
	if len(list) == 0 {
		return nil
	}
	isExpression := func(l license) bool { return l.expression != "" }
	isName := func(l license) bool { return l.name != "" }
	declared := cyclonedx.LicenseAcknowledgementDeclared
	if slices.ContainsFunc(list, isExpression) && !slices.ContainsFunc(list, isName) {
		return &cyclonedx.Licenses{{Expression: joined(list, nil), Acknowledgement: &declared}}
	}
	choices := make(cyclonedx.Licenses, len(list))
	for i, l := range list {
		choices[i].License = &cyclonedx.License{ID: l.id, Name: cmp.Or(l.name, l.expression), Acknowledgement: declared}
	}
	return &choices
}

func (c *cycloneDX) image(image *inventory.Image) cyclonedx.Component {
	name, version := imageName(image.ID)
	component := cyclonedx.Component{
		BOMRef:   "image:" + valid(string(image.ID)),
		Type:     cyclonedx.ComponentTypeContainer,
		Name:     name,
		Version:  cmp.Or(version, image.Digest),
		Evidence: occurrences(image.Locations),
	}
	algorithm, sum, _ := strings.Cut(image.Digest, ":")
	if algorithm == "sha256" {
		for _, h := range hashes(&inventory.Package{Hashes: []inventory.Hash{{Algorithm: "SHA-256", Value: sum}}}) {
			component.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: h.Value}}
		}
	}
	return component
}

// vulnerabilities returns one entry for each advisory and state of analysis, with all packages that it affects.
func (c *cycloneDX) vulnerabilities() []cyclonedx.Vulnerability {
	type key struct {
		id     string
		state  cyclonedx.ImpactAnalysisState
		detail string
	}
	var list []cyclonedx.Vulnerability
	index := map[key]int{}
	ofID := map[string]int{}
	rules := make(map[string]*scanner.Rule, len(c.res.Rules))
	for i := range c.res.Rules {
		rules[c.res.Rules[i].ID] = &c.res.Rules[i]
	}
	for i := range c.res.Findings {
		f := &c.res.Findings[i]
		at, ok := c.byID[f.Subject]
		if f.Advisory == nil || !ok {
			continue
		}
		analysis := analysis(f)
		k := key{f.RuleID, analysis.State, analysis.Detail}
		n, ok := index[k]
		if !ok {
			n = len(list)
			index[k] = n
			ofID[f.RuleID]++
			ref := "vulnerability:" + valid(f.RuleID)
			if ofID[f.RuleID] > 1 {
				ref += "#" + strconv.Itoa(ofID[f.RuleID])
			}
			list = append(list, vulnerability(f, rules[f.RuleID], ref, analysis))
		}
		v := &list[n]
		ref := c.refs[at]
		if slices.ContainsFunc(*v.Affects, func(a cyclonedx.Affects) bool { return a.Ref == ref }) {
			continue // in another lock file too
		}
		affects := cyclonedx.Affects{Ref: ref}
		if version := c.res.Packages[at].Version; version != "" {
			affects.Range = &[]cyclonedx.AffectedVersions{{Version: version, Status: cyclonedx.VulnerabilityStatusAffected}}
		}
		*v.Affects = append(*v.Affects, affects)
	}
	return list
}

// analysis says what is known about a finding beyond the advisory: whether somebody decided about it, and whether it can
// be exploited here. Everything else still waits for a person: in triage.
func analysis(f *scanner.Finding) *cyclonedx.VulnerabilityAnalysis {
	if s := f.Suppression; f.Status == scanner.StatusSuppressed {
		a := &cyclonedx.VulnerabilityAnalysis{Response: &[]cyclonedx.ImpactAnalysisResponse{cyclonedx.IARWillNotFix}}
		if s != nil {
			a.Detail = s.Reason
			if s.Until != "" {
				a.Detail += " (until " + s.Until + ")"
			}
			if s.Source != "" {
				a.Detail += " [" + s.Source + "]"
			}
		}
		return a
	}
	a := &cyclonedx.VulnerabilityAnalysis{State: cyclonedx.IASInTriage}
	if f.SSVC != nil && f.SSVC.Exploitation == "active" && f.Exposure.Level == scanner.ExposureOpen {
		a.State = cyclonedx.IASExploitable
	}
	if f.Fix != nil && f.Fix.Upgrade != nil {
		a.Response = &[]cyclonedx.ImpactAnalysisResponse{cyclonedx.IARUpdate}
	}
	return a
}

func vulnerability(f *scanner.Finding, rule *scanner.Rule, ref string, analysis *cyclonedx.VulnerabilityAnalysis) cyclonedx.Vulnerability {
	a := f.Advisory
	v := cyclonedx.Vulnerability{
		BOMRef:      ref,
		ID:          f.RuleID,
		Source:      &cyclonedx.Source{Name: sourceOf(f.RuleID)},
		Description: a.Summary,
		Detail:      a.Details,
		Published:   timestamp(a.Published),
		Updated:     timestamp(a.Modified),
		Analysis:    analysis,
		Affects:     &[]cyclonedx.Affects{},
	}
	if f.Fix != nil {
		v.Recommendation = f.Fix.Message
	}
	var advisories []cyclonedx.Advisory
	add := func(address string) {
		u := httpURL(address)
		if u != "" && !slices.ContainsFunc(advisories, func(a cyclonedx.Advisory) bool { return a.URL == u }) {
			advisories = append(advisories, cyclonedx.Advisory{URL: u})
		}
	}
	if rule != nil {
		v.Source.URL = httpURL(rule.URL)
		add(rule.URL)
	}
	for _, address := range a.References {
		add(address)
	}
	if len(advisories) > 0 {
		v.Advisories = &advisories
	}
	var references []cyclonedx.VulnerabilityReference
	for _, alias := range a.Aliases {
		if alias != f.RuleID && alias != "" {
			references = append(references, cyclonedx.VulnerabilityReference{ID: alias, Source: &cyclonedx.Source{Name: sourceOf(alias)}})
		}
	}
	if len(references) > 0 {
		v.References = &references
	}
	if ratings := ratings(f); len(ratings) > 0 {
		v.Ratings = &ratings
	}
	var cwes []int
	for _, cwe := range a.CWE {
		if n, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(cwe), "CWE-")); err == nil && n > 0 && !slices.Contains(cwes, n) {
			cwes = append(cwes, n)
		}
	}
	if len(cwes) > 0 {
		v.CWEs = &cwes
	}
	properties := []cyclonedx.Property{
		{Name: "trifecta:tier", Value: string(f.Tier)},
		{Name: "trifecta:exposure", Value: string(f.Exposure.Level)},
		{Name: "trifecta:known-exploited", Value: strconv.FormatBool(a.KEV)},
	}
	if a.EPSS != nil {
		properties = append(properties, cyclonedx.Property{Name: "trifecta:epss", Value: strconv.FormatFloat(*a.EPSS, 'f', -1, 64)})
	}
	v.Properties = &properties
	return v
}

// cvssMethods are CycloneDX's words for the versions of CVSS.
var cvssMethods = map[string]cyclonedx.ScoringMethod{
	"2.0": cyclonedx.ScoringMethodCVSSv2,
	"3.0": cyclonedx.ScoringMethodCVSSv3,
	"3.1": cyclonedx.ScoringMethodCVSSv31,
	"4.0": cyclonedx.ScoringMethodCVSSv4,
}

func ratings(f *scanner.Finding) []cyclonedx.VulnerabilityRating {
	var list []cyclonedx.VulnerabilityRating
	for i := range f.Advisory.CVSS {
		c := &f.Advisory.CVSS[i]
		if method, ok := cvssMethods[c.Version]; ok {
			list = append(list, cyclonedx.VulnerabilityRating{Score: &c.Score, Severity: cvssSeverity(c.Score), Method: method, Vector: c.Vector})
		}
	}
	if len(list) == 0 {
		list = append(list, cyclonedx.VulnerabilityRating{Severity: cyclonedx.Severity(f.Severity), Method: cyclonedx.ScoringMethodOther})
	}
	return list
}

// cvssSeverity is the qualitative scale of https://www.first.org/cvss/v4-0/specification-document section 6.
func cvssSeverity(score float64) cyclonedx.Severity {
	switch {
	case score >= 9:
		return cyclonedx.SeverityCritical
	case score >= 7:
		return cyclonedx.SeverityHigh
	case score >= 4:
		return cyclonedx.SeverityMedium
	case score > 0:
		return cyclonedx.SeverityLow
	}
	return cyclonedx.SeverityNone
}

// sourceOf names the database that gave an advisory its id.
func sourceOf(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	if name, ok := databases[prefix]; ok {
		return name
	}
	return "OSV"
}

var databases = map[string]string{
	"CVE":     "CVE",
	"GHSA":    "GitHub Advisory Database",
	"GO":      "Go Vulnerability Database",
	"MAL":     "OpenSSF Malicious Packages",
	"PYSEC":   "PyPA Advisory Database",
	"RUSTSEC": "RustSec Advisory Database",
}
