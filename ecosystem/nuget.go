package ecosystem

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

const nugetName = "NuGet"

// NuGet is the registry of .NET packages. Its names do not tell upper from lower case, and advisories spell them as
// their authors registered them: entries keep the spelling of their file, and looking advisories up folds the case on
// both sides.
var NuGet = &Ecosystem{
	Name: nugetName,
	Formats: []Format{
		{Name: "packages.lock.json", Match: isNuGetLock, LockFile: true, Read: readNuGetLock},
		{Name: "project.assets.json", Match: base("project.assets.json"), LockFile: true, Read: readNuGetAssets},
		{Name: "deps.json", Match: func(name string) bool { return strings.HasSuffix(name, ".deps.json") }, LockFile: true, Installed: true, Read: readNuGetAssets},
		{Name: "packages.config", Match: isPackagesConfig, LockFile: true, Read: readPackagesConfig},
		{Name: "project file", Match: isMSBuildProject, Read: readMSBuildProject},
		{Name: "Directory.*.props", Match: isMSBuildProps, Read: readMSBuildProps},
		{Name: "dotnet-tools.json", Match: base("dotnet-tools.json"), Read: readNuGetTools},
		{Name: "global.json", Match: base("global.json"), Read: readGlobalJSON},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypeNuget, Name: name, Version: version}
	},
}

// isNuGetLock matches packages.lock.json and packages.PROJECT.lock.json.
// Source: https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files#locking-dependencies
func isNuGetLock(name string) bool {
	name = path.Base(name)
	return name == "packages.lock.json" || strings.HasPrefix(name, "packages.") && strings.HasSuffix(name, ".lock.json")
}

// isPackagesConfig matches packages.config and packages.PROJECT.config.
func isPackagesConfig(name string) bool {
	name = strings.ToLower(path.Base(name))
	return name == "packages.config" || strings.HasPrefix(name, "packages.") && strings.HasSuffix(name, ".config")
}

var msbuildProjects = []string{".csproj", ".fsproj", ".vbproj"}

func isMSBuildProject(name string) bool { return slices.Contains(msbuildProjects, path.Ext(name)) }

// isMSBuildProps matches the files that MSBuild imports into every project below their folder.
func isMSBuildProps(name string) bool {
	return slices.Contains([]string{"Directory.Packages.props", "Directory.Build.props", "Directory.Build.targets"}, path.Base(name))
}

// readMSBuildProject lists the packages that a project references itself. Those that a Directory.*.props adds to all
// projects are listed for that file; those that a lock file beside it pins are listed there, with the versions that
// are really used and with the line of this file.
func readMSBuildProject(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	file, err := msbuildFileAt(tree, name)
	if file == nil {
		return nil, err
	}
	doc := &msbuildDocument{Document: &Document{Root: strings.TrimSuffix(path.Base(name), path.Ext(name))}, project: newMSBuildProject(tree, file), locked: nugetLocked(tree, name), sources: nugetSourcesOf(tree, name)}
	doc.add(file)
	doc.Notices = append(doc.Notices, doc.open.notices(name)...)
	doc.Resolve()
	return doc.Document, err
}

// readMSBuildProps lists the packages that a file adds to every project below it. The central versions in it are not
// used by themselves.
func readMSBuildProps(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	file, err := msbuildFileAt(tree, name)
	if file == nil {
		return nil, err
	}
	doc := &msbuildDocument{Document: &Document{Root: projectName("", name)}, project: newMSBuildProject(tree, file), sources: nugetSourcesOf(tree, name)}
	if doc.Root == "." {
		doc.Root = path.Base(name)
	}
	for _, global := range file.global {
		global.private = "all" // by definition, see the page on central package management
		doc.reference(file, global, nil)
	}
	doc.add(file)
	doc.Notices = append(doc.Notices, doc.open.notices(name)...)
	doc.Resolve()
	return doc.Document, err
}

// msbuildDocument is the Document of one MSBuild file while it is being put together.
type msbuildDocument struct {
	*Document
	project *msbuildProject
	locked  map[string]bool // what the lock file lists
	sources *nugetSources
	open    openVersions
}

func (d *msbuildDocument) add(file *msbuildFile) {
	for _, sdk := range file.sdks {
		d.reference(file, sdk, nil)
	}
	updates := map[string]nugetReference{}
	for _, ref := range file.references {
		if ref.update != "" && ref.version != "" {
			updates[strings.ToLower(ref.update)] = ref
		}
	}
	for _, ref := range file.references {
		if ref.include != "" {
			d.reference(file, ref, updates)
		}
	}
	for _, ref := range file.references { // of packages that something else includes, such as the SDK
		if _, open := updates[strings.ToLower(ref.update)]; open && ref.update != "" && ref.version != "" {
			ref.include = ref.update
			d.reference(file, ref, nil)
		}
	}
	test := d.project.isTrue("IsTestProject")
	for i := range d.Entries {
		test = test || strings.EqualFold(d.Entries[i].Name, "Microsoft.NET.Test.Sdk") // it sets IsTestProject
	}
	if test {
		for i := range d.Entries {
			d.Entries[i].Scope = inventory.ScopeDevelopment
		}
	}
}

// reference adds an entry for each package and version that an item may mean.
func (d *msbuildDocument) reference(file *msbuildFile, ref nugetReference, updates map[string]nugetReference) {
	for _, include := range strings.Split(ref.include, ";") {
		include = strings.TrimSpace(include)
		names := d.project.values(include, file)
		if names == nil {
			d.unreadable(ref.place, fmt.Sprintf("the package %s has a name that only a build knows and was left out", include))
		}
		for _, name := range names {
			if name == "" || strings.ContainsAny(name, "*?") || d.locked[strings.ToLower(name)] {
				continue
			}
			entry := Entry{Name: name, Location: ref.place, Scope: inventory.ScopeRuntime, Origin: d.sources.origin(name)}
			if strings.EqualFold(ref.private, "all") {
				entry.Scope = inventory.ScopeDevelopment
			}
			if d.full(ref.place) != nil {
				return
			}
			for _, want := range d.versions(file, ref, name, updates) {
				var isRange bool
				entry.Version, isRange = nugetVersion(want.text)
				entry.Manifest = want.place
				d.open.note(entry, want.text, isRange)
				d.Roots = append(d.Roots, len(d.Entries))
				d.Entries = append(d.Entries, entry)
			}
		}
	}
}

// nugetWant is a version that an item asks for; place is set where it stands in another file.
type nugetWant struct {
	text  string
	place inventory.Location
}

// versions returns what an item may ask for, at least one.
// Source: https://learn.microsoft.com/nuget/consume-packages/central-package-management
func (d *msbuildDocument) versions(file *msbuildFile, ref nugetReference, name string, updates map[string]nugetReference) []nugetWant {
	if update, ok := updates[strings.ToLower(name)]; ok {
		delete(updates, strings.ToLower(name))
		ref.version = update.version
	}
	for _, own := range []string{ref.override, ref.version} {
		if own != "" {
			return d.known(own, file, inventory.Location{})
		}
	}
	var wants []nugetWant
	if !d.project.isFalse("ManagePackageVersionsCentrally") {
		refs, in := d.project.central(name)
		for _, central := range refs {
			place := central.place
			if in == file {
				place = inventory.Location{}
			}
			wants = append(wants, d.known(central.version, in, place)...)
		}
	}
	if len(wants) == 0 {
		wants = []nugetWant{{}}
	}
	return wants
}

// known returns the values of a version, or the text itself, which then is no version, where a build decides.
func (d *msbuildDocument) known(text string, in *msbuildFile, place inventory.Location) []nugetWant {
	values := d.project.values(text, in)
	if len(values) == 0 {
		values = []string{text}
	}
	wants := make([]nugetWant, len(values))
	for i, value := range values {
		wants[i] = nugetWant{value, place}
	}
	return wants
}

// nugetVersion returns the version that NuGet takes for a requirement: the lowest one that satisfies it. isRange says
// that the lower end itself is excluded, so that the version is only known to be above it. A floating version such as
// 1.* stands for the newest one on the day of the build, which is not known.
// Source: https://learn.microsoft.com/nuget/concepts/package-versioning
func nugetVersion(want string) (version string, isRange bool) {
	want = strings.TrimSpace(want)
	if want == "" || strings.ContainsAny(want, "*$@%") {
		return "", false
	}
	if want[0] != '[' && want[0] != '(' {
		return want, false
	}
	lower, _, _ := strings.Cut(want[1:], ",")
	lower = strings.TrimSpace(strings.TrimRight(lower, "])"))
	return lower, want[0] == '(' && lower != ""
}

// readPackagesConfig reads the flat list of an old project: every package that it uses, direct or not.
// Source: https://learn.microsoft.com/nuget/reference/packages-config
func readPackagesConfig(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc := &Document{Root: nugetProjectName(tree, name)}
	x, err := newXMLReader(name, data)
	if err != nil {
		return doc, err
	}
	var open openVersions
	sources := nugetSourcesOf(tree, name)
	err = x.root(func(xmlElement) error {
		return x.each(func(e xmlElement) error {
			if !strings.EqualFold(e.name, "package") {
				return nil
			}
			entry := Entry{Name: e.attr("id"), Version: e.attr("version"), Scope: inventory.ScopeRuntime, Origin: sources.origin(e.attr("id"))}
			if strings.EqualFold(e.attr("developmentDependency"), "true") {
				entry.Scope = inventory.ScopeDevelopment
			}
			if err := x.leave(x.depth - 1); err != nil {
				return err
			}
			entry.Location = x.location(e)
			if entry.Name == "" {
				doc.unreadable(entry.Location, "a package without an id was left out")
				return nil
			}
			if err := doc.full(entry.Location); err != nil {
				return err
			}
			open.note(entry, "", false)
			doc.Entries = append(doc.Entries, entry)
			return nil
		})
	}, "packages")
	doc.Notices = append(doc.Notices, open.notices(name)...)
	doc.Resolve()
	return doc, unlessFull(err)
}

// nugetProjectName names the project that a lock file stands beside: that of its only project file, else the folder.
func nugetProjectName(tree *inventory.Tree, name string) string {
	if file := nugetProjectFile(tree, name); file != "" {
		return strings.TrimSuffix(path.Base(file), path.Ext(file))
	}
	if dir := path.Base(path.Dir(name)); dir != "." {
		return dir
	}
	return path.Base(name)
}

// nugetProjectFile returns the project file that a lock file belongs to, or "" where there are none or several.
func nugetProjectFile(tree *inventory.Tree, lock string) string {
	dir := path.Dir(lock)
	if path.Base(dir) == "obj" {
		dir = path.Dir(dir)
	}
	found := ""
	named := strings.TrimSuffix(strings.TrimPrefix(path.Base(lock), "packages."), ".lock.json")
	for _, file := range filesIn(tree, dir) {
		if !isMSBuildProject(file) {
			continue
		}
		if strings.EqualFold(named, strings.TrimSuffix(path.Base(file), path.Ext(file))) {
			return file
		}
		if found != "" {
			found = " " // several
			continue
		}
		found = file
	}
	return strings.TrimSpace(found)
}

// filesIn returns the paths of the files of one folder.
func filesIn(tree *inventory.Tree, dir string) []string {
	files := tree.Files()
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	i, _ := slices.BinarySearchFunc(files, prefix, func(f inventory.File, p string) int { return strings.Compare(f.Path, p) })
	var paths []string
	for ; i < len(files) && strings.HasPrefix(files[i].Path, prefix); i++ {
		if !strings.Contains(files[i].Path[len(prefix):], "/") {
			paths = append(paths, files[i].Path)
		}
	}
	return paths
}

// nugetManifest finds the places at which a project references its packages, by lower-case name.
func nugetManifest(tree *inventory.Tree, lock string) map[string]inventory.Location {
	where := map[string]inventory.Location{}
	name := nugetProjectFile(tree, lock)
	if name == "" {
		return where
	}
	main, _ := msbuildFileAt(tree, name)
	if main == nil {
		return where
	}
	project := newMSBuildProject(tree, main)
	for _, file := range slices.Backward(project.files) {
		for _, ref := range slices.Concat(file.references, file.global, file.sdks) {
			for _, name := range strings.Split(ref.include+";"+ref.update, ";") {
				if name = strings.ToLower(strings.TrimSpace(name)); name != "" && where[name].IsZero() {
					where[name] = ref.place
				}
			}
		}
	}
	return where
}

// nugetHash reads the digest that NuGet keeps of an archive: SHA-512 in base64.
func nugetHash(text string) []inventory.Hash {
	text = strings.TrimPrefix(text, "sha512-")
	sum, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sum) != 64 {
		return nil
	}
	return []inventory.Hash{{Algorithm: "SHA-512", Value: hex.EncodeToString(sum)}}
}
