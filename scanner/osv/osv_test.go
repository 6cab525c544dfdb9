package osv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/intel"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// memory is a database of a few records. It answers as every database does: by Record.Affects, ordered by id.
type memory struct {
	records []*advisory.Record
	notices []inventory.Notice
	err     error
	online  bool
	asked   []advisory.Query
}

func (m *memory) Match(_ context.Context, queries []advisory.Query) ([][]*advisory.Record, []inventory.Notice, error) {
	m.asked = queries
	if m.err != nil {
		return nil, m.notices, m.err
	}
	found := make([][]*advisory.Record, len(queries))
	for i, q := range queries {
		for _, r := range m.records {
			if r.Affects(q) {
				found[i] = append(found[i], r)
			}
		}
	}
	return found, m.notices, nil
}

func (m *memory) Info() advisory.Info { return advisory.Info{} }
func (m *memory) Close() error        { return nil }
func (m *memory) Online() bool        { return m.online }

// records decodes OSV records, one a string.
func records(tb testing.TB, texts ...string) []*advisory.Record {
	tb.Helper()
	var all []*advisory.Record
	for _, text := range texts {
		r := new(advisory.Record)
		if err := json.Unmarshal([]byte(text), r); err != nil {
			tb.Fatalf("%v in %s", err, text)
		}
		all = append(all, r)
	}
	return all
}

const (
	lodashGHSA = `{"id":"GHSA-35jh-r3h4-6jhm","modified":"2024-02-01T00:00:00Z","published":"2021-05-06T16:05:51Z","aliases":["CVE-2021-23337"],
		"summary":"Command Injection in\nlodash.","details":"Lodash before 4.17.21 is vulnerable.",
		"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H"},{"type":"CVSS_V3","score":"broken"}],
		"affected":[{"package":{"ecosystem":"npm","name":"lodash"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"4.17.21"}]}]}],
		"references":[{"type":"ADVISORY","url":"https://advisories.example/23337"},{"type":"WEB","url":"javascript:alert(1)"}],
		"database_specific":{"cwe_ids":["CWE-94","CWE-77"],"severity":"HIGH"}}`
	lodashOther = `{"id":"x_OTHER-7","modified":"2023-01-01T00:00:00Z","published":"2021-05-01T00:00:00Z","aliases":["CVE-2021-23337"],"summary":"Injection",
		"affected":[{"package":{"ecosystem":"npm","name":"lodash"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"4.17.19"}]}]}]}`
	lodashSlow = `{"id":"GHSA-29mw-wpgm-hmr9","modified":"2022-01-01T00:00:00Z","aliases":["CVE-2020-28500"],"summary":"Slow regular expression",
		"affected":[{"package":{"ecosystem":"npm","name":"lodash"},"ranges":[{"type":"SEMVER","events":[{"introduced":"4.0.0"},{"fixed":"4.17.21"}]}]}],
		"database_specific":{"severity":"MODERATE"}}`
	evil = `{"id":"MAL-2025-1","modified":"2025-01-01T00:00:00Z","summary":"Malicious code in evil-pad",
		"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N"}],
		"affected":[{"package":{"ecosystem":"npm","name":"evil-pad"},"versions":["1.0.0"],"database_specific":{"cwes":[{"cweId":"CWE-506"}]}}],
		"database_specific":{"malicious-packages-origins":[{"source":"x"}]}}`
	withdrawn = `{"id":"GHSA-0000-0000-0000","modified":"2025-01-01T00:00:00Z","withdrawn":"2025-01-02T00:00:00Z","summary":"A mistake",
		"affected":[{"package":{"ecosystem":"npm","name":"lodash"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`
	byCommit = `{"id":"OSV-2024-1","modified":"2025-01-01T00:00:00Z","summary":"Overflow",
		"affected":[{"package":{"ecosystem":"npm","name":"parser"},"ranges":[{"type":"GIT","repo":"https://git.example/parser","events":[{"introduced":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}]}]}`
)

// npm makes a package of the registry in package-lock.json; change adapts its only location.
func npm(name, version string, change ...func(*inventory.PackageLocation)) inventory.Package {
	l := inventory.PackageLocation{
		Location: inventory.Location{Path: "package-lock.json", Line: 10}, LockFile: true, Direct: true,
		Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry, Chain: []string{"shop", name},
		Manifest: &inventory.Location{Path: "package.json", Line: 5},
	}
	for _, c := range change {
		c(&l)
	}
	return inventory.Package{
		ID: inventory.ID("pkg:npm/" + name + "@" + version), Name: name, Version: version, Ecosystem: "npm",
		Locations: []inventory.PackageLocation{l},
	}
}

func origin(o inventory.Origin) func(*inventory.PackageLocation) {
	return func(l *inventory.PackageLocation) { l.Origin = o }
}

func scan(tb testing.TB, s *Scanner, packages ...inventory.Package) *scanner.Judgement {
	tb.Helper()
	j, err := s.Scan(tb.Context(), &inventory.Inventory{Packages: packages})
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

func ids(findings []scanner.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, f.RuleID)
	}
	return all
}

func messages(notices []inventory.Notice) string {
	var all []string
	for _, n := range notices {
		all = append(all, n.Code+": "+n.Message)
	}
	return strings.Join(all, "\n")
}

func TestFinding(t *testing.T) {
	db := &memory{records: records(t, lodashGHSA, lodashOther, withdrawn)}
	j := scan(t, &Scanner{DB: db}, npm("lodash", "4.17.15", func(l *inventory.PackageLocation) {
		l.Direct, l.Chain, l.Scope = false, []string{"shop", "async", "lodash"}, inventory.ScopeDevelopment
	}))
	want := []scanner.Finding{{
		RuleID: "GHSA-35jh-r3h4-6jhm", Kind: scanner.KindVulnerability, Severity: scanner.High, Pillar: scanner.PillarVulnerability,
		Message:  "lodash 4.17.15 (through async) is affected by GHSA-35jh-r3h4-6jhm (Command Injection in lodash); upgrade to 4.17.21",
		Subject:  "pkg:npm/lodash@4.17.15",
		Location: inventory.Location{Path: "package-lock.json", Line: 10},
		Related: []scanner.Related{{
			Location: inventory.Location{Path: "package.json", Line: 5},
			Message:  "lodash comes in through async, which is asked for here",
		}},
		Advisory: &scanner.Advisory{
			ID: "GHSA-35jh-r3h4-6jhm", Aliases: []string{"CVE-2021-23337", "x_OTHER-7"}, Summary: "Command Injection in lodash",
			Details: "Lodash before 4.17.21 is vulnerable.", CWE: []string{"CWE-77", "CWE-94"},
			CVSS:          []scanner.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H", Score: 7.2}},
			FixedVersions: []string{"4.17.21"}, Published: "2021-05-01T00:00:00Z", Modified: "2024-02-01T00:00:00Z",
			References: []string{"https://advisories.example/23337"},
		},
		Fix: &scanner.Fix{
			Message: "upgrade lodash from 4.17.15 to 4.17.21 in package-lock.json, where async brings it in",
			Upgrade: &scanner.Upgrade{Ecosystem: "npm", Package: "lodash", From: "4.17.15", To: "4.17.21", Files: []string{"package-lock.json", "package.json"}},
		},
		Called:         "not-analysed",
		FingerprintKey: []string{"CVE-2021-23337", "npm", "lodash", "package-lock.json"},
		Scope:          inventory.ScopeDevelopment,
	}}
	if diff := cmp.Diff(want, j.Findings); diff != "" {
		t.Error(diff)
	}
	if got := messages(j.Notices); got != "no-intelligence: whether 1 vulnerability is exploited is not known, because there is no data of KEV and EPSS; name a folder with --intel" {
		t.Errorf("notices %q", got)
	}
	wantRule := scanner.Rule{
		ID: "GHSA-35jh-r3h4-6jhm", Aliases: []string{"CVE-2021-23337", "x_OTHER-7"}, Title: "Command Injection in lodash", Severity: scanner.High,
		URL:  "https://osv.dev/vulnerability/GHSA-35jh-r3h4-6jhm",
		Tags: []string{"security", "vulnerability", "external/cwe/cwe-77", "external/cwe/cwe-94"},
		Help: "**Command Injection in lodash**\n\nLodash before 4.17.21 is vulnerable.\n\nAlso known as CVE-2021-23337, x_OTHER-7.\n\n" +
			"References:\n\n- <https://advisories.example/23337>\n",
	}
	if diff := cmp.Diff([]scanner.Rule{wantRule}, j.Rules); diff != "" {
		t.Error(diff)
	}
}

func TestMalware(t *testing.T) {
	db := &memory{records: records(t, evil)}
	j := scan(t, &Scanner{DB: db}, npm("evil-pad", "1.0.0"))
	if len(j.Findings) != 1 {
		t.Fatalf("findings %v", ids(j.Findings))
	}
	f := j.Findings[0]
	if f.Kind != scanner.KindMalware || f.Severity != scanner.Critical || f.Fix != nil {
		t.Errorf("%s %s %v", f.Kind, f.Severity, f.Fix)
	}
	want := "evil-pad 1.0.0 is malware by MAL-2025-1 (Malicious code in evil-pad); remove it and treat every machine that installed it as compromised"
	if f.Message != want {
		t.Errorf("message %q", f.Message)
	}
	if diff := cmp.Diff([]string{"CWE-506"}, f.Advisory.CWE); diff != "" {
		t.Error(diff)
	}
}

// TestOwnPackages guards facts 1.2 from both sides: a package whose lock entry names no registry is matched, and the
// repository's own packages never are, whatever advisories have their name.
func TestOwnPackages(t *testing.T) {
	tests := []struct {
		name   string
		origin inventory.Origin
		want   []string // of lodash 4.17.15 and evil-pad 1.0.0
	}{
		{"registry", inventory.OriginRegistry, []string{"GHSA-35jh-r3h4-6jhm", "MAL-2025-1"}},
		{"private registry", inventory.OriginPrivate, []string{"GHSA-35jh-r3h4-6jhm", "MAL-2025-1"}},
		{"origin not stated", "", []string{"GHSA-35jh-r3h4-6jhm", "MAL-2025-1"}},
		{"repository", inventory.OriginGit, []string{"GHSA-35jh-r3h4-6jhm"}},
		{"archive", inventory.OriginURL, []string{"GHSA-35jh-r3h4-6jhm"}},
		{"folder", inventory.OriginPath, nil},
		{"workspace", inventory.OriginWorkspace, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db := &memory{records: records(t, lodashGHSA, evil)}
			j := scan(t, &Scanner{DB: db}, npm("lodash", "4.17.15", origin(test.origin)), npm("evil-pad", "1.0.0", origin(test.origin)))
			if diff := cmp.Diff(test.want, ids(j.Findings)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDatabaseFails guards facts 1.1 and 1.6: no answer is never a clean one.
func TestDatabaseFails(t *testing.T) {
	inv := &inventory.Inventory{Packages: []inventory.Package{npm("lodash", "4.17.15")}}
	broken := &memory{err: errors.New("no such folder")}
	if _, err := (&Scanner{DB: broken}).Scan(t.Context(), inv); !errors.Is(err, broken.err) {
		t.Errorf("error %v", err)
	}
	partly := &memory{notices: []inventory.Notice{{Code: "database-incomplete", Message: "npm/GHSA-1.json is no record"}}}
	if got := messages(scan(t, &Scanner{DB: partly}, inv.Packages...).Notices); !strings.Contains(got, "npm/GHSA-1.json") {
		t.Errorf("notices %q", got)
	}
	if got := messages(scan(t, &Scanner{}, inv.Packages...).Notices); got != "no-advisories: 1 package was not matched, because there is no advisory database; name one with --db" {
		t.Errorf("notices %q", got)
	}
	if j := scan(t, &Scanner{}); len(j.Notices) > 0 {
		t.Errorf("an empty tree is clean, not %q", messages(j.Notices))
	}
}

func TestWithoutVersion(t *testing.T) {
	db := &memory{records: records(t, lodashGHSA)}
	in := func(path string, line int) func(*inventory.PackageLocation) {
		return func(l *inventory.PackageLocation) {
			l.Location, l.Manifest, l.LockFile = inventory.Location{Path: path, Line: line}, nil, false
		}
	}
	j := scan(t, &Scanner{DB: db},
		npm("lodash", "", in("a.txt", 3)), npm("b", "", in("a.txt", 4)), npm("c", "", in("b.txt", 9)),
		npm("mine", "", in("b.txt", 1), origin(inventory.OriginWorkspace)))
	if len(j.Findings) > 0 {
		t.Errorf("findings %v", ids(j.Findings))
	}
	want := []inventory.Notice{
		{Code: "package-without-version", Location: &inventory.Location{Path: "a.txt", Line: 3}, Message: "2 packages without an exact version in a.txt can't be matched against advisories: b, lodash; pin them in a lock file"},
		{Code: "package-without-version", Location: &inventory.Location{Path: "b.txt", Line: 9}, Message: "1 package without an exact version in b.txt can't be matched against advisories: c; pin it in a lock file"},
	}
	if diff := cmp.Diff(want, j.Notices); diff != "" {
		t.Error(diff)
	}

	inv := &inventory.Inventory{
		Packages: []inventory.Package{npm("c", "", in("b.txt", 9))},
		Notices:  []inventory.Notice{{Code: "version-unknown", Location: &inventory.Location{Path: "b.txt", Line: 9}}},
	}
	if j, err := (&Scanner{DB: db}).Scan(t.Context(), inv); err != nil || len(j.Notices) > 0 {
		t.Errorf("what the reader has told is told again: %v, %v", j, err)
	}
}

// TestUnadvised: packages of a distribution that OSV does not know are never asked about, and never clean.
func TestUnadvised(t *testing.T) {
	p := npm("openssl", "3.0.8-1")
	p.Ecosystem = "Amazon Linux:2023"
	db := &memory{records: records(t, strings.ReplaceAll(lodashGHSA, "npm", "Amazon Linux"))}
	j := scan(t, &Scanner{DB: db}, p)
	want := "distribution-without-advisories: 1 package of Amazon Linux 2023 not matched, because OSV has no advisories of this distribution; that nothing is found in them says nothing"
	if got := messages(j.Notices); got != want || len(j.Findings) > 0 {
		t.Errorf("notices %q, findings %v; want %q", got, ids(j.Findings), want)
	}
}

func TestSites(t *testing.T) {
	manifest := &inventory.Location{Path: "package.json", Line: 5}
	lock := func(line int, change func(*inventory.PackageLocation)) inventory.PackageLocation {
		l := inventory.PackageLocation{
			Location: inventory.Location{Path: "package-lock.json", Line: line}, LockFile: true, Scope: inventory.ScopeDevelopment, Origin: inventory.OriginRegistry,
		}
		if change != nil {
			change(&l)
		}
		return l
	}
	pkg := npm("lodash", "4.17.15")
	pkg.Locations = []inventory.PackageLocation{
		lock(90, nil),
		lock(50, func(l *inventory.PackageLocation) {
			l.Direct, l.Manifest, l.Scope = true, manifest, inventory.ScopeRuntime
		}),
		lock(20, func(l *inventory.PackageLocation) { l.Chain = []string{"shop", "a", "lodash"} }),
		{Location: *manifest, Direct: true, Origin: inventory.OriginRegistry},
		{Location: inventory.Location{Path: "other/package-lock.json", Line: 7}, LockFile: true, Scope: inventory.ScopeUnknown},
	}
	newer := npm("lodash", "4.17.20", func(l *inventory.PackageLocation) { l.Line = 70 })
	db := &memory{records: records(t, lodashGHSA)}
	j := scan(t, &Scanner{DB: db}, pkg, newer)
	type place struct {
		Path    string
		Line    int
		Scope   inventory.Scope
		Related []int
	}
	var got []place
	for _, f := range j.Findings {
		p := place{Path: f.Location.Path, Line: f.Location.Line, Scope: f.Scope}
		for _, r := range f.Related {
			p.Related = append(p.Related, r.Location.Line)
		}
		got = append(got, p)
	}
	want := []place{
		{"other/package-lock.json", 7, inventory.ScopeUnknown, nil},
		{"package-lock.json", 20, inventory.ScopeRuntime, []int{5, 90, 50}},
		{"package-lock.json", 70, inventory.ScopeRuntime, []int{5}},
	}
	slices.SortFunc(got, func(a, b place) int { return strings.Compare(a.Path+fmt.Sprint(a.Line), b.Path+fmt.Sprint(b.Line)) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(db.asked) != 2 {
		t.Errorf("asked %v", db.asked)
	}

	res, err := scanner.Run(t.Context(), &inventory.Inventory{Packages: []inventory.Package{pkg, newer}}, &Scanner{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	prints := map[string]int{}
	for _, f := range res.Findings {
		print, n, _ := strings.Cut(f.Fingerprint, "/")
		prints[print]++
		if f.Location.Line == 70 && n != "2" {
			t.Errorf("the second version in one file has the fingerprint %s", f.Fingerprint)
		}
	}
	if len(prints) != 2 {
		t.Errorf("fingerprints %v", prints)
	}
}

func TestCommits(t *testing.T) {
	commit := strings.Repeat("a", 40)
	git := func(l *inventory.PackageLocation) { l.Origin, l.Commit = inventory.OriginGit, commit }
	tests := []struct {
		version string
		online  bool
		want    advisory.Query
	}{
		{"1.2.0", false, advisory.Query{Ecosystem: "npm", Name: "parser", Version: "1.2.0", Commit: commit}},
		{"v2", false, advisory.Query{Ecosystem: "npm", Name: "parser", Version: "v2", Commit: commit}},
		{"main", false, advisory.Query{Ecosystem: "npm", Name: "parser", Commit: commit}},
		{"1" + commit[1:], false, advisory.Query{Ecosystem: "npm", Name: "parser", Commit: commit}},
		{"git+ssh://git@git.example/parser.git", false, advisory.Query{Ecosystem: "npm", Name: "parser", Commit: commit}},
		{"1.2.0", true, advisory.Query{Commit: commit}},
	}
	for _, test := range tests {
		db := &memory{records: records(t, byCommit), online: test.online}
		j := scan(t, &Scanner{DB: db}, npm("parser", test.version, git))
		if diff := cmp.Diff([]advisory.Query{test.want}, db.asked); diff != "" {
			t.Errorf("%s: %s", test.version, diff)
		}
		if !test.online && len(j.Findings) != 1 {
			t.Errorf("%s: findings %v", test.version, ids(j.Findings))
		}
	}
}

// TestOnlineIsPublic checks what leaves the machine.
func TestOnlineIsPublic(t *testing.T) {
	db := &memory{online: true}
	s := &Scanner{DB: db, Private: []string{"@corp/*", "secret-*-kit", "exact"}}
	j := scan(t, s,
		npm("lodash", "4.17.15"), npm("mirrored", "1.0.0", origin(inventory.OriginPrivate)), npm("archive", "1.0.0", origin(inventory.OriginURL)),
		npm("repo", "1.0.0", origin(inventory.OriginGit)), npm("member", "1.0.0", origin(inventory.OriginWorkspace)), npm("folder", "1.0.0", origin(inventory.OriginPath)),
		npm("@corp/ui", "1.0.0"), npm("secret-own-kit", "1.0.0"), npm("exact", "1.0.0"), npm("exactly", "1.0.0"))
	want := []advisory.Query{{Ecosystem: "npm", Name: "lodash", Version: "4.17.15"}, {Ecosystem: "npm", Name: "exactly", Version: "1.0.0"}}
	if diff := cmp.Diff(want, db.asked); diff != "" {
		t.Error(diff)
	}
	if got := messages(j.Notices); got != "private-packages-not-sent: 6 private packages were not sent to the advisory service; match them with a database of your own (--db)" {
		t.Errorf("notices %q", got)
	}
}

func TestWildcard(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"@corp/*", "@corp/ui", true}, {"@corp/*", "@corporation/ui", false}, {"*", "anything", true}, {"", "", true}, {"", "a", false},
		{"a*b*c", "a-b-c", true}, {"a*b*c", "abc", true}, {"a*b*c", "acb", false}, {"ab*ba", "aba", false}, {"*.example/*", "go.corp.example/x", true},
	}
	for _, test := range tests {
		if got := wildcard(test.pattern, test.name); got != test.want {
			t.Errorf("wildcard(%q, %q) = %v", test.pattern, test.name, got)
		}
	}
}

func TestThreats(t *testing.T) {
	dir := filepath.Join(shared.Dir(t), "intel")
	data, _, err := intel.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	log4shell := `{"id":"GHSA-jfh8-c2jp-5v3q","aliases":["CVE-2021-44228"],"affected":[{"package":{"ecosystem":"npm","name":"lodash"},"versions":["1.0.0"]}]}`
	j := scan(t, &Scanner{DB: &memory{records: records(t, log4shell)}, Intel: data}, npm("lodash", "1.0.0"))
	if a := j.Findings[0].Advisory; !a.KEV || a.EPSS == nil || *a.EPSS < 0.5 {
		t.Errorf("%+v", a)
	}
}

// TestHostileText checks that what a lock file or an advisory says stays on its line.
func TestHostileText(t *testing.T) {
	name := "lod\x1b[31mash\nfake line"
	record := records(t, `{"id":"GHSA-1","summary":"a\r\n\u001b[2Jb","affected":[]}`)[0]
	record.Affected = []advisory.Affected{{Package: advisory.Package{Ecosystem: "npm", Name: name}, Versions: []string{"1"}}}
	for _, f := range scan(t, &Scanner{DB: &memory{records: []*advisory.Record{record}}}, npm(name, "1")).Findings {
		if strings.ContainsAny(f.Message+f.Related[0].Message, "\x1b\r\n") {
			t.Errorf("message %q", f.Message)
		}
	}
}

// TestEqualInput checks that equal input gives equal output, whatever the order of maps.
func TestEqualInput(t *testing.T) {
	db := &memory{records: records(t, evil, lodashGHSA, lodashOther, lodashSlow)}
	packages := []inventory.Package{npm("lodash", "4.17.15"), npm("lodash", "4.0.0"), npm("evil-pad", "1.0.0"), npm("a", ""), npm("b", "")}
	first := scan(t, &Scanner{DB: db}, packages...)
	if len(first.Findings) != 5 || len(first.Rules) != 3 {
		t.Fatalf("findings %v, %d rules", ids(first.Findings), len(first.Rules))
	}
	for range 20 {
		if diff := cmp.Diff(first, scan(t, &Scanner{DB: db}, packages...)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	var packages []inventory.Package
	var texts []string
	for i := range 1274 {
		name := fmt.Sprintf("package-%d", i)
		packages = append(packages, npm(name, "1.0.0", func(l *inventory.PackageLocation) { l.Line = i }))
		if i%4 == 0 {
			texts = append(texts, strings.ReplaceAll(strings.ReplaceAll(lodashGHSA, "lodash", name), "35jh-r3h4-6jhm", fmt.Sprintf("0000-0000-%04d", i)),
				strings.ReplaceAll(strings.ReplaceAll(lodashOther, "lodash", name), "x_OTHER-7", fmt.Sprintf("x_OTHER-%d", i)))
		}
	}
	db := &memory{records: records(b, texts...)}
	queries := make([]advisory.Query, len(packages))
	for i, p := range packages {
		queries[i] = advisory.Query{Ecosystem: p.Ecosystem, Name: p.Name, Version: p.Version}
	}
	matches, _, _ := db.Match(b.Context(), queries)
	s := &Scanner{DB: answered(matches)}
	inv := &inventory.Inventory{Packages: packages}
	for b.Loop() {
		if _, err := s.Scan(b.Context(), inv); err != nil {
			b.Fatal(err)
		}
	}
}

// answered is a database whose answer is known beforehand, so that a benchmark measures the scanner alone.
type answered [][]*advisory.Record

func (a answered) Match(context.Context, []advisory.Query) ([][]*advisory.Record, []inventory.Notice, error) {
	return a, nil, nil
}
func (answered) Info() advisory.Info { return advisory.Info{} }
func (answered) Close() error        { return nil }
