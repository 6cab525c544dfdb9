package ecosystem

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// msbuildFile is one MSBuild file (a project, .props or .targets) as it is written: nothing imported, no property
// replaced. MSBuild does not tell upper from lower case in names; the maps here have lower-case keys.
// Source: https://learn.microsoft.com/visualstudio/msbuild/msbuild-project-file-schema-reference
type msbuildFile struct {
	path       string
	properties map[string][]msbuildValue
	imports    []string
	references []nugetReference            // PackageReference
	global     []nugetReference            // GlobalPackageReference
	sdks       []nugetReference            // <Project Sdk="...">, <Sdk>, <Import Sdk="...">
	versions   map[string][]nugetReference // PackageVersion by the package's name
}

// msbuildValue is one assignment of a property.
type msbuildValue struct {
	text        string
	conditional bool
	ifEmpty     bool // Condition="'$(NAME)' == ''"
}

// nugetReference is one item that names a package.
type nugetReference struct {
	include  string
	update   string
	version  string
	override string
	private  string
	place    inventory.Location
}

func parseMSBuild(name string, data []byte) (*msbuildFile, error) {
	f := &msbuildFile{path: name, properties: map[string][]msbuildValue{}, versions: map[string][]nugetReference{}}
	x, err := newXMLReader(name, data)
	if err != nil {
		return f, err
	}
	r := &msbuildReader{xmlReader: x, file: f}
	return f, x.root(func(e xmlElement) error {
		place := x.location(e) // the start tag: the rest of the file is not the SDK's place
		for _, sdk := range strings.Split(e.attr("Sdk"), ";") {
			r.sdk(strings.TrimSpace(sdk), "", place)
		}
		return r.group(false)
	}, "Project")
}

// msbuildReader fills one msbuildFile.
type msbuildReader struct {
	*xmlReader
	file *msbuildFile
}

// group reads what stands in <Project> and in the branches of <Choose>. What a <Target> adds while a build runs is no
// declaration and is skipped.
func (r *msbuildReader) group(conditional bool) error {
	return r.each(func(e xmlElement) error {
		switch strings.ToLower(e.name) {
		case "propertygroup":
			return r.properties(conditional || e.attr("Condition") != "")
		case "itemgroup":
			return r.items()
		case "importgroup":
			return r.group(conditional)
		case "choose":
			return r.each(func(xmlElement) error { return r.group(true) })
		case "import":
			if sdk := e.attr("Sdk"); sdk != "" {
				r.sdk(sdk, e.attr("Version"), r.location(e))
			} else if project := e.attr("Project"); project != "" {
				r.file.imports = append(r.file.imports, project)
			}
		case "sdk":
			r.sdk(e.attr("Name"), e.attr("Version"), r.location(e))
		}
		return nil
	})
}

// sdk notes an SDK with a version: those without one come with the tools.
func (r *msbuildReader) sdk(name, version string, place inventory.Location) {
	if before, after, ok := strings.Cut(name, "/"); ok {
		name, version = before, after
	}
	if name != "" && version != "" {
		r.file.sdks = append(r.file.sdks, nugetReference{include: name, version: version, private: "all", place: place})
	}
}

func (r *msbuildReader) properties(conditional bool) error {
	return r.each(func(e xmlElement) error {
		condition := e.attr("Condition")
		name := strings.ToLower(e.name)
		text, err := r.text()
		r.file.properties[name] = append(r.file.properties[name], msbuildValue{
			text: text, conditional: conditional || condition != "",
			ifEmpty: !conditional && strings.EqualFold(strings.Join(strings.Fields(condition), ""), "'$("+name+")'==''"),
		})
		return err
	})
}

func (r *msbuildReader) items() error {
	return r.each(func(e xmlElement) error {
		kind := strings.ToLower(e.name)
		if kind != "packagereference" && kind != "packageversion" && kind != "globalpackagereference" {
			return nil
		}
		ref := nugetReference{
			include: e.attr("Include"), update: e.attr("Update"), version: e.attr("Version"),
			override: e.attr("VersionOverride"), private: e.attr("PrivateAssets"),
		}
		err := r.each(func(field xmlElement) (err error) {
			switch strings.ToLower(field.name) {
			case "version":
				ref.version, err = r.text()
			case "versionoverride":
				ref.override, err = r.text()
			case "privateassets":
				ref.private, err = r.text()
			}
			return err
		})
		if err != nil {
			return err // an item that breaks off may lack its version
		}
		ref.place = r.location(e)
		switch kind {
		case "packagereference":
			r.file.references = append(r.file.references, ref)
		case "globalpackagereference":
			r.file.global = append(r.file.global, ref)
		default:
			for _, name := range []string{ref.include, ref.update} {
				if name = strings.ToLower(name); name != "" {
					r.file.versions[name] = append(r.file.versions[name], ref)
				}
			}
		}
		return nil
	})
}

// msbuildFileAt returns the MSBuild file at a path of the tree, parsed once however many projects import it.
func msbuildFileAt(tree *inventory.Tree, name string) (*msbuildFile, error) {
	return inventory.Parse(tree, name, "msbuild", func(data []byte) (*msbuildFile, error) {
		return parseMSBuild(name, data)
	})
}

// Bounds on what one project may make of the tree.
const (
	msbuildMaxFiles     = 64  // files that one project imports
	msbuildMaxDepth     = 16  // properties inside properties
	msbuildMaxValues    = 8   // values that a property may have under different conditions
	msbuildMaxExpansion = 512 // bytes of a value with its properties replaced
	msbuildMaxSteps     = 4096
)

// msbuildProject is a project with the files that MSBuild puts around it: Directory.Build.props and
// Directory.Packages.props of the nearest folder above before, Directory.Build.targets after it, and what they import.
// Source: https://learn.microsoft.com/visualstudio/msbuild/customize-by-directory
type msbuildProject struct {
	tree  *inventory.Tree
	main  *msbuildFile
	files []*msbuildFile // in the order of evaluation
	steps int            // of the expansion under way
}

func newMSBuildProject(tree *inventory.Tree, main *msbuildFile) *msbuildProject {
	p := &msbuildProject{tree: tree, main: main}
	dir := path.Dir(main.path)
	seen := map[string]bool{}
	for _, name := range []string{"Directory.Build.props", "Directory.Packages.props"} {
		p.load(fileAbove(tree, dir, name), seen)
	}
	p.load(main.path, seen)
	p.load(fileAbove(tree, dir, "Directory.Build.targets"), seen)
	return p
}

// load adds a file after those that it imports; which of the two stands first in the text makes no difference to the
// versions that people write.
func (p *msbuildProject) load(name string, seen map[string]bool) {
	if name == "" || seen[name] || len(seen) >= msbuildMaxFiles || !p.tree.Has(name) {
		return
	}
	seen[name] = true
	file := p.main
	if name != p.main.path {
		// What is wrong with a file is said where the file itself is read.
		if file, _ = msbuildFileAt(p.tree, name); file == nil {
			return
		}
	}
	for _, project := range file.imports {
		for _, at := range p.importPath(file, project) {
			p.load(at, seen)
		}
	}
	p.files = append(p.files, file)
}

var msbuildAbove = regexp.MustCompile(`(?i)^\$\(\[MSBuild\]::GetPathOfFileAbove\(\s*['"]?([^'",()$]+)['"]?\s*,?\s*(.*)\)\)$`)

// importPath returns the paths in the tree that an import may mean.
func (p *msbuildProject) importPath(file *msbuildFile, project string) []string {
	dir := path.Dir(file.path)
	if m := msbuildAbove.FindStringSubmatch(project); m != nil {
		if strings.Contains(m[2], "..") {
			if dir == "." {
				return nil
			}
			dir = path.Dir(dir)
		}
		return []string{fileAbove(p.tree, dir, strings.TrimSpace(m[1]))}
	}
	var paths []string
	for _, text := range p.values(project, file) {
		text = strings.ReplaceAll(text, `\`, "/")
		at := path.Join(dir, text)
		if strings.HasPrefix(text, "/") { // $(MSBuildThisFileDirectory) stands for a place in the tree
			at = path.Clean(strings.TrimPrefix(text, "/"))
		}
		paths = append(paths, at)
	}
	return paths
}

// fileAbove returns the nearest file with this name in dir or a folder above it, or "".
func fileAbove(tree *inventory.Tree, dir, name string) string {
	for {
		if at := path.Join(dir, name); tree.Has(at) {
			return at
		}
		if dir == "." || dir == "/" {
			return ""
		}
		dir = path.Dir(dir)
	}
}

// values returns what a text may stand for: one value as a rule, several where a property depends on a condition, none
// where it depends on what only a build knows. in is the file in which the text stands.
func (p *msbuildProject) values(text string, in *msbuildFile) []string {
	p.steps = 0
	return p.expand(text, in, 0)
}

func (p *msbuildProject) expand(text string, in *msbuildFile, depth int) []string {
	if !strings.Contains(text, "$(") && !strings.Contains(text, "@(") && !strings.Contains(text, "%(") {
		return []string{text}
	}
	if p.steps++; p.steps > msbuildMaxSteps {
		return nil
	}
	before, rest, ok := strings.Cut(text, "$(")
	name, after, closed := strings.Cut(rest, ")")
	if !ok || !closed || depth == msbuildMaxDepth || strings.ContainsAny(name, "[.:(") || strings.ContainsAny(before, "@%") {
		return nil
	}
	var all []string
	tails := p.expand(after, in, depth+1)
	for _, head := range p.property(strings.ToLower(strings.TrimSpace(name)), in, depth+1) {
		for _, tail := range tails {
			value := before + head + tail
			if len(value) <= msbuildMaxExpansion && len(all) < msbuildMaxValues && !slices.Contains(all, value) {
				all = append(all, value)
			}
		}
	}
	return all
}

// property returns the values that a property may have: the last assignment wins, and those with a condition may.
func (p *msbuildProject) property(name string, in *msbuildFile, depth int) []string {
	switch name {
	case "msbuildthisfiledirectory":
		return []string{"/" + path.Dir(in.path) + "/"}
	case "msbuildprojectdirectory", "projectdir":
		return []string{"/" + path.Dir(p.main.path) + "/"}
	case "msbuildprojectname":
		return []string{strings.TrimSuffix(path.Base(p.main.path), path.Ext(p.main.path))}
	}
	if depth >= msbuildMaxDepth {
		return nil
	}
	var values []string
	for _, file := range p.files {
		for _, assigned := range file.properties[name] {
			if assigned.ifEmpty && len(values) > 0 {
				continue
			}
			if !assigned.conditional {
				values = values[:0]
			}
			if strings.Contains(strings.ToLower(assigned.text), "$("+name+")") {
				return nil // it adds to itself
			}
			for _, value := range p.expand(assigned.text, file, depth+1) {
				if len(values) < msbuildMaxValues && !slices.Contains(values, value) {
					values = append(values, value)
				}
			}
		}
	}
	return values
}

// isTrue reports whether a property is certainly true.
func (p *msbuildProject) isTrue(name string) bool {
	p.steps = 0
	values := p.property(name, p.main, 0)
	return len(values) == 1 && strings.EqualFold(values[0], "true")
}

// isFalse reports whether a property is certainly false.
func (p *msbuildProject) isFalse(name string) bool {
	p.steps = 0
	values := p.property(name, p.main, 0)
	return len(values) == 1 && strings.EqualFold(values[0], "false")
}

// central returns the central versions of a package with the places where they stand. The last file that has any wins.
func (p *msbuildProject) central(name string) ([]nugetReference, *msbuildFile) {
	for _, file := range slices.Backward(p.files) {
		if refs := file.versions[strings.ToLower(name)]; len(refs) > 0 {
			return refs, file
		}
	}
	return nil, nil
}
