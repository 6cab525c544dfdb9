package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// entry is one version of one package in one lock file or manifest.
type entry struct {
	file, ecosystem, name, version string
}

func (e entry) compare(f entry) int {
	return cmp.Or(cmp.Compare(e.file, f.file), cmp.Compare(e.ecosystem, f.ecosystem), cmp.Compare(e.name, f.name), cmp.Compare(e.version, f.version))
}

// finding is a group of advisories, known by any of their ids, for one entry.
type finding struct {
	entry
	ids []string
}

// scan is what one program says about one repository.
type scan struct {
	files    map[string]bool
	packages map[entry]inventory.PackageLocation // empty for the peers, which say less
	named    map[entry][]entry                   // by all but the version
	findings []finding
}

func newScan() *scan {
	return &scan{files: map[string]bool{}, packages: map[entry]inventory.PackageLocation{}, named: map[entry][]entry{}}
}

func (s *scan) add(e entry, place inventory.PackageLocation) {
	if _, ok := s.packages[e]; ok {
		return
	}
	s.files[e.file] = true
	s.packages[e] = place
	key := e
	key.version = ""
	s.named[key] = append(s.named[key], e)
}

// separators of PyPI names are all one: https://packaging.python.org/en/latest/specifications/name-normalization/
var separators = regexp.MustCompile(`[-_.]+`)

// newEntry writes names and versions as both programs can agree on.
func newEntry(file, ecosystem, name, version string) entry {
	ecosystem, _, _ = strings.Cut(ecosystem, ":")
	if ecosystem == "PyPI" {
		name = strings.ToLower(separators.ReplaceAllString(name, "-"))
	}
	if ecosystem == "Go" {
		version = strings.TrimPrefix(version, "v")
	}
	return entry{file, ecosystem, name, version}
}

// parseTheirs reads the JSON of osv-scanner, whose paths are absolute.
func parseTheirs(r io.Reader, dir string) (*scan, error) {
	var doc struct {
		Results []struct {
			Source   struct{ Path string }
			Packages []struct {
				Package struct{ Name, Version, Ecosystem string }
				Groups  []struct{ IDs, Aliases []string }
			}
		}
	}
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return nil, fmt.Errorf("read the answer of osv-scanner: %w", err)
	}
	s := newScan()
	for _, result := range doc.Results {
		file, err := filepath.Rel(dir, result.Source.Path)
		if err != nil {
			return nil, err
		}
		for _, p := range result.Packages {
			e := newEntry(filepath.ToSlash(file), p.Package.Ecosystem, p.Package.Name, p.Package.Version)
			s.add(e, inventory.PackageLocation{})
			for _, g := range p.Groups {
				s.findings = append(s.findings, finding{e, slices.Concat(g.IDs, g.Aliases)})
			}
		}
	}
	return s, nil
}

// parseSyft reads the JSON of Syft, whose paths begin at the root of the tree. It has types of packages and package
// URLs where we have ecosystems.
func parseSyft(r io.Reader) (*scan, error) {
	var doc struct {
		Artifacts []struct {
			Name, Version, Type, PURL string
			Locations                 []struct{ Path string }
		}
	}
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return nil, fmt.Errorf("read the answer of Syft: %w", err)
	}
	ecosystems := map[string]string{} // by type of package URL
	for _, e := range ecosystem.All {
		ecosystems[e.PURL("group/name", "1").Type] = e.Name
	}
	s := newScan()
	for _, a := range doc.Artifacts {
		kind := a.Type
		if a.PURL != "" { // it has none for Terraform, whose type is that of the package URL
			purl, err := packageurl.FromString(a.PURL)
			if err != nil {
				return nil, fmt.Errorf("read the answer of Syft: %s: %w", a.PURL, err)
			}
			kind = purl.Type
			if kind == packageurl.TypeMaven {
				a.Name = purl.Namespace + ":" + purl.Name
			}
		}
		if a.Version == "UNKNOWN" {
			a.Version = ""
		}
		for _, l := range a.Locations {
			s.add(newEntry(strings.TrimPrefix(l.Path, "/"), cmp.Or(ecosystems[kind], kind), a.Name, a.Version), inventory.PackageLocation{})
		}
	}
	return s, nil
}

// parseOurs reads the JSON of trifecta.
func parseOurs(r *json.Decoder) (*scan, error) {
	var res scanner.Result
	if err := r.Decode(&res); err != nil {
		return nil, fmt.Errorf("read the answer of trifecta: %w", err)
	}
	s := newScan()
	packages := map[inventory.ID]inventory.Package{}
	for _, p := range res.Packages {
		packages[p.ID] = p
		for _, l := range p.Locations {
			s.add(newEntry(l.Path, p.Ecosystem, p.Name, p.Version), l)
		}
	}
	for _, f := range res.Findings {
		if f.Advisory == nil {
			continue
		}
		p := packages[f.Subject]
		e := newEntry(f.Location.Path, p.Ecosystem, p.Name, p.Version)
		s.findings = append(s.findings, finding{e, append([]string{f.Advisory.ID}, f.Advisory.Aliases...)})
	}
	return s, nil
}

// difference is a finding that one side lacks, with the reason as far as it can be seen from outside.
type difference struct {
	finding
	class string
}

// The classes of differences. why explains them in the document.
const (
	classFile     = "the file is not read"
	classPackage  = "the package is not listed"
	classMatch    = "no advisory applies"
	classStandard = "the standard library of Go"
)

var why = map[string]string{
	classFile:     "One side does not know the format, or gives up on the file. We read what a broken file still says and add a notice.",
	classPackage:  "The file is read by both, and one side finds more in it.",
	classMatch:    "Both list the package; the version ranges or the aliases are judged differently.",
	classStandard: "osv-scanner leaves it out because `go.mod` states the least version and not the one in use. We report it at the version of the `toolchain` line, else of a `go` line from 1.21 on: it is what the repository asks for.",
}

// comparison is the outcome for one repository.
type comparison struct {
	repository     string
	files          int // files that either side reads
	packages       []packageComparison
	both           int
	missing, extra []difference
}

// compare joins the findings of two scans by entry and by any common id of the advisory groups.
func compare(theirs, ours *scan) comparison {
	union := maps.Clone(theirs.files)
	maps.Copy(union, ours.files)
	c := comparison{files: len(union)}
	var met []difference
	met, c.missing = lacking(theirs, ours)
	c.both = len(met)
	_, c.extra = lacking(ours, theirs)
	return c
}

// lacking divides the findings of one scan into those that the other has too and those that it lacks.
func lacking(has, lacks *scan) (met, lacking []difference) {
	known := map[entry]map[string]bool{}
	for _, f := range lacks.findings {
		if known[f.entry] == nil {
			known[f.entry] = map[string]bool{}
		}
		for _, id := range f.ids {
			known[f.entry][id] = true
		}
	}
	for _, f := range has.findings {
		if slices.ContainsFunc(f.ids, func(id string) bool { return known[f.entry][id] }) {
			met = append(met, difference{finding: f})
			continue
		}
		lacking = append(lacking, difference{f, class(f.entry, lacks)})
	}
	return met, lacking
}

func class(e entry, lacks *scan) string {
	switch {
	case e.ecosystem == "Go" && e.name == "stdlib":
		return classStandard
	case !lacks.files[e.file]:
		return classFile
	}
	if _, ok := lacks.packages[e]; !ok {
		return classPackage
	}
	return classMatch
}

// render returns the tables of the document about findings.
func render(all []comparison) string {
	var b strings.Builder
	b.WriteString("| repository | files | findings: both | missing here | more here |\n| --- | --- | --- | --- | --- |\n")
	var sum comparison
	classes := map[string]map[string][2]int{} // class -> ecosystem -> missing, extra
	count := func(differences []difference, column int) {
		for _, d := range differences {
			if classes[d.class] == nil {
				classes[d.class] = map[string][2]int{}
			}
			n := classes[d.class][d.ecosystem]
			n[column]++
			classes[d.class][d.ecosystem] = n
		}
	}
	row := func(name string, c comparison) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", name, c.files, c.both, len(c.missing), len(c.extra))
	}
	for _, c := range all {
		row(c.repository, c)
		sum.files += c.files
		sum.both += c.both
		sum.missing = append(sum.missing, c.missing...)
		sum.extra = append(sum.extra, c.extra...)
		count(c.missing, 0)
		count(c.extra, 1)
	}
	row("**all**", sum)
	b.WriteString("\n| why they differ | ecosystem | missing here | more here |\n| --- | --- | --- | --- |\n")
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		for _, ecosystem := range slices.Sorted(maps.Keys(classes[class])) {
			n := classes[class][ecosystem]
			fmt.Fprintf(&b, "| %s | %s | %d | %d |\n", class, ecosystem, n[0], n[1])
		}
	}
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		fmt.Fprintf(&b, "\n- *%s*: %s", class, why[class])
	}
	return b.String()
}
