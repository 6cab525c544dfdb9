package terraform

import (
	"path"

	"github.com/hashicorp/hcl/v2"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// state is where a root keeps its state: what a terraform_remote_state of another root names.
type state struct {
	root    string
	backend string
	config  map[string]string
}

// identifying are the settings of a backend that name one state in it, the deciding one first.
var identifying = map[string][]string{
	"s3": {"key", "bucket"}, "gcs": {"prefix", "bucket"}, "azurerm": {"key", "container_name", "storage_account_name"}, "consul": {"path"}, "http": {"address"},
	"local": {"path"}, "remote": {"workspaces", "organization"},
}

// statesOf returns where all roots keep their states, as far as that is written.
func (r *reader) statesOf() []state {
	if r.states != nil {
		return r.states
	}
	r.states = []state{}
	for _, root := range r.rootsFound {
		m := r.files.module(root)
		s := state{root: root, backend: "local", config: map[string]string{"path": "terraform.tfstate"}}
		if m.backend != nil {
			s.backend, s.config = "cloud", map[string]string{}
			if len(m.backend.Labels) == 1 {
				s.backend = m.backend.Labels[0]
			}
			for name, attr := range m.backend.Body.Attributes {
				s.config[name] = literalText(attr.Expr)
			}
			for _, block := range m.backend.Body.Blocks {
				if block.Type == "workspaces" && block.Body.Attributes["name"] != nil {
					s.config["workspaces"] = literalText(block.Body.Attributes["name"].Expr)
				}
			}
		}
		if s.backend == "local" {
			s.config["path"] = path.Join(root, s.config["path"])
		}
		if s.backend == "cloud" {
			s.backend = "remote"
		}
		r.states = append(r.states, s)
	}
	return r.states
}

// stateRoot returns the one root whose state a data source reads; false where there is none, or several.
func (r *reader) stateRoot(from, backend string, config map[string]string) (string, bool) {
	names := identifying[backend]
	if len(names) == 0 || config[names[0]] == "" {
		return "", false
	}
	if backend == "local" {
		config = map[string]string{"path": path.Join(from, config["path"])}
	}
	found := ""
	for _, s := range r.statesOf() {
		if s.backend != backend || s.config[names[0]] != config[names[0]] {
			continue
		}
		same := true
		for _, name := range names[1:] { // a setting that one side leaves to the command line says nothing
			a, b := s.config[name], config[name]
			same = same && (a == "" || b == "" || a == b)
		}
		if !same {
			continue
		}
		if found != "" {
			return "", false
		}
		found = s.root
	}
	return found, found != ""
}

// remoteOutputs are the outputs of the root whose state the data source reads, where that root is in the tree.
func remoteOutputs(i *instance, at hcl.Range) *value {
	e := i.scope.e
	backend, ok := i.attribute("backend", at).asText()
	config := i.written("config")
	if !ok || config == nil || config.kind != kindMap {
		return nil
	}
	settings := map[string]string{}
	for _, key := range config.fields.keys {
		v := config.fields.values[key]
		if key == "workspaces" && v.kind == kindMap && v.fields.values["name"] != nil {
			v = v.fields.values["name"]
		}
		settings[key], _ = v.asText()
	}
	root, ok := e.reader.stateRoot(e.root, backend, settings)
	if !ok || root == e.root {
		return nil
	}
	s := e.reader.remote(e, root)
	if s == nil {
		return nil
	}
	outputs := newFields()
	for _, name := range sortedKeys(s.mod.outputs) {
		outputs.put(name, foreign(s.output(name, at), root, 0))
	}
	return mapping(structural, outputs, location(i.res.at))
}

// remote returns the scope of another root, in the same environment where it has it. Roots that read each other's state
// are not followed around.
func (r *reader) remote(from *evaluator, root string) *scope {
	for e := from; e != nil; e = e.from {
		if e.root == root {
			return nil
		}
	}
	key := remoteKey{root, from.environment}
	if s, ok := r.remotes[key]; ok {
		return s
	}
	if r.remotes == nil {
		r.remotes = map[remoteKey]*scope{}
	}
	r.remotes[key] = nil
	variants := r.variants(root)
	chosen := variants[0]
	for _, v := range variants {
		if v.name == from.environment {
			chosen = v
		}
	}
	e := r.newEvaluator(from.ctx, root, chosen)
	e.from = from
	r.remotes[key] = r.scopeOf(e, root, chosen)
	return r.remotes[key]
}

type remoteKey struct{ root, environment string }

// foreign returns a value of another root: what it refers to is there.
func foreign(v *value, root string, depth int) *value {
	if !v.open || depth > maxOut {
		return v
	}
	c := v.copied()
	switch v.kind {
	case kindObject:
		id, reasons := v.object.identity()
		return unknownRef(v.at, inventory.Ref{Resource: id, Root: root}, reasons)
	case kindList:
		c.list = make([]*value, len(v.list))
		for i, e := range v.list {
			c.list[i] = foreign(e, root, depth+1)
		}
	case kindMap:
		c.fields = newFields()
		for _, key := range v.fields.keys {
			c.fields.put(key, foreign(v.fields.values[key], root, depth+1))
		}
		if v.fields.rest != nil {
			c.fields.rest = foreign(v.fields.rest, root, depth+1)
		}
		c.home = nil
	case kindUnknown:
		u := *v.unknown
		if u.ref != nil && u.ref.Root == "" {
			u.ref = &inventory.Ref{Resource: u.ref.Resource, Attribute: u.ref.Attribute, Root: root}
		}
		all := func(values []*value) []*value {
			made := make([]*value, len(values))
			for i, e := range values {
				made[i] = foreign(e, root, depth+1)
			}
			return made
		}
		u.candidates, u.parts = all(u.candidates), all(u.parts)
		c.unknown = &u
	}
	return c
}
