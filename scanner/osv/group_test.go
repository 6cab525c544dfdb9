package osv

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func TestGroups(t *testing.T) {
	tests := []struct {
		name    string
		records []string // id, then "a:" aliases and "u:" upstream ids
		want    []string
	}{
		{"apart", []string{"GHSA-1 a:CVE-1", "GHSA-2 a:CVE-2", "X-1"}, []string{"GHSA-1", "GHSA-2", "X-1"}},
		{"one names the other", []string{"GHSA-1 a:PYSEC-1", "PYSEC-1"}, []string{"GHSA-1 PYSEC-1"}},
		{"common alias", []string{"GHSA-1 a:CVE-1", "PYSEC-1 a:CVE-1"}, []string{"GHSA-1 PYSEC-1"}},
		{"through a third", []string{"A-1 a:CVE-1", "C-1 a:CVE-2", "B-1 a:CVE-1,CVE-2"}, []string{"A-1 B-1 C-1"}},
		{"late bridge between early groups", []string{"A-1", "B-1", "C-1 a:B-1", "D-1 a:A-1,C-1"}, []string{"A-1 B-1 C-1 D-1"}},
		{"upstream", []string{"DSA-1 u:CVE-1,CVE-2", "DEBIAN-CVE-2 u:CVE-2"}, []string{"DEBIAN-CVE-2 DSA-1"}},
		{"no records", nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for range 2 {
				var got []string
				for _, g := range groups(named(test.records)) {
					var ids []string
					for _, r := range g {
						ids = append(ids, r.ID)
					}
					got = append(got, strings.Join(ids, " "))
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				for i, j := 0, len(test.records)-1; i < j; i, j = i+1, j-1 { // the order of records must not matter
					test.records[i], test.records[j] = test.records[j], test.records[i]
				}
			}
		})
	}
}

func named(texts []string) []*advisory.Record {
	var all []*advisory.Record
	for _, text := range texts {
		r := &advisory.Record{}
		for i, field := range strings.Fields(text) {
			switch rest, isAlias := strings.CutPrefix(field, "a:"); {
			case i == 0:
				r.ID = field
			case isAlias:
				r.Aliases = strings.Split(rest, ",")
			default:
				r.Upstream = strings.Split(strings.TrimPrefix(field, "u:"), ",")
			}
		}
		all = append(all, r)
	}
	return all
}

func TestIDs(t *testing.T) {
	tests := []struct {
		name    string
		records []string
		id, key string
		aliases []string
	}{
		{"GHSA first", []string{"PYSEC-1 a:CVE-2,CVE-1,GHSA-b,GHSA-a"}, "GHSA-a", "CVE-1", []string{"CVE-1", "CVE-2", "GHSA-b", "PYSEC-1"}},
		{"then CVE", []string{"PYSEC-1 a:CVE-2021-9,BIT-1"}, "CVE-2021-9", "CVE-2021-9", []string{"BIT-1", "PYSEC-1"}},
		{"then its own", []string{"x_B-2 a:x_A-1", "x_A-1"}, "x_A-1", "x_A-1", []string{"x_B-2"}},
		{"one upstream is the same trouble", []string{"DEBIAN-CVE-1 u:CVE-1"}, "CVE-1", "CVE-1", []string{"DEBIAN-CVE-1"}},
		{"several upstream are not", []string{"DSA-1 u:CVE-1,CVE-2"}, "DSA-1", "DSA-1", []string{"CVE-1", "CVE-2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := merged(named(test.records))
			if g.id != test.id || g.key != test.key {
				t.Errorf("id %s, key %s; want %s, %s", g.id, g.key, test.id, test.key)
			}
			if diff := cmp.Diff(test.aliases, g.shared.Aliases); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSeverity(t *testing.T) {
	const (
		v4   = `{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N"}` // 6.9
		v31  = `{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}`                    // 9.8
		v30  = `{"type":"CVSS_V3","score":"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}`                    // 7.5
		v2   = `{"type":"CVSS_V2","score":"AV:N/AC:M/Au:N/C:N/I:P/A:N"}`                                      // 4.3
		zero = `{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"}`
	)
	entry := func(rest string) string { return `"affected":[{"package":{"ecosystem":"npm","name":"p"}` + rest + `}]` }
	tests := []struct {
		name   string
		record string // without id
		want   scanner.Severity
		rating string
	}{
		{"4.0 first", `"severity":[` + v31 + `,` + v4 + `]`, scanner.Medium, ""},
		{"3.1 before 3.0", `"severity":[` + v30 + `,` + v31 + `]`, scanner.Critical, ""},
		{"3.0 before 2.0", `"severity":[` + v2 + `,` + v30 + `]`, scanner.High, ""},
		{"2.0 alone", `"severity":[` + v2 + `]`, scanner.Medium, ""},
		{"of the package", entry(`,"severity":[` + v30 + `]`), scanner.High, ""},
		{"of another package", `"affected":[{"package":{"ecosystem":"npm","name":"q"},"severity":[` + v30 + `]}]`, scanner.Unknown, ""},
		{"harmless", `"severity":[` + zero + `]`, scanner.Info, ""},
		{"malformed, then the word", `"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:X"}],"database_specific":{"severity":"CRITICAL"}`, scanner.Critical, "CRITICAL"},
		{"vector beats word", `"severity":[` + v2 + `],"database_specific":{"severity":"CRITICAL"}`, scanner.Medium, ""},
		{"GitHub's moderate", `"database_specific":{"severity":"MODERATE"}`, scanner.Medium, "MODERATE"},
		{"Ubuntu's priority", `"severity":[{"type":"Ubuntu","score":"low"}]`, scanner.Low, "low"},
		{"Debian's urgency", entry(`,"ecosystem_specific":{"urgency":"unimportant"}`), scanner.Info, "unimportant"},
		{"not yet assigned", entry(`,"ecosystem_specific":{"urgency":"not yet assigned"}`), scanner.Unknown, ""},
		{"unmaintained", entry(`,"database_specific":{"informational":"unmaintained"}`), scanner.Info, "informational"},
		{"unsound is not said to be harmless", entry(`,"database_specific":{"informational":"unsound"}`), scanner.Unknown, ""},
		{"a score without vector", `"database_specific":{"cvss_v3_base":8.1}`, scanner.High, "high"},
		{"the word is a number", `"database_specific":{"severity":7,"cwe_ids":"CWE-1"}`, scanner.Unknown, ""},
		{"not an object", `"database_specific":[1]`, scanner.Unknown, ""},
		{"nothing", `"summary":"x"`, scanner.Unknown, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := merged(records(t, `{"id":"GHSA-1",`+test.record+`}`))
			a := g.about(advisory.Query{Ecosystem: "npm", Name: "p"})
			if got := severity(&a, g); got != test.want || a.Rating != test.rating {
				t.Errorf("%s, rating %q; want %s, %q", got, a.Rating, test.want, test.rating)
			}
		})
	}
}

func TestExploited(t *testing.T) {
	tests := []struct{ record, want string }{
		{`"references":[{"type":"WEB","url":"https://blog.example"}]`, ""},
		{`"references":[{"type":"EVIDENCE","url":"https://blog.example/poc"}]`, "poc"},
		{`"references":[{"type":"WEB","url":"https://www.exploit-db.com/exploits/1"}]`, "poc"},
		{`"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P"}]`, "poc"},
		{`"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N/E:A"}]`, "active"},
		{`"severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N"}]`, ""},
	}
	for _, test := range tests {
		if got := merged(records(t, `{"id":"GHSA-1",`+test.record+`}`)).shared.Exploited; got != test.want {
			t.Errorf("%s: %q, want %q", test.record, got, test.want)
		}
	}
}

func TestFixedVersions(t *testing.T) {
	record := func(id string, events ...string) string {
		return fmt.Sprintf(`{"id":%q,"aliases":["CVE-1"],"affected":[{"package":{"ecosystem":"npm","name":"p"},"ranges":[{"type":"SEMVER","events":[%s]}]}]}`, id, strings.Join(events, ","))
	}
	const zero = `{"introduced":"0"}`
	tests := []struct {
		name    string
		records []string
		want    []string // for version 1.5.0
	}{
		{"the later of two opinions", []string{record("A", zero, `{"fixed":"1.6.0"}`), record("B", zero, `{"fixed":"1.7.0"}`)}, []string{"1.7.0"}},
		{"no opinion is no obstacle", []string{record("A", zero, `{"fixed":"1.6.0"}`), record("B", zero, `{"last_affected":"1.5.9"}`)}, []string{"1.6.0"}},
		{"a known obstacle", []string{record("A", zero, `{"fixed":"1.6.0"}`), record("B", zero)}, nil},
		{"a fix that another record calls affected", []string{record("A", zero, `{"fixed":"2.0.0"}`), record("B", `{"introduced":"1.0.0"}`, `{"fixed":"1.9.0"}`, `{"introduced":"2.0.0"}`, `{"fixed":"2.1.0"}`)}, nil},
		{"never fixed", []string{record("A", zero)}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pkg := npm("p", "1.5.0")
			got := merged(records(t, test.records...)).fixedVersions(&question{pkg: &pkg, query: advisory.Query{Ecosystem: "npm", Name: "p", Version: "1.5.0"}})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRules(t *testing.T) {
	all := newRules()
	all.add(merged(records(t, lodashOther, lodashGHSA)))
	all.add(merged(records(t, lodashGHSA)))
	all.add(merged(records(t, evil)))
	all.add(merged(records(t, `{"id":"SHOP-1","details":"`+strings.Repeat("word ", 2000)+`","references":[{"type":"FIX","url":"https://git.example"},{"type":"WEB","url":"https://shop.example/1"}]}`)))
	list := all.list()
	if len(list) != 3 {
		t.Fatalf("%d rules", len(list))
	}
	if diff := cmp.Diff([]string{"CVE-2021-23337", "x_OTHER-7"}, list[0].Aliases); diff != "" {
		t.Error(diff)
	}
	if r := list[1]; r.Severity != scanner.Critical || r.Tags[1] != "malware" {
		t.Errorf("%+v", r)
	}
	if r := list[2]; r.URL != "https://shop.example/1" || len(r.Help) > maxDetails+500 || len(r.Title) > maxSummary {
		t.Errorf("url %s, help of %d bytes, title %q", r.URL, len(r.Help), r.Title)
	}
}

func TestCut(t *testing.T) {
	if got := cut("short", 10); got != "short" {
		t.Errorf("%q", got)
	}
	if got := cut("first paragraph\n\n```\ncode that goes on", 25); got != "first paragraph\n\n..." {
		t.Errorf("%q", got)
	}
	if got := cut("```\ncode that goes on and on", 20); strings.Count(got, "```") != 2 {
		t.Errorf("%q leaves a block open", got)
	}
	if got := cut(strings.Repeat("ä", 50), 33); strings.Contains(got, "\ufffd") {
		t.Errorf("%q", got)
	}
}

func FuzzMerged(f *testing.F) {
	for _, text := range []string{lodashGHSA, lodashOther, evil, byCommit} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := new(advisory.Record)
		if json.Unmarshal(data, r) != nil {
			return
		}
		g := merged([]*advisory.Record{r})
		a := g.about(advisory.Query{Ecosystem: "npm", Name: "lodash"})
		severity(&a, g)
		rule(g)
		pkg := npm("lodash", "4.17.15")
		g.fixedVersions(&question{pkg: &pkg, query: advisory.Query{Ecosystem: "npm", Name: "lodash", Version: "4.17.15"}})
	})
}
