package intel

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/shared"
)

const (
	kevText  = `{"catalogVersion":"2026.08.07","dateReleased":"2026-08-07T16:45:47.0648Z","count":2,"vulnerabilities":[{"cveID":"CVE-2021-44228"},{"cveID":"CVE-2020-0001"}]}`
	epssText = "#model_version:v2025.03.14,score_date:2026-08-16T12:00:00Z\ncve,epss,percentile\nCVE-2021-44228,0.94358,0.99957\nCVE-2021-23337,0.00462,0.63012\n"
	eolText  = `{"products":{"nodejs":{"title":"Node.js","releases":[
		{"releaseCycle":"22","eol":"2027-04-30","eoas":"2025-10-21"},{"releaseCycle":"2","eol":true},{"releaseCycle":"20","eol":"2026-04-30"},{"releaseCycle":"26","eol":false}]}}}`
)

func pack(t *testing.T, text string) string {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, dir string) (*Data, []string) {
	t.Helper()
	d, notices, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	var messages []string
	for _, n := range notices {
		messages = append(messages, n.Message)
	}
	return d, messages
}

func TestThreats(t *testing.T) {
	for _, epss := range []string{epssFile, epssRaw} {
		t.Run(epss, func(t *testing.T) {
			text := epssText
			if epss == epssFile {
				text = pack(t, epssText)
			}
			d, missing := open(t, folder(t, map[string]string{kevFile: kevText, epss: text}))
			if missing != nil {
				t.Errorf("notices %q", missing)
			}
			got, notices := d.Threats([]string{"CVE-2021-44228", "CVE-2021-23337", "CVE-2020-0001", "CVE-1999-0001"})
			if notices != nil {
				t.Errorf("notices %v", notices)
			}
			score := func(f float64) *float64 { return &f }
			want := map[string]Threat{
				"CVE-2021-44228": {KEV: true, EPSS: score(0.94358)},
				"CVE-2021-23337": {EPSS: score(0.00462)},
				"CVE-2020-0001":  {KEV: true},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			info := d.Info()
			if info.AsOf != "2026-08-16" || info.Count != 4 || !strings.HasPrefix(info.Digest, "sha256:") {
				t.Errorf("info %+v", info)
			}
		})
	}
}

func TestIncomplete(t *testing.T) {
	good := pack(t, epssText)
	tests := []struct {
		name  string
		files map[string]string
		want  string // in the first notice
		known int
	}{
		{"nothing", nil, "has no kev.json", 0},
		{"no scores", map[string]string{kevFile: kevText}, "has no epss.csv.gz", 1},
		{"broken catalogue", map[string]string{kevFile: kevText[:60], epssFile: good}, "kev.json can't be read", 1},
		{"other catalogue", map[string]string{kevFile: `{"error":"not found"}`, epssFile: good}, "lists no vulnerabilities", 1},
		{"cut scores", map[string]string{kevFile: kevText, epssFile: good[:len(good)-12]}, "epss.csv.gz can't be read to its end", 1},
		{"scores that are no gzip", map[string]string{kevFile: kevText, epssFile: epssText}, "epss.csv.gz can't be read", 1},
		{"no number", map[string]string{kevFile: kevText, epssRaw: "CVE-2021-44228,NaN,1\n"}, "no probability", 1},
		{"empty scores", map[string]string{kevFile: kevText, epssRaw: "cve,epss,percentile\n"}, "lists no vulnerabilities", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, messages := open(t, folder(t, test.files))
			threats, notices := d.Threats([]string{"CVE-2021-44228"})
			for _, n := range notices {
				messages = append(messages, n.Message)
			}
			if len(messages) == 0 || !strings.Contains(messages[0], test.want) {
				t.Errorf("notices %q, want %q", messages, test.want)
			}
			if len(threats) != test.known {
				t.Errorf("threats %v, want %d", threats, test.known)
			}
		})
	}
	if _, _, err := Open(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing folder opens")
	}
}

func TestNothing(t *testing.T) {
	var d *Data
	if threats, notices := d.Threats([]string{"CVE-2021-44228"}); len(threats) != 0 || notices != nil {
		t.Errorf("%v %v", threats, notices)
	}
	if d.Info() != (Info{}) || d.Close() != nil {
		t.Error("no data has a description")
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	inside, beside := filepath.Join(root, "a"), filepath.Join(root, "b", "osv")
	for _, dir := range []string{filepath.Join(inside, "intel"), filepath.Join(root, "b", "intel"), beside} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{filepath.Join(inside, "intel", kevFile), filepath.Join(root, "b", "intel", eolFile)} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for db, want := range map[string]string{
		inside:                      filepath.Join(inside, "intel"),
		beside + "/":                filepath.Join(root, "b", "intel"),
		filepath.Join(root, "c.db"): "",
		"":                          "",
	} {
		if got := Find(db); got != want {
			t.Errorf("Find(%q) = %q, want %q", db, got, want)
		}
	}
}

func TestProduct(t *testing.T) {
	d, _ := open(t, folder(t, map[string]string{eolFile: eolText}))
	p, ok, err := d.Product("nodejs")
	if err != nil || !ok {
		t.Fatalf("nodejs: %v %v", ok, err)
	}
	tests := []struct {
		version, cycle string
		passed         bool // on 2026-11-01
	}{
		{"22.1.0", "22", false}, {"v20.9.0", "20", true}, {"2.0.1", "2", true}, {"26", "26", false}, {"21.0.0", "", false},
	}
	for _, test := range tests {
		r, ok := p.Release(test.version)
		if r.Cycle != test.cycle || ok != (test.cycle != "") || r.EndOfLife.Passed("2026-11-01") != test.passed {
			t.Errorf("%s: %+v", test.version, r)
		}
	}
	if _, ok, err := d.Product("unheard-of"); ok || err != nil {
		t.Errorf("unheard-of: %v %v", ok, err)
	}
	broken, _ := open(t, folder(t, map[string]string{eolFile: "{"}))
	if _, _, err := broken.Product("nodejs"); err == nil {
		t.Error("broken file read")
	}
}

func TestSharedData(t *testing.T) {
	d, missing := open(t, filepath.Join(shared.Dir(t), "intel"))
	if missing != nil {
		t.Errorf("notices %q", missing)
	}
	threats, notices := d.Threats([]string{"CVE-2021-44228"})
	if got := threats["CVE-2021-44228"]; len(notices) != 0 || !got.KEV || got.EPSS == nil || *got.EPSS < 0.5 {
		t.Errorf("log4shell: %+v %v", got, notices)
	}
	if p, ok, err := d.Product("nodejs"); !ok || err != nil || len(p.Releases) < 10 {
		t.Errorf("nodejs: %v %v, %d releases", ok, err, len(p.Releases))
	}
}

func FuzzThreats(f *testing.F) {
	f.Add([]byte(kevText), []byte(epssText), []byte(eolText))
	f.Add([]byte("{}"), []byte("CVE-2021-44228,2,1"), []byte(`{"products":{"nodejs":{"releases":[{"eol":1}]}}}`))
	f.Fuzz(func(t *testing.T, kev, epss, eol []byte) {
		d, _ := open(t, folder(t, map[string]string{kevFile: string(kev), epssRaw: string(epss), eolFile: string(eol)}))
		threats, _ := d.Threats([]string{"CVE-2021-44228"})
		for cve, threat := range threats {
			if threat.EPSS != nil && !(*threat.EPSS >= 0 && *threat.EPSS <= 1) {
				t.Errorf("%s: %v", cve, *threat.EPSS)
			}
		}
		d.Product("nodejs")
	})
}

func BenchmarkThreats(b *testing.B) {
	dir := filepath.Join(shared.Dir(b), "intel")
	var cves []string
	for i := range 500 {
		cves = append(cves, fmt.Sprintf("CVE-2021-%d", 23000+i))
	}
	for b.Loop() {
		d, _, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		d.Threats(cves)
		d.Close()
	}
}

func TestSnapshot(t *testing.T) {
	p, day, ok := Snapshot("amazon-linux")
	if !ok || day == "" {
		t.Fatalf("amazon-linux is in the snapshot of %q: %v", day, ok)
	}
	r, ok := p.Release("2")
	if !ok || !r.EndOfLife.Passed("2026-07-01") || r.EndOfLife.Passed("2026-06-01") {
		t.Errorf("Amazon Linux 2 ends on %+v", r.EndOfLife)
	}
	if _, _, ok := Snapshot("no-such-product"); ok {
		t.Error("a product that is not there")
	}
}
