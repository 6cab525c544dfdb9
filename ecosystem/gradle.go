package ecosystem

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// gradleFormats are the files of Gradle, which draws from the same repositories as Maven. Build scripts are programs
// and are not formats: only the packages that they name literally are looked for in them, to say which are direct.
var gradleFormats = []Format{
	{Name: "gradle.lockfile", Match: isGradleLock, LockFile: true, Read: readGradleLock},
	{Name: "verification-metadata.xml", Match: isGradleVerification, LockFile: true, Read: readGradleVerification},
	{Name: "libs.versions.toml", Match: isGradleCatalog, Read: readGradleCatalog},
}

// isGradleLock matches the lock file of a project, of its build scripts and of its settings, and those that Gradle
// before 7 wrote for each configuration.
// Source: https://docs.gradle.org/current/userguide/dependency_locking.html
func isGradleLock(name string) bool {
	switch path.Base(name) {
	case "gradle.lockfile", "buildscript-gradle.lockfile", "settings-gradle.lockfile":
		return true
	}
	return isOldGradleLock(name)
}

func isOldGradleLock(name string) bool {
	return path.Base(path.Dir(name)) == "dependency-locks" && path.Ext(name) == ".lockfile"
}

func isGradleVerification(name string) bool {
	return path.Base(name) == "verification-metadata.xml" && path.Base(path.Dir(name)) == "gradle"
}

// isGradleCatalog matches the standard catalog and those with other names, which stand beside it.
// Source: https://docs.gradle.org/current/userguide/version_catalogs.html
func isGradleCatalog(name string) bool {
	return path.Base(name) == "libs.versions.toml" ||
		strings.HasSuffix(name, ".versions.toml") && path.Base(path.Dir(name)) == "gradle"
}

// gradleLine is one package of a lock file.
type gradleLine struct {
	name, version  string
	configurations []string
	start, end     int
}

// gradleLines calls visit for each line that names a package; ok is false where it can't be understood.
func gradleLines(data []byte, visit func(line gradleLine, ok bool)) {
	at := 0
	for text := range bytes.Lines(data) {
		start := at
		at += len(text)
		trimmed := strings.TrimSpace(string(text))
		if trimmed == "" || trimmed[0] == '#' || strings.HasPrefix(trimmed, "empty=") {
			continue
		}
		start += bytes.Index(text, []byte(trimmed[:1]))
		line := gradleLine{start: start, end: start + len(trimmed)}
		coordinates, configurations, _ := strings.Cut(trimmed, "=")
		parts := strings.Split(coordinates, ":")
		if len(parts) != 3 || slices.Contains(parts, "") {
			visit(line, false)
			continue
		}
		line.name, line.version = parts[0]+":"+parts[1], parts[2]
		if configurations != "" {
			line.configurations = strings.Split(configurations, ",")
		}
		visit(line, true)
	}
}

// readGradleLock lists the packages of a lock file. It says which configurations use a package, but not which package
// brings it in: the direct ones are those that the build script names.
func readGradleLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	dir := path.Dir(name)
	if isOldGradleLock(name) {
		dir = path.Dir(path.Dir(dir))
	}
	build := gradleBuildOf(tree, dir)
	doc := &Document{Root: build.project}
	lines := inventory.NewLines(data)
	ofBuild := strings.HasSuffix(name, "-gradle.lockfile")
	bad := 0
	gradleLines(data, func(line gradleLine, ok bool) {
		doc.Declared++
		place := lines.Location(name, line.start, line.end)
		if !ok {
			if bad++; bad == 1 {
				doc.unreadable(place, fmt.Sprintf("a line of %s is not GROUP:ARTIFACT:VERSION=CONFIGURATIONS", name))
			}
			return
		}
		if doc.full(place) != nil {
			doc.Declared = 0
			return
		}
		if line.configurations == nil && isOldGradleLock(name) {
			line.configurations = []string{strings.TrimSuffix(path.Base(name), ".lockfile")}
		}
		entry := Entry{Name: line.name, Version: line.version, Location: place, Scope: gradleScope(line.configurations)}
		if ofBuild {
			entry.Scope = inventory.ScopeDevelopment
		}
		if manifest, ok := build.named[line.name]; ok {
			entry.Manifest = manifest
			doc.Roots = append(doc.Roots, len(doc.Entries))
		}
		doc.Entries = append(doc.Entries, entry)
	})
	doc.Resolve()
	return doc, nil
}

// gradleTools are the configurations of tools that a build runs and does not ship, by the start of their names.
var gradleTools = []string{
	"annotationprocessor", "kapt", "ksp", "jacoco", "checkstyle", "pmd", "spotbugs", "detekt", "ktlint", "codenarc",
	"errorprone", "developmentonly", "kotlincompiler", "kotlinbuildtools", "kotlinklib", "jmh", "dokka", "antlr", "protobuf", "lint",
}

// gradleScope tells what the configurations of a package are for. Their names are the builds' own; those of Gradle's
// and the common plug-ins end with their purpose.
func gradleScope(configurations []string) inventory.Scope {
	scope := inventory.ScopeUnknown
	for _, name := range configurations {
		lower := strings.ToLower(name)
		switch {
		case strings.HasPrefix(name, "test") || strings.Contains(name, "Test") || strings.HasSuffix(lower, "annotationprocessor") ||
			lower == "classpath" || slices.ContainsFunc(gradleTools, func(tool string) bool { return strings.HasPrefix(lower, tool) }):
			if scope == inventory.ScopeUnknown {
				scope = inventory.ScopeDevelopment
			}
		case strings.HasSuffix(lower, "runtimeclasspath"), strings.HasSuffix(lower, "compileclasspath"), strings.HasSuffix(lower, "implementation"),
			lower == "api", lower == "runtime", lower == "compile", lower == "default", lower == "runtimeonly", lower == "compileonly", lower == "war":
			return inventory.ScopeRuntime
		}
	}
	return scope
}

// gradleMaxScript bounds a build script that is looked through; people write none that is larger.
const gradleMaxScript = 4 << 20

// gradleBuild is what a build script says literally.
type gradleBuild struct {
	project string
	named   map[string]inventory.Location // GROUP:ARTIFACT -> where the script, or the catalog that it uses, names it
}

var (
	gradleLiteral  = regexp.MustCompile(`["']([\w.\-]+:[\w.\-]+)(?::[^"'\s]*)?["']`)
	gradleNotation = regexp.MustCompile(`group\s*[:=]\s*["']([^"'\n]+)["']\s*,\s*(?:module|name)\s*[:=]\s*["']([^"'\n]+)["']`)
	gradlePlugin   = regexp.MustCompile(`\bid\s*\(?\s*["']([\w.\-]+)["']`)
	gradleAccessor = regexp.MustCompile(`\b([a-z][A-Za-z0-9]*)\.([A-Za-z][\w.]*)`)
	gradleUse      = regexp.MustCompile(`\b([a-z]\w*)[ \t]*\(?[ \t]*(?:(?:enforcedPlatform|platform|testFixtures)[ \t]*\([ \t]*)?([a-z][A-Za-z0-9]*\.[A-Za-z][\w.]*)`)
	gradleRootName = regexp.MustCompile(`rootProject\.name\s*=\s*["']([^"'\n]+)["']`)
)

// gradleBuildOf reads the build script of a folder.
func gradleBuildOf(tree *inventory.Tree, dir string) *gradleBuild {
	build := &gradleBuild{project: path.Base(dir), named: map[string]inventory.Location{}}
	for _, settings := range []string{"settings.gradle", "settings.gradle.kts"} {
		if data, err := tree.ReadFile(path.Join(dir, settings)); err == nil {
			if m := gradleRootName.FindSubmatch(withoutComments(data)); m != nil {
				build.project = string(m[1])
			}
		}
	}
	if build.project == "." {
		build.project = "root project"
	}
	catalogs := gradleCatalogsAbove(tree, dir)
	for _, script := range []string{"build.gradle", "build.gradle.kts"} {
		name := path.Join(dir, script)
		data, err := tree.ReadFile(name)
		if err != nil || len(data) > gradleMaxScript {
			continue
		}
		lines := inventory.NewLines(data)
		data = withoutComments(data)
		note := func(name string, place inventory.Location) {
			if _, ok := build.named[name]; !ok {
				build.named[name] = place
			}
		}
		for _, m := range gradleLiteral.FindAllSubmatchIndex(data, -1) {
			note(string(data[m[2]:m[3]]), lines.Location(name, m[0], m[1]))
		}
		for _, m := range gradleNotation.FindAllSubmatchIndex(data, -1) {
			note(string(data[m[2]:m[3]])+":"+string(data[m[4]:m[5]]), lines.Location(name, m[0], m[1]))
		}
		for _, m := range gradlePlugin.FindAllSubmatchIndex(data, -1) {
			note(gradlePluginName(string(data[m[2]:m[3]])), lines.Location(name, m[0], m[1]))
		}
		for _, m := range gradleAccessor.FindAllSubmatch(data, -1) {
			catalog := catalogs[string(m[1])]
			for _, library := range catalog.find(string(m[2])) {
				note(library.name, library.place)
			}
		}
	}
	return build
}

// gradlePluginName is the package by which Gradle finds a plug-in.
// Source: https://docs.gradle.org/current/userguide/plugins.html#sec:plugin_markers
func gradlePluginName(id string) string { return id + ":" + id + ".gradle.plugin" }

// withoutComments blanks the comments of a Groovy or Kotlin script; every byte keeps its place.
func withoutComments(script []byte) []byte {
	out := bytes.Clone(script)
	var quote byte
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case quote != 0:
			switch {
			case c == '\\':
				i++
			case c == quote || c == '\n':
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '/' && i+1 < len(out) && (out[i+1] == '/' || out[i+1] == '*'):
			end := bytes.IndexByte(out[i:], '\n')
			if out[i+1] == '*' {
				if end = bytes.Index(out[i+2:], []byte("*/")); end >= 0 {
					end += 4
				}
			}
			if end < 0 {
				end = len(out) - i
			}
			for j := i; j < i+end; j++ {
				if out[j] != '\n' {
					out[j] = ' '
				}
			}
			i += end - 1
		}
	}
	return out
}

// readGradleVerification lists the packages that a build may download, with their digests. It tells neither what uses
// them nor what brings them in.
// Source: https://docs.gradle.org/current/userguide/dependency_verification.html
func readGradleVerification(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc := &Document{}
	x, err := newXMLReader(name, data)
	if err != nil {
		return doc, err
	}
	err = x.root(func(xmlElement) error {
		return x.each(func(e xmlElement) error {
			if e.name != "components" {
				return nil
			}
			return x.each(func(component xmlElement) error {
				if component.name != "component" {
					return nil
				}
				doc.Declared++
				hashes, err := readGradleArtifacts(x)
				if err != nil {
					return err
				}
				entry := Entry{
					Name: component.attr("group") + ":" + component.attr("name"), Version: component.attr("version"),
					Location: x.location(component), Scope: inventory.ScopeUnknown, Hashes: hashes,
				}
				if entry.Name[0] == ':' || strings.HasSuffix(entry.Name, ":") || entry.Version == "" {
					doc.unreadable(entry.Location, "a component without group, name or version was left out")
					return nil
				}
				if err := doc.full(entry.Location); err != nil {
					return err
				}
				doc.Entries = append(doc.Entries, entry)
				return nil
			})
		})
	}, "verification-metadata")
	doc.Resolve()
	return doc, unlessFull(err)
}

// gradleDigests are the elements of an artifact that hold a digest, and CycloneDX's names of them.
var gradleDigests = map[string]string{"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}

// readGradleArtifacts returns the digests of the archive among the artifacts of a component.
func readGradleArtifacts(x *xmlReader) ([]inventory.Hash, error) {
	var hashes []inventory.Hash
	found := false
	err := x.each(func(artifact xmlElement) error {
		if artifact.name != "artifact" || found || !slices.Contains([]string{".jar", ".aar", ".war", ".klib", ".zip"}, path.Ext(artifact.attr("name"))) {
			return nil
		}
		found = true
		return x.each(func(digest xmlElement) error {
			value := strings.ToLower(digest.attr("value"))
			if algorithm := gradleDigests[digest.name]; algorithm != "" && isHex(value, len(value)) && value != "" {
				hashes = append(hashes, inventory.Hash{Algorithm: algorithm, Value: value})
			}
			return nil
		})
	})
	return hashes, err
}
