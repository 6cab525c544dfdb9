package builds

import (
	"bytes"
	"path"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// ignore returns what stays out of the build of a Dockerfile in a context: the file NAME.dockerignore beside the Dockerfile
// says, else .dockerignore in the context; nil where neither is there.
func (r *reader) ignore(recipe, context string) *inventory.BuildIgnore {
	for _, name := range []string{recipe + ".dockerignore", path.Join(context, ".dockerignore")} {
		key := name + "\x00" + context
		if found, ok := r.ignores[key]; ok {
			return found
		}
		if !r.tree.Has(name) {
			continue
		}
		found := r.readIgnore(name, context)
		if r.ignores == nil {
			r.ignores = map[string]*inventory.BuildIgnore{}
		}
		r.ignores[key] = found
		return found
	}
	return nil
}

func (r *reader) readIgnore(name, context string) *inventory.BuildIgnore {
	data, err := r.tree.ReadFile(name)
	if err != nil {
		r.notice("unreadable-file", inventory.Location{Path: name}, "%s can't be read: %v", name, err)
		return nil
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(data[:min(len(data), maxFile)]))
	if err == nil {
		_, err = patternmatcher.New(patterns)
	}
	if err != nil {
		r.notice("unreadable-file", inventory.Location{Path: name, Line: 1}, "%s can't be read, nothing is taken to stay out of the build: %v", name, err)
		return nil
	}
	if len(patterns) == 0 {
		return nil
	}
	return &inventory.BuildIgnore{Context: context, Patterns: patterns}
}
