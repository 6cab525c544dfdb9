package osv

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// rules collects the advisories that findings are instances of. One id can stand for different sets of records in
// different packages; its rule is told from all of them.
type rules map[string]map[string]*advisory.Record

func newRules() rules { return rules{} }

func (r rules) add(g *group) {
	records := r[g.id]
	if records == nil {
		records = map[string]*advisory.Record{}
		r[g.id] = records
	}
	for _, record := range g.records {
		records[record.ID] = record
	}
}

// list returns the rules in order of their ids.
func (r rules) list() []scanner.Rule {
	var all []scanner.Rule
	for _, id := range slices.Sorted(maps.Keys(r)) {
		byID := r[id]
		var records []*advisory.Record
		for _, name := range slices.Sorted(maps.Keys(byID)) {
			records = append(records, byID[name])
		}
		all = append(all, rule(merged(records)))
	}
	return all
}

// maxDetails bounds the text of an advisory in the help of its rule; the address leads to the rest.
const maxDetails = 3000

func rule(g *group) scanner.Rule {
	a := g.everywhere()
	r := scanner.Rule{
		ID: g.id, Aliases: a.Aliases, Title: cmp.Or(a.Summary, "Advisory "+g.id), Severity: severity(&a, g), URL: address(g),
		Tags: []string{"security", string(scanner.KindVulnerability)},
	}
	if g.malware {
		r.Tags[1] = string(scanner.KindMalware)
	}
	for _, cwe := range a.CWE {
		r.Tags = append(r.Tags, "external/cwe/"+strings.ToLower(cwe))
	}
	var help strings.Builder
	fmt.Fprintf(&help, "**%s**\n", r.Title)
	if details := cut(a.Details, maxDetails); details != "" {
		fmt.Fprintf(&help, "\n%s\n", details)
	}
	if len(a.Aliases) > 0 {
		fmt.Fprintf(&help, "\nAlso known as %s.\n", strings.Join(a.Aliases, ", "))
	}
	if len(a.References) > 0 {
		help.WriteString("\nReferences:\n\n")
		for _, ref := range a.References[:min(len(a.References), 10)] {
			fmt.Fprintf(&help, "- <%s>\n", ref)
		}
	}
	r.Help = help.String()
	return r
}

// everywhere is the advisory with what it says of every package.
func (g *group) everywhere() scanner.Advisory { return g.about(advisory.Query{}) }

// cut shortens text to at most n bytes at the end of a paragraph or line, without leaving a code block open.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = strings.ToValidUTF8(s[:n], "")
	for _, end := range []string{"\n\n", "\n", " "} {
		if i := strings.LastIndex(s, end); i > n/2 {
			s = s[:i]
			break
		}
	}
	if strings.Count(s, "```")%2 == 1 {
		s += "\n```"
	}
	return s + "\n\n..."
}

// published are the prefixes of ids that the OSV service publishes (https://ossf.github.io/osv-schema/#id-modified-fields).
var published = []string{
	"ALBA-", "ALEA-", "ALPINE-", "ALSA-", "ASB-A-", "BELL-", "BIT-", "CGA-", "CLEANSTART-", "CURL-", "CVE-", "DEBIAN-", "DLA-", "DRUPAL-", "DSA-", "DTSA-",
	"ECHO-", "EEF-", "ELA-", "GHSA-", "GO-", "GSD-", "HSEC-", "JLSEC-", "KUBE-", "LBSEC-", "LSN-", "MAL-", "MGASA-", "MINI-", "OESA-", "OSV-", "PHSA-", "PSF-", "PUB-A-",
	"PYSEC-", "RHBA-", "RHEA-", "RHSA-", "RLSA-", "ROOT-", "RSEC-", "RUSTSEC-", "RXSA-", "SUSE-", "UBUNTU-", "USN-", "UVI-", "V8-", "openSUSE-",
}

// address is where people read the advisory: OSV's page, or for ids that OSV does not have, the advisory's own.
func address(g *group) string {
	if slices.ContainsFunc(published, func(prefix string) bool { return strings.HasPrefix(g.id, prefix) }) {
		return "https://osv.dev/vulnerability/" + g.id
	}
	for _, kind := range []string{"ADVISORY", "WEB", "ARTICLE", "REPORT"} {
		for _, r := range g.records {
			for _, ref := range r.References {
				if ref.Type == kind && isWeb(ref.URL) {
					return ref.URL
				}
			}
		}
	}
	return ""
}
