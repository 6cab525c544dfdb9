package fix

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// flatten writes a lock file of version 1 as one of version 3, for npm to work on. From version 1 itself npm would ask
// the registry for each package that it names, one after the other and again in each run, which takes minutes for a
// thousand of them; what version 3 says beside is peers alone, and those are asked for side by side and once.
//
// What was wrong with the tree already is no matter of the change, and npm does not look at it in version 1 either: see
// settled. It returns nil where the file holds folders of the project, which version 1 does not say enough of, and where it
// holds more than anybody wants to be asked for.
func (l *npmLock) flatten(ctx context.Context, before *npmLock, root *npmManifest, registry *npmRegistry) ([]byte, error) {
	if len(root.workspaces) > 0 || len(l.order) > maxFlat {
		return nil, nil
	}
	stated, err := l.stated(ctx, registry)
	if err != nil {
		return nil, err
	}
	own := map[string]any{}
	for _, list := range append([]string{"name", "version"}, npmLists...) {
		if value := root.text.root.get(list); value != nil {
			own[list] = json.RawMessage(root.text.data[value.start:value.end])
		}
	}
	packages := map[string]any{"": own}
	for _, folder := range l.order {
		n := l.nodes[folder]
		if n.origin() == inventory.OriginPath {
			return nil, nil
		}
		entry := map[string]any{"resolved": n.resolved, "version": n.version}
		if n.origin() == inventory.OriginGit || strings.Contains(n.version, "://") {
			entry = map[string]any{"resolved": n.version}
		} else if n.resolved == "" {
			delete(entry, "resolved")
		}
		if n.name != folderName(n.at) {
			entry["name"] = n.name
		}
		if n.bundled {
			entry["inBundle"] = true
		}
		for _, member := range []string{"integrity", "dev", "optional", "devOptional", "peer", "extraneous"} {
			if value := n.nested.get(member); value != nil {
				entry[member] = json.RawMessage(l.text.data[value.start:value.end])
			}
		}
		v := stated[n]
		was := before.nodes[n.at]
		if was != nil && was.name == n.name && was.version == n.version {
			v = l.settled(n, before, v)
		}
		required := maps.Clone(map[string]string(v.Dependencies))
		for name := range v.OptionalDependencies {
			delete(required, name)
		}
		for member, wants := range map[string]map[string]string{"dependencies": required, "optionalDependencies": v.OptionalDependencies, "peerDependencies": v.PeerDependencies} {
			if len(wants) > 0 {
				entry[member] = wants
			}
		}
		if meta := optionalPeers(v); len(meta) > 0 {
			entry["peerDependenciesMeta"] = meta
		}
		packages[n.at] = entry
	}
	file := map[string]any{"lockfileVersion": 3, "requires": true, "packages": packages}
	indent := strings.TrimLeft(l.text.lead(1), "\r\n")
	data, err := json.MarshalIndent(file, "", cmp.Or(indent, "  "))
	if err != nil {
		return nil, fmt.Errorf("write the lock file for npm: %w", err)
	}
	return append(data, '\n'), nil
}

// optionalPeers returns which peers may be missing, as a lock file says it.
func optionalPeers(v *npmVersion) map[string]any {
	meta := map[string]any{}
	for name, m := range v.PeerDependenciesMeta {
		if _, ok := v.PeerDependencies[name]; ok && m.Optional {
			meta[name] = map[string]any{"optional": true}
		}
	}
	return meta
}

// settled returns what a release that stays asks for, as far as npm is to heed it: what it asks for in vain may be
// missing, and a peer that was there in another version may be so.
func (l *npmLock) settled(n *npmNode, before *npmLock, v *npmVersion) *npmVersion {
	kept := &npmVersion{Dependencies: npmWants{}, OptionalDependencies: npmWants{}, PeerDependencies: npmWants{}, PeerDependenciesMeta: v.PeerDependenciesMeta}
	for name, spec := range n.needs {
		kept.Dependencies[name] = spec
		if _, optional := v.OptionalDependencies[name]; optional || before.find(n.at, name) == nil {
			kept.OptionalDependencies[name] = spec
		}
	}
	for name, spec := range v.PeerDependencies {
		was, now := before.find(n.at, name), l.find(n.at, name)
		switch {
		case was == nil || now == nil:
		case meets(was, spec) || meets(now, spec):
			kept.PeerDependencies[name] = spec
		default:
			kept.PeerDependencies[name] = cmp.Or(now.version, "*")
		}
	}
	return kept
}

func meets(n *npmNode, spec string) bool {
	if n == nil {
		return false
	}
	ok, err := npmAdmits(spec, n.version)
	return err == nil && ok
}

// stated returns what the registry states of each package of the lock file. What it does not know has the needs of the
// lock file.
func (l *npmLock) stated(ctx context.Context, registry *npmRegistry) (map[*npmNode]*npmVersion, error) {
	found := make([]*npmVersion, len(l.order))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxManifests)
	for i, folder := range l.order {
		n := l.nodes[folder]
		found[i] = &npmVersion{Dependencies: npmWants(n.needs)}
		if n.origin() != inventory.OriginRegistry || n.version == "" {
			continue
		}
		group.Go(func() error {
			if v, err := registry.manifest(ctx, n.name, n.version); err == nil {
				found[i] = v
			}
			return ctx.Err() // a package that is not there any more is no reason to stop
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := make(map[*npmNode]*npmVersion, len(l.order))
	for i, folder := range l.order {
		all[l.nodes[folder]] = found[i]
	}
	return all, nil
}

// maxFlat is how many packages of a lock file of version 1 the registry is asked for: several times as many as the largest
// projects have, and no more than a hostile one may cause.
const maxFlat = 20_000

// maxManifests is how many requests for single releases are under way at once.
const maxManifests = 24
