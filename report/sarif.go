package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/semver"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// The limits of code scanning that shape the file.
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
const (
	maxSARIFResults     = 5000
	maxSARIFTags        = 20
	maxSARIFDescription = 1000     // characters of a rule's descriptions
	maxSARIFHelp        = 8000     // characters of a rule's help
	maxSARIFHelpAll     = 16 << 20 // characters of all help: the file has to stay below 10 MB as gzip
)

const informationURI = "https://github.com/trifecta-scanner/trifecta"

// cutRule marks the one result that says that others were left out.
var cutRule = scanner.Rule{
	ID:       "trifecta-results-cut",
	Title:    "Findings were left out of this file",
	Help:     "Code scanning keeps 5,000 results of a file. The findings of the lower tiers and scores were left out. `trifecta report RESULT.json -o json` and every other format show all of them.",
	Severity: scanner.Info,
	Tags:     []string{"trifecta"},
}

// SARIF writes SARIF 2.1.0 as code scanning wants it: a line for every result, the fingerprint of the finding as
// primaryLocationLineHash, tier and exposure first in the message, and no more results than are kept. A finding without
// a line is placed on line 1 and says so in the property lineKnown.
//
// # Limitations
//
// Columns are those of inventory.Location, in bytes: on a line with characters outside of ASCII before the place they
// are too large.
func SARIF(w io.Writer, res *scanner.Result, _ Options) error {
	s := sarifWriter{res: res, rules: map[string]int{}, byID: make(map[string]*scanner.Rule, len(res.Rules))}
	for i := range res.Rules {
		s.byID[res.Rules[i].ID] = &res.Rules[i]
	}
	return writeJSON(w, sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{s.run()},
	})
}

// The structs below are the part of SARIF that is used, with its names
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html). github.com/owenrumney/go-sarif was tried for
// them: it writes the default of every property of every result (ten empty arrays, rank -1, byteOffset -1), which
// doubles the file that has to stay within limits, and brings in a schema validator that compiles its patterns at
// every start of the program.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool                     sarifTool                        `json:"tool"`
		AutomationDetails        sarifAutomation                  `json:"automationDetails"`
		Invocations              []sarifInvocation                `json:"invocations"`
		VersionControlProvenance []sarifProvenance                `json:"versionControlProvenance,omitempty"`
		OriginalURIBaseIDs       map[string]sarifArtifactLocation `json:"originalUriBaseIds"`
		ColumnKind               string                           `json:"columnKind"`
		Results                  []sarifResult                    `json:"results"`
		Properties               map[string]any                   `json:"properties,omitempty"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name            string            `json:"name"`
		FullName        string            `json:"fullName"`
		Organization    string            `json:"organization"`
		Version         string            `json:"version"`
		SemanticVersion string            `json:"semanticVersion,omitempty"`
		InformationURI  string            `json:"informationUri"`
		Rules           []sarifRule       `json:"rules"`
		Notifications   []sarifDescriptor `json:"notifications,omitempty"`
	}
	sarifDescriptor struct {
		ID               string       `json:"id"`
		Name             string       `json:"name"`
		ShortDescription sarifMessage `json:"shortDescription"`
		FullDescription  sarifMessage `json:"fullDescription"`
		Help             sarifMessage `json:"help"`
		HelpURI          string       `json:"helpUri"`
	}
	sarifRule struct {
		ID                   string         `json:"id"`
		Name                 string         `json:"name"`
		ShortDescription     sarifMessage   `json:"shortDescription"`
		FullDescription      sarifMessage   `json:"fullDescription"`
		DefaultConfiguration sarifConfig    `json:"defaultConfiguration"`
		Help                 sarifMessage   `json:"help"`
		HelpURI              string         `json:"helpUri,omitempty"`
		Properties           map[string]any `json:"properties"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifInvocation struct {
		ExecutionSuccessful        bool                `json:"executionSuccessful"`
		StartTimeUTC               string              `json:"startTimeUtc,omitempty"`
		EndTimeUTC                 string              `json:"endTimeUtc,omitempty"`
		ToolExecutionNotifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Descriptor sarifReference  `json:"descriptor"`
		Level      string          `json:"level"`
		Message    sarifMessage    `json:"message"`
		Locations  []sarifLocation `json:"locations,omitempty"`
	}
	sarifReference struct {
		ID    string `json:"id"`
		Index int    `json:"index"`
	}
	sarifProvenance struct {
		RepositoryURI string                `json:"repositoryUri"`
		RevisionID    string                `json:"revisionId,omitempty"`
		Branch        string                `json:"branch,omitempty"`
		MappedTo      sarifArtifactLocation `json:"mappedTo"`
	}
	sarifArtifactLocation struct {
		URI         string        `json:"uri,omitempty"`
		URIBaseID   string        `json:"uriBaseId,omitempty"`
		Description *sarifMessage `json:"description,omitempty"`
	}
	sarifResult struct {
		RuleID              string             `json:"ruleId"`
		RuleIndex           int                `json:"ruleIndex"`
		Level               string             `json:"level"`
		Message             sarifMessage       `json:"message"`
		Locations           []sarifLocation    `json:"locations"`
		RelatedLocations    []sarifLocation    `json:"relatedLocations,omitempty"`
		CodeFlows           []sarifCodeFlow    `json:"codeFlows,omitempty"`
		PartialFingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
		Fixes               []sarifFix         `json:"fixes,omitempty"`
		Properties          *sarifFinding      `json:"properties,omitempty"`
	}
	sarifCodeFlow struct {
		ThreadFlows []sarifThreadFlow `json:"threadFlows"`
	}
	sarifThreadFlow struct {
		Locations []sarifFlowLocation `json:"locations"`
	}
	sarifFlowLocation struct {
		Location sarifLocation `json:"location"`
	}
	// sarifFinding is what a finding says beyond SARIF.
	sarifFinding struct {
		Severity           scanner.Severity      `json:"severity"`
		Tier               scanner.Tier          `json:"tier"`
		Score              int                   `json:"score"`
		Exposure           scanner.ExposureLevel `json:"exposure"`
		Workloads          []inventory.ID        `json:"workloads,omitempty"`
		Path               []string              `json:"path,omitempty"`
		Called             string                `json:"called,omitempty"`
		Subject            inventory.ID          `json:"subject,omitempty"`
		Status             scanner.Status        `json:"status"`
		KnownExploited     bool                  `json:"knownExploited,omitempty"`
		EPSS               *float64              `json:"epss,omitempty"`
		Aliases            []string              `json:"aliases,omitempty"`
		FixedVersions      []string              `json:"fixedVersions,omitempty"`
		Fix                string                `json:"fix,omitempty"`
		FingerprintVersion int                   `json:"fingerprintVersion"`
		LineKnown          bool                  `json:"lineKnown"`
		Tags               []string              `json:"tags"`
	}
	sarifLocation struct {
		ID               int                   `json:"id,omitempty"`
		PhysicalLocation sarifPhysicalLocation `json:"physicalLocation"`
		Message          *sarifMessage         `json:"message,omitempty"`
	}
	sarifPhysicalLocation struct {
		ArtifactLocation sarifArtifactLocation `json:"artifactLocation"`
		Region           *sarifRegion          `json:"region,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
	sarifFix struct {
		Description     sarifMessage  `json:"description"`
		ArtifactChanges []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		ArtifactLocation sarifArtifactLocation `json:"artifactLocation"`
		Replacements     []sarifReplacement    `json:"replacements"`
	}
	sarifReplacement struct {
		DeletedRegion   sarifRegion   `json:"deletedRegion"`
		InsertedContent *sarifMessage `json:"insertedContent,omitempty"`
	}
)

const sourceRoot = "%SRCROOT%"

// sarifWriter holds what one file needs while it is made.
type sarifWriter struct {
	res   *scanner.Result
	byID  map[string]*scanner.Rule
	rules map[string]int // rule id -> index in the driver's rules
	used  []sarifRuleUse
}

// sarifRuleUse is a rule with what its findings say about it.
type sarifRuleUse struct {
	rule     scanner.Rule
	worst    *scanner.Finding // of the most urgent tier; nil for cutRule
	exposure scanner.ExposureLevel
}

func (s *sarifWriter) run() sarifRun {
	res := s.res
	findings := res.Findings
	left := 0
	if len(findings) > maxSARIFResults {
		left = len(findings) - (maxSARIFResults - 1)
		findings = findings[:maxSARIFResults-1]
	}
	results := make([]sarifResult, 0, len(findings)+1)
	for i := range findings {
		results = append(results, s.result(&findings[i]))
	}
	if left > 0 {
		results = append(results, s.cutResult(res.Findings, left))
	}
	invocation, notifications := s.invocation(left)
	run := sarifRun{
		Tool: sarifTool{Driver: sarifDriver{
			Name:           "trifecta",
			FullName:       "trifecta infrastructure scanner",
			Organization:   "trifecta-scanner",
			Version:        "0.0.0", // a build without a version: readers want a number
			InformationURI: informationURI,
			Rules:          s.ruleList(),
			Notifications:  notifications,
		}},
		AutomationDetails: sarifAutomation{ID: s.category()},
		Invocations:       []sarifInvocation{invocation},
		OriginalURIBaseIDs: map[string]sarifArtifactLocation{
			sourceRoot: {Description: &sarifMessage{Text: "The root of the scanned repository."}},
		},
		ColumnKind: "utf16CodeUnits",
		Results:    results,
		Properties: map[string]any{"attackSurface": surface(res), "asOf": res.Run.AsOf},
	}
	if v := "v" + strings.TrimPrefix(res.Tool.Version, "v"); semver.IsValid(v) {
		run.Tool.Driver.Version, run.Tool.Driver.SemanticVersion = v[1:], v[1:]
	}
	if u := httpURL(res.Target.Repository); u != "" {
		run.VersionControlProvenance = []sarifProvenance{{
			RepositoryURI: u,
			RevisionID:    res.Target.Commit,
			Branch:        strings.TrimPrefix(res.Target.Ref, "refs/heads/"),
			MappedTo:      sarifArtifactLocation{URIBaseID: sourceRoot},
		}}
	}
	return run
}

// category tells the files of several scans of one commit apart: without it, the upload of the second fails or closes
// the alerts of the first.
func (s *sarifWriter) category() string {
	target := path.Clean(valid(s.res.Target.Path))
	if target == "." || path.IsAbs(target) || strings.HasPrefix(target, "..") || strings.Contains(target, ":") {
		return "trifecta/"
	}
	return "trifecta/" + target + "/"
}

// ruleIndex returns the place of a finding's rule in the list of rules, which it enters at its first use.
func (s *sarifWriter) ruleIndex(f *scanner.Finding) int {
	i, ok := s.rules[f.RuleID]
	if !ok {
		rule := scanner.Rule{ID: f.RuleID, Severity: f.Severity}
		if r := s.byID[f.RuleID]; r != nil {
			rule = *r
		}
		i = len(s.used)
		s.rules[f.RuleID] = i
		s.used = append(s.used, sarifRuleUse{rule: rule, worst: f, exposure: f.Exposure.Level})
	}
	use := &s.used[i]
	if moreExposed(f.Exposure.Level, use.exposure) {
		use.exposure = f.Exposure.Level
	}
	return i
}

// moreExposed compares by the order of levels; what is not known comes after all that is.
func moreExposed(a, b scanner.ExposureLevel) bool {
	return slices.Index(levels, a) < slices.Index(levels, b)
}

func (s *sarifWriter) ruleList() []sarifRule {
	perRule := maxSARIFHelp
	if len(s.used) > 0 {
		perRule = min(perRule, maxSARIFHelpAll/len(s.used))
	}
	rules := make([]sarifRule, 0, len(s.used))
	for _, use := range s.used {
		rules = append(rules, use.descriptor(perRule))
	}
	return rules
}

func (u sarifRuleUse) descriptor(maxHelp int) sarifRule {
	rule := u.rule
	title := cmp.Or(strings.TrimSpace(clean(rule.Title)), clean(rule.ID))
	help := cmp.Or(strings.TrimSpace(cleanLines(rule.Help)), title)
	about := period(cut(cmp.Or(firstParagraph(help), title), maxSARIFDescription-1))
	r := sarifRule{
		ID:                   rule.ID,
		Name:                 pascal(rule.ID),
		ShortDescription:     sarifMessage{Text: period(cut(title, maxSARIFDescription-1))},
		FullDescription:      sarifMessage{Text: about},
		DefaultConfiguration: sarifConfig{Level: "note"},
		Help:                 sarifMessage{Text: about, Markdown: cut(help, maxHelp)},
		HelpURI:              cmp.Or(httpURL(rule.URL), informationURI),
		Properties:           map[string]any{},
	}
	if len(rule.Aliases) > 0 {
		r.Properties["aliases"] = rule.Aliases
	}
	tags := []string{"security"}
	precision := "high"
	if f := u.worst; f != nil {
		r.DefaultConfiguration.Level = sarifLevel(f.Tier)
		if score, ok := securitySeverity(f, rule.Severity); ok {
			r.Properties["security-severity"] = score
		}
		tags = append(tags, string(f.Kind), string(f.Pillar), "tier/"+string(f.Tier), "exposure/"+string(u.exposure))
		if f.Advisory != nil {
			precision = "very-high"
			for _, cwe := range f.Advisory.CWE {
				if n, err := strconv.Atoi(strings.TrimPrefix(strings.ToUpper(cwe), "CWE-")); err == nil && n > 0 {
					tags = append(tags, fmt.Sprintf("external/cwe/cwe-%03d", n))
				}
			}
		}
	}
	r.Properties["tags"] = unique(append(tags, rule.Tags...), maxSARIFTags)
	r.Properties["precision"] = precision
	return r
}

// firstParagraph returns the first paragraph of Markdown on one line. What begins with a sign is no paragraph but a
// heading, a title in bold, a list or a rule.
func firstParagraph(markdown string) string {
	for paragraph := range strings.SplitSeq(markdown, "\n\n") {
		paragraph = strings.Join(strings.Fields(paragraph), " ")
		if r, _ := utf8.DecodeRuneInString(paragraph); unicode.IsLetter(r) || unicode.IsDigit(r) || r == '`' {
			return paragraph
		}
	}
	return ""
}

// unique returns the first n different, non-empty words of list.
func unique(list []string, n int) []string {
	var words []string
	for _, w := range list {
		if w != "" && len(words) < n && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// pascal writes an id as the identifier that viewers show as a rule's name: AwsOpenAdminPort.
func pascal(id string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		b.WriteString(strings.ToUpper(part[:1]) + strings.ToLower(part[1:]))
	}
	return cmp.Or(b.String(), "Rule")
}

// period ends a sentence.
func period(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

// severityScores place findings that have no CVSS score in the bands of code scanning.
var severityScores = map[scanner.Severity]float64{
	scanner.Critical: 9.5,
	scanner.High:     8.0,
	scanner.Medium:   5.5,
	scanner.Low:      2.0,
}

// securitySeverity returns the number that code scanning sorts a rule by, and false where nothing is known.
func securitySeverity(f *scanner.Finding, severity scanner.Severity) (string, bool) {
	score, ok := severityScores[cmp.Or(severity, f.Severity)]
	if f.Kind == scanner.KindVulnerability && f.Advisory != nil {
		if c := baseScore(f.Advisory); c != nil {
			score, ok = c.Score, true
		}
	}
	return strconv.FormatFloat(math.Min(math.Max(score, 0), 10), 'f', 1, 64), ok
}

// baseScore returns the rating of the newest version of CVSS, nil without any.
func baseScore(a *scanner.Advisory) *scanner.CVSS {
	var best *scanner.CVSS
	for i := range a.CVSS {
		if c := &a.CVSS[i]; c.Score > 0 && (best == nil || c.Version > best.Version) {
			best = c
		}
	}
	return best
}

func sarifLevel(t scanner.Tier) string {
	switch t {
	case scanner.TierAct:
		return "error"
	case scanner.TierAttend:
		return "warning"
	}
	return "note"
}

func (s *sarifWriter) result(f *scanner.Finding) sarifResult {
	r := sarifResult{
		RuleID:              f.RuleID,
		RuleIndex:           s.ruleIndex(f),
		Level:               sarifLevel(f.Tier),
		Message:             sarifMessage{Text: sarifText(f)},
		Locations:           []sarifLocation{s.mainLocation(f)},
		PartialFingerprints: map[string]string{"primaryLocationLineHash": f.Fingerprint},
		Properties:          sarifProperties(f),
	}
	for i, related := range f.Related {
		if related.Location.Path == "" {
			continue
		}
		l := sarifPlace(related.Location)
		l.ID = i + 1
		l.Message = &sarifMessage{Text: period(related.Message)}
		r.RelatedLocations = append(r.RelatedLocations, l)
	}
	r.CodeFlows = codeFlow(f)
	if sup := f.Suppression; sup != nil || f.Status == scanner.StatusSuppressed {
		r.Suppressions = []sarifSuppression{suppression(f)}
	}
	if f.Fix != nil && len(f.Fix.Edits) > 0 {
		r.Fixes = []sarifFix{edits(f.Fix)}
	}
	return r
}

// codeFlow shows the way from a stranger to what is wrong, as far as its steps stand in files.
func codeFlow(f *scanner.Finding) []sarifCodeFlow {
	var flow []sarifFlowLocation
	for _, step := range f.Path {
		if step.Location == nil || step.Location.Path == "" {
			continue
		}
		l := sarifPlace(*step.Location)
		text := clean(string(step.Address))
		if step.Message != "" {
			text += ": " + clean(step.Message)
		}
		l.Message = &sarifMessage{Text: period(text)}
		flow = append(flow, sarifFlowLocation{l})
	}
	if len(flow) == 0 {
		return nil
	}
	return []sarifCodeFlow{{[]sarifThreadFlow{{flow}}}}
}

func suppression(f *scanner.Finding) sarifSuppression {
	s := sarifSuppression{Kind: "external", Status: "accepted"}
	sup := f.Suppression
	if sup == nil {
		return s
	}
	if f.Location.Path != "" && strings.HasPrefix(sup.Source, f.Location.Path+":") {
		s.Kind = "inSource"
	}
	s.Justification = sup.Reason
	if sup.Until != "" {
		s.Justification += " (until " + sup.Until + ")"
	}
	if sup.Source != "" {
		s.Justification += " [" + sup.Source + "]"
	}
	return s
}

// sarifText puts first what decides: the tier and the exposure. It ends with a link to the first related location, which
// viewers show only where the message refers to it.
func sarifText(f *scanner.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[%s, exposure %s] %s", f.Tier, f.Exposure.Level, period(clean(f.Message)))
	if reason := reasonOf(f, ""); reason != "" {
		b.WriteString(" " + period(capital(reason)))
	}
	// Brackets with a number or an address behind them are links in a SARIF message.
	text := strings.ReplaceAll(b.String(), "](", "] (")
	if len(f.Related) > 0 {
		if at := where(f.Related[0].Location); at != "" && !strings.ContainsAny(at, `[]\`) {
			text += fmt.Sprintf(" See also [%s](1).", at)
		}
	}
	return text
}

func sarifProperties(f *scanner.Finding) *sarifFinding {
	p := &sarifFinding{
		Severity:           f.Severity,
		Tier:               f.Tier,
		Score:              f.Score,
		Exposure:           f.Exposure.Level,
		Workloads:          f.Exposure.Workloads,
		Path:               addresses(f.Path),
		Called:             f.Called,
		Subject:            f.Subject,
		Status:             f.Status,
		FingerprintVersion: f.FingerprintVersion,
		LineKnown:          f.Location.Line > 0,
		Tags:               []string{"tier/" + string(f.Tier), "exposure/" + string(f.Exposure.Level)},
	}
	if f.Fix != nil {
		p.Fix = f.Fix.Message
	}
	if a := f.Advisory; a != nil {
		p.KnownExploited, p.EPSS, p.Aliases, p.FixedVersions = a.KEV, a.EPSS, a.Aliases, a.FixedVersions
	}
	return p
}

// addresses are the steps of a path without their places.
func addresses(steps []scanner.Step) []string {
	var list []string
	for _, s := range steps {
		list = append(list, string(s.Address))
	}
	return list
}

// mainLocation is where code scanning shows the finding. It takes no result without a file and a line: a finding
// without a line is shown on the first, one without a file under the name of its subject.
func (s *sarifWriter) mainLocation(f *scanner.Finding) sarifLocation {
	at := f.Location
	if at.Path == "" {
		i := slices.IndexFunc(f.Related, func(r scanner.Related) bool { return r.Location.Path != "" })
		if i >= 0 {
			at = f.Related[i].Location
		} else {
			at = inventory.Location{Path: cmp.Or(string(f.Subject), s.res.Target.Path, "repository")}
		}
	}
	l := sarifPlace(at)
	if l.PhysicalLocation.Region == nil {
		l.PhysicalLocation.Region = &sarifRegion{StartLine: 1}
	}
	return l
}

func sarifPlace(l inventory.Location) sarifLocation {
	p := sarifPhysicalLocation{ArtifactLocation: sarifArtifactLocation{URI: relativeURI(l.Path), URIBaseID: sourceRoot}}
	if l.Line > 0 {
		p.Region = region(l)
	}
	return sarifLocation{PhysicalLocation: p}
}

// region keeps the parts of a location that make sense together: an end must not lie before the start.
func region(l inventory.Location) *sarifRegion {
	r := &sarifRegion{StartLine: l.Line, StartColumn: l.Column}
	if l.EndLine >= l.Line {
		r.EndLine = l.EndLine
	}
	endLine := max(r.EndLine, r.StartLine)
	if l.Column > 0 && l.EndColumn > 0 && (endLine > l.Line || l.EndColumn >= l.Column) {
		r.EndColumn = l.EndColumn
	}
	return r
}

// relativeURI writes a path of the tree as the relative reference of RFC 3986.
func relativeURI(p string) string {
	u := url.URL{Path: valid(strings.TrimPrefix(path.Clean(p), "/"))}
	// A colon in the first segment would read as a scheme; URL.String puts ./ before it, which code scanning keeps.
	return strings.ReplaceAll(strings.TrimPrefix(u.String(), "./"), ":", "%3A")
}

// httpURL returns an address that may be shown as a link, and nothing for any other scheme.
func httpURL(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return ""
	}
	u.User = nil
	return u.String()
}

func edits(fix *scanner.Fix) sarifFix {
	out := sarifFix{Description: sarifMessage{Text: period(fix.Message)}}
	index := map[string]int{}
	for _, e := range fix.Edits {
		i, ok := index[e.Path]
		if !ok {
			i = len(out.ArtifactChanges)
			index[e.Path] = i
			out.ArtifactChanges = append(out.ArtifactChanges, sarifChange{
				ArtifactLocation: sarifArtifactLocation{URI: relativeURI(e.Path), URIBaseID: sourceRoot},
			})
		}
		line := max(e.Line, 1)
		end := max(e.EndLine, line)
		rep := sarifReplacement{DeletedRegion: sarifRegion{StartLine: line, EndLine: end}}
		if text := strings.TrimSuffix(e.Text, "\n"); text != "" {
			rep.InsertedContent = &sarifMessage{Text: text}
		} else { // the lines go, with their last line end
			rep.DeletedRegion = sarifRegion{StartLine: line, StartColumn: 1, EndLine: end + 1, EndColumn: 1}
		}
		out.ArtifactChanges[i].Replacements = append(out.ArtifactChanges[i].Replacements, rep)
	}
	return out
}

// cutResult says that findings were left out, at the place of the first of them.
func (s *sarifWriter) cutResult(findings []scanner.Finding, left int) sarifResult {
	first := findings[len(findings)-left]
	index := len(s.used)
	s.used = append(s.used, sarifRuleUse{rule: cutRule})
	return sarifResult{
		RuleID:              cutRule.ID,
		RuleIndex:           index,
		Level:               "note",
		Message:             sarifMessage{Text: s.cutText(left)},
		Locations:           []sarifLocation{s.mainLocation(&first)},
		PartialFingerprints: map[string]string{"primaryLocationLineHash": cutRule.ID},
	}
}

func (s *sarifWriter) cutText(left int) string {
	return fmt.Sprintf("%d of '%d' findings, those of the lowest tiers and scores, were left out of this file; the other formats show them.",
		left, len(s.res.Findings))
}

// invocation says how the scan went; its notifications are the notices of the result.
func (s *sarifWriter) invocation(left int) (sarifInvocation, []sarifDescriptor) {
	inv := sarifInvocation{ExecutionSuccessful: true, ToolExecutionNotifications: []sarifNotification{}}
	if start, err := time.Parse(time.RFC3339, s.res.Run.StartedAt); err == nil {
		inv.StartTimeUTC = start.UTC().Format(time.RFC3339Nano)
		inv.EndTimeUTC = start.UTC().Add(time.Duration(s.res.Run.DurationMS) * time.Millisecond).Format(time.RFC3339Nano)
	}
	var descriptors []sarifDescriptor
	index := map[string]int{}
	add := func(code, message string, at *inventory.Location) {
		i, ok := index[code]
		if !ok {
			i = len(descriptors)
			index[code] = i
			about := sarifMessage{Text: "A part of the repository or of the question could not be looked at in full."}
			descriptors = append(descriptors, sarifDescriptor{ID: code, Name: pascal(code), ShortDescription: about,
				FullDescription: about, Help: about, HelpURI: informationURI})
		}
		n := sarifNotification{Descriptor: sarifReference{ID: code, Index: i}, Level: "warning", Message: sarifMessage{Text: period(message)}}
		if at != nil && at.Path != "" {
			n.Locations = []sarifLocation{sarifPlace(*at)}
		}
		inv.ToolExecutionNotifications = append(inv.ToolExecutionNotifications, n)
	}
	for _, n := range s.res.Notices {
		add(cmp.Or(n.Code, "notice"), clean(n.Message), n.Location)
	}
	if left > 0 {
		add(cutRule.ID, s.cutText(left), nil)
	}
	return inv, descriptors
}
