package terraform

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// sources finds the folders that module calls name. Nothing is ever downloaded.
type sources struct {
	files    *files
	root     string // the folder of the root module
	vendored map[string]string
	own      []string // the tree's own repositories, as host/owner/name
	read     bool
}

// resolve returns the folder of a module that a call in s names; false where it is not in the tree.
func (so *sources) resolve(s *scope, c *call) (string, bool) {
	source, _ := c.source()
	if isLocal(source) {
		dir := path.Join(s.mod.dir, source)
		return dir, so.has(dir)
	}
	if dir, ok := so.vendoredDir(strings.TrimPrefix(s.keys+"."+c.name, ".")); ok {
		return dir, true
	}
	if dir, ok := ownSource(source, so.own); ok && so.has(dir) {
		return dir, true
	}
	return so.files.model(c)
}

func isLocal(source string) bool {
	return source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}

func (so *sources) has(dir string) bool {
	return dir != ".." && !strings.HasPrefix(dir, "../") && len(so.files.configuration(dir)) > 0
}

// vendoredDir looks a call up in .terraform/modules/modules.json, which `terraform init` writes.
func (so *sources) vendoredDir(key string) (string, bool) {
	if !so.read {
		so.read = true
		so.vendored = so.manifest()
	}
	dir, ok := so.vendored[key]
	return dir, ok
}

func (so *sources) manifest() map[string]string {
	name := path.Join(so.root, ".terraform/modules/modules.json")
	data, err := so.files.read(name, maxRead)
	if err != nil {
		return nil
	}
	var manifest struct {
		Modules []struct{ Key, Dir string }
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		at := inventory.Location{Path: name, Line: 1}
		so.files.notices.add("terraform-syntax", at, fmt.Sprintf("%s is not understood: %v; the modules that it lists are looked for elsewhere", name, err))
		return nil
	}
	found := map[string]string{}
	for _, m := range manifest.Modules {
		dir := path.Join(so.root, m.Dir)
		if m.Key != "" && !path.IsAbs(m.Dir) && so.has(dir) {
			found[m.Key] = dir
		}
	}
	return found
}

// gitSource takes a source that names a repository apart: host, owner and name, and the folder after //.
var gitSource = regexp.MustCompile(`^(?:git::)?(?:https?://|ssh://|git://)?(?:[^@/]+@)?([A-Za-z0-9.-]+\.[A-Za-z]+)(?::\d+)?[/:]([^?]+?)(?:\?.*)?$`)

// registrySource is namespace/name/provider, with an optional folder.
var registrySource = regexp.MustCompile(`^(?:registry\.(?:terraform\.io|opentofu\.org)/)?([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)/([a-z0-9]+)(?://([^?]*))?$`)

// ownSource returns the folder of a module that a source names, where it is in the tree's own repository. Examples name
// the module that they belong to by its public name.
func ownSource(source string, own []string) (string, bool) {
	repository, dir := "", ""
	if m := registrySource.FindStringSubmatch(source); m != nil {
		// The public registry serves modules from the repository github.com/NAMESPACE/terraform-PROVIDER-NAME.
		repository, dir = "github.com/"+m[1]+"/terraform-"+m[3]+"-"+m[2], m[4]
	} else if m := gitSource.FindStringSubmatch(source); m != nil {
		repository, dir, _ = strings.Cut(m[2], "//")
		repository = m[1] + "/" + strings.TrimSuffix(strings.TrimSuffix(repository, "/"), ".git")
	}
	if repository == "" {
		return "", false
	}
	for _, o := range own {
		if strings.EqualFold(o, repository) {
			dir = path.Clean(dir)
			return dir, dir == "." || !strings.HasPrefix(dir, "..") && !path.IsAbs(dir)
		}
	}
	return "", false
}

// repositoryName returns host/owner/name of the address of a git remote.
func repositoryName(remote string) string {
	m := gitSource.FindStringSubmatch(remote)
	if m == nil {
		return ""
	}
	return m[1] + "/" + strings.TrimSuffix(strings.TrimSuffix(m[2], "/"), ".git")
}

// absent says that the source of a module is not in the tree.
func (e *evaluator) absent(c *call) {
	source, at := c.source()
	switch {
	case source == "" && c.body.Attributes["source"] != nil:
		source = "an expression"
	case source == "":
		e.notices.add("terraform-module-unavailable", at, fmt.Sprintf("%s: module %s names no source; what it makes is unknown", at.Path, c.name))
		return
	}
	way := "run terraform init before the scan"
	if isLocal(source) {
		way = "there is no configuration in that folder of the tree"
	}
	e.notices.add("terraform-module-unavailable", at, fmt.Sprintf("%s: the source of module %s (%s) is not in the tree; what it makes is unknown; %s", at.Path, c.name, source, way))
}

// moduleResource is what stands for a module whose source is not in the tree: its inputs, source and version.
func (m *moduleInstance) resource() *inventory.Resource {
	s := m.from
	f := &frame{s, m.of.names}
	fields := newFields()
	for _, name := range sortedKeys(m.call.body.Attributes) {
		if !meta[name] {
			fields.put(name, s.e.expr(m.call.body.Attributes[name].Expr, f).sure())
		}
	}
	exists, reasons := s.exists, s.reasons
	if m.of.exists != inventory.Exists {
		exists, reasons = m.of.exists, addReasons(reasons, m.of.reasons)
	}
	return &inventory.Resource{
		ID: m.id, Type: "module", Name: m.call.name, Language: inventory.Terraform, Location: s.e.files.columns(location(m.call.at)), Via: s.via,
		Exists: exists, Reasons: reasons, Values: s.e.out(mapping(structural, fields, location(m.call.at))), Region: s.defaultRegion(m.call),
	}
}

// defaultRegion is the region of the AWS provider that a module gets.
func (s *scope) defaultRegion(c *call) string {
	inner := &scope{e: s.e, parent: s, call: c, providers: map[string]*configuration{}, mod: &module{providers: nil}}
	p := inner.configuration("aws")
	if p == nil {
		return ""
	}
	p.evaluate()
	if p.region == nil {
		return ""
	}
	region, _ := p.region.asText()
	return region
}

// callsOf returns the folders of the local modules that a module calls.
func (so *sources) callsOf(m *module) []string {
	var dirs []string
	for _, c := range m.callOrder {
		source, _ := c.source()
		if isLocal(source) {
			dirs = append(dirs, path.Join(m.dir, source))
		} else if dir, ok := ownSource(source, so.own); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
