package ecosystem

import (
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// privateScopes marks the packages of scopes that the project's configuration takes from a registry of their own: no
// public advisory speaks of them, and their names are nobody else's business.
//
// Sources: https://docs.npmjs.com/cli/using-npm/scope#associating-a-scope-with-a-registry and
// https://yarnpkg.com/configuration/yarnrc#npmScopes
func (d *Document) privateScopes(tree *inventory.Tree, dir string) {
	scopes := map[string]bool{}
	if data, err := tree.ReadFile(path.Join(dir, ".npmrc")); err == nil {
		npmrcScopes(string(data), scopes)
	}
	if name := path.Join(dir, ".yarnrc.yml"); tree.Has(name) {
		if data, err := tree.ReadFile(name); err == nil {
			yarnrcScopes(name, data, scopes)
		}
	}
	if len(scopes) == 0 {
		return
	}
	for i := range d.Entries {
		e := &d.Entries[i]
		if scope, _, ok := strings.Cut(e.Name, "/"); ok && scopes[scope] && (e.Origin == inventory.OriginRegistry || e.Origin == "") {
			e.Origin = inventory.OriginPrivate
		}
	}
}

// npmrcScopes reads lines such as @scope:registry=https://npm.example/. A scope whose registry is that of all packages
// is not one of its own.
func npmrcScopes(text string, scopes map[string]bool) {
	of := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		if scope, ok := strings.CutSuffix(strings.TrimSpace(key), "registry"); ok {
			of[strings.TrimSuffix(scope, ":")] = strings.TrimRight(strings.Trim(strings.TrimSpace(value), `"'`), "/")
		}
	}
	for scope, registry := range of {
		if strings.HasPrefix(scope, "@") && registry != of[""] {
			scopes[scope] = true
		}
	}
}

// yarnrcScopes reads npmScopes, which maps a scope without its @ to settings with npmRegistryServer.
func yarnrcScopes(name string, data []byte, scopes map[string]bool) {
	file, _ := parseYAML(name, data)
	for _, doc := range file.docs {
		all := yamlText(doc, "npmRegistryServer")
		yamlPairs(yamlGet(doc, "npmScopes"), func(scope, settings *yaml.Node) {
			if registry := yamlText(settings, "npmRegistryServer"); registry != "" && registry != all {
				scopes["@"+scope.Value] = true
			}
		})
	}
}
