package report

import (
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestClassifyLicense(t *testing.T) {
	tests := []struct {
		in   string
		want license
	}{
		{"MIT", license{id: "MIT"}},
		{" mit ", license{id: "MIT"}},
		{"GPL-2.0", license{id: "GPL-2.0"}}, // deprecated, and still on the list
		{"Apache-2.0 OR MIT", license{expression: "Apache-2.0 OR MIT"}},
		{"(MIT AND GPL-2.0-only WITH Classpath-exception-2.0)", license{expression: "(MIT AND GPL-2.0-only WITH Classpath-exception-2.0)"}},
		{"GPL-2.0-or-later", license{id: "GPL-2.0-or-later"}},
		{"Apache License, Version 2.0", license{name: "Apache License, Version 2.0"}},
		{"SEE LICENSE IN LICENSE.md", license{name: "SEE LICENSE IN LICENSE.md"}},
		{"LicenseRef-ours", license{name: "LicenseRef-ours"}}, // it would have to be defined
		{"MIT OR", license{name: "MIT OR"}},
		{"MIT OR (", license{name: "MIT OR ("}},
		{"MIT ISC", license{name: "MIT ISC"}},
		{"(MIT))", license{name: "(MIT))"}},
		{"(MIT OR ISC) WITH Classpath-exception-2.0", license{name: "(MIT OR ISC) WITH Classpath-exception-2.0"}},
		{"MIT WITH MIT", license{name: "MIT WITH MIT"}},
		{"MIT or ISC", license{name: "MIT or ISC"}}, // operators are written in capitals
		{"((Apache-2.0+ AND MIT) OR ISC)", license{expression: "((Apache-2.0+ AND MIT) OR ISC)"}},
		{"", license{}},
		{strings.Repeat("(", 1000), license{name: strings.Repeat("(", 1000)}},
	}
	for _, tt := range tests {
		if got := (licenses{}).classify(tt.in); got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.in, got, tt.want)
		}
	}
}

func FuzzClassifyLicense(f *testing.F) {
	for _, s := range []string{"MIT", "Apache-2.0 OR MIT", "(MIT AND GPL-2.0-only WITH Classpath-exception-2.0)", "GPL-2.0+", "LicenseRef-x", "MIT OR (", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		known := licenses{}
		list := known.of(&inventory.Package{Licenses: []string{s, "MIT"}})
		for _, l := range list {
			set := 0
			for _, s := range []string{l.id, l.expression, l.name} {
				if s != "" {
					set++
				}
			}
			if set != 1 {
				t.Errorf("%q becomes %+v", s, l)
			}
		}
		joined(list, func(string) string { return "LicenseRef-x" })
	})
}

func TestHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "lodash": "lodash", "@babel/core": "@babel/core", "@SUM(A1)": "'@SUM(A1)", "=1+1": "'=1+1", "-1": "'-1", "+1": "'+1",
		"@a/b=cmd|' /C calc'!A0": "'@a/b=cmd|' /C calc'!A0", "@acme/x 1.0.0 is affected": "@acme/x 1.0.0 is affected",
	} {
		if got := harmless(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\nb\tc": "a b c", "\x1b[31mred": `\x1b[31mred`, "\u202egnp.exe": `\u202egnp.exe`, "\u009b2J": `\x9b2J`, "日本語": "日本語",
		"bad \xff byte": "bad \ufffd byte", "zero\u200bwidth": `zero\u200bwidth`, "del\x7f": `del\x7f`, "no\u00a0break": "no break",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in   string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöü", 3, "äöü"}, {"äöüß", 3, "äö…"}, {"", 3, ""}, {"ab", 1, "…"}} {
		if got := cut(tt.in, tt.n); got != tt.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}
