package report

import (
	"cmp"
	"io"

	"github.com/google/uuid"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// CodeQuality writes findings as GitLab's code quality report, an artifact of reports:codequality, which every tier of
// GitLab shows in a merge request. https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
//
// The severity says when a finding wants attention, as its tier does: act is blocker, attend critical, track* major, track
// minor. What was not looked at is an entry of severity info. Suppressed findings are left out.
func CodeQuality(w io.Writer, res *scanner.Result, _ Options) error {
	list := []qualityIssue{}
	taken := map[string]bool{}
	add := func(issue qualityIssue, key string) {
		// GitLab compares branches by the fingerprint and drops one that is there twice.
		issue.Fingerprint = uuid.NewSHA1(documents, []byte(key)).String()
		for taken[issue.Fingerprint] {
			key += "+"
			issue.Fingerprint = uuid.NewSHA1(documents, []byte(key)).String()
		}
		taken[issue.Fingerprint] = true
		issue.Location.Path = cmp.Or(issue.Location.Path, ".")
		issue.Location.Lines.Begin = max(issue.Location.Lines.Begin, 1)
		list = append(list, issue)
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		if f.Status == scanner.StatusSuppressed {
			continue
		}
		issue := qualityIssue{Description: clean(f.Message), CheckName: clean(f.RuleID), Severity: qualitySeverity(f)}
		issue.Location.Path, issue.Location.Lines.Begin, issue.Location.Lines.End = clean(f.Location.Path), f.Location.Line, f.Location.EndLine
		add(issue, f.Fingerprint)
	}
	for _, n := range res.Notices {
		issue := qualityIssue{Description: "Not looked at: " + clean(n.Message), CheckName: clean(n.Code), Severity: "info"}
		key := "notice\x00" + n.Code
		if n.Location != nil {
			issue.Location.Path, issue.Location.Lines.Begin = clean(n.Location.Path), n.Location.Line
			key += "\x00" + n.Location.Path
		}
		add(issue, valid(key))
	}
	return writeJSON(w, list)
}

func qualitySeverity(f *scanner.Finding) string {
	switch {
	case f.Tier == scanner.TierAct:
		return "blocker"
	case f.Tier == scanner.TierAttend:
		return "critical"
	case f.Tier == scanner.TierTrackStar:
		return "major"
	case f.Severity == scanner.Info:
		return "info"
	}
	return "minor"
}

type qualityIssue struct {
	Description string          `json:"description"`
	CheckName   string          `json:"check_name"`
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    qualityLocation `json:"location"`
}

type qualityLocation struct {
	Path  string `json:"path"`
	Lines struct {
		Begin int `json:"begin"`
		End   int `json:"end,omitempty"`
	} `json:"lines"`
}
