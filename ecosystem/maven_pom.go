package ecosystem

import (
	"errors"
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// mavenPOM is one pom.xml as it is written: nothing inherited, no property replaced.
// Source: https://maven.apache.org/ref/current/maven-model/maven.html
type mavenPOM struct {
	path         string
	group        string
	artifact     string
	version      string
	packaging    string
	place        inventory.Location // of <artifactId>, where a project says who it is
	parent       *mavenParent
	licenses     []string
	properties   map[string]string
	dependencies []mavenDependency
	management   mavenManagement
	profiles     []mavenProfile
}

// mavenParent is the reference of a pom.xml to the one that it inherits from.
type mavenParent struct {
	group, artifact, version string
	relativePath             string // where the file is looked for; "" is nowhere but by its coordinates
	place                    inventory.Location
}

func (p *mavenParent) String() string { return p.group + ":" + p.artifact + ":" + p.version }

// mavenDependency is one <dependency>.
type mavenDependency struct {
	group, artifact, version string
	kind, classifier         string
	scope                    string
	place                    inventory.Location
}

// mavenProfile is what a build adds where a profile is active.
type mavenProfile struct {
	id           string
	standard     bool // active unless another profile of the same file is
	active       bool // active unless somebody sets a property
	properties   map[string]string
	dependencies []mavenDependency
	management   mavenManagement
}

// mavenManagement is one <dependencyManagement>, ordered for look-up: it may have thousands of entries, and every
// module of a build asks for a few of them.
type mavenManagement struct {
	literal map[mavenKey]mavenDependency // by keys without properties; the first of equal ones
	open    []mavenDependency            // those whose key has a property, in order
	imports []mavenDependency            // the bills of materials (scope import), in order
}

// mavenKey is what Maven joins a dependency and its management by.
type mavenKey struct{ group, artifact, kind, classifier string }

func (d mavenDependency) key() mavenKey {
	kind := d.kind
	if kind == "" {
		kind = "jar"
	}
	return mavenKey{d.group, d.artifact, kind, d.classifier}
}

func (m *mavenManagement) add(d mavenDependency) {
	switch {
	case d.scope == "import":
		m.imports = append(m.imports, d)
	case strings.Contains(d.group+d.artifact+d.kind+d.classifier, "${"):
		m.open = append(m.open, d)
	default:
		if _, twice := m.literal[d.key()]; twice || d.version == "" {
			return
		}
		if m.literal == nil {
			m.literal = map[mavenKey]mavenDependency{}
		}
		m.literal[d.key()] = d
	}
}

// parseMavenPOM reads a pom.xml. What was read before an error is returned with it.
func parseMavenPOM(name string, data []byte) (*mavenPOM, error) {
	pom := &mavenPOM{path: name, properties: map[string]string{}}
	x, err := newXMLReader(name, data)
	if err != nil {
		return pom, err
	}
	r := &mavenReader{xmlReader: x, pom: pom}
	return pom, x.root(func(xmlElement) error { return x.each(r.project) }, "project")
}

// mavenReader fills one mavenPOM.
type mavenReader struct {
	*xmlReader
	pom *mavenPOM
}

func (r *mavenReader) project(e xmlElement) error {
	switch e.name {
	case "groupId":
		return r.into(&r.pom.group)
	case "artifactId":
		err := r.into(&r.pom.artifact)
		r.pom.place = r.location(e)
		return err
	case "version":
		return r.into(&r.pom.version)
	case "packaging":
		return r.into(&r.pom.packaging)
	case "parent":
		return r.parent(e)
	case "licenses":
		return r.each(func(xmlElement) error {
			return r.each(func(field xmlElement) error {
				if field.name != "name" {
					return nil
				}
				name, err := r.text()
				if name != "" {
					r.pom.licenses = append(r.pom.licenses, name)
				}
				return err
			})
		})
	case "properties":
		return r.properties(r.pom.properties)
	case "dependencies":
		return r.dependencies(func(d mavenDependency) { r.pom.dependencies = append(r.pom.dependencies, d) })
	case "dependencyManagement":
		return r.managed(&r.pom.management)
	case "profiles":
		return r.each(func(e xmlElement) error {
			if e.name == "profile" {
				return r.profile()
			}
			return nil
		})
	}
	return nil
}

func (r *mavenReader) into(s *string) (err error) {
	*s, err = r.text()
	return err
}

func (r *mavenReader) parent(e xmlElement) error {
	p := &mavenParent{relativePath: "../pom.xml"}
	err := r.each(func(field xmlElement) error {
		switch field.name {
		case "groupId":
			return r.into(&p.group)
		case "artifactId":
			return r.into(&p.artifact)
		case "version":
			return r.into(&p.version)
		case "relativePath":
			return r.into(&p.relativePath)
		}
		return nil
	})
	p.place = r.location(e)
	if p.artifact != "" {
		r.pom.parent = p
	}
	return err
}

func (r *mavenReader) properties(into map[string]string) error {
	return r.each(func(e xmlElement) error {
		value, err := r.text()
		into[e.name] = value
		return err
	})
}

func (r *mavenReader) managed(m *mavenManagement) error {
	return r.each(func(e xmlElement) error {
		if e.name != "dependencies" {
			return nil
		}
		return r.dependencies(m.add)
	})
}

func (r *mavenReader) dependencies(add func(mavenDependency)) error {
	return r.each(func(e xmlElement) error {
		if e.name != "dependency" {
			return nil
		}
		var d mavenDependency
		err := r.each(func(field xmlElement) error {
			switch field.name {
			case "groupId":
				return r.into(&d.group)
			case "artifactId":
				return r.into(&d.artifact)
			case "version":
				return r.into(&d.version)
			case "type":
				return r.into(&d.kind)
			case "classifier":
				return r.into(&d.classifier)
			case "scope":
				return r.into(&d.scope)
			}
			return nil
		})
		if err != nil {
			return err // a dependency that breaks off may lack its version
		}
		d.place = r.location(e)
		add(d)
		return nil
	})
}

func (r *mavenReader) profile() error {
	p := mavenProfile{properties: map[string]string{}}
	err := r.each(func(e xmlElement) error {
		switch e.name {
		case "id":
			return r.into(&p.id)
		case "activation":
			return r.activation(&p)
		case "properties":
			return r.properties(p.properties)
		case "dependencies":
			return r.dependencies(func(d mavenDependency) { p.dependencies = append(p.dependencies, d) })
		case "dependencyManagement":
			return r.managed(&p.management)
		}
		return nil
	})
	r.pom.profiles = append(r.pom.profiles, p)
	return err
}

// activation reads the conditions that hold on every machine: the rest (Java version, operating system, files,
// properties that are set) is not known from the tree.
func (r *mavenReader) activation(p *mavenProfile) error {
	others := false
	unset := false
	err := r.each(func(e xmlElement) error {
		switch e.name {
		case "activeByDefault":
			value, err := r.text()
			p.standard = strings.EqualFold(value, "true")
			return err
		case "property":
			return r.each(func(field xmlElement) error {
				value, err := r.text()
				switch field.name {
				case "name":
					unset = unset || strings.HasPrefix(value, "!")
					others = others || !strings.HasPrefix(value, "!")
				case "value":
					others = true
				}
				return err
			})
		default:
			others = true
		}
		return nil
	})
	p.active = unset && !others
	return err
}

// isPOM matches pom.xml and the files that repositories of packages keep as ARTIFACT-VERSION.pom.
func isPOM(name string) bool {
	return path.Base(name) == "pom.xml" || path.Ext(name) == ".pom"
}

// mavenFile returns the pom.xml at a path of the tree, parsed once however many modules inherit from it.
func mavenFile(tree *inventory.Tree, name string) (*mavenPOM, error) {
	pom, err := inventory.Parse(tree, name, "pom.xml", func(data []byte) (*mavenPOM, error) {
		return parseMavenPOM(name, data)
	})
	if pom == nil && err == nil {
		err = errors.New("another parser has read the file")
	}
	return pom, err
}
