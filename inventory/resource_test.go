package inventory

import (
	"encoding/json"
	"testing"
)

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

func TestExistenceSurvivesJSON(t *testing.T) {
	for existence, want := range map[Existence]string{
		Exists: `{"id":"a"}`, MayExist: `{"id":"a","exists":"maybe"}`, NotExists: `{"id":"a","exists":"no"}`,
	} {
		type part struct {
			ID     ID        `json:"id"`
			Exists Existence `json:"exists,omitempty"`
		}
		data, err := json.Marshal(part{"a", existence})
		if err != nil || string(data) != want {
			t.Errorf("%s: %s, %v; want %s", existence, data, err, want)
		}
		var got part
		if err := json.Unmarshal(data, &got); err != nil || got.Exists != existence {
			t.Errorf("%s came back as %s, %v", existence, got.Exists, err)
		}
	}
	var e Existence
	if err := e.UnmarshalText([]byte("perhaps")); err == nil {
		t.Error("perhaps is an existence")
	}
}
