package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// module is the configuration of one folder.
type module struct {
	dir       string
	files     int // that could be parsed
	variables map[string]*variable
	locals    map[string]*hclsyntax.Attribute
	outputs   map[string]*output
	resources map[string]*resource // by aws_vpc.main, data.aws_ami.ubuntu
	order     []*resource
	calls     map[string]*call
	callOrder []*call
	providers map[string]*provider // by aws, aws.west
	versions  map[string]string    // what required_providers asks for, by local name
	backend   *hclsyntax.Block
}

// variable is one input of a module.
type variable struct {
	name      string
	body      *hclsyntax.Body
	at        hcl.Range
	typ       *typeConstraint
	def       hclsyntax.Expression // nil where there is none
	sensitive bool
	nullable  bool
}

// output is one output of a module.
type output struct {
	body  *hclsyntax.Body
	value hclsyntax.Expression
	at    hcl.Range
}

// resource is one resource, data or ephemeral block.
type resource struct {
	key  string // aws_vpc.main, data.aws_ami.ubuntu: the address within the module, without index
	mode string // "", data, ephemeral
	typ  string // aws_vpc
	name string
	body *hclsyntax.Body
	at   hcl.Range
}

// call is one module block.
type call struct {
	name string
	body *hclsyntax.Body
	at   hcl.Range
}

// provider is one provider block.
type provider struct {
	name, alias string
	body        *hclsyntax.Body
	at          hcl.Range
}

func newModule(dir string) *module {
	return &module{
		dir: dir, variables: map[string]*variable{}, locals: map[string]*hclsyntax.Attribute{}, outputs: map[string]*output{},
		resources: map[string]*resource{}, calls: map[string]*call{}, providers: map[string]*provider{}, versions: map[string]string{},
	}
}

// ignored are blocks that declare nothing that is deployed: what they say is about the state, or checked when it runs.
var ignored = map[string]bool{
	"moved": true, "removed": true, "import": true, "check": true, "action": true, "list": true, "language": true,
}

// add takes in the blocks of one file.
func (m *module) add(body *hclsyntax.Body, n *notices) {
	for _, block := range body.Blocks {
		at := block.DefRange()
		labels := block.Labels
		switch {
		case block.Type == "locals":
			for name, attr := range block.Body.Attributes {
				m.locals[name] = attr
			}
		case block.Type == "terraform":
			m.settings(block.Body)
		case block.Type == "variable" && len(labels) == 1:
			m.variables[labels[0]] = newVariable(labels[0], block.Body, at)
		case block.Type == "output" && len(labels) == 1:
			o := &output{body: block.Body, at: at}
			if attr := block.Body.Attributes["value"]; attr != nil {
				o.value = attr.Expr
			}
			m.outputs[labels[0]] = o
		case block.Type == "module" && len(labels) == 1:
			c := &call{name: labels[0], body: block.Body, at: at}
			if m.calls[c.name] != nil {
				n.add("terraform-duplicate", location(at), fmt.Sprintf("%s: module %s is declared twice; the first one is evaluated", at.Filename, c.name))
				continue
			}
			m.calls[c.name] = c
			m.callOrder = append(m.callOrder, c)
		case block.Type == "provider" && len(labels) == 1:
			p := &provider{name: labels[0], body: block.Body, at: at}
			if attr := block.Body.Attributes["alias"]; attr != nil {
				p.alias = literalText(attr.Expr)
			}
			m.providers[p.key()] = p
		case (block.Type == "resource" || block.Type == "data" || block.Type == "ephemeral") && len(labels) == 2:
			r := newResource(block, at)
			if m.resources[r.key] != nil {
				n.add("terraform-duplicate", location(at), fmt.Sprintf("%s: %s is declared twice; the first one is evaluated", at.Filename, r.key))
				continue
			}
			m.resources[r.key] = r
			m.order = append(m.order, r)
		case ignored[block.Type]:
		default:
			n.add("terraform-syntax", location(at), fmt.Sprintf("%s: a block %s with %d labels is not known and was not evaluated", at.Filename, block.Type, len(labels)))
		}
	}
}

func (p *provider) key() string {
	if p.alias != "" {
		return p.name + "." + p.alias
	}
	return p.name
}

func newResource(block *hclsyntax.Block, at hcl.Range) *resource {
	r := &resource{typ: block.Labels[0], name: block.Labels[1], body: block.Body, at: at}
	r.key = r.typ + "." + r.name
	if block.Type != "resource" {
		r.mode = block.Type
		r.key = r.mode + "." + r.key
	}
	// The place of a resource is its whole block.
	r.at = hcl.RangeBetween(at, block.CloseBraceRange)
	return r
}

func newVariable(name string, body *hclsyntax.Body, at hcl.Range) *variable {
	v := &variable{name: name, body: body, at: at, nullable: true}
	if attr := body.Attributes["type"]; attr != nil {
		v.typ = newTypeConstraint(attr.Expr)
	}
	if attr := body.Attributes["default"]; attr != nil {
		v.def = attr.Expr
	}
	v.sensitive = literalBool(body, "sensitive", false)
	v.nullable = literalBool(body, "nullable", true)
	return v
}

// settings reads what of a terraform block matters here: where the state is kept, and which providers are asked for.
func (m *module) settings(body *hclsyntax.Body) {
	for _, block := range body.Blocks {
		switch block.Type {
		case "backend", "cloud":
			m.backend = block
		case "required_providers":
			for name, attr := range block.Body.Attributes {
				if version := requiredVersion(attr.Expr); version != "" {
					m.versions[name] = version
				}
			}
		}
	}
}

// requiredVersion returns the versions of a provider that an entry of required_providers asks for; empty where it says
// none.
func requiredVersion(x hclsyntax.Expression) string {
	object, ok := x.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return literalText(x) // as Terraform 0.12 had it
	}
	for _, item := range object.Items {
		if providerKey(item.KeyExpr) == "version" {
			return literalText(item.ValueExpr)
		}
	}
	return ""
}

// override lays the blocks of an override file over those that stand (the rules of
// https://developer.hashicorp.com/terraform/language/files/override: attributes are replaced, nested blocks of a type as
// a whole).
func (m *module) override(body *hclsyntax.Body) {
	for _, block := range body.Blocks {
		labels := block.Labels
		switch {
		case block.Type == "locals":
			for name, attr := range block.Body.Attributes {
				m.locals[name] = attr
			}
		case block.Type == "terraform":
			m.settings(block.Body)
		case block.Type == "variable" && len(labels) == 1:
			if v := m.variables[labels[0]]; v != nil {
				m.variables[labels[0]] = newVariable(v.name, merged(v.body, block.Body), v.at)
			}
		case block.Type == "output" && len(labels) == 1:
			if o := m.outputs[labels[0]]; o != nil {
				o.body = merged(o.body, block.Body)
				if attr := o.body.Attributes["value"]; attr != nil {
					o.value = attr.Expr
				}
			}
		case block.Type == "module" && len(labels) == 1:
			if c := m.calls[labels[0]]; c != nil {
				c.body = merged(c.body, block.Body)
			}
		case block.Type == "provider" && len(labels) == 1:
			p := &provider{name: labels[0], body: block.Body, at: block.DefRange()}
			if attr := block.Body.Attributes["alias"]; attr != nil {
				p.alias = literalText(attr.Expr)
			}
			if known := m.providers[p.key()]; known != nil {
				known.body = merged(known.body, block.Body)
			}
		case (block.Type == "resource" || block.Type == "data" || block.Type == "ephemeral") && len(labels) == 2:
			if r := m.resources[newResource(block, block.DefRange()).key]; r != nil {
				r.body = merged(r.body, block.Body)
			}
		}
	}
}

func merged(under, over *hclsyntax.Body) *hclsyntax.Body {
	body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: under.SrcRange, EndRange: under.EndRange}
	for name, attr := range under.Attributes {
		body.Attributes[name] = attr
	}
	for name, attr := range over.Attributes {
		body.Attributes[name] = attr
	}
	replaced := map[string]bool{}
	for _, block := range over.Blocks {
		replaced[blockType(block)] = true
	}
	for _, block := range under.Blocks {
		if !replaced[blockType(block)] {
			body.Blocks = append(body.Blocks, block)
		}
	}
	body.Blocks = append(body.Blocks, over.Blocks...)
	return body
}

// blockType is the type of the blocks that a block, dynamic or not, makes.
func blockType(block *hclsyntax.Block) string {
	if block.Type == "dynamic" && len(block.Labels) == 1 {
		return block.Labels[0]
	}
	return block.Type
}

// literalText returns the text of an expression that needs no evaluation, "" where it does.
func literalText(x hclsyntax.Expression) string {
	switch x := x.(type) {
	case *hclsyntax.TemplateExpr:
		if x.IsStringLiteral() {
			if lit, ok := x.Parts[0].(*hclsyntax.LiteralValueExpr); ok && lit.Val.Type() == cty.String && lit.Val.IsKnown() && !lit.Val.IsNull() {
				return lit.Val.AsString()
			}
		}
	case *hclsyntax.ParenthesesExpr:
		return literalText(x.Expression)
	case *hclsyntax.LiteralValueExpr:
		if x.Val.Type() == cty.String && x.Val.IsKnown() && !x.Val.IsNull() {
			return x.Val.AsString()
		}
	}
	return ""
}

func literalBool(body *hclsyntax.Body, name string, otherwise bool) bool {
	attr := body.Attributes[name]
	if attr == nil {
		return otherwise
	}
	if lit, ok := attr.Expr.(*hclsyntax.LiteralValueExpr); ok && lit.Val.Type() == cty.Bool && lit.Val.IsKnown() && !lit.Val.IsNull() {
		return lit.Val.True()
	}
	switch literalText(attr.Expr) {
	case "true":
		return true
	case "false":
		return false
	}
	return otherwise
}

// traversalName writes a traversal of names as the user does.
func traversalName(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(step.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + step.Name)
		}
	}
	return b.String()
}

// source returns the source of a module call, and its place.
func (c *call) source() (string, inventory.Location) {
	attr := c.body.Attributes["source"]
	if attr == nil {
		return "", location(c.at)
	}
	return literalText(attr.Expr), location(attr.Expr.Range())
}
