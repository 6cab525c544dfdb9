package report_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/osv-scanner/v2/pkg/models"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"

	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// schemas returns the schemas of the formats that have one. Those of CycloneDX and SPDX are copies in testdata (see
// testdata/schemas/README.md); that of SARIF may not be copied and is looked for beside the checkout.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	local := func(name string) string { return filepath.Join("testdata", "schemas", name) }
	return map[string]*jsonschema.Schema{
		"cyclonedx": compile(t, local("cyclonedx-bom-1.6.schema.json"), local("cyclonedx-spdx.schema.json"), local("cyclonedx-jsf-0.82.schema.json")),
		"spdx":      compile(t, local("spdx-2.3.schema.json")),
	}
}

func results(tb testing.TB) map[string]*scanner.Result {
	tb.Helper()
	return map[string]*scanner.Result{"sample": sample(), "empty": empty(tb), "hostile": hostile(), "many": many(tb, 300)}
}

// Whatever a tree holds, the documents stay valid.
func TestSchemas(t *testing.T) {
	for name, schema := range schemas(t) {
		format, err := report.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for which, res := range results(t) {
			if err := validate(schema, render(t, format, res, report.Options{})); err != nil {
				t.Errorf("%s of %s: %v", name, which, err)
			}
		}
	}
}

// The schema wants a statement; a result without advisories has none to make.
func TestOpenVEXSchema(t *testing.T) {
	schema := compile(t, filepath.Join(shared.Dir(t), "schemas", "vex", "openvex-0.2.0.schema.json"))
	for which, res := range results(t) {
		if which == "empty" {
			continue
		}
		var b bytes.Buffer
		if err := report.OpenVEX(&b, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, b.Bytes()); err != nil {
			t.Errorf("%s: %v", which, err)
		}
	}
}

func TestSARIFSchema(t *testing.T) {
	schema := compile(t, filepath.Join(shared.Dir(t), "schemas", "sarif", "sarif-schema-2.1.0.json"))
	for which, res := range results(t) {
		var b bytes.Buffer
		if err := report.SARIF(&b, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, b.Bytes()); err != nil {
			t.Errorf("%s: %v", which, err)
		}
	}
}

// The official libraries read the documents back, and every reference in them leads somewhere.
func TestCycloneDXReadsBack(t *testing.T) {
	for which, res := range results(t) {
		var b bytes.Buffer
		if err := report.CycloneDX(&b, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		var bom cyclonedx.BOM
		if err := cyclonedx.NewBOMDecoder(&b, cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
			t.Errorf("%s: %v", which, err)
			continue
		}
		if got, want := len(*bom.Components), len(res.Packages)+len(res.Images); got != want {
			t.Errorf("%s: %d components, want %d", which, got, want)
		}
		refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
		for _, c := range *bom.Components {
			if refs[c.BOMRef] {
				t.Errorf("%s: the reference %q is there twice", which, c.BOMRef)
			}
			refs[c.BOMRef] = true
		}
		for _, d := range *bom.Dependencies {
			if !refs[d.Ref] {
				t.Errorf("%s: a dependency of %q, which is no component", which, d.Ref)
			}
			if d.Dependencies == nil {
				continue
			}
			for _, ref := range *d.Dependencies {
				if !refs[ref] {
					t.Errorf("%s: %q depends on %q, which is no component", which, d.Ref, ref)
				}
			}
		}
		if bom.Vulnerabilities == nil {
			continue
		}
		for _, v := range *bom.Vulnerabilities {
			for _, a := range *v.Affects {
				if !refs[a.Ref] {
					t.Errorf("%s: %s affects %q, which is no component", which, v.ID, a.Ref)
				}
			}
		}
	}
}

func TestSPDXReadsBack(t *testing.T) {
	for which, res := range results(t) {
		var b bytes.Buffer
		if err := report.SPDX(&b, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		doc, err := spdxjson.Read(&b)
		if err != nil {
			t.Errorf("%s: %v", which, err)
			continue
		}
		ids := map[string]bool{"DOCUMENT": true}
		for _, p := range doc.Packages {
			if ids[string(p.PackageSPDXIdentifier)] {
				t.Errorf("%s: the identifier %q is there twice", which, p.PackageSPDXIdentifier)
			}
			ids[string(p.PackageSPDXIdentifier)] = true
		}
		if got, want := len(doc.Packages), 1+len(res.Packages)+len(res.Images); got != want {
			t.Errorf("%s: %d packages, want %d", which, got, want)
		}
		for _, r := range doc.Relationships {
			if !ids[string(r.RefA.ElementRefID)] || !ids[string(r.RefB.ElementRefID)] {
				t.Errorf("%s: %v leads nowhere", which, r)
			}
		}
	}
}

// The limits of code scanning hold for results of any size, and what is left out is said.
func TestSARIFLimits(t *testing.T) {
	res := many(t, 60_000)
	var b bytes.Buffer
	if err := report.SARIF(&b, res, report.Options{}); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID         string
						Properties struct{ Tags []string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Message   struct{ Text string }
			}
			Invocations []struct {
				ToolExecutionNotifications []struct{ Message struct{ Text string } }
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Results) != 5000 {
		t.Errorf("%d results, want 5000", len(run.Results))
	}
	for i, r := range run.Results {
		if rule := run.Tool.Driver.Rules[r.RuleIndex]; rule.ID != r.RuleID {
			t.Errorf("results[%d] of rule %s points at rule %s", i, r.RuleID, rule.ID)
		}
	}
	last := run.Results[len(run.Results)-1]
	const want = "55001 of '60000' findings"
	if last.RuleID != "trifecta-results-cut" || !bytes.Contains([]byte(last.Message.Text), []byte(want)) {
		t.Errorf("the last result is %+v, want one that says %q", last, want)
	}
	if n := run.Invocations[0].ToolExecutionNotifications; len(n) != 1 {
		t.Errorf("notifications %v, want one about the cut", n)
	}
	for _, r := range run.Tool.Driver.Rules {
		if len(r.Properties.Tags) > 20 {
			t.Errorf("rule %s has %d tags", r.ID, len(r.Properties.Tags))
		}
	}
}

// osv-scanner's own types read the document, and its records keep to the OSV schema.
func TestOSVJSONReadsBack(t *testing.T) {
	for which, res := range results(t) {
		var b bytes.Buffer
		if err := report.OSVJSON(&b, res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		var doc models.VulnerabilityResults
		if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
			if which != "hostile" { // its types refuse times and enumerations that are none
				t.Errorf("%s: %v", which, err)
			}
			continue
		}
		want := 0
		for _, f := range res.Findings {
			if f.Advisory != nil && f.Status != scanner.StatusSuppressed {
				want++
			}
		}
		if got := len(doc.Flatten()); got != want {
			t.Errorf("%s: %d vulnerabilities, want %d", which, got, want)
		}
	}
}

func TestOSVJSONRecords(t *testing.T) {
	schema := compile(t, filepath.Join(shared.Dir(t), "schemas", "osv", "osv-schema.json"))
	var b bytes.Buffer
	if err := report.OSVJSON(&b, sample(), report.Options{}); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Results []struct {
			Packages []struct{ Vulnerabilities []json.RawMessage }
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range doc.Results {
		for _, p := range r.Packages {
			for _, v := range p.Vulnerabilities {
				if err := validate(schema, v); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
