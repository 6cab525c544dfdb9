package infra

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// TestEdits changes what a file says, and nothing where it says something else there than what was rendered from it.
func TestEdits(t *testing.T) {
	const manifest = "securityContext:\n  runAsUser: 1000\n"
	const template = "securityContext:\n  {{- toYaml .Values.securityContext | nindent 2 }}\n"
	user := inventory.Location{Path: "f", Line: 2, Column: 14, EndLine: 2, EndColumn: 18}
	whole := inventory.Location{Path: "f", Line: 1, Column: 1, EndLine: 1, EndColumn: 17} // where a template's text is taken to stand
	for _, tt := range []struct {
		name, text string
		change     *change
		want       []scanner.Edit
	}{
		{"replaced", manifest, replace(inventory.StringValue("1000", user), "1001", ""), []scanner.Edit{{Path: "f", Line: 2, EndLine: 2, Text: "  runAsUser: 1001"}}},
		{"added", manifest, add(inventory.StringValue("1000", user), "", "runAsNonRoot: true"), []scanner.Edit{{Path: "f", Line: 2, EndLine: 2, Text: "  runAsUser: 1000\n  runAsNonRoot: true"}}},
		{"another text there", manifest, replace(inventory.StringValue("0", user), "1001", ""), nil},
		{"beside what a template renders", template, add(inventory.StringValue("1000", whole), "", "runAsNonRoot: true"), nil},
		{"in an expression", template, replace(inventory.StringValue("1000", user), "1001", ""), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			texts := &texts{read: func(string) ([]byte, error) { return []byte(tt.text), nil }, lines: map[string][]string{}}
			if diff := cmp.Diff(tt.want, texts.edits(tt.change)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
