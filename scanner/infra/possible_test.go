package infra

import (
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// pod makes a pod of one container with a value for privileged.
func pod(environment string, privileged inventory.Value) *inventory.Resource {
	at := inventory.Location{Path: "chart/templates/web.yaml", Line: 3, Column: 1}
	field := func(name string, v inventory.Value) inventory.Value {
		return inventory.MapValue([]inventory.Field{{Name: name, Value: v}}, at)
	}
	container := inventory.MapValue([]inventory.Field{
		{Name: "name", Value: inventory.StringValue("web", at)}, {Name: "securityContext", Value: field("privileged", privileged)},
	}, at)
	return &inventory.Resource{
		ID: "Pod/default/web", Type: "v1/Pod", Name: "web", Language: inventory.Kubernetes, Root: "chart", Environment: environment, Location: at,
		Values: inventory.MapValue([]inventory.Field{
			{Name: "apiVersion", Value: inventory.StringValue("v1", at)}, {Name: "kind", Value: inventory.StringValue("Pod", at)},
			{Name: "metadata", Value: field("name", inventory.StringValue("web", at))},
			{Name: "spec", Value: field("containers", inventory.ListValue([]inventory.Value{container}, at))},
		}, at),
	}
}

// TestPossible judges values that are not known, and templates that are rendered more than once.
func TestPossible(t *testing.T) {
	at := inventory.Location{Path: "chart/templates/web.yaml", Line: 9, Column: 13}
	on, off := inventory.BoolValue(true, at), inventory.BoolValue(false, at)
	open := inventory.UnknownValue(at, inventory.Reason{Code: inventory.ParamNoDefault, Ref: "web.privileged"})
	for _, tt := range []struct {
		name      string
		resources []*inventory.Resource
		severity  scanner.Severity // empty: no finding
		message   string
	}{
		{"known", []*inventory.Resource{pod("", on)}, scanner.High, "Pod/default/web runs container web privileged"},
		{"off", []*inventory.Resource{pod("", off)}, "", ""},
		{"unknown", []*inventory.Resource{pod("", open)}, scanner.Medium, "it depends on web.privileged"},
		{"one of two", []*inventory.Resource{pod("", open.WithCandidates(on, off))}, scanner.Medium, "Possible: "},
		{"both are off", []*inventory.Resource{pod("", open.WithCandidates(off, off))}, "", ""},
		{"both are on", []*inventory.Resource{pod("", open.WithCandidates(on, on))}, scanner.High, ""},
		{"may not be there", []*inventory.Resource{pod("", on.AsMaybe(inventory.Reason{Code: inventory.CountUnknown, Ref: "debug"}))}, scanner.Medium, "it depends on debug"},
		{"in every environment", []*inventory.Resource{pod("dev", on), pod("prod", on)}, scanner.High, "remove securityContext.privileged"},
		{"in one environment", []*inventory.Resource{pod("dev", on), pod("prod", off)}, scanner.High, "(in dev)"},
		{"certain in one", []*inventory.Resource{pod("dev", open), pod("prod", on)}, scanner.High, "privileged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &Scanner{Checks: []Check{privilegedContainer}}
			judgement, err := s.Scan(t.Context(), &inventory.Inventory{Resources: tt.resources})
			if err != nil {
				t.Fatal(err)
			}
			if tt.severity == "" {
				if len(judgement.Findings) > 0 {
					t.Errorf("%+v", judgement.Findings)
				}
				return
			}
			if len(judgement.Findings) != 1 {
				t.Fatalf("%d findings, want one: %+v", len(judgement.Findings), judgement.Findings)
			}
			f := judgement.Findings[0]
			if f.Severity != tt.severity || !strings.Contains(f.Message, tt.message) || f.Location.Line != 9 || f.Location.Path != at.Path {
				t.Errorf("%s %q at %v, want %s %q", f.Severity, f.Message, f.Location, tt.severity, tt.message)
			}
		})
	}
}
