package fix

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shelf is a registry of a few releases.
type shelf map[string][]Release

func (s shelf) Releases(_ context.Context, name string) ([]Release, error) {
	if releases, ok := s[name]; ok {
		return releases, nil
	}
	return nil, ErrNoPackage
}

func (s shelf) Describe(context.Context, string, string) (Release, error) {
	return Release{}, ErrNoPackage
}

func TestTooFresh(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	registry := shelf{
		"a": {{Version: "1.0.0", Published: ago(300)}, {Version: "1.1.0", Published: ago(30)}, {Version: "1.2.0", Published: ago(20), Withdrawn: "yanked"}, {Version: "1.3.0-rc.1", Published: ago(10)}, {Version: "1.3.0", Published: ago(1)}},
		"b": {{Version: "2.0.0", Published: ago(1)}},
		"c": {{Version: "1.0.0", Published: ago(9)}, {Version: "1.1.0", Published: ago(4)}},
		"d": {{Version: "1.0.0"}, {Version: "1.1.0"}},
	}
	for _, test := range []struct {
		name          string
		before, after pinnedVersions
		targets       []Target
		want          []Target
		why           string
	}{
		{name: "new", after: pinnedVersions{"a": {"1.3.0"}}, want: []Target{{Package: "a", From: "1.3.0", To: "1.1.0", How: HowLock}}},
		{name: "raised", before: pinnedVersions{"a": {"1.0.0"}}, after: pinnedVersions{"a": {"1.3.0"}}, want: []Target{{Package: "a", From: "1.3.0", To: "1.1.0", How: HowLock}}},
		{name: "never below", before: pinnedVersions{"a": {"1.2.0"}}, after: pinnedVersions{"a": {"1.3.0"}}, why: "a 1.3.0 comes along, was published within the last 3 days and has no older release to take"},
		{name: "it was there", before: pinnedVersions{"a": {"1.3.0"}}, after: pinnedVersions{"a": {"1.3.0"}}},
		{name: "the plan's own", after: pinnedVersions{"a": {"1.3.0"}}, targets: []Target{{Package: "a"}}},
		{name: "old enough", after: pinnedVersions{"c": {"1.1.0"}}},
		{name: "nobody says when", after: pinnedVersions{"d": {"1.1.0"}}},
		{name: "no registry has it", after: pinnedVersions{"workspace-member": {"0.1.0"}}},
		{name: "nothing else", after: pinnedVersions{"b": {"2.0.0"}}, why: "b 2.0.0 comes along"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := tooFresh(t.Context(), Cargo, registry, now, test.before, test.after, test.targets)
			if test.why != "" {
				if err == nil || !strings.Contains(err.Error(), test.why) {
					t.Fatalf("error %v, want %q", err, test.why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
