package inventory

import "testing"

func TestEnvironmentCovers(t *testing.T) {
	for _, tt := range []struct {
		paths []string
		root  string
		want  bool
	}{
		{nil, "live/prod/network.yaml", true},
		{[]string{"live/prod"}, "live/prod/network.yaml", true},
		{[]string{"live/prod"}, "live/staging/network.yaml", false},
		{[]string{"live/prod"}, ".", true},
		{[]string{"*.yaml", "!test.yaml"}, "live/test.yaml", false},
		{[]string{"*.yaml", "!test.yaml"}, "live/prod.yaml", true},
	} {
		if got := (Environment{Paths: tt.paths}).Covers(tt.root); got != tt.want {
			t.Errorf("%q covers %s: %v, want %v", tt.paths, tt.root, got, tt.want)
		}
	}
}
