package cloudformation

import (
	"slices"
	"strconv"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// nodeKind is what a node of a template is before anything is evaluated.
type nodeKind uint8

const (
	null nodeKind = iota
	boolean
	number
	text
	list
	object
	tooDeep // what stands deeper than maxDepth
	opaque  // what is not evaluated; text says what it is
)

// node is one value of a template as written, with its place. Short forms of YAML are their long forms here: !Sub x is
// {"Fn::Sub": x}. Nodes are shared (an alias of YAML is the node that it names) and never changed once a file is read.
type node struct {
	kind    nodeKind
	text    string // of scalars, as written
	items   []*node
	entries []entry // of objects, in the order of the file
	at      inventory.Location
}

// entry is one key of an object with its value.
type entry struct {
	key   string
	at    inventory.Location // of the key
	value *node
}

// get returns the value of a key, nil where there is none or n is no object. Of two equal keys the later one counts.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := len(n.entries) - 1; i >= 0; i-- {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// same reports whether two nodes say the same: what they come to is equal, then, as no function gives one thing here and
// another one there. Of large ones it answers false.
func (n *node) same(o *node) bool {
	left := 100 // nodes are shared: what looks small may not be
	return n.sameWithin(o, &left)
}

func (n *node) sameWithin(o *node, left *int) bool {
	if *left--; *left < 0 || n == nil || o == nil || n.kind != o.kind || n.text != o.text || n.kind == tooDeep || n.kind == opaque {
		return false
	}
	return slices.EqualFunc(n.items, o.items, func(a, b *node) bool { return a.sameWithin(b, left) }) &&
		slices.EqualFunc(n.entries, o.entries, func(a, b entry) bool { return a.key == b.key && a.value.sameWithin(b.value, left) })
}

// find follows keys through objects.
func (n *node) find(keys ...string) *node {
	for _, key := range keys {
		n = n.get(key)
	}
	return n
}

// scalar returns the text of a scalar, "" of anything else.
func (n *node) scalar() string {
	if n == nil || n.kind == list || n.kind == object || n.kind == null || n.kind == opaque {
		return ""
	}
	return n.text
}

// only returns the key and value of an object that has one key, as functions have.
func (n *node) only() (key string, value *node) {
	if n == nil || n.kind != object || len(n.entries) != 1 {
		return "", nil
	}
	return n.entries[0].key, n.entries[0].value
}

// keys yields the entries of an object, none of anything else.
func (n *node) keys() []entry {
	if n == nil || n.kind != object {
		return nil
	}
	return n.entries
}

// elements returns the elements of a list, none of anything else.
func (n *node) elements() []*node {
	if n == nil || n.kind != list {
		return nil
	}
	return n.items
}

// value returns a scalar as a value. A number that would be printed otherwise than it is written, such as an account
// with a leading zero, is text.
func (n *node) value() inventory.Value {
	switch n.kind {
	case boolean:
		return inventory.BoolValue(n.text == "true", n.at)
	case number:
		f, err := strconv.ParseFloat(n.text, 64)
		if err == nil && strconv.FormatFloat(f, 'f', -1, 64) == n.text {
			return inventory.NumberValue(f, n.at)
		}
		return inventory.StringValue(n.text, n.at)
	case text:
		return inventory.StringValue(n.text, n.at)
	}
	return inventory.NullValue(n.at)
}

// The constructors of nodes that stand for what is not written, such as the resources that a transform makes.

func textNode(s string, at inventory.Location) *node { return &node{kind: text, text: s, at: at} }

func boolNode(b bool, at inventory.Location) *node {
	return &node{kind: boolean, text: strconv.FormatBool(b), at: at}
}

func listNode(at inventory.Location, items ...*node) *node {
	return &node{kind: list, items: items, at: at}
}

// objectNode returns an object of pairs of a key and a node; pairs whose node is nil are left out.
func objectNode(at inventory.Location, pairs ...any) *node {
	n := &node{kind: object, at: at}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		if value, ok := pairs[i+1].(*node); ok && value != nil {
			n.entries = append(n.entries, entry{key, value.at, value})
		}
	}
	return n
}

// opaqueNode stands for what a transform makes and this package does not.
func opaqueNode(what string, at inventory.Location) *node {
	return &node{kind: opaque, text: what, at: at}
}

func refNode(id string, at inventory.Location) *node { return objectNode(at, "Ref", textNode(id, at)) }

func getAttNode(id, attribute string, at inventory.Location) *node {
	return objectNode(at, "Fn::GetAtt", listNode(at, textNode(id, at), textNode(attribute, at)))
}

func subNode(s string, at inventory.Location) *node {
	return objectNode(at, "Fn::Sub", textNode(s, at))
}
