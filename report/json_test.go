package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Writing the result piece by piece gives what encoding/json gives for the whole.
func TestJSONIsThatOfTheWhole(t *testing.T) {
	for name, res := range map[string]*scanner.Result{"sample": sample(), "empty": empty(t), "zero": {}, "many": many(t, 50)} {
		var want, got bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(res); err != nil {
			t.Fatal(err)
		}
		if err := report.JSON(&got, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Errorf("%s (-whole +pieces):\n%s", name, diff)
		}
	}
}

func TestReadJSONRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := report.JSON(&b, sample(), report.Options{}); err != nil {
		t.Fatal(err)
	}
	saved := b.String()
	change := func(from, to string) string {
		if !strings.Contains(saved, from) {
			t.Fatalf("the sample holds no %q", from)
		}
		return strings.Replace(saved, from, to, 1)
	}
	tests := []struct{ name, input, want string }{
		{"nothing", "", "not a saved result"},
		{"no JSON", "packages:\n", "line 1: invalid character"},
		{"cut off", saved[:len(saved)/2], "unexpected end of JSON input"},
		{"data behind the end", saved + "{}", "invalid character '{' after top-level value"},
		{"another document", `{"bomFormat": "CycloneDX"}`, "it has no schema_version; trifecta scan -o json=FILE writes one"},
		{"another version", change(`"schema_version": "1"`, `"schema_version": "99"`), `its schema_version is "99" and this program reads "1"; scan again`},
		{"version of another type", change(`"schema_version": "1"`, `"schema_version": 1`), "line 2: json: cannot unmarshal number"},
		{"field of another type", change(`"offline": true`, `"offline": "yes"`), "cannot unmarshal string into Go struct field"},
		{"severity", change(`"severity": "medium"`, `"severity": "awful"`), `severity "awful" is none of [critical high medium low info unknown]`},
		{"tier", change(`"tier": "act"`, `"tier": ""`), `tier "" is none of [act attend track* track]`},
		{"line", change(`"line": 120`, `"line": -1`), "a line or column is below zero"},
		{"too deep", strings.Repeat("[", 100_000), "exceeded max depth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := report.ReadJSON(strings.NewReader(tt.input))
			if !errors.Is(err, report.ErrNoResult) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// Whatever is read as a result can be reported.
func FuzzReadJSON(f *testing.F) {
	for _, res := range []*scanner.Result{sample(), hostile(), empty(f)} {
		var b bytes.Buffer
		if err := report.JSON(&b, res, report.Options{}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"schema_version":"1","packages":[{}],"images":[{}],"rules":[{}],"notices":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		res, err := report.ReadJSON(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, format := range report.Formats {
			var b bytes.Buffer
			if err := format.Report(&b, res, report.Options{Width: 60, MaxBytes: 5000}); err != nil {
				t.Errorf("%s: %v", format.Name, err)
			}
		}
	})
}
