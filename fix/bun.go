package fix

import (
	"context"
	"errors"
	"fmt"
	"path"
)

// Bun writes package.json with bun.lock, by hand: the file holds nothing that the registry does not state.
var Bun = javascript("bun", "bun.lock", openBun, writeBun)

func readBun(ws *Workspace, name string) (*bunLock, []*npmManifest, error) {
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	lock, err := parseBunLock(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	dir := path.Dir(name)
	manifests, err := jsManifests(ws, dir, func(root *npmManifest) []string { return root.workspaces })
	if err != nil {
		return nil, nil, err
	}
	lock.connect(manifests, dir)
	return lock, manifests, nil
}

func openBun(_ context.Context, ws *Workspace, name string) (*Project, error) {
	lock, manifests, err := readBun(ws, name)
	if err != nil {
		return nil, err
	}
	p := lock.graph.project(name, manifests)
	for _, list := range []string{"overrides", "resolutions"} {
		fixedOverrides(p, manifests[0], list, manifests[0].text.root.get(list))
	}
	return p, nil
}

func writeBun(ctx context.Context, job *Job) error {
	registry, err := npmRegistryOf(job)
	if err != nil {
		return err
	}
	p := job.Project
	lock, manifests, err := readBun(job.Workspace, p.Path)
	if err != nil {
		return err
	}
	change := &jsChange{jsGraph: lock.graph, ctx: ctx, job: job, registry: registry}
	if err := change.apply(); err != nil {
		return err
	}
	before, _, err := readBun(job.Workspace, p.Path)
	if err != nil {
		return err
	}
	if err := lock.rearrange(before); err != nil {
		return err
	}
	if err := writeManifests(job.Workspace, job.Targets); err != nil {
		return err
	}
	list := "overrides"
	if root := manifests[0].text.root; root.get(list) == nil && root.get("resolutions") != nil {
		list = "resolutions"
	}
	add := map[string]any{}
	for _, o := range change.overrides {
		if o.parents != nil {
			return errors.New("bun has no overrides for what one package needs, and one for all would reach others")
		}
		add[o.target.Package] = o.wanted
	}
	if len(add) > 0 {
		data, err := job.Workspace.ReadFile(manifests[0].path)
		if err != nil {
			return err
		}
		text, err := parseJSON(data)
		if err != nil {
			return fmt.Errorf("%s: %w", manifests[0].path, err)
		}
		if err := mergeOverrides(text, list, add); err != nil {
			return err
		}
		if err := writeTexts(job.Workspace, map[string]*jsonText{manifests[0].path: text}); err != nil {
			return err
		}
	}
	data, err := lock.write(change)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	return job.Workspace.WriteFile(p.Path, data)
}
