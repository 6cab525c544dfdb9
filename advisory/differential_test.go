package advisory_test

import (
	"archive/zip"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/osv-scalibr/enricher/vulnmatch/osvlocal"
	"github.com/google/osv-scalibr/extractor"
	apkmeta "github.com/google/osv-scalibr/extractor/filesystem/os/apk/metadata"
	dpkgmeta "github.com/google/osv-scalibr/extractor/filesystem/os/dpkg/metadata"
	rpmmeta "github.com/google/osv-scalibr/extractor/filesystem/os/rpm/metadata"
	"github.com/google/osv-scalibr/purl"
	osvpb "github.com/ossf/osv-schema/bindings/go/osvschema"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/internal/shared"
)

// TestDifferential compares Record.Affects with the matcher of osv-scalibr that osv-scanner uses offline: for every
// record of the shared test data, each package in it, and the versions at, just below and just above each boundary.
// Every difference must have one of the causes of explain, which docs/advisories.md describes.
//
// TRIFECTA_DIFFERENTIAL=N looks at every N-th record only (default 7, 1 is all of them: some four minutes).
func TestDifferential(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(shared.Dir(t), "osv", "*", "all.zip"))
	if err != nil || len(archives) == 0 {
		t.Skip("the shared test data has no advisories")
	}
	step := 7
	if n, err := strconv.Atoi(os.Getenv("TRIFECTA_DIFFERENTIAL")); err == nil && n > 0 {
		step = n
	}
	if testing.Short() {
		step = 101
	}
	total := &tally{causes: make(map[string]int)}
	for _, path := range archives {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			archive, err := zip.OpenReader(path)
			if err != nil {
				t.Fatal(err)
			}
			defer archive.Close()
			for i, f := range archive.File {
				// Small ecosystems are looked at whole.
				if len(archive.File) > 1000 && i%step != 0 {
					continue
				}
				r, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				raw, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				total.compare(t, raw)
			}
		})
	}
	t.Logf("%d records, %d packages, %d versions compared, %d affected", total.records, total.packages, total.versions, total.affected)
	for _, cause := range slices.Sorted(maps.Keys(total.causes)) {
		t.Logf("%6d differences: %s", total.causes[cause], cause)
	}
}

type tally struct {
	records, packages, versions, affected int
	causes                                map[string]int
}

func (c *tally) compare(t *testing.T, raw []byte) {
	t.Helper()
	var ours advisory.Record
	if err := json.Unmarshal(raw, &ours); err != nil {
		t.Fatal(err)
	}
	theirs := new(osvpb.Vulnerability)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(raw, theirs); err != nil {
		t.Fatalf("%s: %v", ours.ID, err)
	}
	if ours.Withdrawn != "" {
		return // both leave it out: TestFolder
	}
	c.records++
	seen := make(map[string]bool)
	for i, a := range ours.Affected {
		versions := probes(a)
		// The packages of one source package share their ranges; asking about one of them is enough.
		key := fmt.Sprint(a.Package.Ecosystem, a.Ranges, len(a.Versions))
		if seen[key] && i > 3 {
			continue
		}
		seen[key] = true
		c.packages++
		pkg, renamed, ok := packageOf(a.Package)
		if !ok {
			t.Errorf("%s: no way to ask osv-scalibr about %s", ours.ID, a.Package.Ecosystem)
			continue
		}
		v := theirs
		if renamed != "" {
			v = proto.CloneOf(theirs)
			for _, b := range v.GetAffected() {
				if b.GetPackage().GetEcosystem() == a.Package.Ecosystem {
					b.Package.Ecosystem = renamed
					b.Package.Name = advisory.NormalizeName(renamed, b.GetPackage().GetName())
				}
			}
		}
		for _, version := range versions {
			c.versions++
			q := advisory.Query{Ecosystem: a.Package.Ecosystem, Name: a.Package.Name, Version: version}
			got := ours.Affects(q)
			if got {
				c.affected++
			}
			p := *pkg
			p.Version = version
			want, panicked := scalibr(v, &p)
			if got == want && !panicked {
				continue
			}
			cause := explain(&ours, q, got, panicked)
			if cause == "" {
				t.Errorf("%s: %s %s %q: affected is %t, osv-scalibr says %t\n%+v", ours.ID, q.Ecosystem, q.Name, version, got, want, a.Ranges)
				continue
			}
			c.causes[cause]++
		}
	}
}

// scalibr asks the matcher of osv-scalibr.
func scalibr(v *osvpb.Vulnerability, p *extractor.Package) (yes, panicked bool) {
	defer func() {
		if recover() != nil {
			panicked = true
		}
	}()
	return len(osvlocal.VulnerabilitiesAffectingPackage([]*osvpb.Vulnerability{v}, p)) > 0, false
}

// explain names the reason for which the two answers differ, or returns "".
func explain(r *advisory.Record, q advisory.Query, got, panicked bool) string {
	base, _, _ := strings.Cut(q.Ecosystem, ":")
	if panicked {
		return "osv-scalibr panics: its version rules reject a version"
	}
	gitFirst, otherSpelling, unstable := false, false, false
	for _, a := range r.Affected {
		if advisory.NormalizeName(q.Ecosystem, a.Package.Name) != advisory.NormalizeName(q.Ecosystem, q.Name) {
			continue
		}
		otherSpelling = otherSpelling || a.Package.Name != advisory.NormalizeName(q.Ecosystem, a.Package.Name) || a.Package.Name != q.Name
		for i, g := range a.Ranges {
			gitFirst = gitFirst || g.Type == "GIT" && i < len(a.Ranges)-1
			unstable = unstable || len(g.Events) > 12 && hasTies(g.Events)
		}
	}
	switch {
	case got && gitFirst:
		return "osv-scalibr stops at a GIT range and does not look at the ranges after it"
	case got && otherSpelling && (base == "PyPI" || base == "NuGet" || base == "Packagist" || base == "SwiftURL" || base == "GitHub Actions"):
		return "osv-scalibr compares the record's spelling of the name, which is not normalized (" + base + ")"
	case unstable:
		return "osv-scalibr sorts more than 12 events in a way that may swap those of one version"
	case base == "Go" && strings.ToLower(q.Name) != q.Name:
		return "osv-scalibr asks for a Go module in lower case, but module paths are case-sensitive"
	case base == "Go" && (q.Name == "stdlib" || q.Name == "toolchain"):
		return "Go releases are named as go names them (go1.21rc1), which osv-scalibr does not translate"
	}
	return ""
}

// hasTies reports whether two events of a range have the same version.
func hasTies(events []advisory.Event) bool {
	seen := make(map[string]bool)
	for _, e := range events {
		v := cmp.Or(e.Introduced, e.Fixed, e.LastAffected, e.Limit)
		if seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}

// probes returns the versions at, just below and just above each boundary of an affected entry, in the spellings that
// its ecosystem has for them, and some of its listed versions with a stranger beside each.
func probes(a advisory.Affected) []string {
	seen := make(map[string]bool)
	var out []string
	add := func(versions ...string) {
		for _, v := range versions {
			if v != "" && !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	for _, g := range a.Ranges {
		if g.Type == "GIT" {
			continue
		}
		for _, e := range g.Events {
			b := cmp.Or(e.Introduced, e.Fixed, e.LastAffected, e.Limit)
			add(b, "v"+b, step(b, -1), step(b, 1), b+".0", b+".1", b+"-1", b+"-rc.1", b+"+build", b+"+incompatible")
			switch base, _, _ := strings.Cut(a.Package.Ecosystem, ":"); base {
			case "PyPI":
				add(b+"rc1", b+".dev1", b+".post1", b+"a0", "1!"+b)
			case "Debian", "Ubuntu", "opam":
				add(b+"~1", "1:"+b, b+"+b1", b+"a")
			case "AlmaLinux", "Rocky Linux", "SUSE", "openEuler", "Mageia", "Red Hat":
				add(b+"~1", "1:"+b, "0:"+b, b+"^1", b+".el9")
			case "Alpine":
				add(b+"_rc1", b+"_p1", b+"-r1", b+"a")
			case "Maven":
				add(b+"-SNAPSHOT", b+".Final", b+"-alpha1", b+"-jre", b+".RELEASE", b+"-sp1")
			case "RubyGems":
				add(b+".pre", b+".rc1", b+".a")
			case "Packagist":
				add(b+"-dev", b+"RC1", b+"-beta2", b+"p1")
			case "NuGet", "npm", "Go", "crates.io":
				add(b+"-alpha", b+"-0", b+"-0.20190301021747-ccb9e902956d", b+"-beta.2")
			}
		}
	}
	for i, v := range a.Versions {
		if i%(len(a.Versions)/20+1) == 0 {
			add(v, "v"+v, strings.TrimPrefix(v, "v"), step(v, 1), v+".1")
		}
	}
	add("0", "0.0.0", "99999", "not-a-version")
	return out
}

var lastNumber = regexp.MustCompile(`^(.*?)(\d{1,9})(\D*)$`)

// step returns a version whose last number is one less or more, or "".
func step(v string, by int) string {
	m := lastNumber.FindStringSubmatch(v)
	if m == nil {
		return ""
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || n+by < 0 {
		return ""
	}
	return m[1] + strconv.Itoa(n+by) + m[3]
}

// packageOf returns a package by which osv-scalibr asks about the named one. Where its extractors never name the
// ecosystem, renamed is one of the same order under which to ask instead.
func packageOf(p advisory.Package) (pkg *extractor.Package, renamed string, ok bool) {
	base, suffix, _ := strings.Cut(p.Ecosystem, ":")
	types := map[string]string{
		"npm": purl.TypeNPM, "PyPI": purl.TypePyPi, "Go": purl.TypeGolang, "Maven": purl.TypeMaven, "crates.io": purl.TypeCargo,
		"RubyGems": purl.TypeGem, "NuGet": purl.TypeNuget, "Packagist": purl.TypeComposer, "Hackage": purl.TypeHackage,
		"Hex": purl.TypeHex, "Pub": purl.TypePub, "Julia": purl.TypeJulia, "SwiftURL": purl.TypeSwift,
	}
	if kind := types[base]; kind != "" {
		return &extractor.Package{Name: p.Name, PURLType: kind}, "", true
	}
	switch base {
	case "Debian", "Ubuntu":
		pkg = &extractor.Package{Name: p.Name, PURLType: purl.TypeDebian, Metadata: &dpkgmeta.Metadata{OSID: strings.ToLower(base), OSVersionID: suffix}}
	case "AlmaLinux", "Mageia":
		pkg = &extractor.Package{Name: p.Name, PURLType: purl.TypeRPM, Metadata: &rpmmeta.Metadata{OSID: strings.ToLower(base), OSVersionID: suffix}}
	case "Rocky Linux": // its extractor leaves the release out
		pkg, _, _ = packageOf(advisory.Package{Ecosystem: "AlmaLinux:" + suffix, Name: p.Name})
		return pkg, "AlmaLinux:" + suffix, true
	case "SUSE":
		pkg = &extractor.Package{Name: p.Name, PURLType: purl.TypeRPM, Metadata: &rpmmeta.Metadata{OSID: "sles", OSVersionID: suffix}}
	case "openEuler":
		pkg = &extractor.Package{Name: p.Name, PURLType: purl.TypeRPM, Metadata: &rpmmeta.Metadata{OSID: "mageia", OSVersionID: suffix}}
		return pkg, "Mageia:" + suffix, true
	case "Alpine":
		pkg = &extractor.Package{Name: p.Name, PURLType: purl.TypeApk, Metadata: &apkmeta.Metadata{OSID: "alpine", OSVersionID: strings.TrimPrefix(suffix, "v") + ".0"}}
	case "Bitnami", "GHC", "Kubernetes", "GitHub Actions", "VSCode", "OSS-Fuzz":
		return &extractor.Package{Name: p.Name, PURLType: purl.TypeNPM}, "npm", true
	case "opam":
		pkg, _, _ = packageOf(advisory.Package{Ecosystem: "Debian:1", Name: p.Name})
		return pkg, "Debian:1", true
	case "Root":
		pkg, _, _ = packageOf(advisory.Package{Ecosystem: suffix, Name: p.Name})
		return pkg, pkg.Ecosystem().String(), true
	}
	if pkg == nil || pkg.Ecosystem().String() != p.Ecosystem {
		return pkg, "", false
	}
	return pkg, "", true
}
