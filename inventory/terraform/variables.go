package terraform

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// variant is one evaluation of a root: an environment and its variable files.
type variant struct {
	name  string
	files []string
}

// environmentFolders hold one folder, or one variable file, for each environment.
var environmentFolders = []string{"env", "envs", "environment", "environments"}

// variants returns the environments of a root.
func (r *reader) variants(root string) []variant {
	given := r.source.VarFiles
	if len(r.source.Environments) > 0 {
		var all []variant
		for _, env := range r.source.Environments {
			if env.Covers(root) {
				all = append(all, variant{env.Name, slices.Concat(env.VarFiles, given)})
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	if len(given) > 0 {
		return []variant{{environmentOf(root), given}}
	}
	found := map[string]*variant{}
	var order []string
	add := func(name, file string) {
		if found[name] == nil {
			found[name] = &variant{name: name}
			order = append(order, name)
		}
		found[name].files = append(found[name].files, file)
	}
	declared := r.files.module(root).variables
	for _, file := range r.files.tree.WithSuffix(".tfvars") {
		dir, base := path.Split(file.Path)
		dir = path.Clean(dir)
		name := strings.TrimSuffix(base, ".tfvars")
		if strings.HasSuffix(name, ".auto") {
			continue
		}
		switch {
		case dir == root && name != "terraform":
			if name != "" && r.sets(file.Path, declared) {
				add(name, file.Path)
			}
		case path.Dir(dir) == root && slices.Contains(environmentFolders, path.Base(dir)) && name != "terraform":
			add(name, file.Path)
		case path.Dir(path.Dir(dir)) == root && slices.Contains(environmentFolders, path.Base(path.Dir(dir))) && len(r.files.folders[dir]) == 0:
			add(path.Base(dir), file.Path)
		}
	}
	slices.Sort(order)
	if len(order) > maxVariants {
		at := inventory.Location{Path: root, Line: 0}
		r.notices.add("terraform-too-many", at, fmt.Sprintf("%s has %d environments; the first %d are evaluated", root, len(order), maxVariants))
		order = order[:maxVariants]
	}
	if len(order) == 0 {
		return []variant{{name: environmentOf(root)}}
	}
	all := make([]variant, len(order))
	for i, name := range order {
		all[i] = *found[name]
	}
	return all
}

// sets reports whether a variable file sets a variable of the module: others are for something else.
func (r *reader) sets(name string, declared map[string]*variable) bool {
	body := r.files.parse(name)
	if body == nil {
		return false
	}
	for attr := range body.Attributes {
		if declared[attr] != nil {
			return true
		}
	}
	return false
}

// environmentOf returns the environment that a root is by its place: env/prod is prod.
func environmentOf(root string) string {
	if slices.Contains(environmentFolders, path.Base(path.Dir(root))) {
		return path.Base(root)
	}
	return ""
}

// inputs returns the values of the variables of a root by Terraform's precedence
// (https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence): terraform.tfvars,
// *.auto.tfvars by name, then variable files and single values as given. Variables of the process's environment
// (TF_VAR_x) do not count: the same tree gives the same facts everywhere.
func (r *reader) inputs(e *evaluator, s *scope, v variant) map[string]*value {
	given := map[string]*value{}
	root := s.mod.dir
	for _, name := range []string{"terraform.tfvars", "terraform.tfvars.json"} {
		r.varFile(e, s, path.Join(root, name), given, false)
	}
	var auto []string
	for _, suffix := range []string{".auto.tfvars", ".auto.tfvars.json"} {
		for _, file := range r.files.tree.WithSuffix(suffix) {
			if path.Dir(file.Path) == root {
				auto = append(auto, file.Path)
			}
		}
	}
	slices.Sort(auto)
	for _, name := range auto {
		r.varFile(e, s, name, given, false)
	}
	for _, name := range v.files {
		r.varFile(e, s, path.Clean(name), given, true)
	}
	for name, written := range r.source.Vars {
		if decl := s.mod.variables[name]; decl != nil {
			given[name] = e.written(written, decl)
		}
	}
	return given
}

// written is a value from the command line: a text for variables that are texts or have no type, else an expression.
func (e *evaluator) written(given string, decl *variable) *value {
	at := location(decl.at) // no file gives it; the declaration is the nearest place
	if decl.typ != nil && !decl.typ.typ.IsPrimitiveType() {
		start := hcl.Pos{Line: 1, Column: 1}
		if tokens, _ := hclsyntax.LexExpression([]byte(given), commandLine, start); len(given) < maxRead {
			if _, deep := tooDeep(tokens); !deep {
				if x, diags := hclsyntax.ParseExpression([]byte(given), commandLine, start); !diags.HasErrors() {
					return e.expr(x, &frame{scope: newScope(e, newModule("."))}).placed(at)
				}
			}
		}
	}
	return text(given, at)
}

// commandLine is the path of values that no file gives.
const commandLine = "(command line)"

// varFile reads one variable file.
func (r *reader) varFile(e *evaluator, s *scope, name string, given map[string]*value, must bool) {
	if !r.files.tree.Has(name) {
		if must {
			at := inventory.Location{Path: name}
			r.notices.add("unreadable-file", at, fmt.Sprintf("%s can't be read: %v; the variables that it sets are unknown", name, os.ErrNotExist))
		}
		return
	}
	body := r.files.parseVars(name)
	if body == nil {
		return
	}
	f := &frame{scope: newScope(e, newModule(s.mod.dir))}
	for _, attr := range sortedKeys(body.Attributes) {
		if s.mod.variables[attr] != nil {
			given[attr] = e.expr(body.Attributes[attr].Expr, f)
		}
	}
}

// parseVars returns the attributes of a variable file.
func (f *files) parseVars(name string) *hclsyntax.Body {
	if !strings.HasSuffix(name, ".json") {
		return f.parse(name)
	}
	data, err := f.read(name, maxFile)
	at := inventory.Location{Path: name, Line: 1}
	if err == nil {
		var node *jsonNode
		if node, err = readJSON(data, name); err == nil {
			members, _ := node.value.([]jsonMember)
			b := &jsonBody{}
			body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
			for _, m := range members {
				body.Attributes[m.name] = &hclsyntax.Attribute{Name: m.name, Expr: b.expression(m.node, asLiteral), SrcRange: m.node.rng, NameRange: m.key}
			}
			return body
		}
	}
	f.notices.add("terraform-syntax", at, fmt.Sprintf("%s is not understood: %v", name, causeOf(err)))
	return nil
}
