package fix

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// pinnedVersions are the versions of each package that a lock file pins.
type pinnedVersions map[string][]string

// tooFresh returns, for the packages that a program brought into a lock file on its own and that were published within the
// cool-down, the release to take in their place: the newest that is old enough and not below what was there before. A
// malicious release is found within days, mostly; a lock file that takes it an hour after it came out is how it spreads.
func tooFresh(ctx context.Context, m *Manager, registry Registry, now time.Time, before, after pinnedVersions, targets []Target) ([]Target, error) {
	if m == nil || registry == nil || now.IsZero() {
		return nil, nil
	}
	limit := now.Add(-freshRelease)
	var list []Target
	for _, name := range sortedKeys(after) {
		if slices.ContainsFunc(targets, func(t Target) bool { return m.same(t.Package, name) }) {
			continue // the plan has looked at it
		}
		for _, version := range after[name] {
			if slices.Contains(before[name], version) {
				continue
			}
			releases, err := registry.Releases(ctx, name)
			if err != nil {
				continue // a package that no registry knows is none of a registry
			}
			i := slices.IndexFunc(releases, func(r Release) bool { return r.Version == version })
			if i < 0 || !releases[i].Published.After(limit) {
				continue
			}
			best := ""
			for _, r := range releases {
				if r.Published.After(limit) || r.Withdrawn != "" || m.Prerelease(r.Version) || !later(m.Ecosystem, version, r.Version) {
					continue
				}
				if slices.ContainsFunc(before[name], func(old string) bool { return later(m.Ecosystem, old, r.Version) }) {
					continue
				}
				if best == "" || later(m.Ecosystem, r.Version, best) {
					best = r.Version
				}
			}
			if best == "" {
				return nil, fmt.Errorf("%s %s comes along, was published within the last %s and has no older release to take", name, version, days(freshRelease))
			}
			list = append(list, Target{Package: name, From: version, To: best, How: HowLock})
		}
	}
	return list, nil
}

// maxAlong is how often a program is asked again for older releases of what comes along.
const maxAlong = 5
