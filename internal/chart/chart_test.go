package chart_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/chart"
)

const metadata = "apiVersion: v2\nname: shop\nversion: 1.2.3\nappVersion: \"9\"\n"

// load makes a chart of files; Chart.yaml is there by default.
func load(tb testing.TB, files map[string]string) *chart.Chart {
	tb.Helper()
	list := []chart.File{}
	for name, text := range files {
		list = append(list, chart.File{Name: name, Data: []byte(text)})
	}
	if _, ok := files["Chart.yaml"]; !ok {
		list = append(list, chart.File{Name: "Chart.yaml", Data: []byte(metadata)})
	}
	slices.SortFunc(list, func(a, b chart.File) int { return strings.Compare(a.Name, b.Name) })
	c, err := chart.Load("deploy/shop", list)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// render returns the output of the templates, and their problems.
func render(tb testing.TB, files map[string]string, values string) (string, []string) {
	tb.Helper()
	given, err := chart.ParseValues([]byte(values))
	if err != nil {
		tb.Fatal(err)
	}
	rendered, problems, err := load(tb, files).Render(tb.Context(), chart.Options{Values: given})
	if err != nil {
		tb.Fatal(err)
	}
	var out strings.Builder
	for _, r := range rendered {
		out.Write(bytes.TrimSuffix(r.Text, []byte("\n")))
	}
	var messages []string
	for _, p := range problems {
		messages = append(messages, fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Message))
	}
	return out.String(), messages
}

func TestRender(t *testing.T) {
	tests := []struct {
		name     string
		files    map[string]string
		values   string
		want     string
		problems []string
	}{
		{"values of the file and of the user", map[string]string{
			"values.yaml":      "a: 1\nb: {x: 1, z: 2}\nc: 3\n",
			"templates/a.yaml": "{{ .Values.a }} {{ .Values.b.x }} {{ .Values.b.z }} {{ .Values.c }} {{ .Values.none }}",
		}, "b: {z: 5}\nc: null\n", "1 1 5  ", nil},
		{"what templates know", map[string]string{
			"templates/a.yaml": "{{ .Chart.Name }} {{ .Chart.AppVersion }} {{ .Release.Name }} {{ .Release.Namespace }} {{ .Template.Name }} {{ .Release.Service }} {{ .Chart.IsRoot }}",
		}, "", "shop 9 shop default shop/templates/a.yaml Helm true", nil},
		{"definitions and includes", map[string]string{
			"templates/_h.tpl": "{{ define \"n\" }}name-{{ .Chart.Name }}{{ end }}",
			"templates/a.yaml": "a: {{ include \"n\" . | upper }}\nb: {{ tpl \"{{ .Release.Name }}-{{ include \\\"n\\\" . }}\" . }}",
		}, "", "a: NAME-SHOP\nb: shop-name-shop", nil},
		{"a sub-chart, its values and global ones", map[string]string{
			"values.yaml":                    "db: {port: 2}\nglobal: {region: eu}\n",
			"charts/db/Chart.yaml":           "apiVersion: v2\nname: db\nversion: 0.1.0\n",
			"charts/db/values.yaml":          "port: 1\nname: pg\n",
			"charts/db/templates/a.yaml":     "{{ .Values.port }} {{ .Values.name }} {{ .Values.global.region }} {{ .Chart.IsRoot }};",
			"charts/unused/Chart.yaml":       "apiVersion: v2\nname: unused\nversion: 0.1.0\n",
			"charts/unused/templates/a.yaml": "unused;",
			"templates/a.yaml":               "{{ .Values.db.name }}",
		}, "", "2 pg eu false;unused;pg", nil},
		{"conditions, tags and aliases", map[string]string{
			"Chart.yaml":            metadata + "dependencies:\n- {name: db, version: 0.1.0, condition: db.enabled}\n- {name: q, version: '>=0.1', tags: [queues]}\n- {name: q, version: '>=0.1', alias: second}\n",
			"values.yaml":           "tags: {queues: false}\nsecond: {name: two}\n",
			"charts/db/Chart.yaml":  "apiVersion: v2\nname: db\nversion: 0.1.0\n",
			"charts/db/templates/a": "db;",
			"charts/q/Chart.yaml":   "apiVersion: v2\nname: q\nversion: 0.1.0\n",
			"charts/q/templates/a":  "{{ .Chart.Name }} {{ .Values.name }};",
		}, "db: {enabled: false}", "second two;", nil},
		{"imported values", map[string]string{
			"Chart.yaml":            metadata + "dependencies:\n- {name: db, version: 0.1.0, import-values: [data, {child: inner, parent: outer}]}\n",
			"charts/db/Chart.yaml":  "apiVersion: v2\nname: db\nversion: 0.1.0\n",
			"charts/db/values.yaml": "exports: {data: {port: 5}}\ninner: {x: 1}\n",
			"templates/a.yaml":      "{{ .Values.port }} {{ .Values.outer.x }}",
		}, "", "5 1", nil},
		{"files", map[string]string{
			"conf/a.txt": "one\ntwo\n", "conf/b.txt": "b",
			"templates/a.yaml": "{{ .Files.Get \"conf/a.txt\" | trim | quote }} {{ range $n, $_ := .Files.Glob \"conf/*\" }}{{ $n }} {{ end }}{{ .Files.Lines \"conf/a.txt\" }} {{ (.Files.Glob \"conf/b*\").AsSecrets }}",
		}, "", "\"one\\ntwo\" conf/a.txt conf/b.txt [one two] b.txt: Yg==", nil},
		{"nothing of the cluster, the machine or chance", map[string]string{
			"templates/a.yaml": "{{ lookup \"v1\" \"Secret\" \"\" \"\" }}{{ getHostByName \"localhost\" }} {{ randAlphaNum 4 }} {{ now | date \"2006\" }} {{ (genCA \"a\" 1).Key }}",
		}, "", "map[] xxxx 1970 trifectafixedvalue", nil},
		{"the environment of the process", map[string]string{
			"templates/a.yaml": "{{ env \"PATH\" }}", "templates/b.yaml": "b",
		}, "", "b", []string{`deploy/shop/templates/a.yaml:1: function "env" not defined`}},
		{"one template fails", map[string]string{
			"templates/a.yaml": "a\n{{ fail \"no\" }}", "templates/b.yaml": "b",
		}, "", "b", []string{"deploy/shop/templates/a.yaml:2: error calling fail: the chart says: no"}},
		{"a missing value is marked", map[string]string{"templates/a.yaml": "{{ required \"say which\" .Values.image }}:{{ required \"tag\" \"1\" }}"}, "", "trifectarequiredvalue0x:1", nil},
		{"notes are not rendered", map[string]string{"templates/NOTES.txt": "{{ fail \"x\" }}", "templates/a.yaml": "a"}, "", "a", nil},
		{"numbers as Helm has them", map[string]string{"values.yaml": "a: 8080\nb: 1.5\nc: 10000000\n", "templates/a.yaml": "{{ .Values.a }} {{ .Values.b }} {{ .Values.c }} {{ .Values.c | int }} {{ toYaml .Values }}"}, "",
			"8080 1.5 1e+07 10000000 a: 8080\nb: 1.5\nc: 10000000", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := render(t, tt.files, tt.values)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What templates of strangers may try. Each ends soon, with an error or with less than it asked for.
var bombs = map[string]string{
	"long loop":            `{{ range until 100000000 }}x{{ end }}`,
	"loops in loops":       `{{ $l := until 100000 }}{{ range $l }}{{ range $l }}{{ range $l }}{{ end }}{{ end }}{{ end }}`,
	"a template in itself": `{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`,
	"includes in includes": `{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`,
	"tpl in itself":        `{{ $t := "{{ tpl . . }}" }}{{ tpl $t $t }}`,
	"doubling":             `{{ $x := "abcdefgh" }}{{ range until 100 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`,
	"fan of includes":      `{{ define "a0" }}x{{ end }}` + fan() + `{{ include "a40" . }}`,
	"doubling lists":       `{{ $x := list 1 2 }}{{ range until 100 }}{{ $x = concat $x $x }}{{ end }}`,
	"lists in lists":       `{{ $x := list 1 2 }}{{ range until 40 }}{{ $x = list $x $x }}{{ end }}{{ toYaml $x }}`,
	"lists in lists shown": `{{ $x := list 1 2 }}{{ range until 40 }}{{ $x = list $x $x }}{{ end }}{{ $x }}`,
	"repeat":               `{{ repeat 1000000000 "x" }}`,
	"indent":               `{{ indent 1000000000 "x" }}`,
	"replace":              `{{ $x := repeat 1000000 "x" }}{{ replace "x" $x $x }}`,
	"join":                 `{{ $x := repeat 1000000 "x" }}{{ $l := list }}{{ range until 1000 }}{{ $l = append $l $x }}{{ end }}{{ join "," $l }}`,
	"wide numbers":         `{{ printf "%1000000000d" 1 }}`,
	"many random":          `{{ randAlphaNum 1000000000 }}`,
	"uniq":                 `{{ until 100000 | uniq }}`,
	"texts that are kept":  `{{ $x := repeat 4000000 "x" }}{{ $l := list }}{{ range until 100000 }}{{ $l = append $l (printf "%s%d" $x .) }}{{ end }}`,
	"work for nothing":     `{{ range until 200000 }}{{ $x := repeat 1000000 "x" | sha256sum }}{{ end }}`,
	"sequence":             `{{ seq 1 2 2000000000 }}`,
}

func fan() string {
	var b strings.Builder
	for i := 1; i <= 40; i++ {
		fmt.Fprintf(&b, `{{ define "a%d" }}{{ include "a%d" . }}{{ include "a%d" . }}{{ end }}`, i, i-1, i-1)
	}
	return b.String()
}

func TestBombs(t *testing.T) {
	for name, text := range bombs {
		t.Run(name, func(t *testing.T) {
			c := load(t, map[string]string{"templates/a.yaml": text, "templates/z.yaml": "fine: true\n"})
			rendered, problems, err := c.Render(t.Context(), chart.Options{Limits: chart.Limits{Time: 2 * time.Second, Output: 1 << 20, Steps: 1_000_000}})
			if err == nil && len(problems) == 0 {
				t.Errorf("it was rendered to the end: %d templates", len(rendered))
			}
			if err != nil {
				t.Errorf("a function was left behind: %v", err)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	const text = "kind: X\n{{- if true }}\nname: {{ include \"n\" . }}\nports:\n{{- range until 2 }}\n- port: {{ . }}\n{{- end }}\n{{- end }}\n{{ toYaml .Values.extra }}\nend: x\n"
	c := load(t, map[string]string{
		"templates/_h.tpl": "{{ define \"n\" }}web{{ end }}", "templates/a.yaml": text, "values.yaml": "extra: {a: 1, b: 2}\n",
	})
	rendered, problems, err := c.Render(t.Context(), chart.Options{})
	if err != nil || len(problems) > 0 || len(rendered) != 1 {
		t.Fatal(rendered, problems, err)
	}
	r := rendered[0]
	tests := map[string]string{
		"kind": "1:1", "name": "3:1", "web": "3:0", "ports": "4:1", "port: 0": "6:3", "port: 1": "6:3", "a: 1": "9:0", "b: 2": "9:0", "end": "10:1",
	}
	for what, want := range tests {
		at := bytes.Index(r.Text, []byte(what))
		if at < 0 {
			t.Fatalf("no %q in %s", what, r.Text)
		}
		name, line, column := r.At(at)
		if got := fmt.Sprintf("%d:%d", line, column); got != want || name != "deploy/shop/templates/a.yaml" {
			t.Errorf("%q comes from %s:%s, want %s", what, name, got, want)
		}
	}
}

func TestArchives(t *testing.T) {
	archive := func(files map[string]string) string {
		var b bytes.Buffer
		zipped := gzip.NewWriter(&b)
		w := tar.NewWriter(zipped)
		for name, text := range files {
			if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := zipped.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	good := archive(map[string]string{"db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 0.1.0\n", "db/templates/a.yaml": "a: 1\n", "../evil": "x"})
	c := load(t, map[string]string{"charts/db-0.1.0.tgz": good})
	rendered, _, err := c.Render(t.Context(), chart.Options{})
	if err != nil || len(rendered) != 1 {
		t.Fatal(rendered, err)
	}
	if name, line, _ := rendered[0].At(0); name != "deploy/shop/charts/db-0.1.0.tgz" || line != 0 {
		t.Errorf("it comes from %s:%d", name, line)
	}
	huge := archive(map[string]string{"db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 0.1.0\n", "db/big": strings.Repeat("0", 40<<20)})
	for name, data := range map[string]string{"bomb": huge, "cut off": good[:50], "no archive": "x"} {
		_, err := chart.Load("c", []chart.File{{Name: "Chart.yaml", Data: []byte(metadata)}, {Name: "charts/db-0.1.0.tgz", Data: []byte(data)}})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMissing(t *testing.T) {
	c := load(t, map[string]string{"Chart.yaml": metadata + "dependencies:\n- {name: a, version: 1.x, repository: 'https://charts.example'}\n- {name: b, version: 1.x, condition: b.enabled}\n", "values.yaml": "b: {enabled: false}\n"})
	if _, _, err := c.Render(t.Context(), chart.Options{}); err != nil {
		t.Fatal(err)
	}
	want := []chart.Dependency{{Name: "a", Version: "1.x", Repository: "https://charts.example"}}
	if diff := cmp.Diff(want, c.Missing()); diff != "" {
		t.Error(diff)
	}
}

func FuzzRender(f *testing.F) {
	for _, text := range bombs {
		f.Add(text, "a: 1\n")
	}
	f.Add("{{ range $k, $v := .Values }}{{ $k }}: {{ $v | toYaml | nindent 2 }}\n{{ end }}", "a: {b: [1, 2]}\n")
	f.Fuzz(func(t *testing.T, text, values string) {
		c, err := chart.Load("c", []chart.File{
			{Name: "Chart.yaml", Data: []byte(metadata)}, {Name: "templates/a.yaml", Data: []byte(text)}, {Name: "values.yaml", Data: []byte(values)},
		})
		if err != nil {
			return
		}
		rendered, _, err := c.Render(t.Context(), chart.Options{Limits: chart.Limits{Time: time.Second, Output: 1 << 16, Steps: 10_000}})
		if err != nil {
			t.Skip(err)
		}
		for _, r := range rendered {
			for i := range r.Text {
				if _, line, _ := r.At(i); line > strings.Count(text, "\n")+1 {
					t.Fatalf("byte %d comes from line %d", i, line)
				}
			}
		}
	})
}
