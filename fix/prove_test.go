package fix

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// result returns a result with findings given as fingerprint and subject.
func result(pairs ...string) *scanner.Result {
	res := &scanner.Result{}
	for i := 0; i < len(pairs); i += 2 {
		res.Findings = append(res.Findings, scanner.Finding{RuleID: pairs[i], Fingerprint: pairs[i], Subject: inventory.ID(pairs[i+1])})
	}
	return res
}

func TestDifference(t *testing.T) {
	tests := []struct {
		name           string
		before, after  *scanner.Result
		cleared, fresh []string
	}{
		{"nothing", result(), result(), nil, nil},
		{"one gone", result("a", "p@1", "b", "q@1"), result("b", "q@1"), []string{"a p@1"}, nil},
		{"one new", result("a", "p@1"), result("a", "p@1", "c", "q@2"), nil, []string{"c q@2"}},
		{"raised and still affected", result("a", "p@1"), result("a", "p@2"), nil, nil},
		// The first of two versions is gone, and the second takes its fingerprint.
		{"one of two versions", result("a", "p@1", "a/2", "p@3"), result("a", "p@3"), []string{"a p@1"}, nil},
		{"a version more", result("a", "p@1"), result("a", "p@1", "a/2", "p@3"), nil, []string{"a/2 p@3"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := difference(test.before, test.after)
			show := func(list []*scanner.Finding) (all []string) {
				for _, f := range list {
					all = append(all, f.Fingerprint+" "+string(f.Subject))
				}
				return all
			}
			if diff := cmp.Diff(test.cleared, show(d.cleared)); diff != "" {
				t.Errorf("cleared (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.fresh, show(d.fresh)); diff != "" {
				t.Errorf("new (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEdit(t *testing.T) {
	files := map[string]string{"a.tf": "one\ntwo\nthree\n", "dos.tf": "one\r\ntwo\r\n", "end.tf": "one\ntwo"}
	tests := []struct {
		name  string
		edits []scanner.Edit
		want  map[string]string
		bad   bool
	}{
		{"one line", []scanner.Edit{{Path: "a.tf", Line: 2, EndLine: 2, Text: "2"}}, map[string]string{"a.tf": "one\n2\nthree\n"}, false},
		{"two places", []scanner.Edit{{Path: "a.tf", Line: 1, EndLine: 1, Text: "1\n1b"}, {Path: "a.tf", Line: 3, EndLine: 3, Text: "3"}}, map[string]string{"a.tf": "1\n1b\ntwo\n3\n"}, false},
		{"lines away", []scanner.Edit{{Path: "a.tf", Line: 1, EndLine: 2}}, map[string]string{"a.tf": "three\n"}, false},
		{"line ends stay", []scanner.Edit{{Path: "dos.tf", Line: 1, EndLine: 1, Text: "1\n1b"}}, map[string]string{"dos.tf": "1\r\n1b\r\ntwo\r\n"}, false},
		{"no line end", []scanner.Edit{{Path: "end.tf", Line: 2, EndLine: 2, Text: "2"}}, map[string]string{"end.tf": "one\n2"}, false},
		{"past the end", []scanner.Edit{{Path: "a.tf", Line: 9, EndLine: 9, Text: "x"}}, nil, true},
		{"line 0", []scanner.Edit{{Path: "a.tf", Text: "x"}}, nil, true},
		{"overlap", []scanner.Edit{{Path: "a.tf", Line: 1, EndLine: 2, Text: "x"}, {Path: "a.tf", Line: 2, EndLine: 3, Text: "y"}}, nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ws := NewWorkspace(treeOf(t, files))
			err := edit(ws, test.edits)
			if (err != nil) != test.bad {
				t.Fatal(err)
			}
			for name, want := range test.want {
				got, err := ws.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, string(got)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// Two images that become one keep the findings that their bump does not clear.
func TestDifferenceOfImages(t *testing.T) {
	image := func(fingerprint, subject, path string, also ...string) scanner.Finding {
		f := scanner.Finding{RuleID: "ami-literal-id", Kind: scanner.KindMachineImage, Fingerprint: fingerprint, Subject: inventory.ID(subject), Location: inventory.Location{Path: path, Line: 3}}
		for _, p := range also {
			f.Related = append(f.Related, scanner.Related{Location: inventory.Location{Path: p, Line: 3}})
		}
		return f
	}
	before := &scanner.Result{Findings: []scanner.Finding{image("a", "ami-1", "a.tf"), image("b", "ami-2", "b.tf")}}
	after := &scanner.Result{Findings: []scanner.Finding{image("c", "ami-3", "a.tf", "b.tf")}}
	d := difference(before, after)
	if len(d.fresh) != 0 || len(d.cleared) != 1 || !d.still["a"] {
		t.Errorf("cleared %v, new %v, still %v", d.cleared, d.fresh, d.still)
	}
	elsewhere := &scanner.Result{Findings: []scanner.Finding{image("c", "ami-3", "c.tf")}}
	if d := difference(before, elsewhere); len(d.fresh) != 1 {
		t.Errorf("a finding of another place is not new: %v", d.fresh)
	}
}
