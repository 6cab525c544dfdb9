package report_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func render(tb testing.TB, f report.Format, res *scanner.Result, opts report.Options) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := f.Report(&b, res, opts); err != nil {
		tb.Fatalf("%s: %v", f.Name, err)
	}
	return b.Bytes()
}

// Every format has a golden file of the sample, of an empty result and of hostile strings.
func TestGolden(t *testing.T) {
	for _, f := range report.Formats {
		t.Run(f.Name, func(t *testing.T) {
			golden.Check(t, filepath.Join("testdata", f.Name+".golden"), render(t, f, sample(), report.Options{}))
			golden.Check(t, filepath.Join("testdata", f.Name+"-empty.golden"), render(t, f, empty(t), report.Options{}))
			golden.Check(t, filepath.Join("testdata", f.Name+"-hostile.golden"), render(t, f, hostile(), report.Options{}))
		})
	}
}

// A report made from a saved result has the bytes of the one that the scan writes.
func TestSavedResult(t *testing.T) {
	for name, res := range map[string]*scanner.Result{"sample": sample(), "hostile": hostile(), "empty": empty(t), "many": many(t, 500)} {
		var saved bytes.Buffer
		if err := report.JSON(&saved, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		read, err := report.ReadJSON(&saved)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, f := range report.Formats {
			want, got := render(t, f, res, report.Options{}), render(t, f, read, report.Options{})
			if !bytes.Equal(want, got) {
				t.Errorf("%s, %s: a saved result gives another report (-scan +saved):\n%s", name, f.Name, cmp.Diff(string(want), string(got)))
			}
		}
	}
}

func TestSameBytes(t *testing.T) {
	for _, f := range report.Formats {
		first := render(t, f, sample(), report.Options{})
		for range 5 {
			if again := render(t, f, sample(), report.Options{}); !bytes.Equal(first, again) {
				t.Fatalf("%s: equal results give different bytes:\n%s", f.Name, cmp.Diff(string(first), string(again)))
			}
		}
	}
}

// What a scanned tree says never reaches a terminal as anything but visible characters.
func TestNoControlCharacters(t *testing.T) {
	for _, f := range report.Formats {
		for _, r := range string(render(t, f, hostile(), report.Options{Width: 80})) {
			if r != '\n' && r != utf8.RuneError && !unicode.IsPrint(r) {
				if f.Name != "text" && f.Name != "markdown" && r == '\u202e' { // data for programs, and legal in it
					continue
				}
				t.Errorf("%s: %q reaches the report", f.Name, r)
				break
			}
		}
	}
}

func TestReportersChangeNothing(t *testing.T) {
	res, untouched := sample(), sample()
	for _, f := range report.Formats {
		render(t, f, res, report.Options{})
	}
	if diff := cmp.Diff(untouched, res); diff != "" {
		t.Errorf("a reporter changed the result:\n%s", diff)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("no space left")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	for _, f := range report.Formats {
		if err := f.Report(brokenWriter{}, sample(), report.Options{}); !errors.Is(err, errBroken) {
			t.Errorf("%s: error %v, want %v", f.Name, err, errBroken)
		}
	}
}

func TestParseOutputs(t *testing.T) {
	tests := []struct {
		specs []string
		want  string // FORMAT>FILE
		err   string
	}{
		{nil, "text>", ""},
		{[]string{"json"}, "json>", ""},
		{[]string{"text", "sarif=out.sarif"}, "text> sarif>out.sarif", ""},
		{[]string{"json=-"}, "json>", ""},
		{[]string{"json=a=b.json"}, "json>a=b.json", ""},
		{[]string{"yaml"}, "", `"yaml" is no report format; use one of text, json, sarif, markdown, cyclonedx, spdx, osv-json, openvex, html, csv, junit`},
		{[]string{"json="}, "", "names no file"},
		{[]string{"text", "json"}, "", "text and json both go to standard output; give one of them a file: json=FILE"},
		{[]string{"json=x", "sarif=./x"}, "", "json and sarif both go to x"},
	}
	for _, tt := range tests {
		outputs, err := report.ParseOutputs(tt.specs)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q: error %v, want %q", tt.specs, err, tt.err)
			}
			continue
		}
		var got []string
		for _, o := range outputs {
			got = append(got, o.Format.Name+">"+o.File)
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%q: %v, %v; want %s", tt.specs, got, err, tt.want)
		}
	}
}

func TestOutputWrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.txt")
	if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	failing := report.Output{File: file, Format: report.Format{Name: "failing", Report: func(w io.Writer, _ *scanner.Result, _ report.Options) error {
		io.WriteString(w, "half")
		return errBroken
	}}}
	if err := failing.Write(nil, sample(), report.Options{}); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want %v", err, errBroken)
	}
	if got, _ := os.ReadFile(file); string(got) != "before" {
		t.Errorf("a failed report left %q in its file", got)
	}
	outputs, err := report.ParseOutputs([]string{"text=" + file})
	if err != nil {
		t.Fatal(err)
	}
	if err := outputs[0].Write(nil, sample(), report.Options{Width: 300, Color: true}); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file)
	if want := render(t, outputs[0].Format, sample(), report.Options{}); !bytes.Equal(got, want) {
		t.Errorf("the file is not the plain report:\n%s", got)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("temporary files are left: %v", entries)
	}
}

func BenchmarkReports(b *testing.B) {
	res := many(b, 5000)
	for _, f := range report.Formats {
		b.Run(f.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Report(io.Discard, res, report.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
