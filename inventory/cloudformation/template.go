package cloudformation

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// template is one file as read: nothing in it depends on parameters.
type template struct {
	path    string
	root    *node
	size    int  // in bytes
	loops   bool // it may have Fn::ForEach
	imports bool // it may have Fn::ImportValue
	exports bool // it may have outputs with an Export
}

// endings are those of files that may be templates. What a file is decides its content, not its name.
var endings = map[string]bool{
	".yaml": true, ".yml": true, ".json": true, ".template": true, ".cfn": true, ".cform": true, ".cf": true,
}

// otherFiles are large files of known kinds that need not be looked into.
var otherFiles = map[string]bool{
	"package-lock.json": true, "npm-shrinkwrap.json": true, "pnpm-lock.yaml": true, "composer.lock": true,
	"packages.lock.json": true, "project.assets.json": true, "package.json": true, "tsconfig.json": true,
}

var (
	wordVersion   = []byte("AWSTemplateFormatVersion")
	wordResources = []byte("Resources")
	wordAWS       = []byte("AWS::")
	wordTransform = []byte("Transform")
)

// mayBeTemplate looks at the bytes of a file alone, so that a repository with thousands of files of YAML is not parsed
// for nothing.
func mayBeTemplate(data []byte) bool {
	if bytes.Contains(data, wordVersion) {
		return true
	}
	return bytes.Contains(data, wordResources) && (bytes.Contains(data, wordAWS) || bytes.Contains(data, wordTransform))
}

// sections begin a template in either notation.
var sections = regexp.MustCompile(`(?m)^(AWSTemplateFormatVersion|["']AWSTemplateFormatVersion["']|Resources)\s*:|^\s*"(AWSTemplateFormatVersion|Resources)"\s*:`)

// isTemplate reports whether the root of a file is that of a template.
func isTemplate(root *node) bool {
	if root == nil || root.kind != object {
		return false
	}
	if root.get("AWSTemplateFormatVersion") != nil {
		return root.get("Resources") != nil || root.get("Parameters") != nil || root.get("Outputs") != nil
	}
	for _, resource := range root.get("Resources").keys() {
		kind := resource.value.get("Type").scalar()
		if strings.Contains(kind, "::") {
			return true
		}
	}
	return false
}

// parse reads a file in the notation that its first byte says; where that is "{", YAML is the second try, because YAML
// may begin with it, too.
func parse(name string, data []byte) (*node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	if !bytes.HasPrefix(trimmed, []byte("{")) {
		return parseYAML(name, data)
	}
	n, err := parseJSON(name, data)
	if err != nil && path.Ext(name) != ".json" {
		if other, otherErr := parseYAML(name, data); otherErr == nil {
			return other, nil
		}
	}
	return n, err
}

// load reads a file that may be a template; nil where it is none. Trouble with a file that is one is a notice.
func (r *reading) load(name string) *template {
	if t, ok := r.templates[name]; ok {
		return t
	}
	t := r.read(name)
	r.templates[name] = t
	return t
}

func (r *reading) read(name string) *template {
	data, err := r.tree.ReadFile(name)
	if err != nil {
		r.notice("unreadable-file", inventory.Location{Path: name}, "%s can't be read: %v", name, cause(err))
		return nil
	}
	if !mayBeTemplate(data) {
		return nil
	}
	if len(data) > maxTemplate {
		if sections.Match(data[:min(len(data), 1<<16)]) {
			r.notice("template-too-large", inventory.Location{Path: name}, "%s is larger than %d MiB and was not evaluated; CloudFormation takes 1 MB", name, maxTemplate>>20)
		}
		return nil
	}
	root, err := parse(name, data)
	if err != nil && (isTemplate(root) || sections.Match(data)) {
		r.notice("template-unreadable", place(err, inventory.Location{Path: name}), "%s can't be read from here on: %v", name, err)
	}
	if !isTemplate(root) {
		return nil
	}
	return &template{name, root, len(data), bytes.Contains(data, []byte(forEach)), bytes.Contains(data, []byte("ImportValue")), bytes.Contains(data, []byte("Export"))}
}
