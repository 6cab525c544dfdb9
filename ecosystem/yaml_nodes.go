package ecosystem

import (
	"fmt"
	"iter"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxSmallYAML bounds files that people write or that list some hundred packages.
const maxSmallYAML = 2 << 20

// parseSmallYAML is parseYAML for files that are never large.
func parseSmallYAML(name string, data []byte) (*yamlFile, error) {
	if len(data) > maxSmallYAML {
		return &yamlFile{path: name}, &Error{Location: inventory.Location{Path: name}, Err: fmt.Errorf("larger than %d MiB", maxSmallYAML>>20)}
	}
	return parseYAML(name, data)
}

// root returns the root of the first document, or nil.
func (f *yamlFile) root() *yaml.Node {
	if len(f.docs) == 0 {
		return nil
	}
	return f.docs[0]
}

// scalar returns the place of a scalar, which is taken to stand in one line.
func (f *yamlFile) scalar(n *yaml.Node) inventory.Location {
	start := f.offset(n)
	end := start + len(n.Value)
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		end += 2
	}
	return f.lines.Location(f.path, start, min(end, f.endOf(n.Line)))
}

// member returns the place of a key with its value where that is a scalar in the same line, and else of the key alone.
func (f *yamlFile) member(key, value *yaml.Node) inventory.Location {
	location := f.scalar(key)
	if value != nil && value.Kind == yaml.ScalarNode && value.Line == key.Line {
		location.EndColumn = f.scalar(value).EndColumn
	}
	return location
}

// yamlValue follows an alias.
func yamlValue(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// yamlMembers yields the keys and values of a mapping, none of any other node. Values that are aliases are followed,
// as workflows have them; nothing is expanded below.
func yamlMembers(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		if n = yamlValue(n); n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], yamlValue(n.Content[i+1])) {
				return
			}
		}
	}
}

// yamlItems returns the elements of a sequence, none of any other node.
func yamlItems(n *yaml.Node) []*yaml.Node {
	if n = yamlValue(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// yamlAt follows keys through mappings and returns the last value, or nil.
func yamlAt(n *yaml.Node, keys ...string) *yaml.Node {
	for _, want := range keys {
		var found *yaml.Node
		for key, value := range yamlMembers(n) {
			if key.Value == want {
				found = value
				break
			}
		}
		if found == nil {
			return nil
		}
		n = found
	}
	return yamlValue(n)
}

// yamlTextAt returns the text of a scalar at keys, "" where there is none.
func yamlTextAt(n *yaml.Node, keys ...string) string { return yamlScalar(yamlAt(n, keys...)) }
