package advisory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func record(ecosystem, name string, ranges []Range, versions ...string) *Record {
	return &Record{ID: "X-1", Affected: []Affected{{Package: Package{Ecosystem: ecosystem, Name: name}, Ranges: ranges, Versions: versions}}}
}

func span(kind string, events ...Event) []Range { return []Range{{Type: kind, Events: events}} }

func introduced(v string) Event   { return Event{Introduced: v} }
func fixed(v string) Event        { return Event{Fixed: v} }
func lastAffected(v string) Event { return Event{LastAffected: v} }
func limit(v string) Event        { return Event{Limit: v} }

func TestAffects(t *testing.T) {
	semver := func(events ...Event) []Range { return span("SEMVER", events...) }
	native := func(events ...Event) []Range { return span("ECOSYSTEM", events...) }
	const commit, later = "6879efc2c1596d11a6a6ad296f80063b558d5e0f", "de0c9aa0ea5c1d4bd51a6a6e0a6c0a3fcb6e1d6c"
	tests := map[string]struct {
		record *Record
		query  Query // the record's package where the name is empty
		yes    []string
		no     []string
	}{
		"from the beginning": {
			record: record("npm", "a", semver(introduced("0"), fixed("1.2.3"))),
			yes:    []string{"0.0.0-alpha", "0.0.1", "1.2.2", "1.2.3-rc.1", "v1.2.2"},
			no:     []string{"1.2.3", "1.2.3+build", "1.2.4", ""},
		},
		"last affected is affected": {
			record: record("npm", "a", semver(introduced("1.0.0"), lastAffected("1.4.0"))),
			yes:    []string{"1.0.0", "1.4.0"},
			no:     []string{"1.0.0-beta", "1.4.1"},
		},
		"no end": {
			record: record("npm", "a", semver(introduced("2.0.0"))),
			yes:    []string{"2.0.0", "99.0.0"},
			no:     []string{"1.9.9"},
		},
		"events out of order": {
			record: record("npm", "a", semver(fixed("3.1.0"), introduced("3.0.0"), fixed("1.5.0"), introduced("0"))),
			yes:    []string{"1.4.9", "3.0.0", "3.0.9"},
			no:     []string{"1.5.0", "2.0.0", "3.1.0"},
		},
		"several ranges": {
			record: record("npm", "a", append(semver(introduced("0"), fixed("1.5.0")), semver(introduced("2.0.0"), fixed("2.3.0"))...)),
			yes:    []string{"1.4.9", "2.2.9"},
			no:     []string{"1.5.0", "2.3.0"},
		},
		"limits": {
			record: record("npm", "a", semver(introduced("0"), limit("2.0.0"), limit("1.0.0"))),
			yes:    []string{"0.5.0", "1.5.0"},
			no:     []string{"2.0.0", "3.0.0"},
		},
		"limit of everything": {
			record: record("npm", "a", semver(introduced("1.0.0"), limit("*"))),
			yes:    []string{"1.0.0", "3.0.0"},
			no:     []string{"0.9.0"},
		},
		"regression in the version that fixed": {
			record: record("npm", "a", semver(introduced("0"), fixed("1.0.0"), introduced("1.0.0"), fixed("1.1.0"))),
			yes:    []string{"0.9.0", "1.0.0", "1.0.9"},
			no:     []string{"1.1.0"},
		},
		"empty range": {
			record: record("npm", "a", semver(introduced("1.0.0"), fixed("1.0.0"))),
			no:     []string{"0.9.0", "1.0.0", "1.0.1"},
		},
		"list of versions": {
			record: record("npm", "a", nil, "1.0.0", "v2.0.0"),
			yes:    []string{"1.0.0", "v1.0.0", "2.0.0", "v2.0.0"},
			no:     []string{"1.0", "3.0.0", ""},
		},
		"list beside a range": {
			record: record("PyPI", "a", native(introduced("2"), fixed("3")), "1.0.post1"),
			yes:    []string{"1.0.post1", "2.1"},
			no:     []string{"1.0", "3.0"},
		},
		"a GIT range first does not hide the next": {
			record: record("PyPI", "a", append([]Range{{Type: "GIT", Repo: "https://git.example/a", Events: []Event{introduced("0"), fixed(commit)}}},
				native(introduced("0"), fixed("1.2"))...)),
			yes: []string{"1.1", "1.2rc1"},
			no:  []string{"1.2"},
		},
		"a range of an unknown type": {
			record: record("npm", "a", append([]Range{{Type: "LUNAR", Events: []Event{introduced("0")}}}, semver(introduced("1.0.0"))...)),
			yes:    []string{"1.0.0"},
			no:     []string{"0.9.0"},
		},
		"neither range nor version": {
			record: record("npm", "a", nil),
			no:     []string{"1.0.0", ""},
		},
		"another package": {
			record: record("npm", "a", semver(introduced("0"))),
			query:  Query{Ecosystem: "npm", Name: "A"},
			no:     []string{"1.0.0"},
		},
		"another ecosystem": {
			record: record("npm", "a", semver(introduced("0"))),
			query:  Query{Ecosystem: "PyPI", Name: "a"},
			no:     []string{"1.0.0"},
		},
		"PyPI names on both sides": {
			record: record("PyPI", "Zope._Interface", native(introduced("0"), fixed("5.0"))),
			query:  Query{Ecosystem: "PyPI", Name: "zope-interface"},
			yes:    []string{"4.9", "5.0.dev1", "5.0a1"},
			no:     []string{"5.0", "5", "5.0.post1", "1!1.0"},
		},
		"NuGet names": {
			record: record("NuGet", "Newtonsoft.Json", native(introduced("0"), fixed("13.0.1"))),
			query:  Query{Ecosystem: "NuGet", Name: "newtonsoft.json"},
			yes:    []string{"13.0.0.9", "13.0.1-Beta"},
			no:     []string{"13.0.1"},
		},
		"Packagist names and a repository as suffix": {
			record: record("Packagist:https://packages.example/8", "drupal/Core", native(introduced("0"), fixed("8.9.1"))),
			query:  Query{Ecosystem: "Packagist", Name: "Drupal/core"},
			yes:    []string{"8.9.0", "v8.9.0", "8.9.1-RC1"},
			no:     []string{"8.9.1"},
		},
		"Go modules": {
			record: record("Go", "git.example/m", semver(introduced("1.3.1-0.20190301021747-ccb9e902956d"), fixed("1.9.1"))),
			yes:    []string{"v1.9.0", "1.9.0", "v1.9.0+incompatible", "v1.3.1-0.20190401000000-000000000000"},
			no:     []string{"v1.9.1", "v1.9.1+incompatible", "v1.3.1-0.20190201000000-000000000000", "v1.3.0"},
		},
		"Go standard library": {
			record: record("Go", "stdlib", semver(introduced("1.21.0-0"), fixed("1.21.0-rc.4"), introduced("1.22.0"), fixed("1.22.3"))),
			query:  Query{Ecosystem: "Go", Name: "go"},
			yes:    []string{"go1.21rc3", "1.22", "go1.22.2", "go1.22.2 X:rangefunc"},
			no:     []string{"go1.21rc4", "go1.21.0", "1.22.3", "1.20"},
		},
		"Maven qualifiers": {
			record: record("Maven", "g:a", native(introduced("2.0-beta9"), fixed("2.15.0"))),
			yes:    []string{"2.0-beta9", "2.0-rc1", "2.0", "2.15.0-SNAPSHOT", "2.14.1.jre8"},
			no:     []string{"2.0-beta8", "2.15.0", "2.15.0.RELEASE", "2.15.0.Final", "2.15.1"},
		},
		"Debian releases": {
			record: record("Debian:11", "openssl", native(introduced("0"), fixed("1.1.1n-0+deb11u5"))),
			yes:    []string{"1.1.1n-0+deb11u4", "1.1.1n-0+deb11u5~bpo1"},
			no:     []string{"1.1.1n-0+deb11u5", "1:1.0"},
		},
		"Debian without a release asks about all": {
			record: record("Debian:11", "openssl", native(introduced("0"), fixed("2"))),
			query:  Query{Ecosystem: "Debian", Name: "openssl"},
			yes:    []string{"1"},
		},
		"another release": {
			record: record("Debian:11", "openssl", native(introduced("0"), fixed("2"))),
			query:  Query{Ecosystem: "Debian:12", Name: "openssl"},
			no:     []string{"1"},
		},
		"Alpine": {
			record: record("Alpine:v3.11", "curl", native(introduced("0"), fixed("7.79.0-r0"))),
			yes:    []string{"7.78.0-r9", "7.79.0_rc1-r0"},
			no:     []string{"7.79.0-r0", "7.79.0-r1"},
		},
		"Ubuntu": {
			record: record("Ubuntu:22.04:LTS", "curl", native(introduced("0"), fixed("7.81.0-1ubuntu1.15"))),
			query:  Query{Ecosystem: "Ubuntu:Pro:22.04:LTS", Name: "curl"},
			no:     []string{"7.81.0-1ubuntu1.1"},
		},
		"AlmaLinux": {
			record: record("AlmaLinux:9", "curl", native(introduced("0"), fixed("7.76.1-26.el9_3.2"))),
			yes:    []string{"7.76.1-26.el9", "0:7.76.1-26.el9_3.1"},
			no:     []string{"7.76.1-26.el9_3.2", "1:7.0-1"},
		},
		"semantic versioning in an ecosystem without an order of its own": {
			record: record("Kubernetes", "k8s.example/kubelet", semver(introduced("1.20.0"), fixed("1.20.5"))),
			yes:    []string{"v1.20.4"},
			no:     []string{"v1.20.5"},
		},
		"an ecosystem without a known order": {
			record: record("OSS-Fuzz", "a", native(introduced("0"), fixed("2")), "1.5"),
			yes:    []string{"1.5"},
			no:     []string{"1.0"},
		},
		"a commit that a record names": {
			record: record("npm", "a", []Range{{Type: "GIT", Repo: "https://git.example/a", Events: []Event{introduced(commit), fixed(later)}}}),
			query:  Query{Ecosystem: "npm", Name: "a", Commit: commit},
			yes:    []string{"", "1.0.0"},
		},
		"the commit that fixes": {
			record: record("npm", "a", []Range{{Type: "GIT", Repo: "https://git.example/a", Events: []Event{introduced(commit), fixed(later)}}}),
			query:  Query{Ecosystem: "npm", Name: "a", Commit: later},
			no:     []string{"", "1.0.0"},
		},
		"a tag of a repository": {
			record: record("OSS-Fuzz", "a", []Range{{Type: "GIT", Repo: "https://github.com/Example/a.git", Events: []Event{introduced("0"), fixed(later)}}}, "v1.0", "v1.1"),
			query:  Query{Ecosystem: "GIT", Name: "https://github.com/example/A"},
			yes:    []string{"v1.0", "1.1"},
			no:     []string{"1.2", ""},
		},
		"versions that are none": {
			record: record("Debian:11", "a", native(introduced("0"), fixed("1"))),
			no:     []string{"!!:::", "a:b:c"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.query.Name == "" {
				tt.query.Ecosystem, tt.query.Name = tt.record.Affected[0].Package.Ecosystem, tt.record.Affected[0].Package.Name
			}
			for _, v := range tt.yes {
				q := tt.query
				if q.Version = v; !tt.record.Affects(q) {
					t.Errorf("%q is not affected, want affected", v)
				}
			}
			for _, v := range tt.no {
				q := tt.query
				if q.Version = v; tt.record.Affects(q) {
					t.Errorf("%q is affected, want not affected", v)
				}
			}
		})
	}
}

func TestFixedVersions(t *testing.T) {
	npm := func(ranges ...Range) *Record { return record("npm", "a", ranges) }
	tests := map[string]struct {
		record  *Record
		version string
		want    []string
	}{
		"the fix of the range": {npm(span("SEMVER", introduced("0"), fixed("1.5.0"), introduced("2.0.0"), fixed("2.3.0"))...), "1.0.0", []string{"1.5.0"}},
		"the later branch":     {npm(span("SEMVER", introduced("0"), fixed("1.5.0"), introduced("2.0.0"), fixed("2.3.0"))...), "2.0.0", []string{"2.3.0"}},
		"a fix that is affected by the next range": {
			npm(append(span("SEMVER", introduced("0"), fixed("1.5.0"), introduced("1.5.0"), fixed("1.5.1")), span("SEMVER", introduced("3.0.0"), fixed("3.1.0"))...)...),
			"1.0.0", []string{"1.5.1"}},
		"both ranges contain it":  {npm(append(span("SEMVER", introduced("0"), fixed("1.10.0")), span("SEMVER", introduced("1.0.0"), fixed("1.9.0"))...)...), "1.0.0", []string{"1.10.0"}},
		"no fix":                  {npm(span("SEMVER", introduced("0"), lastAffected("1.9.0"))...), "1.0.0", nil},
		"fixed already":           {npm(span("SEMVER", introduced("0"), fixed("1.5.0"))...), "1.5.0", nil},
		"unknown version":         {npm(span("SEMVER", introduced("0"), fixed("1.5.0"))...), "", nil},
		"by the list of versions": {record("npm", "a", span("SEMVER", introduced("1.2.0"), fixed("1.5.0")), "1.0.0"), "1.0.0", []string{"1.5.0"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.record.FixedVersions(Query{Ecosystem: "npm", Name: "a", Version: tt.version})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("FixedVersions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	tests := []struct {
		ecosystem, a, b string
		want            int
	}{
		{"npm", "1.2.3", "1.10.0", -1},
		{"PyPI", "1.0", "1.0.0", 0},
		{"Maven", "1.0-alpha1", "1.0", -1},
		{"Debian:12", "1:1.0-1", "2.0-1", 1},
		{"Root:npm", "1.2.3", "1.10.0", -1},
		{"Root:Alpine:3.18", "1.2-r1", "1.2-r2", -1},
		{"GitHub Actions", "v3", "v4.1.0", -1},
		{"opam", "1.0~rc1", "1.0", -1},
		{"AlmaLinux:9", "1.0-1.el9", "1:0.1-1.el9", -1},
	}
	sign := func(n int) int { return max(-1, min(1, n)) }
	for _, tt := range tests {
		for _, flip := range []bool{false, true} {
			a, b, want := tt.a, tt.b, tt.want
			if flip {
				a, b, want = b, a, -want
			}
			if got, err := Compare(tt.ecosystem, a, b); err != nil || sign(got) != want {
				t.Errorf("Compare(%s, %s, %s) = %d, %v; want %d", tt.ecosystem, a, b, got, err, want)
			}
		}
	}
	if _, err := Compare("OSS-Fuzz", "1", "2"); err == nil {
		t.Error("Compare of an ecosystem without an order gives no error")
	}
}

func TestNormalizeName(t *testing.T) {
	for _, tt := range []struct{ ecosystem, name, want string }{
		{"PyPI", "Zope._.Interface", "zope-interface"},
		{"PyPI", "a--b", "a-b"},
		{"PyPI", "plain-name", "plain-name"},
		{"npm", "JSONStream", "JSONStream"},
		{"Packagist:https://packages.example/8", "Drupal/Core", "drupal/core"},
		{"Go", "go", "stdlib"},
		{"SwiftURL", "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio"},
		{"GIT", "https://git.example/Case/repo.git", "git.example/Case/repo"},
	} {
		if got := NormalizeName(tt.ecosystem, tt.name); got != tt.want {
			t.Errorf("NormalizeName(%s, %s) = %s, want %s", tt.ecosystem, tt.name, got, tt.want)
		}
	}
}

// FuzzAffects feeds versions that no table foresees: the evaluation must answer, not panic, and Compare must be
// antisymmetric wherever it compares at all.
func FuzzAffects(f *testing.F) {
	f.Add("npm", "1.0.0", "0", "1.2.3")
	f.Add("Maven", "2.0-beta9", "2.0", "2.15.0")
	f.Add("PyPI", "1!2.0.dev1+local", "0", "1.0.post1")
	f.Add("Debian:11", "1:1.1.1n-0+deb11u5~bpo1", "0", "2")
	f.Add("Alpine:v3.11", "7.79.0_rc1-r0", "0", "7.0_p1")
	f.Add("Packagist", "dev-master", "1.0RC1", "v2")
	f.Add("AlmaLinux:9", "1:2-3^git~rc", "0", "0:2-3")
	f.Fuzz(func(t *testing.T, ecosystem, version, from, to string) {
		r := record(ecosystem, "a", append(span("ECOSYSTEM", introduced(from), fixed(to)), span("SEMVER", fixed(to), introduced(from), limit(version))...), to)
		q := Query{Ecosystem: ecosystem, Name: "a", Version: version}
		r.Affects(q)
		r.FixedVersions(q)
		ab, err1 := Compare(ecosystem, from, to)
		ba, err2 := Compare(ecosystem, to, from)
		if err1 == nil && err2 == nil && orderOf(ecosystem) == semverOrder && (ab < 0) != (ba > 0) {
			t.Errorf("Compare(%q, %q) = %d, and %d the other way round", from, to, ab, ba)
		}
	})
}
