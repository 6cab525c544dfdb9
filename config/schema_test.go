package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

var docs = filepath.Join("..", "docs")

func schemaDocument(t *testing.T) map[string]any {
	t.Helper()
	f, err := os.Open(filepath.Join(docs, "config.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

// The keys of the schema are those that the reader knows, which it lists when it meets another one.
func TestSchemaKeys(t *testing.T) {
	for _, tt := range []struct{ pointer, text string }{
		{"properties", "X"},
		{"properties/skip/properties", "skip: {X"},
		{"properties/ignore/items/properties", "ignore: [{X"},
		{"properties/licenses/properties", "licenses: {X"},
		{"properties/environments/additionalProperties/properties", "environments: {prod: {X"},
		{"properties/links/items/properties", "links: [{X"},
		{"properties/fix/properties", "fix: {X"},
	} {
		text := strings.Replace(tt.text, "X", "zzzzzzzzzzzzzzzzzzzzzzzz: 1", 1)
		for _, c := range slices.Backward([]byte(text)) {
			switch c {
			case '{':
				text += "}"
			case '[':
				text += "]"
			}
		}
		_, err := parse(FileName, []byte(text))
		if err == nil {
			t.Fatalf("%s was read", text)
		}
		_, list, _ := strings.Cut(err.Error(), "known are ")
		known := strings.Split(list, ", ")
		node := any(schemaDocument(t))
		for _, step := range strings.Split(tt.pointer, "/") {
			node = node.(map[string]any)[step]
		}
		if diff := cmp.Diff(known, slices.Sorted(maps.Keys(node.(map[string]any)))); diff != "" {
			t.Errorf("%s (-reader +schema):\n%s", tt.pointer, diff)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", schemaDocument(t)); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// The reader and the schema agree on what is right.
func TestSchemaAgrees(t *testing.T) {
	schema := compiled(t)
	for _, tt := range []struct {
		text string
		ok   bool
	}{
		{"", true},
		{"fail_on: high\n", true},
		{"fail_on: [high, act]\nprivate: a\n", true},
		{"import_ignores: false\ntrust_head: true\n", true},
		{"import_ignores: maybe\n", false},
		{"environments: {prod: {criticality: very high, var_files: [a.tfvars]}}\n", true},
		{"environments: {prod: {criticality: huge}}\n", false},
		{"environments: [prod]\n", false},
		{"links: [{lock_file: a, image: b}]\n", true},
		{"links: [{lock_file: a}]\n", false},
		{"fix: {grouping: all, limit: 3, majors: true, cool_down: 7, labels: a, allow_execution: [gradle]}\n", true},
		{"fix: {limit: -1}\n", false},
		{"fix: {limit: many}\n", false},
		{"fix: {grouping: none}\n", false},
		{"licenses: {}\n", false},
		{"licenses: {allow: MIT}\n", true},
		{"ignore: [{id: A, reason: b}]\n", true},
		{"ignore: [{id: A}]\n", false},
		{"ignore: [{reason: b}]\n", false},
		{"severity: {a: high}\n", true},
		{"severity: {a: hihg}\n", false},
		{"regions: [eu-central-1]\npolicy: rules\n", true},
		{"regions: {}\n", false},
	} {
		_, err := parse(FileName, []byte(tt.text))
		if (err == nil) != tt.ok {
			t.Errorf("parse(%q) = %v", tt.text, err)
		}
		if err := validateYAML(schema, tt.text); (err == nil) != tt.ok {
			t.Errorf("schema(%q) = %v", tt.text, err)
		}
	}
}

func validateYAML(schema *jsonschema.Schema, text string) error {
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return err
	}
	return schema.Validate(plain(doc))
}

// plain turns days, which YAML knows and JSON does not, into text.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case interface{ Format(string) string }:
		return v.Format("2006-01-02")
	}
	return v
}

// Every configuration that the documents show is read, and passes the schema.
func TestDocumentedExamples(t *testing.T) {
	schema := compiled(t)
	text, err := os.ReadFile(filepath.Join(docs, "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```\n").FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Error("configuration.md shows no configuration")
	}
	for _, block := range blocks {
		if _, err := parse("configuration.md", block[1]); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
		if err := validateYAML(schema, string(block[1])); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
	}
	comments := regexp.MustCompile("(?ms)^```(?:python|hcl)\n(.*?)^```\n").FindAllSubmatch(text, -1)
	if len(comments) < 2 {
		t.Error("configuration.md shows no comments")
	}
	for _, block := range comments {
		ig := &Ignores{}
		ig.comments("file", block[1], true, []string{"aws-open-admin-port"})
		if len(ig.waivers) != 1 || len(ig.notices) != 0 {
			t.Errorf("%d suppressions, notices %v in\n%s", len(ig.waivers), ig.notices, block[1])
		}
	}
}

func TestCheckRules(t *testing.T) {
	cfg, err := parse(FileName, []byte("severity: {aws-open-admin-prt: low}\n"))
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"aws-open-admin-port", "license-denied"}
	want := `.trifecta.yaml:1: "aws-open-admin-prt" is no rule; did you mean "aws-open-admin-port"?`
	var mistake *Error
	if err := cfg.CheckRules(known); !errors.As(err, &mistake) || err.Error() != want {
		t.Errorf("CheckRules = %v, want %s", err, want)
	}
	for _, id := range []string{"GHSA-aaaa-bbbb-cccc", "CVE-2026-1", "RUSTSEC-2020-0001", "NET-004", "license-denied", "npm:debug:20170905"} {
		cfg := &Config{RuleIDs: []Key{{id, 1}}}
		if err := cfg.CheckRules(known); err != nil {
			t.Errorf("CheckRules(%s) = %v", id, err)
		}
	}
}
