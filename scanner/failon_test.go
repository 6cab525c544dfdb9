package scanner

import "testing"

func TestFailOn(t *testing.T) {
	high := &Finding{Severity: High, Tier: TierTrackStar, Status: StatusNew}
	unknownAct := &Finding{Severity: Unknown, Tier: TierAct, Status: StatusNew}
	suppressed := &Finding{Severity: Critical, Tier: TierAct, Status: StatusSuppressed}
	existing := &Finding{Severity: Critical, Tier: TierAct, Status: StatusExisting}
	for _, tt := range []struct {
		words   []string
		finding *Finding
		want    bool
	}{
		{[]string{"high"}, high, true},
		{[]string{"medium"}, high, true},
		{[]string{"critical"}, high, false},
		{[]string{"unknown"}, high, false},
		{[]string{"low"}, unknownAct, false},
		{[]string{"unknown"}, unknownAct, true},
		{[]string{"attend"}, unknownAct, true},
		{[]string{"critical, act"}, unknownAct, true},
		{[]string{"none"}, unknownAct, false},
		{nil, unknownAct, false},
		{[]string{"low", "act"}, suppressed, false},
		{[]string{"low", "act"}, existing, false},
	} {
		f, err := ParseFailOn(tt.words)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Names(tt.finding); got != tt.want {
			t.Errorf("fail-on %v names %+v: %v, want %v", tt.words, tt.finding, got, tt.want)
		}
		again, err := ParseFailOn([]string{f.String()})
		if err != nil || again.String() != f.String() {
			t.Errorf("%q does not survive: %q, %v", f, again, err)
		}
	}
	for _, word := range []string{"hihg", "track", "info"} {
		if _, err := ParseFailOn([]string{word}); err == nil {
			t.Errorf("ParseFailOn(%q) succeeded", word)
		}
	}
}
