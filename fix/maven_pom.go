package fix

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// pomText is the text of an element with its place in the file.
type pomText struct {
	text       string
	start, end int
}

// pomDependency is one <dependency> that a project has or manages.
type pomDependency struct {
	group, artifact, version, scope, kind pomText
	managed                               bool
	profile                               bool
	start, end                            int // of the element
}

// pomFile is one pom.xml as it is written (https://maven.apache.org/ref/current/maven-model/maven.html).
type pomFile struct {
	path  string
	data  []byte
	lines *inventory.Lines

	group, artifact, version pomText
	parent                   struct {
		group, artifact, version pomText
		relative                 string // ../pom.xml unless the file says otherwise; empty for the repository only
		there                    bool
	}
	properties   []pomProperty
	dependencies []pomDependency
	modules      []string
	// Where a managed dependency can be put: behind the opening of the project's own list of them, before the end of
	// <dependencyManagement>, before <dependencies>, or before the end of <project>; -1 where there is no such place.
	listOfManaged, management, ownList, end int
}

type pomProperty struct {
	name string
	pomText
}

const (
	maxPOM      = 8 << 20
	maxPOMDepth = 200
)

// parsePOM reads a pom.xml. One that is not in UTF-8, or no XML, is not edited.
func parsePOM(name string, data []byte) (*pomFile, error) {
	if len(data) > maxPOM || !utf8.Valid(data) {
		return nil, fmt.Errorf("%s is too large or not in UTF-8, so that it is not edited", name)
	}
	f := &pomFile{path: name, data: data, lines: inventory.NewLines(data), listOfManaged: -1, management: -1, ownList: -1, end: -1}
	f.parent.relative = "../pom.xml"
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	dec.Entity = xml.HTMLEntity
	r := pomReader{file: f}
	for {
		start := int(dec.InputOffset())
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s is no XML that can be read: %w", name, err)
		}
		if err := r.token(token, start, int(dec.InputOffset())); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if f.artifact.text == "" {
		return nil, fmt.Errorf("%s names no project", name)
	}
	return f, nil
}

type pomReader struct {
	file *pomFile
	at   []string
	text pomText
	many bool // the text has parts with something between them
	dep  *pomDependency
}

func (r *pomReader) token(token xml.Token, start, end int) error {
	switch t := token.(type) {
	case xml.StartElement:
		if len(r.at) >= maxPOMDepth {
			return fmt.Errorf("elements are more than %d deep", maxPOMDepth)
		}
		r.at = append(r.at, t.Name.Local)
		r.text, r.many = pomText{start: end, end: end}, false
		r.open(start)
	case xml.CharData:
		if strings.TrimSpace(string(t)) == "" {
			return nil
		}
		r.many = r.many || r.text.text != ""
		raw := r.file.data[start:end]
		left := len(raw) - len(bytes.TrimLeft(raw, " \t\r\n"))
		trimmed := bytes.TrimSpace(raw)
		r.text = pomText{text: strings.TrimSpace(string(t)), start: start + left, end: start + left + len(trimmed)}
		r.many = r.many || string(trimmed) != r.text.text // an entity or CDATA
	case xml.EndElement:
		if r.many {
			r.text.start, r.text.end = -1, -1 // it can be read and not edited
		}
		r.close(start, end)
		if len(r.at) > 0 {
			r.at = r.at[:len(r.at)-1]
		}
		r.text, r.many = pomText{}, false
	}
	return nil
}

// inProfile returns the path below the project or one of its profiles.
func (r *pomReader) below() (rest []string, profile bool) {
	if len(r.at) > 3 && r.at[1] == "profiles" && r.at[2] == "profile" {
		return r.at[3:], true
	}
	if len(r.at) > 1 {
		return r.at[1:], false
	}
	return nil, false
}

func (r *pomReader) open(start int) {
	rest, profile := r.below()
	switch strings.Join(rest, "/") {
	case "dependencies/dependency", "dependencyManagement/dependencies/dependency":
		r.dep = &pomDependency{managed: rest[0] == "dependencyManagement", profile: profile, start: start}
	case "dependencies":
		if !profile {
			r.file.ownList = start
		}
	}
}

func (r *pomReader) close(start, end int) {
	if len(r.at) == 1 && r.at[0] == "project" {
		r.file.end = start
		return
	}
	rest, profile := r.below()
	f := r.file
	switch at := strings.Join(rest, "/"); at {
	case "dependencies/dependency", "dependencyManagement/dependencies/dependency":
		if r.dep != nil {
			r.dep.end = end
			f.dependencies = append(f.dependencies, *r.dep)
			r.dep = nil
		}
	case "dependencyManagement/dependencies":
		if !profile {
			f.listOfManaged = start
		}
	case "dependencyManagement":
		if !profile {
			f.management = start
		}
	case "modules/module":
		f.modules = append(f.modules, r.text.text)
	default:
		if !profile {
			f.set(at, r.text)
		}
		switch {
		case len(rest) == 2 && rest[0] == "properties":
			f.properties = append(f.properties, pomProperty{rest[1], r.text})
		case r.dep != nil && (len(rest) == 3 && rest[0] == "dependencies" || len(rest) == 4 && rest[0] == "dependencyManagement"):
			r.dep.set(rest[len(rest)-1], r.text)
		}
	}
}

func (f *pomFile) set(at string, text pomText) {
	switch at {
	case "groupId":
		f.group = text
	case "artifactId":
		f.artifact = text
	case "version":
		f.version = text
	case "parent/groupId":
		f.parent.group = text
	case "parent/artifactId":
		f.parent.artifact, f.parent.there = text, true
	case "parent/version":
		f.parent.version = text
	case "parent/relativePath":
		f.parent.relative = text.text
	}
}

func (d *pomDependency) set(name string, text pomText) {
	switch name {
	case "groupId":
		d.group = text
	case "artifactId":
		d.artifact = text
	case "version":
		d.version = text
	case "scope":
		d.scope = text
	case "type":
		d.kind = text
	}
}

func (f *pomFile) place(t pomText) inventory.Location {
	return f.lines.Location(f.path, max(t.start, 0), max(t.end, 0))
}

// mavenReactor is the part of a tree that hangs together by parents and modules.
type mavenReactor struct {
	poms    map[string]*pomFile // by path
	members []*pomFile          // of the part, in order of their paths
	root    *pomFile
	tops    map[*pomFile]*pomFile // the outermost parent of each, as far as it is known
}

const maxPOMs = 5000

// readPOM reads a pom.xml of the workspace. One that is as it was in the tree is parsed once, however many ask.
func readPOM(ws *Workspace, name string) (*pomFile, error) {
	parse := func(data []byte) (*pomFile, error) { return parsePOM(name, data) }
	if _, changed := ws.changed[name]; !changed {
		return inventory.Parse(ws.tree, name, "pom.xml to edit", parse)
	}
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parse(data)
}

// readReactor reads the projects that hang together with the one at name.
func readReactor(ws *Workspace, name string) (*mavenReactor, error) {
	r := &mavenReactor{poms: map[string]*pomFile{}, tops: map[*pomFile]*pomFile{}}
	paths := ws.tree.Named("pom.xml")
	if len(paths) > maxPOMs {
		return nil, fmt.Errorf("the tree has more than %d pom.xml", maxPOMs)
	}
	if path.Base(name) != "pom.xml" {
		return nil, fmt.Errorf("%s describes a package of a repository and not a project", name)
	}
	for _, file := range paths {
		pom, err := readPOM(ws, file)
		if err == nil {
			r.poms[file] = pom
		} else if file == name {
			return nil, err
		}
	}
	start := r.poms[name]
	if start == nil {
		return nil, fmt.Errorf("%s is not in the tree", name)
	}
	r.root = r.top(start)
	for _, file := range paths {
		if pom := r.poms[file]; pom != nil && r.top(pom) == r.root {
			r.members = append(r.members, pom)
		}
	}
	return r, nil
}

// parentOf returns the parent of a project where that is in the tree.
func (r *mavenReactor) parentOf(pom *pomFile) *pomFile {
	if !pom.parent.there || pom.parent.relative == "" {
		return nil
	}
	target := path.Join(path.Dir(pom.path), pom.parent.relative)
	if path.Ext(target) != ".xml" {
		target = path.Join(target, "pom.xml")
	}
	parent := r.poms[target]
	if parent == nil || parent == pom || parent.artifact.text != pom.parent.artifact.text {
		return nil
	}
	return parent
}

// top returns the outermost parent of a project; what names it as a module is above it, too.
func (r *mavenReactor) top(pom *pomFile) *pomFile {
	start := pom
	if known := r.tops[start]; known != nil {
		return known
	}
	defer func() { r.tops[start] = pom }()
	for range 100 {
		up := r.parentOf(pom)
		if up == nil {
			for dir := path.Dir(pom.path); dir != "."; {
				dir = path.Dir(dir)
				above := r.poms[path.Join(dir, "pom.xml")]
				if above != nil && above.hasModule(pom.path) {
					up = above
					break
				}
			}
		}
		if up == nil {
			break
		}
		pom = up
		if known := r.tops[pom]; known != nil {
			pom = known
			break
		}
	}
	return pom
}

func (f *pomFile) hasModule(name string) bool {
	for _, module := range f.modules {
		target := path.Join(path.Dir(f.path), module)
		if target == name || path.Join(target, "pom.xml") == name {
			return true
		}
	}
	return false
}

// lineage returns a project and its parents in the tree.
func (r *mavenReactor) lineage(pom *pomFile) []*pomFile {
	var all []*pomFile
	for range 100 {
		if pom == nil {
			break
		}
		all = append(all, pom)
		pom = r.parentOf(pom)
	}
	return all
}

var pomVariable = regexp.MustCompile(`\$\{([^{}]+)\}`)

// pomSource is where a version is written.
type pomSource struct {
	file *pomFile
	text pomText
	// property is the name of the property that the text is the value of; empty for a version itself.
	property string
}

// resolve follows a text through properties of the lineage and returns what it stands for, with every place that it can
// be changed at. A text that is more than one property, or one that nobody in the tree defines, has no place.
func (r *mavenReactor) resolve(lineage []*pomFile, file *pomFile, text pomText, depth int) (value string, sources []pomSource) {
	m := pomVariable.FindStringSubmatch(text.text)
	if m == nil {
		return text.text, []pomSource{{file: file, text: text}}
	}
	if depth > 20 {
		return "", nil
	}
	switch m[1] {
	case "project.version", "version", "pom.version":
		for _, pom := range lineage {
			for _, own := range []pomText{pom.version, pom.parent.version} {
				if own.text != "" {
					value, _ = r.resolve(lineage, pom, own, depth+1)
					return pomVariable.ReplaceAllLiteralString(text.text, value), nil
				}
			}
		}
	}
	for _, pom := range lineage {
		found := false
		for _, p := range pom.properties {
			if p.name != m[1] {
				continue
			}
			v, where := r.resolve(lineage, pom, p.pomText, depth+1)
			if found && v != value {
				continue // a profile says otherwise
			}
			found, value = true, v
			for _, s := range where {
				if s.property == "" {
					s.property = p.name
				}
				sources = append(sources, s)
			}
		}
		if found {
			break
		}
	}
	if m[0] != text.text {
		return pomVariable.ReplaceAllLiteralString(text.text, value), nil
	}
	return value, sources
}
