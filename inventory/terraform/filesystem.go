package terraform

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// inTree returns the path in the tree of a path that configuration names: relative paths count from the root module, as
// that is where terraform runs. A path that leads out of the tree is none.
func (c *calling) inTree(name string) (string, bool) {
	if strings.HasPrefix(name, "~") || path.IsAbs(name) || strings.ContainsRune(name, 0) {
		return "", false
	}
	name = path.Join(c.e.root, name)
	return name, name != ".." && !strings.HasPrefix(name, "../")
}

// readArgument returns the content of the file that the first argument names, or what stands for it.
func (c *calling) readArgument(args []*value) ([]byte, *value) {
	if len(args) == 0 {
		return nil, c.fail("wants a path")
	}
	given, ok := args[0].asText()
	if !ok {
		return nil, c.unknownOrFail(args[0], args)
	}
	name, ok := c.inTree(given)
	if !ok {
		c.e.notices.add("terraform-outside", c.at, fmt.Sprintf("%s: %s of a path that leads out of the tree; its result is unknown", c.at.Path, c.name))
		return nil, beyond(c.at, c.name+"("+given+")")
	}
	data, known := c.e.contents[name]
	if known {
		return data, nil
	}
	data, err := c.e.files.read(name, maxRead)
	if err != nil {
		v := c.fail(name + ": " + causeOf(err).Error())
		if isMissing(err) { // often written by a build before terraform runs
			v.unknown.reasons = []inventory.Reason{{Code: inventory.NotEvaluated, Ref: name}}
		}
		return nil, v
	}
	if c.e.reads += len(data); c.e.reads > maxReads {
		c.e.notices.add("terraform-budget", c.at, fmt.Sprintf("%s: files of more than %d MiB are read; what more of them says is unknown", c.at.Path, maxReads>>20))
		return nil, beyond(c.at, "files of too many bytes")
	}
	if c.e.contents == nil {
		c.e.contents = map[string][]byte{}
	}
	c.e.contents[name] = data
	return data, nil
}

func isMissing(err error) bool { return strings.Contains(err.Error(), fs.ErrNotExist.Error()) }

func fnFile(c *calling, args []*value) *value {
	data, failed := c.readArgument(args)
	if failed != nil {
		return failed
	}
	if !utf8.Valid(data) {
		return c.fail("the file is no text")
	}
	return text(string(data), c.at)
}

func fnFileBase64(c *calling, args []*value) *value {
	data, failed := c.readArgument(args)
	if failed != nil {
		return failed
	}
	return text(base64.StdEncoding.EncodeToString(data), c.at)
}

func fnFileExists(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants a path")
	}
	given, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	name, ok := c.inTree(given)
	if !ok {
		return beyond(c.at, "fileexists("+given+")")
	}
	info, err := fs.Stat(c.e.files.tree.FS(), name)
	return boolean(err == nil && info.Mode().IsRegular(), c.at)
}

// fnFileSet lists the files of the walk that a pattern names.
func fnFileSet(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a folder and a pattern")
	}
	folder, ok1 := args[0].asText()
	pattern, ok2 := args[1].asText()
	if !ok1 || !ok2 {
		return c.unknown(args...)
	}
	dir, ok := c.inTree(folder)
	if !ok {
		return beyond(c.at, "fileset("+folder+")")
	}
	if !doublestar.ValidatePattern(pattern) || len(pattern) > 512 {
		return c.fail("the pattern is wrong")
	}
	var all []*value
	files := c.e.files.tree.Files()
	start, _ := slices.BinarySearchFunc(files, dir+"/", func(f inventory.File, prefix string) int { return strings.Compare(f.Path, prefix) })
	if dir == "." {
		start = 0
	}
	looked := 0
	for _, f := range files[start:] {
		name := f.Path
		if dir != "." {
			inside, ok := strings.CutPrefix(name, dir+"/")
			if !ok {
				break
			}
			name = inside
		}
		if looked++; looked > maxFileSet {
			c.e.notices.add("terraform-budget", c.at, fmt.Sprintf("%s: fileset would look at more than %d files; its result is unknown", c.at.Path, maxFileSet))
			return beyond(c.at, "fileset of too many files")
		}
		if match, err := doublestar.Match(pattern, name); err == nil && match {
			all = append(all, text(name, c.at))
		}
	}
	return setOf(all, c.at)
}

// fnPathExpand knows paths without a home folder.
func fnPathExpand(c *calling, args []*value) *value {
	if len(args) == 1 && args[0].kind == kindString && !strings.HasPrefix(args[0].text, "~") {
		return args[0]
	}
	return fnUnknown(c, args)
}

// templated evaluates templatefile and templatestring.
func (c *calling) templated(args []hclsyntax.Expression) *value {
	if len(args) != 2 {
		return c.fail("wants a template and values")
	}
	source, vars := c.e.expr(args[0], c.f), c.e.expr(args[1], c.f)
	if bad := failedAmong(source, vars); bad != nil {
		return bad.placed(c.at)
	}
	var data []byte
	name, start := c.at.Path, hcl.Pos{Line: c.at.Line, Column: c.at.Column}
	if c.name == "templatefile" {
		content, failed := c.readArgument([]*value{source})
		if failed != nil {
			return failed
		}
		data = content
		given, _ := source.asText()
		name, _ = c.inTree(given)
		start = hcl.Pos{Line: 1, Column: 1}
	} else {
		s, ok := source.asText()
		if !ok {
			return c.unknownOrFail(source, []*value{source, vars})
		}
		data = []byte(s)
	}
	return c.render(data, name, start, vars)
}

// render evaluates a template with values of its own.
func (c *calling) render(data []byte, name string, start hcl.Pos, vars *value) *value {
	if c.e.templates >= maxTemplates {
		return c.fail("templates include each other")
	}
	x, err := c.e.files.template(data, name, start)
	if err != nil {
		c.e.notices.add("terraform-syntax", inventory.Location{Path: name, Line: start.Line}, fmt.Sprintf("%s is not understood: %v; the text that it makes is unknown", name, err))
		return c.fail(name + " is no template")
	}
	if vars.kind == kindObject {
		vars = vars.object.whole()
	}
	f := &frame{scope: newScope(c.e, newModule(c.e.root))}
	switch vars.kind {
	case kindMap:
		for _, key := range vars.fields.keys {
			f = f.with(key, vars.fields.values[key].sure())
		}
	case kindUnknown:
		return unknownFrom(c.at, vars)
	case kindNull:
	default:
		return c.fail("wants an object of values")
	}
	c.e.templates++
	v := c.e.quiet(func() *value { return c.e.expr(x, f) })
	c.e.templates--
	if v.failed() {
		return c.fail(name + ": " + v.unknown.failed)
	}
	if v.kind != kindString && v.kind != kindUnknown {
		s, ok := v.asText()
		if !ok {
			return v.placed(c.at)
		}
		v = text(s, c.at)
	}
	return v.placed(c.at)
}

// maxTemplates bounds templates that use templatefile themselves.
const maxTemplates = 8

// template parses a template once.
func (f *files) template(data []byte, name string, start hcl.Pos) (hclsyntax.Expression, error) {
	key := templateKey{name, start.Line, start.Column, string(data)}
	if x := f.templates[key]; x != nil {
		return x, nil
	}
	x, diags, err := parseTemplate(data, name, start)
	if err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, fmt.Errorf("parse the template: %w", diags.Errs()[0])
	}
	f.templates[key] = x
	return x, nil
}

type templateKey struct {
	name         string
	line, column int
	data         string
}
