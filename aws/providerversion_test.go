package aws

import "testing"

func TestOlderThan(t *testing.T) {
	for constraints, want := range map[string]bool{
		"": false, ">= 5.0": false, "~> 5.80": true, "~> 5": false, "~> 6.28": false, "~> 6.28.0": true, "~> 6.29.0": false, "~> 6.30": false,
		"< 6.29": true, "< 6.29.0": true, "< 6.30": false, "<= 6.28": true, "6.28.0": true, "= 6.29.0": false, "v5.1": true,
		">= 5.0, < 6.0": true, ">= 5.0, != 5.3.0": false, "latest": false,
	} {
		if got := olderThan(constraints, 6, 29); got != want {
			t.Errorf("%q: %v, want %v", constraints, got, want)
		}
	}
}
