package builds

import (
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// bake reads a bake file, HCL or JSON.
func (r *reader) bake(name string, data []byte) {
	dir := path.Dir(name)
	targets := map[string]bakeTarget{}
	if strings.HasSuffix(strings.ToLower(name), ".json") {
		for _, doc := range inventory.ReadJSON(name, data) {
			if doc.Err != nil {
				r.notice("unreadable-file", inventory.Location{Path: name, Line: doc.Line}, "%s can't be read: %v", name, doc.Err)
				continue
			}
			env := map[string]string{}
			for _, f := range doc.Value.Get("variable").Fields() {
				if text, ok := f.Value.Get("default").Text(); ok {
					env[f.Name] = text
				}
			}
			for _, f := range doc.Value.Get("target").Fields() {
				targets[f.Name] = jsonTarget(withVariables(f.Value, env))
			}
		}
		r.targets(dir, targets)
		return
	}
	file, diagnostics := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	if diagnostics.HasErrors() {
		line := 0
		if s := diagnostics[0].Subject; s != nil {
			line = s.Start.Line
		}
		r.notice("unreadable-file", inventory.Location{Path: name, Line: line}, "%s can't be read: %s", name, diagnostics[0].Summary)
		return
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return
	}
	variables := map[string]cty.Value{}
	for _, b := range body.Blocks {
		if b.Type == "variable" && len(b.Labels) == 1 {
			variables[b.Labels[0]] = cty.StringVal("*")
			if a := b.Body.Attributes["default"]; a != nil {
				if v, d := a.Expr.Value(nil); !d.HasErrors() && v.IsKnown() && !v.IsNull() {
					variables[b.Labels[0]] = v
				}
			}
		}
	}
	for _, b := range body.Blocks {
		if b.Type != "target" || len(b.Labels) != 1 {
			continue
		}
		t := bakeTarget{args: map[string]string{}, at: inventory.Location{Path: name, Line: b.DefRange().Start.Line, Column: b.DefRange().Start.Column}}
		text := func(attribute string) string {
			if a := b.Body.Attributes[attribute]; a != nil {
				if list := hclTexts(a.Expr, variables); len(list) > 0 {
					return list[0]
				}
			}
			return ""
		}
		list := func(attribute string) []string {
			if a := b.Body.Attributes[attribute]; a != nil {
				return hclTexts(a.Expr, variables)
			}
			return nil
		}
		t.context, t.dockerfile, t.target = text("context"), text("dockerfile"), text("target")
		t.inherits, t.tags = list("inherits"), list("tags")
		if a := b.Body.Attributes["args"]; a != nil {
			if object, ok := a.Expr.(*hclsyntax.ObjectConsExpr); ok {
				for _, item := range object.Items {
					key, d := item.KeyExpr.Value(nil)
					if value := hclTexts(item.ValueExpr, variables); !d.HasErrors() && key.Type() == cty.String && len(value) == 1 {
						t.args[key.AsString()] = value[0]
					}
				}
			}
		}
		targets[b.Labels[0]] = t
	}
	r.targets(dir, targets)
}

func jsonTarget(v inventory.Value) bakeTarget {
	t := bakeTarget{args: pairs(v.Get("args")), at: v.Location()}
	t.context, _ = v.Get("context").Text()
	t.dockerfile, _ = v.Get("dockerfile").Text()
	t.target, _ = v.Get("target").Text()
	for _, e := range v.Get("inherits").Elements() {
		text, _ := e.Text()
		t.inherits = append(t.inherits, text)
	}
	for _, e := range v.Get("tags").Elements() {
		text, _ := e.Text()
		t.tags = append(t.tags, text)
	}
	return t
}

// hclTexts returns the texts of an expression: itself, or its elements. What can't be evaluated is a "*".
func hclTexts(expr hclsyntax.Expression, variables map[string]cty.Value) []string {
	if tuple, ok := expr.(*hclsyntax.TupleConsExpr); ok {
		var list []string
		for _, e := range tuple.Exprs {
			list = append(list, hclTexts(e, variables)...)
		}
		return list
	}
	known := map[string]cty.Value{}
	for _, traversal := range expr.Variables() {
		name := traversal.RootName()
		known[name] = cty.StringVal("*")
		if v, ok := variables[name]; ok {
			known[name] = v
		}
	}
	v, diagnostics := expr.Value(&hcl.EvalContext{Variables: known})
	if diagnostics.HasErrors() {
		return []string{"*"}
	}
	return ctyTexts(v)
}

func ctyTexts(v cty.Value) []string {
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	switch {
	case v.Type() == cty.String:
		return []string{v.AsString()}
	case v.Type().IsTupleType(), v.Type().IsListType(), v.Type().IsSetType():
		var list []string
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			list = append(list, ctyTexts(e)...)
		}
		return list
	}
	return []string{"*"}
}
