package config

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// yamlRoot parses a YAML file of a tree into nodes, which know their lines. Aliases are not followed: what they stand
// for is read where it is written.
func yamlRoot(ig *Ignores, name string, data []byte) (*yaml.Node, bool) {
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return nil, false
	}
	if err != nil {
		ig.malformed(name, 0, "%s has no effect: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
		return nil, false
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		if root.Tag != "!!null" {
			ig.malformed(name, root.Line, "%s has no effect: it is no mapping", name)
		}
		return nil, false
	}
	return root, true
}

// pairsOf yields the keys and values of a mapping; none for other nodes.
func pairsOf(node *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		if node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i], node.Content[i+1]) {
				return
			}
		}
	}
}

// scalarsOf returns the scalars of a list.
func scalarsOf(node *yaml.Node) []string {
	var list []string
	for _, item := range node.Content {
		if item.Kind == yaml.ScalarNode {
			list = append(list, item.Value)
		}
	}
	return list
}

// moment reads a day, or a time with its zone; a day begins at midnight UTC.
func moment(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
