package terraform

import (
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// builtin is a built-in model of a public module, in the place of one call whose source is not in the tree. Its files
// are parsed for each call: what they say has the place of the call, for the files themselves are not in the tree.
type builtin struct {
	model aws.ModuleModel
	at    inventory.Location
}

// builtinPrefix begins the folders of built-in models, followed by a number for each call. No path of a tree looks so.
const builtinPrefix = "(built-in)/"

// maxBuiltin bounds the calls for which a model is parsed.
const maxBuiltin = 5_000

// model returns the folder of the built-in model for a call.
func (f *files) model(c *call) (string, bool) {
	source, _ := c.source()
	version := ""
	if attr := c.body.Attributes["version"]; attr != nil {
		version = literalText(attr.Expr)
	}
	model, ok := aws.Module(source, version)
	if !ok {
		return "", false
	}
	at := location(c.at)
	n, known := f.builtinAt[at]
	if !known {
		if len(f.builtins) >= maxBuiltin {
			return "", false
		}
		n = len(f.builtins)
		f.builtins = append(f.builtins, builtin{model, at})
		f.builtinAt[at] = n
	}
	return builtinPrefix + strconv.Itoa(n) + "/" + model.Dir, true
}

// builtinOf returns the built-in model that a path belongs to, and the path within it; nil for paths of the tree.
func (f *files) builtinOf(name string) (*builtin, string) {
	rest, ok := strings.CutPrefix(name, builtinPrefix)
	if !ok {
		return nil, ""
	}
	number, inner, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(f.builtins) {
		return nil, ""
	}
	return &f.builtins[n], inner
}

// configuration returns the names of the files of a folder of the model.
func (b *builtin) configuration(dir string) []string {
	entries, err := fs.ReadDir(b.model.Files, dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range entries {
		if entry.Type().IsRegular() && isConfiguration(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names
}

func (b *builtin) read(name string) ([]byte, error) {
	return fs.ReadFile(b.model.Files, path.Clean(name))
}
