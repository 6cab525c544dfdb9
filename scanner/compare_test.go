package scanner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func found(fingerprint, rule, path string, subject inventory.ID) Finding {
	return Finding{Fingerprint: fingerprint, RuleID: rule, Subject: subject, Status: StatusNew, Tier: TierTrack, Location: inventory.Location{Path: path, Line: 1}}
}

func TestResultCompare(t *testing.T) {
	suppressed := found("6", "F", "a.lock", "pkg:npm/f@1")
	suppressed.Status = StatusSuppressed
	base := &Result{Findings: []Finding{
		found("1", "A", "a.lock", "pkg:npm/a@1"),
		found("2", "B", "a.lock", "pkg:npm/b@1"),
		found("3", "C", "old/c.lock", "pkg:npm/%40s/c@1"),
		found("5", "E", "a.lock", "pkg:npm/e@1"),
		suppressed,
	}}
	head := &Result{Findings: []Finding{
		found("1", "A", "a.lock", "pkg:npm/a@2"),          // a bump to a version that is affected too
		found("4", "D", "a.lock", "pkg:npm/d@1"),          // new
		found("7", "C", "new/c.lock", "pkg:npm/%40s/c@1"), // the file moved
		found("8", "C", "two/c.lock", "pkg:npm/%40s/c@1"), // and was copied
		found("9", "B", "b.lock", "pkg:npm/b@1"),          // the old file is still there: this one is new
	}}
	head.Findings[0].Status = StatusSuppressed
	head.Compare(base)
	got := map[string]Status{}
	for _, f := range head.Findings {
		got[f.Fingerprint] = f.Status
	}
	want := map[string]Status{"1": StatusSuppressed, "4": StatusNew, "7": StatusExisting, "8": StatusNew, "9": StatusNew}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status by fingerprint (-want +got):\n%s", diff)
	}
	var fixed []string
	for _, f := range head.Fixed {
		fixed = append(fixed, f.Fingerprint)
	}
	if diff := cmp.Diff([]string{"2", "5"}, fixed); diff != "" {
		t.Errorf("fixed (-want +got):\n%s", diff)
	}
}

func TestResultCompareWithItself(t *testing.T) {
	head := &Result{Findings: []Finding{found("1", "A", "a.lock", "aws_instance.a"), found("2", "A", "a.lock", "aws_instance.b")}}
	base := &Result{Findings: append([]Finding{}, head.Findings...)}
	head.Compare(base)
	for _, f := range head.Findings {
		if f.Status != StatusExisting {
			t.Errorf("%s is %s", f.Fingerprint, f.Status)
		}
	}
	if len(head.Fixed) != 0 {
		t.Errorf("fixed = %v", head.Fixed)
	}
}

func TestWithoutVersion(t *testing.T) {
	for id, want := range map[inventory.ID]string{
		"pkg:npm/%40scope/name@1.0.0":     "pkg:npm/%40scope/name",
		"pkg:golang/a.example/b@v1?x=a@b": "pkg:golang/a.example/b",
		"pkg:npm/name":                    "pkg:npm/name",
		"module.a.aws_instance.b":         "module.a.aws_instance.b",
	} {
		if got := withoutVersion(id); got != want {
			t.Errorf("withoutVersion(%q) = %q, want %q", id, got, want)
		}
	}
}
