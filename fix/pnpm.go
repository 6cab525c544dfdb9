package fix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// PNPM writes package.json and pnpm-workspace.yaml with pnpm-lock.yaml, of lock file versions 6 and 9.
//
// The lock file is edited, with what the registry states. Where peers have to be found anew, pnpm completes it in a copy:
// pnpm install --lockfile-only --ignore-scripts --ignore-pnpmfile, by a release of our choice and without the project's
// configuration but for what decides which releases there are.
var PNPM = javascript("pnpm", "pnpm-lock.yaml", openPNPM, writePNPM)

const pnpmWorkspace = "pnpm-workspace.yaml"

func openPNPM(_ context.Context, ws *Workspace, name string) (*Project, error) {
	lock, err := readPNPM(ws, name)
	if err != nil {
		return nil, err
	}
	dir := path.Dir(name)
	var manifests []*npmManifest
	for _, root := range lock.graph.roots {
		m, err := readManifest(ws, path.Dir(root.manifest))
		if err != nil {
			return nil, err
		}
		switch {
		case m != nil && root.dir == ".":
			manifests = append([]*npmManifest{m}, manifests...)
		case m != nil:
			manifests = append(manifests, m)
		}
	}
	if len(manifests) == 0 || manifests[0].path != path.Join(dir, "package.json") {
		return nil, fmt.Errorf("there is no package.json beside %s", name)
	}
	p := lock.graph.project(name, manifests)
	fixedOverrides(p, manifests[0], "pnpm.overrides", manifests[0].text.root.get("pnpm").get("overrides"))
	return p, lock.workspaceLines(ws, p)
}

func readPNPM(ws *Workspace, name string) (*pnpmLock, error) {
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lock, err := parsePNPMLock(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	lock.importers(path.Dir(name))
	lock.graph.forced = map[string]string{}
	for key, value := range yamlStrings(yamlAt(lock.text.root, "overrides")) {
		if npmName.MatchString(key) {
			lock.graph.forced[key] = value
		}
	}
	return lock, nil
}

// workspaceLines puts the lines of pnpm-workspace.yaml in the place of those that refer to its catalogs.
func (l *pnpmLock) workspaceLines(ws *Workspace, p *Project) error {
	name := path.Join(p.Dir, pnpmWorkspace)
	if !ws.Has(name) {
		return nil
	}
	data, err := ws.ReadFile(name)
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return err
	}
	text, err := parseYAMLText(data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.Files = append(p.Files, name)
	slices.Sort(p.Files)
	line := func(pair yamlPair, list string) Requirement {
		r := Requirement{Package: pair.key.Value, Constraint: yamlString(pair.value), List: list, Location: inventory.Location{Path: name, Line: pair.key.Line}}
		if alias, _ := npmRange(r.Constraint); alias != "" {
			r.Package = strings.TrimSuffix(strings.TrimPrefix(alias, "npm:"), "@")
		}
		if _, err := npmAdmits(r.Constraint, "1.0.0"); err != nil {
			r.Fixed = fmt.Sprintf("%s asks for %s as %q, which is no range of versions", name, r.Package, r.Constraint)
		}
		return r
	}
	used := map[string]bool{}
	p.Requirements = slices.DeleteFunc(p.Requirements, func(r Requirement) bool {
		catalog, ok := strings.CutPrefix(r.Constraint, "catalog:")
		if !ok {
			return false
		}
		if _, found := catalogLine(text, catalog, r.Package); !found {
			return false
		}
		used[catalog+" "+r.Package] = true
		return true
	})
	for _, key := range sortedKeys(used) {
		catalog, pkg, _ := strings.Cut(key, " ")
		if pair, ok := catalogLine(text, catalog, pkg); ok {
			p.Requirements = append(p.Requirements, line(pair, "catalog:"+catalog))
		}
	}
	for _, pair := range yamlPairs(yamlAt(text.root, "overrides")) {
		if npmName.MatchString(pair.key.Value) {
			p.Requirements = append(p.Requirements, line(pair, "overrides"))
		}
	}
	return nil
}

// catalogLine returns the line of a catalog for a package. Source: https://pnpm.io/catalogs
func catalogLine(text *yamlText, catalog, name string) (yamlPair, bool) {
	places := [][]string{{"catalogs", catalog}}
	if catalog == "" || catalog == "default" {
		places = [][]string{{"catalog"}, {"catalogs", "default"}}
	}
	for _, keys := range places {
		for _, pair := range yamlPairs(yamlAt(text.root, keys...)) {
			if pair.key.Value == name {
				return pair, true
			}
		}
	}
	return yamlPair{}, false
}

func writePNPM(ctx context.Context, job *Job) error {
	registry, err := npmRegistryOf(job)
	if err != nil {
		return err
	}
	// An override asks for what is compatible, which a run of pnpm may read as leave to take something newer than planned.
	for _, exact := range []bool{false, true} {
		trial := *job
		trial.Workspace = job.Workspace.Clone()
		if err := trial.writePNPM(ctx, registry, exact); err != nil {
			return err
		}
		lock, err := readPNPM(trial.Workspace, job.Project.Path)
		if err != nil {
			return err
		}
		pinned := lock.graph.pinned()
		if exact || !slices.ContainsFunc(job.Targets, func(t Target) bool {
			return t.How == HowOverride && len(pinned[t.Package]) > 0 && !slices.Contains(pinned[t.Package], t.To)
		}) {
			job.Workspace.adopt(trial.Workspace)
			return nil
		}
	}
	return nil
}

func (job *Job) writePNPM(ctx context.Context, registry *npmRegistry, exact bool) error {
	p := job.Project
	if err := writeManifests(job.Workspace, job.Targets); err != nil {
		return err
	}
	if err := writePNPMWorkspace(job); err != nil {
		return err
	}
	lock, err := readPNPM(job.Workspace, p.Path)
	if err != nil {
		return err
	}
	for _, t := range job.Targets {
		for _, n := range lock.graph.nodes {
			if n.name == t.Package && n.version == t.From && strings.Contains(surroundings(n), "patch_hash=") {
				return fmt.Errorf("%s %s is patched by the project, and the patch may not fit another version", t.Package, t.From)
			}
		}
	}
	before := lock.graph.pinned()
	change := &jsChange{jsGraph: lock.graph, ctx: ctx, job: job, registry: registry, exact: exact}
	if err := change.apply(); err != nil {
		return err
	}
	if err := writePNPMOverrides(job, change.overrides); err != nil {
		return err
	}
	whole, err := lock.write(change)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	if err := job.Workspace.WriteFile(p.Path, lock.text.data); err != nil {
		return err
	}
	if whole {
		return nil
	}
	return completePNPM(ctx, job, lock, registry, before)
}

// pinned returns the versions of each package.
func (g *jsGraph) pinned() pinnedVersions {
	all := pinnedVersions{}
	for _, n := range g.nodes {
		if n.origin == inventory.OriginRegistry && !slices.Contains(all[n.name], n.version) {
			all[n.name] = append(all[n.name], n.version)
		}
	}
	return all
}

// writePNPMWorkspace changes the lines of pnpm-workspace.yaml that the targets name.
func writePNPMWorkspace(job *Job) error {
	var text *yamlText
	name := path.Join(job.Project.Dir, pnpmWorkspace)
	seen := map[linePlace]bool{}
	for _, t := range job.Targets {
		for _, line := range t.Lines {
			if line.Location.Path != name {
				continue
			}
			if line = latest(job.Targets, line); seen[placeOf(line)] {
				continue
			}
			seen[placeOf(line)] = true
			if text == nil {
				data, err := job.Workspace.ReadFile(name)
				if err != nil {
					return err
				}
				if text, err = parseYAMLText(data); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			value := yamlAt(text.root, "overrides", line.Package)
			if catalog, ok := strings.CutPrefix(line.List, "catalog:"); ok {
				pair, _ := catalogLine(text, catalog, line.Package)
				value = pair.value
			}
			if value == nil || value.Value != line.Constraint && value.Value != line.To {
				return fmt.Errorf("%s no longer asks for %s", name, line.Package)
			}
			if err := text.set(value, line.To); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if text == nil {
		return nil
	}
	data, err := text.part(0, len(text.data))
	if err != nil {
		return err
	}
	return job.Workspace.WriteFile(name, []byte(data))
}

// pnpmRelease matches the release that a project is worked on with (https://nodejs.org/api/packages.html#packagemanager).
var pnpmRelease = regexp.MustCompile(`^pnpm@(\d+)\.(\d+)\.`)

// writePNPMOverrides writes overrides where the project has its own: in pnpm-workspace.yaml, which pnpm reads since 10.5,
// or in package.json, which it reads up to 10.
func writePNPMOverrides(job *Job, list []override) error {
	add := map[string]any{}
	for _, o := range list {
		for key, value := range o.pnpm() {
			add[key] = value
		}
	}
	if len(add) == 0 {
		return nil
	}
	root, text, err := job.rootManifest()
	if err != nil {
		return err
	}
	name := path.Join(job.Project.Dir, pnpmWorkspace)
	settings, err := job.Workspace.ReadFile(name)
	if err != nil {
		settings = nil
	}
	own := text.root.get("pnpm")
	inWorkspace := false
	if m := pnpmRelease.FindStringSubmatch(text.root.get("packageManager").str()); m != nil {
		inWorkspace = len(m[1]) > 1 && (m[1] > "10" || m[1] == "10" && len(m[2]) > 1 || m[1] == "10" && m[2] >= "5" && settings != nil)
	}
	if bytes.Contains(settings, []byte("\noverrides:")) || bytes.HasPrefix(settings, []byte("overrides:")) {
		inWorkspace = true
	} else if own.get("overrides") != nil {
		inWorkspace = false
	}
	if inWorkspace {
		return job.workspaceOverrides(name, settings, add)
	}
	if own == nil {
		text.insertLast(text.root, "pnpm", text.value(1, map[string]any{"overrides": add}))
	} else if err := mergeMember(text, own, "overrides", add); err != nil {
		return err
	}
	return writeTexts(job.Workspace, map[string]*jsonText{root: text})
}

// workspaceOverrides adds to the overrides of pnpm-workspace.yaml.
func (job *Job) workspaceOverrides(name string, settings []byte, add map[string]any) error {
	text := &yamlText{data: settings, newline: "\n"}
	if len(bytes.TrimSpace(settings)) > 0 {
		var err error
		if text, err = parseYAMLText(settings); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	have := yamlAt(text.root, "overrides")
	pairs := yamlPairs(have)
	if have != nil && (len(pairs) == 0 || have.Style&yaml.FlowStyle != 0) {
		return fmt.Errorf("%s: its overrides are written in a way that can't be added to", name)
	}
	indent := "  "
	if len(pairs) > 0 {
		indent = strings.Repeat(" ", pairs[0].key.Column-1)
	}
	var lines strings.Builder
	for _, key := range sortedKeys(add) {
		value, _ := add[key].(string)
		if old := yamlAt(have, key); old != nil {
			if err := text.set(old, value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		lines.WriteString(indent + yamlQuote(key) + ": " + yamlQuote(value) + text.newline)
	}
	at, block := len(text.data), lines.String()
	if len(pairs) > 0 {
		at = text.lineStart(pairs[len(pairs)-1].value.Line + 1)
	} else {
		block = "overrides:" + text.newline + block
		if at > 0 {
			block = text.newline + block
		}
	}
	if at > 0 && text.data[at-1] != '\n' {
		block = text.newline + block
	}
	text.splices = append(text.splices, splice{at, at, block})
	data, err := text.part(0, len(text.data))
	if err != nil {
		return err
	}
	return job.Workspace.WriteFile(name, []byte(data))
}

// pnpmResolves are the settings that decide which releases and which peers a lock file has. What else a project sets,
// scripts, registries, programs and hooks among it, is not heard. Source: https://pnpm.io/settings
var pnpmResolves = []string{
	"packages", "catalog", "catalogs", "overrides", "packageExtensions", "peerDependencyRules", "patchedDependencies", "ignoredOptionalDependencies",
	"allowedDeprecatedVersions", "dedupePeerDependents", "resolvePeersFromWorkspaceRoot", "linkWorkspacePackages", "preferWorkspacePackages",
	"lockfileIncludeTarballUrl", "sharedWorkspaceLockfile", "resolutionMode",
}

// manifestResolves are the members of a package.json that decide the same.
var manifestResolves = []string{
	"name", "version", "private", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta",
	"dependenciesMeta", "resolutions", "workspaces", "bundleDependencies", "bundledDependencies", "pnpm",
}

// completePNPM lets pnpm find peers anew. lock is what we made of it, before what was pinned.
func completePNPM(ctx context.Context, job *Job, lock *pnpmLock, registry *npmRegistry, before pinnedVersions) error {
	if job.Env.Runner == nil {
		return &ToolError{Program: "pnpm", Missing: true}
	}
	hooks := yamlAt(lock.text.root, "pnpmfileChecksum") != nil
	if !lock.nine { // which does not say
		hooks = job.Workspace.Has(path.Join(job.Project.Dir, ".pnpmfile.cjs"))
	}
	if hooks {
		return errors.New("peers have to be found anew, which only pnpm can do, and the project changes what packages ask for by .pnpmfile.cjs, which is a program")
	}
	if err := lock.graph.foreign(job.Project); err != nil {
		return err
	}
	release := pnpm10
	if !lock.nine {
		release = pnpm8
	}
	cmd := nodeCommand(job, release.at(registry), "install", "--lockfile-only", "--ignore-scripts", "--ignore-pnpmfile", "--no-frozen-lockfile",
		"--config.prefer-frozen-lockfile=false", "--config.manage-package-manager-versions=false", "--config.strict-peer-dependencies=false", "--config.engine-strict=false",
		"--config.cache-dir={cache}/pnpm", "--config.store-dir={cache}/pnpm-store", "--config.state-dir={home}/state", "--registry="+registry.base)
	for _, p := range yamlPairs(yamlAt(lock.text.root, "settings")) {
		if value := yamlString(p.value); pnpmSetting.MatchString(p.key.Value) && pnpmValue.MatchString(value) {
			cmd.Args = append(cmd.Args, "--config."+kebab(p.key.Value)+"="+value)
		}
	}
	for _, name := range pnpmResolves[9:] {
		if value := npmSetting(job.Workspace, job.Project.Dir, kebab(name)); pnpmValue.MatchString(value) {
			cmd.Args = append(cmd.Args, "--config."+kebab(name)+"="+value)
		}
	}
	cmd.Env = append(cmd.Env, "COREPACK_ENABLE_STRICT=0", "npm_config_userconfig={home}/npmrc", "npm_config_globalconfig={home}/npmrc-global")
	if err := resolving(job, &cmd); err != nil {
		return err
	}
	name := path.Join(job.Project.Dir, pnpmWorkspace)
	if settings, err := job.Workspace.ReadFile(name); err == nil {
		kept, err := keepYAML(settings, pnpmResolves)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		cmd.Extra[name] = kept
	}
	if err := patches(job, &cmd); err != nil {
		return err
	}
	trial := job.Workspace.Clone()
	if _, err := job.Env.Runner.Run(ctx, trial, cmd); err != nil {
		return err
	}
	if err := settleNPM(trial, job.Project.Path, lock.text.data); err != nil {
		return err
	}
	made, err := readPNPM(trial, job.Project.Path)
	if err != nil {
		return err
	}
	if err := aged(ctx, job, before, made.graph.pinned()); err != nil {
		return err
	}
	job.Workspace.adopt(trial)
	return nil
}

var (
	pnpmSetting = regexp.MustCompile(`^[a-z][A-Za-z]+$`)
	pnpmValue   = regexp.MustCompile(`^(?:true|false|deep|highest|time-based|lowest-direct|[0-9]{1,9})$`)
	capital     = regexp.MustCompile(`[A-Z]`)
)

func kebab(name string) string {
	return capital.ReplaceAllStringFunc(name, func(s string) string { return "-" + strings.ToLower(s) })
}

// aged returns an error where a program brought a release in that is not past the cool-down.
func aged(ctx context.Context, job *Job, before, after pinnedVersions) error {
	fresh, err := tooFresh(ctx, job.Project.Manager, job.Registry, job.Env.Now, before, after, job.Targets)
	if err != nil {
		return err
	}
	if len(fresh) > 0 {
		return fmt.Errorf("%s %s comes along and was published within the last %s", fresh[0].Package, fresh[0].From, days(freshRelease))
	}
	return nil
}

// nodeCommand returns a run of a program of the registry that knows no configuration but ours.
func nodeCommand(job *Job, p *NodePackage, args ...string) Command {
	cmd := Command{
		Program: "node", Package: p, Args: args, Network: true, Dir: job.Project.Dir, Files: job.Project.Files, Outputs: []string{job.Project.Path},
		Home: map[string]string{"npmrc": ""}, Extra: map[string]string{},
	}
	for _, name := range []string{"NPM_CONFIG_CAFILE", "SSL_CERT_FILE"} {
		if ca := job.Env.getenv(name); ca != "" {
			cmd.Env = []string{"NODE_EXTRA_CA_CERTS=" + ca}
			break
		}
	}
	return cmd
}

// resolving puts manifests into a copy that have nothing in them but what decides which releases there are: no scripts,
// no release of a package manager to be fetched, no engines.
func resolving(job *Job, cmd *Command) error {
	for _, name := range job.Project.Data.(*jsProject).manifests {
		data, err := job.Workspace.ReadFile(name)
		if err != nil {
			return err
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &all); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for key, value := range all {
			if !slices.Contains(manifestResolves, key) {
				delete(all, key)
			}
			if key == "pnpm" {
				var own map[string]json.RawMessage
				if json.Unmarshal(value, &own) != nil {
					delete(all, key)
					continue
				}
				for setting := range own {
					if !slices.Contains(pnpmResolves, setting) {
						delete(own, setting)
					}
				}
				if all[key], err = json.Marshal(own); err != nil {
					return err
				}
			}
		}
		text, err := json.Marshal(all)
		if err != nil {
			return err
		}
		cmd.Extra[name] = string(text)
	}
	return nil
}

// keepYAML returns a YAML text with some members of its top alone.
func keepYAML(data []byte, members []string) (string, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return "", nil
	}
	text, err := parseYAMLText(data)
	if err != nil {
		return "", err
	}
	kept := &yaml.Node{Kind: yaml.MappingNode}
	for _, p := range yamlPairs(text.root) {
		if slices.Contains(members, p.key.Value) {
			kept.Content = append(kept.Content, p.key, p.value)
		}
	}
	out, err := yaml.Marshal(kept)
	return string(out), err
}

// patches adds the patches of the project, which lock files have the digests of.
func patches(job *Job, cmd *Command) error {
	for _, f := range job.Workspace.Tree().Files() {
		if path.Ext(f.Path) == ".patch" && (job.Project.Dir == "." || strings.HasPrefix(f.Path, job.Project.Dir+"/")) {
			cmd.Files = append(slices.Clip(cmd.Files), f.Path)
		}
	}
	return nil
}

// foreign returns an error where a program would ask somebody other than the registry: for a package that is to come
// from an address or a repository and that the lock file does not hold.
func (g *jsGraph) foreign(p *Project) error {
	held := map[string]bool{}
	for _, root := range g.roots {
		for _, need := range root.needs {
			if need.to != nil && need.to.origin != inventory.OriginRegistry {
				held[root.manifest+" "+need.name] = true
			}
			if isForeign(need.asks()) && !knownProtocol(need.asks()) && need.to == nil {
				return fmt.Errorf("%s is to come from %s, and the lock file does not hold it: it would have to be asked for there", need.name, need.asks())
			}
		}
	}
	for _, r := range p.Requirements {
		if isForeign(r.Constraint) && !knownProtocol(r.Constraint) && !held[r.Location.Path+" "+r.Package] {
			return fmt.Errorf("%s is to come from %s, and the lock file does not hold it: it would have to be asked for there", r.Package, r.Constraint)
		}
	}
	return nil
}

// knownProtocol reports whether a need is one of a package manager itself: of the project's folders, catalogs and patches.
func knownProtocol(spec string) bool {
	protocol, _, ok := strings.Cut(spec, ":")
	return ok && slices.Contains([]string{"workspace", "link", "file", "portal", "catalog", "patch", "npm"}, protocol)
}
