package osv

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/internal/cvss"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// groups joins the records that speak of the same trouble: those that name each other or a common id as alias or
// upstream, and so on through further records. That is how osv-scanner groups them. Groups and the records in them
// are ordered by id.
func groups(records []*advisory.Record) [][]*advisory.Record {
	records = slices.SortedFunc(slices.Values(records), func(a, b *advisory.Record) int { return strings.Compare(a.ID, b.ID) })
	parent := make([]int, len(records))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	named := map[string]int{}
	for i, r := range records {
		for _, id := range slices.Concat([]string{r.ID}, r.Aliases, r.Upstream) {
			if j, ok := named[id]; ok {
				a, b := root(i), root(j)
				parent[max(a, b)] = min(a, b)
			} else {
				named[id] = i
			}
		}
	}
	var all [][]*advisory.Record
	at := map[int]int{}
	for i, r := range records {
		j, ok := at[root(i)]
		if !ok {
			j = len(all)
			at[root(i)] = j
			all = append(all, nil)
		}
		all[j] = append(all[j], r)
	}
	return all
}

// group is the trouble that some records speak of, merged from what each of them says.
type group struct {
	records []*advisory.Record // the best one to tell it by first
	id      string
	key     string   // what the fingerprint knows it by
	cves    []string // every CVE id that stands for it
	malware bool
	shared  scanner.Advisory // what does not depend on the package
}

// merger merges each group once, however many packages and versions it applies to.
type merger map[string]*group

func (m merger) group(records []*advisory.Record) *group {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	key := strings.Join(ids, "\x00")
	if g, ok := m[key]; ok {
		return g
	}
	g := merged(records)
	m[key] = g
	return g
}

// merged makes one group of records.
func merged(records []*advisory.Record) *group {
	var own, all []string
	for _, r := range records {
		own = append(append(own, r.ID), r.Aliases...)
		all = append(all, r.Upstream...)
		// A distribution's record that stands for a single upstream one is the same trouble; one that stands for
		// several has an identity of its own.
		if len(r.Upstream) == 1 {
			own = append(own, r.Upstream...)
		}
	}
	all = append(all, own...)
	slices.Sort(own)
	slices.Sort(all)
	all = slices.Compact(all)
	g := &group{id: firstID(own), key: fingerprintID(own), records: slices.Clone(records)}
	for _, id := range all {
		if strings.HasPrefix(id, "CVE-") {
			g.cves = append(g.cves, id)
		}
	}
	slices.SortStableFunc(g.records, func(a, b *advisory.Record) int {
		return cmp.Compare(telling(g.id, a), telling(g.id, b))
	})
	a := &g.shared
	a.ID = g.id
	a.Aliases = slices.DeleteFunc(all, func(id string) bool { return id == g.id })
	for _, r := range g.records {
		g.malware = g.malware || isMalware(r)
		a.Summary = cmp.Or(a.Summary, shorten(r.Summary, maxSummary))
		a.Details = cmp.Or(a.Details, strings.TrimSpace(r.Details))
		if r.Published != "" && (a.Published == "" || r.Published < a.Published) {
			a.Published = r.Published
		}
		a.Modified = max(a.Modified, r.Modified)
		for _, ref := range r.References {
			if isWeb(ref.URL) && !slices.Contains(a.References, ref.URL) && len(a.References) < maxReferences {
				a.References = append(a.References, ref.URL)
			}
		}
		a.Exploited = worse(a.Exploited, exploited(r))
	}
	a.Summary = cmp.Or(a.Summary, shorten(a.Details, maxSummary))
	return g
}

const (
	maxSummary    = 160 // runes; a title, not a text
	maxReferences = 20
)

// firstID returns the id that a group is shown under, of sorted ids: a GHSA, else a CVE, else any.
func firstID(ids []string) string {
	for _, prefix := range []string{"GHSA-", "CVE-", ""} {
		if i := slices.IndexFunc(ids, func(id string) bool { return strings.HasPrefix(id, prefix) }); i >= 0 {
			return ids[i]
		}
	}
	return ""
}

// fingerprintID returns the id that a group is remembered by, of sorted ids: a CVE, which most databases name, else any.
func fingerprintID(ids []string) string {
	if i := slices.IndexFunc(ids, func(id string) bool { return strings.HasPrefix(id, "CVE-") }); i >= 0 {
		return ids[i]
	}
	return ids[0]
}

// telling ranks records by how well they tell the group: its own record, then by the care of the source.
func telling(id string, r *advisory.Record) int {
	rank := 3
	switch {
	case r.ID == id:
		rank = 0
	case strings.HasPrefix(r.ID, "GHSA-"):
		rank = 1
	case strings.HasPrefix(r.ID, "CVE-"):
		rank = 2
	}
	if r.Summary == "" {
		rank += 4
	}
	return rank
}

// shorten makes one line of at most n runes, cut at a word.
func shorten(s string, n int) string {
	s = strings.TrimRight(scanner.Plain(s), ". ")
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	s = string(runes[:n-3])
	if i := strings.LastIndex(s, " "); i > n/2 {
		s = s[:i]
	}
	return strings.TrimRight(s, " .,;:") + "..."
}

func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// isMalware reports whether a record says that the package itself is the attack
// (https://github.com/ossf/malicious-packages).
func isMalware(r *advisory.Record) bool {
	if strings.HasPrefix(r.ID, "MAL-") {
		return true
	}
	return bytes.Contains(r.DatabaseSpecific, []byte(`"malicious-packages-origins"`)) && fields(r.DatabaseSpecific)["malicious-packages-origins"] != nil
}

// exploited reads what a record says of exploitation: "active", "poc" for a public exploit, or nothing.
func exploited(r *advisory.Record) string {
	word := ""
	for _, ref := range r.References {
		if isExploit(ref) {
			word = "poc"
		}
	}
	for _, s := range r.Severity {
		if v, ok := cvss.Parse(s.Score); ok {
			word = worse(word, maturity(v))
		}
	}
	return word
}

// isExploit reports whether a reference is a demonstration, by its type or by what the site is for.
func isExploit(ref advisory.Reference) bool {
	if ref.Type == "EVIDENCE" {
		return true
	}
	u, err := url.Parse(ref.URL)
	if err != nil {
		return false
	}
	host := strings.TrimPrefix(u.Host, "www.")
	return host == "exploit-db.com" || host == "github.com" && strings.HasPrefix(u.Path, "/rapid7/metasploit-framework/")
}

// maturity reads the exploit maturity of a vector, where its author set it.
func maturity(v cvss.Vector) string {
	switch value := v.Metric("E"); {
	case v.Version == "4.0" && value == "A":
		return "active"
	case value == "P", value == "POC", value == "F", value == "H":
		return "poc"
	}
	return ""
}

func worse(a, b string) string {
	for _, word := range []string{"active", "poc"} {
		if a == word || b == word {
			return word
		}
	}
	return ""
}

// about returns the advisory as it is told of one package: ratings can differ by package.
func (g *group) about(q advisory.Query) scanner.Advisory {
	a := g.shared
	for _, r := range g.records {
		specific := fields(r.DatabaseSpecific)
		a.CWE = append(a.CWE, texts(specific["cwe_ids"])...)
		a.CVSS = append(a.CVSS, vectors(r.Severity)...)
		a.Rating = worseRating(a.Rating, words(specific))
		a.Rating = worseRating(a.Rating, ratingWord(r.Severity))
		for i := range r.Affected {
			entry := &r.Affected[i]
			if !sameName(entry.Package, q) {
				continue
			}
			a.CVSS = append(a.CVSS, vectors(entry.Severity)...)
			a.Rating = worseRating(a.Rating, ratingWord(entry.Severity))
			database := fields(entry.DatabaseSpecific)
			a.CWE = append(a.CWE, cweObjects(database["cwes"])...)
			a.Rating = worseRating(a.Rating, words(database))
			a.Rating = worseRating(a.Rating, words(fields(entry.EcosystemSpecific)))
			// RustSec warns of crates without a maintainer and the like in the same form.
			switch text(database["informational"]) {
			case "unmaintained", "notice":
				a.Rating = worseRating(a.Rating, "informational")
			}
		}
	}
	slices.Sort(a.CWE)
	a.CWE = slices.Compact(a.CWE)
	slices.SortFunc(a.CVSS, func(x, y scanner.CVSS) int {
		return cmp.Or(strings.Compare(y.Version, x.Version), cmp.Compare(y.Score, x.Score), strings.Compare(x.Vector, y.Vector))
	})
	a.CVSS = slices.Compact(a.CVSS)
	if len(a.CVSS) > 0 {
		a.Rating = ""
	}
	return a
}

func sameName(p advisory.Package, q advisory.Query) bool {
	if q.Name == "" {
		return true // asked about by commit
	}
	return advisory.NormalizeName(p.Ecosystem, p.Name) == advisory.NormalizeName(q.Ecosystem, q.Name)
}

// vectors returns the valid vectors of ratings with their base scores. Others are left out.
func vectors(ratings []advisory.Severity) []scanner.CVSS {
	var all []scanner.CVSS
	for _, r := range ratings {
		if v, ok := cvss.Parse(r.Score); ok {
			all = append(all, scanner.CVSS{Version: v.Version, Vector: v.Text, Score: v.Base()})
		}
	}
	return all
}

// severity returns the rating of the newest version of the standard, of several the worst; else the database's word.
func severity(a *scanner.Advisory, g *group) scanner.Severity {
	switch {
	case g.malware:
		return scanner.Critical
	case len(a.CVSS) > 0: // sorted: the newest standard first, the highest score of it first
		if s, err := scanner.ParseSeverity(cvss.Rating(a.CVSS[0].Version, a.CVSS[0].Score)); err == nil {
			return s
		}
		return scanner.Info // a score of 0, in words "none"
	}
	if s, ok := ratings[strings.ToLower(a.Rating)]; ok {
		return s
	}
	return scanner.Unknown
}

// ratings are the words of databases for severities: GitHub's, Ubuntu's and Red Hat's, Debian's urgencies.
var ratings = map[string]scanner.Severity{
	"critical": scanner.Critical,
	"high":     scanner.High, "important": scanner.High,
	"medium": scanner.Medium, "moderate": scanner.Medium,
	"low": scanner.Low, "minor": scanner.Low,
	"negligible": scanner.Info, "unimportant": scanner.Info, "informational": scanner.Info, "none": scanner.Info,
}

// worseRating returns the worse of two words; one that is not known loses.
func worseRating(a, b string) string {
	rank := func(word string) int {
		s, ok := ratings[strings.ToLower(word)]
		if !ok {
			return len(scanner.Severities)
		}
		return slices.Index(scanner.Severities, s)
	}
	if b != "" && rank(b) < rank(a) {
		return b
	}
	return a
}

// ratingWord returns the worst rating that is a word and no vector: Ubuntu's priorities stand in the same list.
func ratingWord(list []advisory.Severity) string {
	word := ""
	for _, s := range list {
		word = worseRating(word, s.Score)
	}
	return word
}

// words returns the severity word of a database_specific or ecosystem_specific object.
func words(object map[string]json.RawMessage) string {
	if len(object) == 0 {
		return ""
	}
	for _, name := range []string{"severity", "urgency"} {
		if word := text(object[name]); word != "" {
			return word
		}
	}
	// The Ruby Advisory Database gives scores without their vectors.
	for _, name := range []string{"cvss_v4_base", "cvss_v3_base"} {
		raw, ok := object[name]
		if !ok {
			continue
		}
		if score, err := strconv.ParseFloat(string(raw), 64); err == nil && score > 0 && score <= 10 {
			return cvss.Rating("4.0", score) // versions 3 and 4 have one scale
		}
	}
	return ""
}

// fields reads an object; anything else has no fields.
func fields(raw json.RawMessage) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &object) != nil {
		return nil
	}
	return object
}

// text reads a string; anything else is empty.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// texts reads a list of strings; anything else is none.
func texts(raw json.RawMessage) []string {
	var list []string
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// cweObjects reads the form of CVE records and of the malicious packages: [{"cweId": "CWE-506"}].
func cweObjects(raw json.RawMessage) []string {
	var list []struct {
		ID string `json:"cweId"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var ids []string
	for _, c := range list {
		if c.ID != "" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// fixedVersions returns the versions above the present one that no record of the group affects, smallest first.
func (g *group) fixedVersions(q *question) []string {
	query := q.query
	if query.Name == "" { // asked about by commit alone, but upgraded by name
		query.Ecosystem, query.Name, query.Version = q.pkg.Ecosystem, q.pkg.Name, q.pkg.Version
	}
	var clear []string
	for _, r := range g.records {
		for _, version := range r.FixedVersions(query) {
			fixed := query
			fixed.Version, fixed.Commit = version, ""
			affected := func(other *advisory.Record) bool { return other != r && other.Affects(fixed) }
			if !slices.ContainsFunc(g.records, affected) {
				clear = append(clear, version)
			}
		}
	}
	slices.SortStableFunc(clear, func(a, b string) int {
		order, err := advisory.Compare(query.Ecosystem, a, b)
		if err != nil {
			return strings.Compare(a, b)
		}
		return cmp.Or(order, strings.Compare(a, b))
	})
	return slices.Compact(clear)
}
