// Package packer reads Packer templates, in HCL and in JSON: which machine images they start from and what they make of
// them. Each source of an Amazon builder is a resource of type packer_amazon-ebs or the like.
//
// # Limitations
//
// Values are followed through the defaults of variables and through locals; what a plugin, a provisioner or the command
// line gives is not known. Nothing is built.
package packer

import (
	"context"
	"fmt"
	"math/big"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Source is the inventory.Source of Packer templates.
type Source struct{}

// Name returns the name of the source.
func (Source) Name() string { return "Packer" }

// maxFile bounds a template; people write them.
const maxFile = 4 << 20

// maxDepth bounds how deep brackets may be nested, because the parser of HCL calls itself for each.
const maxDepth = 200

// Read returns the Amazon sources of all templates.
func (Source) Read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, error) {
	inv := &inventory.Inventory{}
	folders := map[string][]string{}
	for _, f := range tree.WithSuffix(".pkr.hcl") {
		if !f.Vendored {
			folders[path.Dir(f.Path)] = append(folders[path.Dir(f.Path)], f.Path)
		}
	}
	dirs := make([]string, 0, len(folders))
	for dir := range folders {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		readHCL(tree, dir, folders[dir], inv)
	}
	for _, f := range tree.WithSuffix(".json") {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !f.Vendored && f.Size < maxFile {
			readJSON(tree, f.Path, inv)
		}
	}
	return inv, nil
}

func notice(inv *inventory.Inventory, at inventory.Location, format string, args ...any) {
	inv.Notices = append(inv.Notices, inventory.Notice{Code: "unreadable-file", Message: fmt.Sprintf(format, args...), Location: &at})
}

// readJSON reads a template in the older form. A file that is none is left alone without a word: most JSON is something else.
func readJSON(tree *inventory.Tree, name string, inv *inventory.Inventory) {
	data, err := tree.ReadFile(name)
	if err != nil || !strings.Contains(string(data), `"builders"`) || !strings.Contains(string(data), `"amazon-`) {
		return
	}
	docs := inventory.ReadYAML(name, data) // JSON is YAML, and every value gets its place
	if len(docs) == 0 || docs[0].Err != nil {
		notice(inv, inventory.Location{Path: name}, "%s can't be read as a Packer template", name)
		return
	}
	template := docs[0].Value
	variables := map[string]inventory.Value{}
	for _, f := range template.Get("variables").Fields() {
		variables[f.Name] = f.Value
	}
	for i, b := range template.Get("builders").Elements() {
		kind, _ := b.Get("type").Text()
		if !strings.HasPrefix(kind, "amazon-") {
			continue
		}
		label, _ := b.Get("name").Text()
		id := fmt.Sprintf("builders[%d]", i)
		if label != "" {
			id = "builders." + label
		}
		inv.Resources = append(inv.Resources, &inventory.Resource{
			ID: inventory.ID(id), Type: "packer_" + kind, Name: label, Language: inventory.Packer, Root: name, Location: b.Location(), Values: resolved(b, variables, 0),
		})
	}
}

// userVariable is how a template in JSON refers to one of its variables.
var userVariable = regexp.MustCompile("\\{\\{\\s*user\\s+[`\"]([A-Za-z0-9_-]+)[`\"]\\s*\\}\\}")

// resolved puts the values of variables into texts.
func resolved(v inventory.Value, variables map[string]inventory.Value, depth int) inventory.Value {
	if depth > maxDepth {
		return v
	}
	switch v.Kind() {
	case inventory.String:
		text, _ := v.Text()
		unknown := ""
		text = userVariable.ReplaceAllStringFunc(text, func(ref string) string {
			name := userVariable.FindStringSubmatch(ref)[1]
			value, ok := variables[name].Text()
			if !ok || value == "" {
				unknown = name
			}
			return value
		})
		if unknown != "" || strings.Contains(text, "{{") {
			return inventory.UnknownValue(v.Location(), inventory.Reason{Code: inventory.VarNoDefault, Ref: unknown})
		}
		return inventory.StringValue(text, v.Location())
	case inventory.List:
		list := make([]inventory.Value, 0, len(v.Elements()))
		for _, e := range v.Elements() {
			list = append(list, resolved(e, variables, depth+1))
		}
		return inventory.ListValue(list, v.Location())
	case inventory.Map:
		fields := make([]inventory.Field, 0, len(v.Fields()))
		for _, f := range v.Fields() {
			fields = append(fields, inventory.Field{Name: f.Name, Value: resolved(f.Value, variables, depth+1)})
		}
		return inventory.MapValue(fields, v.Location())
	case inventory.Null, inventory.Bool, inventory.Number, inventory.Unknown:
	}
	return v
}

// readHCL reads the templates of one folder, which belong together.
func readHCL(tree *inventory.Tree, dir string, files []string, inv *inventory.Inventory) {
	var bodies []*hclsyntax.Body
	for _, name := range files {
		data, err := tree.ReadFile(name)
		if err == nil && (len(data) > maxFile || deep(data)) {
			err = fmt.Errorf("it is larger or deeper than any that people write")
		}
		if err != nil {
			notice(inv, inventory.Location{Path: name}, "%s can't be read: %v", name, err)
			continue
		}
		file, diags := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
		if diags.HasErrors() {
			at := inventory.Location{Path: name}
			if diags[0].Subject != nil {
				at.Line = diags[0].Subject.Start.Line
			}
			notice(inv, at, "%s can't be read: %s", name, diags[0].Summary)
		}
		if body, ok := file.Body.(*hclsyntax.Body); ok {
			bodies = append(bodies, body)
		}
	}
	scope := variablesOf(bodies)
	for _, body := range bodies {
		for _, block := range body.Blocks {
			isSource := block.Type == "source" && len(block.Labels) == 2 && strings.HasPrefix(block.Labels[0], "amazon-")
			if !isSource && !(block.Type == "data" && len(block.Labels) == 2 && block.Labels[0] == "amazon-ami") {
				continue
			}
			kind, values := "packer_"+block.Labels[0], blockValue(block.Body, scope, 0)
			if block.Type == "data" { // it says of itself what a source says in source_ami_filter
				values = inventory.MapValue([]inventory.Field{{Name: "source_ami_filter", Value: values}}, location(block.Range()))
				kind = "packer_data_amazon-ami"
			}
			inv.Resources = append(inv.Resources, &inventory.Resource{
				ID: inventory.ID(block.Type + "." + strings.Join(block.Labels, ".")), Type: kind, Name: block.Labels[1], Language: inventory.Packer,
				Root: dir, Location: location(block.DefRange()), Values: values,
			})
		}
	}
}

// deep reports whether brackets are nested beyond what the parser is asked to follow.
func deep(data []byte) bool {
	depth := 0
	for _, c := range data {
		switch c {
		case '(', '[', '{':
			if depth++; depth > maxDepth {
				return true
			}
		case ')', ']', '}':
			depth--
		}
	}
	return false
}

// variablesOf returns the scope of the variables' defaults and of locals that need nothing else.
func variablesOf(bodies []*hclsyntax.Body) *hcl.EvalContext {
	vars, locals := map[string]cty.Value{}, map[string]cty.Value{}
	for _, body := range bodies {
		for _, block := range body.Blocks {
			if block.Type != "variable" || len(block.Labels) != 1 {
				continue
			}
			vars[block.Labels[0]] = cty.DynamicVal
			if d := block.Body.Attributes["default"]; d != nil {
				if v, diags := d.Expr.Value(nil); !diags.HasErrors() {
					vars[block.Labels[0]] = v
				}
			}
		}
	}
	scope := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(vars)}}
	for _, body := range bodies {
		for _, block := range body.Blocks {
			if block.Type != "locals" {
				continue
			}
			for name, a := range block.Body.Attributes {
				locals[name] = cty.DynamicVal
				if v, diags := a.Expr.Value(scope); !diags.HasErrors() {
					locals[name] = v
				}
			}
		}
	}
	scope.Variables["local"] = cty.ObjectVal(locals)
	return scope
}

func location(r hcl.Range) inventory.Location {
	return inventory.Location{Path: r.Filename, Line: r.Start.Line, Column: r.Start.Column, EndLine: r.End.Line, EndColumn: r.End.Column}
}

func blockValue(body *hclsyntax.Body, scope *hcl.EvalContext, depth int) inventory.Value {
	var fields []inventory.Field
	for name, a := range body.Attributes {
		v, diags := a.Expr.Value(scope)
		if diags.HasErrors() {
			v = cty.DynamicVal
		}
		fields = append(fields, inventory.Field{Name: name, Value: value(v, location(a.Expr.Range()))})
	}
	if depth < maxDepth {
		for _, b := range body.Blocks {
			fields = append(fields, inventory.Field{Name: b.Type, Value: blockValue(b.Body, scope, depth+1)})
		}
	}
	return inventory.MapValue(fields, location(body.Range()))
}

// value turns what HCL computes into a value of the inventory.
func value(v cty.Value, at inventory.Location) inventory.Value {
	v, _ = v.UnmarkDeep()
	switch {
	case !v.IsKnown():
		return inventory.UnknownValue(at, inventory.Reason{Code: inventory.VarNoDefault})
	case v.IsNull():
		return inventory.NullValue(at)
	case v.Type() == cty.String:
		return inventory.StringValue(v.AsString(), at)
	case v.Type() == cty.Bool:
		return inventory.BoolValue(v.True(), at)
	case v.Type() == cty.Number:
		n, _ := new(big.Float).Set(v.AsBigFloat()).Float64()
		return inventory.NumberValue(n, at)
	case v.Type().IsObjectType() || v.Type().IsMapType():
		var fields []inventory.Field
		for name, e := range v.AsValueMap() {
			fields = append(fields, inventory.Field{Name: name, Value: value(e, at)})
		}
		return inventory.MapValue(fields, at)
	case v.CanIterateElements():
		var list []inventory.Value
		for _, e := range v.AsValueSlice() {
			list = append(list, value(e, at))
		}
		return inventory.ListValue(list, at)
	}
	return inventory.NullValue(at)
}
