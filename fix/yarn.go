package fix

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Yarn writes package.json with yarn.lock, of Yarn 1 and of Yarn 3 and 4.
//
// The lock file is edited, with what the registry states. The checksums of Yarn 3 and 4 are of archives that it packs
// anew: a release of our choice adds them in a copy, by yarn install --mode=update-lockfile, without plug-ins and without the
// project's configuration.
var Yarn = javascript("yarn", "yarn.lock", openYarn, writeYarn)

func readYarn(ws *Workspace, name string) (*yarnLock, []*npmManifest, error) {
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	lock, err := parseYarnLock(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if lock.berry && lock.release() == nil {
		return nil, nil, fmt.Errorf("%s: %w", name, errYarnVersion)
	}
	dir := path.Dir(name)
	manifests, err := jsManifests(ws, dir, func(root *npmManifest) []string { return root.workspaces })
	if err != nil {
		return nil, nil, err
	}
	lock.connect(manifests, dir)
	return lock, manifests, nil
}

// release returns the release of Yarn that writes the version of the lock file.
func (l *yarnLock) release() *NodePackage {
	switch l.version {
	case "5", "6":
		return &yarn3
	case "8":
		return &yarn4
	}
	return nil
}

func openYarn(_ context.Context, ws *Workspace, name string) (*Project, error) {
	lock, manifests, err := readYarn(ws, name)
	if err != nil {
		return nil, err
	}
	p := lock.graph.project(name, manifests)
	for i := range p.Requirements { // the protocol of the registry may be written out
		if r := &p.Requirements[i]; r.Fixed == "" && strings.HasPrefix(r.Constraint, "npm:") && plainSpec(r.Constraint) != r.Constraint {
			r.Fixed = fmt.Sprintf("%s asks for %s as %q", r.Location.Path, r.Package, r.Constraint)
		}
	}
	fixedOverrides(p, manifests[0], "resolutions", manifests[0].text.root.get("resolutions"))
	return p, nil
}

func writeYarn(ctx context.Context, job *Job) error {
	registry, err := npmRegistryOf(job)
	if err != nil {
		return err
	}
	p := job.Project
	lock, _, err := readYarn(job.Workspace, p.Path)
	if err != nil {
		return err
	}
	before := lock.graph.pinned()
	change := &jsChange{jsGraph: lock.graph, ctx: ctx, job: job, registry: registry}
	change.find = func(_ *jsNode, need *jsNeed) *jsNode { return lock.standing(need) }
	if lock.berry {
		change.amend = withGyp
	}
	if err := change.apply(); err != nil {
		return err
	}
	if err := writeManifests(job.Workspace, job.Targets); err != nil {
		return err
	}
	if err := lock.writeResolutions(job, change.overrides); err != nil {
		return err
	}
	whole, err := lock.write(change)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	if err := job.Workspace.WriteFile(p.Path, lock.data); err != nil {
		return err
	}
	if whole {
		return nil
	}
	return completeYarn(ctx, job, lock, registry, before)
}

// standing returns what stands under a pattern in the file, as long as somebody still asks for it by that.
func (l *yarnLock) standing(need *jsNeed) *jsNode {
	n := l.byKey[l.key(need)]
	for n != nil && n.became != nil {
		n = n.became
	}
	return n
}

// withGyp adds what Yarn since version 2 adds to releases whose scripts speak of node-gyp: it does not come with Yarn.
// Source: https://github.com/yarnpkg/berry/blob/master/packages/plugin-npm/sources/NpmSemverResolver.ts
func withGyp(v *npmVersion) *npmVersion {
	for _, script := range v.Scripts {
		if _, has := v.Dependencies["node-gyp"]; strings.Contains(script, "node-gyp") && !has && v.PeerDependencies["node-gyp"] == "" {
			amended := *v
			amended.Dependencies = maps.Clone(v.Dependencies)
			if amended.Dependencies == nil {
				amended.Dependencies = npmWants{}
			}
			amended.Dependencies["node-gyp"] = "latest"
			return &amended
		}
	}
	return v
}

// writeResolutions writes overrides into the root's manifest.
// Sources: https://classic.yarnpkg.com/lang/en/docs/selective-version-resolutions/ and
// https://yarnpkg.com/configuration/manifest#resolutions
func (l *yarnLock) writeResolutions(job *Job, list []override) error {
	add := map[string]any{}
	for _, o := range list {
		if o.parents == nil {
			add[o.target.Package] = o.wanted
		}
		for _, parent := range o.parents {
			switch {
			case !l.berry:
				add["**/"+parent+"/"+o.target.Package] = o.wanted
			case o.versions[parent] != nil:
				for _, version := range o.versions[parent] {
					add[parent+"@npm:"+version+"/"+o.target.Package] = o.wanted
				}
			default:
				add[parent+"/"+o.target.Package] = o.wanted
			}
		}
	}
	if len(add) == 0 {
		return nil
	}
	root, text, err := job.rootManifest()
	if err != nil {
		return err
	}
	if err := mergeOverrides(text, "resolutions", add); err != nil {
		return err
	}
	return writeTexts(job.Workspace, map[string]*jsonText{root: text})
}

// yarnResolves are the settings that decide what a lock file says. Plug-ins, the release of Yarn that a project brings,
// registries and tokens are not heard. Source: https://yarnpkg.com/configuration/yarnrc
var yarnResolves = []string{"packageExtensions", "defaultSemverRangePrefix", "enableTransparentWorkspaces", "catalog", "catalogs"}

// cacheForm matches the form of checksums: a number, and how archives are packed where that is not the old way.
var cacheForm = regexp.MustCompile(`^[0-9]+(?:c([0-9]|mixed))?$`)

// completeYarn lets Yarn add the checksums of the new releases.
func completeYarn(ctx context.Context, job *Job, lock *yarnLock, registry *npmRegistry, before pinnedVersions) error {
	if job.Env.Runner == nil {
		return &ToolError{Program: "yarn", Missing: true}
	}
	if err := lock.graph.foreign(job.Project); err != nil {
		return err
	}
	cmd := nodeCommand(job, lock.release().at(registry), "install", "--mode=update-lockfile")
	compression := "mixed"
	if m := cacheForm.FindStringSubmatch(lock.cache); m != nil && m[1] != "" {
		compression = m[1]
	}
	cmd.Env = append(cmd.Env, "YARN_IGNORE_PATH=1", "YARN_ENABLE_TELEMETRY=0", "YARN_ENABLE_SCRIPTS=0", "YARN_ENABLE_IMMUTABLE_INSTALLS=0",
		"YARN_ENABLE_GLOBAL_CACHE=1", "YARN_GLOBAL_FOLDER={cache}/yarn", "YARN_ENABLE_CONSTRAINTS_CHECKS=0", "YARN_ENABLE_HARDENED_MODE=0",
		"YARN_COMPRESSION_LEVEL="+compression, "YARN_NPM_REGISTRY_SERVER="+strings.TrimSuffix(registry.base, "/"), "YARN_ENABLE_PROGRESS_BARS=0")
	if lock.version != "8" {
		cmd.Env = slices.DeleteFunc(cmd.Env, func(pair string) bool {
			return strings.HasPrefix(pair, "YARN_ENABLE_CONSTRAINTS_CHECKS") || strings.HasPrefix(pair, "YARN_ENABLE_HARDENED_MODE")
		})
	} else if !job.Env.Now.IsZero() && job.CoolDown > 0 {
		cmd.Env = append(cmd.Env, "YARN_NPM_MINIMAL_AGE_GATE="+strconv.Itoa(int(job.CoolDown/time.Minute)))
	}
	if u, err := url.Parse(registry.base); err == nil && u.Scheme == "http" { // the operator's choice
		cmd.Env = append(cmd.Env, "YARN_UNSAFE_HTTP_WHITELIST="+u.Hostname())
	}
	if ca := job.Env.getenv("SSL_CERT_FILE"); ca != "" {
		cmd.Env = append(cmd.Env, "YARN_HTTPS_CA_FILE_PATH="+ca)
	}
	if err := resolving(job, &cmd); err != nil {
		return err
	}
	settings := ""
	if data, err := job.Workspace.ReadFile(path.Join(job.Project.Dir, ".yarnrc.yml")); err == nil {
		if settings, err = keepYAML(data, yarnResolves); err != nil {
			return fmt.Errorf("%s: %w", path.Join(job.Project.Dir, ".yarnrc.yml"), err)
		}
		if settings == "{}\n" {
			settings = ""
		}
	}
	cmd.Extra[path.Join(job.Project.Dir, ".yarnrc.yml")] = settings
	if err := patches(job, &cmd); err != nil {
		return err
	}
	trial := job.Workspace.Clone()
	if _, err := job.Env.Runner.Run(ctx, trial, cmd); err != nil {
		return err
	}
	if err := settleNPM(trial, job.Project.Path, lock.data); err != nil {
		return err
	}
	made, _, err := readYarn(trial, job.Project.Path)
	if err != nil {
		return err
	}
	if err := aged(ctx, job, before, made.graph.pinned()); err != nil {
		return err
	}
	job.Workspace.adopt(trial)
	return nil
}
