package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// JSON configuration (https://developer.hashicorp.com/terraform/language/syntax/json) is read into the syntax tree of the
// native syntax, so that everything after the parser is written once. Without the schemas of providers a nested block
// can't be told from an attribute with an object; both become attributes, which inventory.Value.Blocks reads alike.

// problem is a part of a file that was left out.
type problem struct {
	at   inventory.Location
	what string
}

// jsonNode is one value of a JSON text with its place.
type jsonNode struct {
	value any // nil, bool, json.Number, string, []*jsonNode, []jsonMember
	rng   hcl.Range
}

type jsonMember struct {
	name string
	key  hcl.Range
	node *jsonNode
}

// jsonReader reads JSON with places. Objects keep the order and repetition of their members.
type jsonReader struct {
	dec   *json.Decoder
	data  []byte
	lines *inventory.Lines
	name  string
}

// maxJSONDepth bounds objects and lists inside each other.
const maxJSONDepth = maxNesting / 2

func readJSON(data []byte, name string) (*jsonNode, error) {
	r := &jsonReader{dec: json.NewDecoder(strings.NewReader(string(data))), data: data, lines: inventory.NewLines(data), name: name}
	r.dec.UseNumber()
	node, err := r.node(0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the text ends too early")
		}
		return nil, err
	}
	return node, nil
}

func (r *jsonReader) rangeOf(start, end int64) hcl.Range {
	l := r.lines.Location(r.name, int(start), int(end))
	return hcl.Range{
		Filename: r.name, Start: hcl.Pos{Line: l.Line, Column: l.Column, Byte: int(start)},
		End: hcl.Pos{Line: l.EndLine, Column: l.EndColumn, Byte: int(end)},
	}
}

// start returns where the next token begins.
func (r *jsonReader) start() int64 {
	at := r.dec.InputOffset()
	for at < int64(len(r.data)) && strings.IndexByte(" \t\r\n,:", r.data[at]) >= 0 {
		at++
	}
	return at
}

func (r *jsonReader) node(depth int) (*jsonNode, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("values are more than %d deep", maxJSONDepth)
	}
	start := r.start()
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	node := &jsonNode{value: token}
	switch token {
	case json.Delim('['):
		elements := []*jsonNode{}
		for r.dec.More() {
			e, err := r.node(depth + 1)
			if err != nil {
				return nil, err
			}
			elements = append(elements, e)
		}
		if _, err := r.dec.Token(); err != nil {
			return nil, err
		}
		node.value = elements
	case json.Delim('{'):
		members := []jsonMember{}
		for r.dec.More() {
			keyStart := r.start()
			key, err := r.dec.Token()
			if err != nil {
				return nil, err
			}
			name, _ := key.(string)
			keyRange := r.rangeOf(keyStart, r.dec.InputOffset())
			e, err := r.node(depth + 1)
			if err != nil {
				return nil, err
			}
			members = append(members, jsonMember{name, keyRange, e})
		}
		if _, err := r.dec.Token(); err != nil {
			return nil, err
		}
		node.value = members
	}
	node.rng = r.rangeOf(start, r.dec.InputOffset())
	return node, nil
}

// jsonBody turns JSON into blocks.
type jsonBody struct {
	body     *hclsyntax.Body
	problems []problem
}

func parseJSON(data []byte, name string) (*hclsyntax.Body, []problem, error) {
	if !tokensWithin(data) {
		return nil, nil, fmt.Errorf("it has more than %d tokens", maxTokens)
	}
	root, err := readJSON(data, name)
	if err != nil {
		return nil, nil, err
	}
	members, ok := root.value.([]jsonMember)
	if !ok {
		return nil, nil, errors.New("it is no object")
	}
	b := &jsonBody{body: &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: root.rng}}
	for _, m := range members {
		switch m.name {
		case "//":
		case "resource", "data", "ephemeral":
			b.labelled(m.name, m.node, 2, nil)
		case "variable", "output", "module", "provider", "check":
			b.labelled(m.name, m.node, 1, nil)
		default:
			b.labelled(m.name, m.node, 0, nil)
		}
	}
	return b.body, b.problems, nil
}

// labelled adds the blocks of a type; the labels are the next levels of objects.
func (b *jsonBody) labelled(typ string, node *jsonNode, levels int, labels []string) {
	switch value := node.value.(type) {
	case []*jsonNode:
		for _, e := range value {
			b.labelled(typ, e, levels, labels)
		}
	case []jsonMember:
		if levels > 0 {
			for _, m := range value {
				if m.name != "//" {
					b.labelled(typ, m.node, levels-1, append(labels[:len(labels):len(labels)], m.name))
				}
			}
			return
		}
		b.body.Blocks = append(b.body.Blocks, b.block(typ, labels, node, value))
	default:
		b.problems = append(b.problems, problem{location(node.rng), typ + " is no object"})
	}
}

// nested are the blocks inside of blocks of the language itself, with how many labels they have.
var nested = map[string]map[string]int{
	"terraform": {"required_providers": 0, "backend": 1, "cloud": 0},
	"resource":  {"dynamic": 1, "lifecycle": 0, "provisioner": 1, "connection": 0},
	"data":      {"dynamic": 1, "lifecycle": 0},
	"dynamic":   {"content": 0},
	"content":   {"dynamic": 1},
	"provider":  {},
}

func (b *jsonBody) block(typ string, labels []string, node *jsonNode, members []jsonMember) *hclsyntax.Block {
	inner := &jsonBody{body: &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: node.rng, EndRange: node.rng}}
	for _, m := range members {
		if m.name == "//" {
			continue
		}
		if levels, ok := nested[typ][m.name]; ok {
			inner.labelled(m.name, m.node, levels, nil)
			continue
		}
		inner.body.Attributes[m.name] = &hclsyntax.Attribute{
			Name: m.name, Expr: inner.expression(m.node, reads(typ, m.name)), SrcRange: hcl.RangeBetween(m.key, m.node.rng), NameRange: m.key,
		}
	}
	b.problems = append(b.problems, inner.problems...)
	end := hcl.Range{Filename: node.rng.Filename, Start: node.rng.End, End: node.rng.End}
	return &hclsyntax.Block{
		Type: typ, Labels: labels, Body: inner.body, TypeRange: hcl.Range{Filename: node.rng.Filename, Start: node.rng.Start, End: node.rng.Start},
		OpenBraceRange: end, CloseBraceRange: end,
	}
}

// how a text of JSON is read.
type reading int

const (
	asTemplate reading = iota
	asLiteral          // as it stands
	asName             // as an expression of its own, such as aws.west
)

func reads(block, attribute string) reading {
	switch {
	case attribute == "provider" || attribute == "providers" || attribute == "depends_on" || attribute == "type" && block == "variable":
		return asName
	case block == "variable" || block == "terraform" || block == "backend" || block == "required_providers" || attribute == "source" || attribute == "version":
		return asLiteral
	}
	return asTemplate
}

func (b *jsonBody) expression(node *jsonNode, how reading) hclsyntax.Expression {
	lit := func(v cty.Value) hclsyntax.Expression { return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: node.rng} }
	switch value := node.value.(type) {
	case bool:
		return lit(cty.BoolVal(value))
	case json.Number:
		n, _, err := big.ParseFloat(string(value), 10, precision, big.ToNearestEven)
		if err != nil || len(value) > maxDigits {
			b.problems = append(b.problems, problem{location(node.rng), "a number is too large"})
			return lit(cty.NullVal(cty.DynamicPseudoType))
		}
		return lit(cty.NumberVal(n))
	case string:
		return b.text(value, node.rng, how)
	case []*jsonNode:
		tuple := &hclsyntax.TupleConsExpr{SrcRange: node.rng, OpenRange: node.rng}
		for _, e := range value {
			tuple.Exprs = append(tuple.Exprs, b.expression(e, how))
		}
		return tuple
	case []jsonMember:
		object := &hclsyntax.ObjectConsExpr{SrcRange: node.rng, OpenRange: node.rng}
		for _, m := range value {
			keys := how
			if how == asName {
				keys = asLiteral
			}
			object.Items = append(object.Items, hclsyntax.ObjectConsItem{
				KeyExpr: &hclsyntax.ObjectConsKeyExpr{Wrapped: b.text(m.name, m.key, keys), ForceNonLiteral: true}, ValueExpr: b.expression(m.node, how),
			})
		}
		return object
	}
	return lit(cty.NullVal(cty.DynamicPseudoType))
}

func (b *jsonBody) text(s string, rng hcl.Range, how reading) hclsyntax.Expression {
	whole := &hclsyntax.TemplateExpr{Parts: []hclsyntax.Expression{&hclsyntax.LiteralValueExpr{Val: cty.StringVal(s), SrcRange: rng}}, SrcRange: rng}
	inner := rng
	inner.Start.Column++ // the quote
	inner.Start.Byte++
	switch how {
	case asLiteral:
		return whole
	case asName:
		x, diags := hclsyntax.ParseExpression([]byte(s), rng.Filename, inner.Start)
		if len(s) > 4096 || diags.HasErrors() {
			return whole
		}
		return x
	}
	if !strings.Contains(s, "${") && !strings.Contains(s, "%{") {
		return whole
	}
	x, diags, err := parseTemplate([]byte(s), rng.Filename, inner.Start)
	if err != nil || diags.HasErrors() {
		b.problems = append(b.problems, problem{location(rng), "a template can't be read"})
		return whole
	}
	return x
}
