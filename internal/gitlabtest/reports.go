package gitlabtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Reports checks the report files of a job as GitLab does before it takes them. GitLab's schemas may not be copied and
// are read from the folder of shared test data.
type Reports struct{ schemas map[string]*jsonschema.Schema }

// LoadReports reads the schemas below a folder of shared test data.
func LoadReports(sharedDir string) (*Reports, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{}) // what is not among the data is asked of nobody
	r := &Reports{schemas: map[string]*jsonschema.Schema{}}
	dependency := filepath.Join(sharedDir, "schemas", "gitlab", "dependency-scanning-report-format.schema.json")
	bills := filepath.Join(sharedDir, "schemas", "sbom")
	for _, s := range []struct {
		id, file string
		report   string // empty: others refer to it
		change   func(any) error
	}{
		{"mem:///dependency.json", dependency, "gl-dependency-scanning-report.json", nil},
		{"mem:///container.json", filepath.Join(sharedDir, "schemas", "gitlab", "container-scanning-report-format.schema.json"), "gl-container-scanning-report.json", nil},
		{"mem:///sast.json", dependency, "gl-sast-report.json", asSAST},
		{"http://cyclonedx.org/schema/jsf-0.82.schema.json", filepath.Join(bills, "cyclonedx-jsf-0.82.schema.json"), "", nil},
		{"http://cyclonedx.org/schema/spdx.schema.json", filepath.Join(bills, "cyclonedx-spdx.schema.json"), "", nil},
		{"http://cyclonedx.org/schema/bom-1.6.schema.json", filepath.Join(bills, "cyclonedx-bom-1.6.schema.json"), "gl-sbom.cdx.json", nil},
	} {
		data, err := os.ReadFile(s.file)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.file, err)
		}
		if m, ok := doc.(map[string]any); ok {
			delete(m, "$id") // SAST is made of another one's
		}
		if s.change != nil {
			if err := s.change(doc); err != nil {
				return nil, fmt.Errorf("%s: %w", s.file, err)
			}
		}
		if err := c.AddResource(s.id, doc); err != nil {
			return nil, err
		}
		if s.report != "" {
			if r.schemas[s.report], err = c.Compile(s.id); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// asSAST makes of the schema of dependency scanning what that of SAST shares with it, with the place of SAST: its own
// schema is not among the data.
func asSAST(doc any) error {
	at := func(keys ...string) map[string]any {
		v := doc
		for _, key := range keys {
			m, _ := v.(map[string]any) // another value has no keys
			v = m[key]
		}
		m, _ := v.(map[string]any) // nil says that it is not there
		return m
	}
	kind, places := at("properties", "scan", "properties", "type"), at("properties", "vulnerabilities", "items", "properties")
	if kind == nil || places == nil {
		return errors.New("it is not laid out as the known one is")
	}
	kind["enum"] = []any{"sast"}
	places["location"] = map[string]any{
		"type": "object", "required": []any{"file", "start_line"}, "additionalProperties": false,
		"properties": map[string]any{
			"file":       map[string]any{"type": "string", "minLength": 1},
			"start_line": map[string]any{"type": "integer", "minimum": json.Number("1")},
			"end_line":   map[string]any{"type": "integer", "minimum": json.Number("1")},
		},
	}
	return nil
}

// codeQuality is the name of the one report that has no schema.
const codeQuality = "gl-code-quality-report.json"

// Names returns the names of the files that Check knows.
func (r *Reports) Names() []string {
	names := []string{codeQuality}
	for name := range r.schemas {
		names = append(names, name)
	}
	return names
}

// Check returns why GitLab would not take a file of a name.
func (r *Reports) Check(name string, data []byte) error {
	if name == codeQuality {
		return checkCodeQuality(data)
	}
	schema, ok := r.schemas[name]
	if !ok {
		return fmt.Errorf("%s is no report of GitLab", name)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(doc)
}

// checkCodeQuality knows what GitLab reads of such a report; see
// https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
func checkCodeQuality(data []byte) error {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return errors.New("it begins with a byte order mark")
	}
	var entries []struct {
		Description string
		CheckName   string `json:"check_name"`
		Fingerprint string
		Severity    string
		Location    struct {
			Path  string
			Lines struct{ Begin int }
		}
	}
	if err := json.Unmarshal(data, &entries); err != nil {
		return err
	}
	severities := map[string]bool{"info": true, "minor": true, "major": true, "critical": true, "blocker": true}
	seen := map[string]bool{}
	for i, e := range entries {
		switch {
		case e.Description == "" || e.CheckName == "" || e.Location.Path == "" || e.Location.Lines.Begin < 1:
			return fmt.Errorf("entry %d lacks something: %+v", i, e)
		case !severities[e.Severity]:
			return fmt.Errorf("entry %d has the severity %q", i, e.Severity)
		case e.Fingerprint == "" || seen[e.Fingerprint]:
			return fmt.Errorf("entry %d has the fingerprint %q, which is not its own", i, e.Fingerprint)
		}
		seen[e.Fingerprint] = true
	}
	return nil
}
