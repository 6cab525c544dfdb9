package ecosystem

import (
	"bytes"
	"context"
	"path"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// CRAN is the registry of R packages.
var CRAN = &Ecosystem{
	Name: "CRAN",
	Formats: []Format{
		{Name: "renv.lock", Match: base("renv.lock"), LockFile: true, Read: readRenvLock},
		{Name: "DESCRIPTION", Match: base("DESCRIPTION"), Read: readRDescription},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypeCran, Name: name, Version: version}
	},
}

// Bioconductor is the registry of R packages for biology; renv.lock names packages of both.
var Bioconductor = &Ecosystem{
	Name: "Bioconductor",
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: "bioconductor", Name: name, Version: version}
	},
}

// renvPackage is one record of a renv.lock.
// Source: https://rstudio.github.io/renv/articles/lockfile.html
type renvPackage struct {
	name, version, source, repository string
	license, commit                   string
	needs                             []string
}

// readRenvLock reads renv.lock. A package that no other one needs was asked for by the project; older files do not say
// who needs whom, and DESCRIPTION alone tells.
func readRenvLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	manifest := readRManifest(tree, path.Join(path.Dir(name), "DESCRIPTION"))
	doc := &Document{Root: projectName(manifest.name, name)}
	at := map[string]int{}
	var needs [][]string
	r := newJSONReader(name, data)
	err = r.document(func(member string, _ int) error {
		if member != "Packages" {
			return nil
		}
		return r.object(func(key string, start int) error {
			doc.Declared++
			p, err := readRenvPackage(r)
			if err != nil {
				return err
			}
			if p.name == "" {
				p.name = key
			}
			if p.name == "" {
				return nil // it counts as declared, so that it is missed
			}
			entry := Entry{Name: p.name, Version: p.version, Location: r.location(start), Origin: renvOrigin(p)}
			if p.source == "Bioconductor" {
				entry.Ecosystem = Bioconductor
			}
			if entry.Origin == inventory.OriginGit {
				entry.Commit = p.commit
			}
			if p.license != "" {
				entry.Licenses = []string{p.license}
			}
			if err := doc.full(entry.Location); err != nil {
				return err
			}
			at[p.name] = len(doc.Entries)
			doc.Entries = append(doc.Entries, entry)
			needs = append(needs, p.needs)
			return nil
		})
	})
	needed := make([]bool, len(doc.Entries))
	connected := false
	for i, names := range needs {
		seen := map[int]bool{i: true}
		for _, name := range names {
			if j, ok := at[name]; ok && !seen[j] {
				seen[j], needed[j], connected = true, true, true
				doc.Entries[i].Needs = append(doc.Entries[i].Needs, j)
			}
		}
	}
	for i := range doc.Entries {
		e := &doc.Entries[i]
		asked, ok := manifest.asks[e.Name]
		if !ok && (needed[i] || !connected) {
			continue
		}
		doc.Roots = append(doc.Roots, i)
		e.Scope, e.Manifest = inventory.ScopeRuntime, asked.place
		if asked.suggested {
			e.Scope = inventory.ScopeDevelopment
		}
	}
	doc.Resolve()
	return doc, unlessFull(err)
}

func readRenvPackage(r *jsonReader) (p renvPackage, err error) {
	err = r.object(func(field string, _ int) error {
		switch field {
		case "Package":
			return r.readString(&p.name)
		case "Version":
			return r.readString(&p.version)
		case "Source":
			return r.readString(&p.source)
		case "Repository":
			return r.readString(&p.repository)
		case "License":
			return r.readString(&p.license)
		case "RemoteSha":
			return r.readString(&p.commit)
		case "Requirements", "Depends", "Imports", "LinkingTo":
			return r.array(func(int) error {
				text, err := r.str()
				p.needs = append(p.needs, rName(text))
				return err
			})
		}
		return nil
	})
	return p, err
}

// renvOrigin tells the sources of renv apart. The names in Repository are the project's own, apart from CRAN and the
// mirrors of Posit, which renv sets up itself.
func renvOrigin(p renvPackage) inventory.Origin {
	switch strings.ToLower(p.source) {
	case "", "repository", "cran":
		switch p.repository {
		case "", "CRAN", "RSPM", "PPM", "P3M":
			return inventory.OriginRegistry
		}
		return inventory.OriginPrivate
	case "bioconductor":
		return inventory.OriginRegistry
	case "github", "gitlab", "bitbucket", "git", "git2r", "xgit":
		return inventory.OriginGit
	case "local", "cellar", "unknown":
		return inventory.OriginPath
	}
	return inventory.OriginURL
}

// rName cuts the wanted version off a requirement: "dplyr (>= 1.0)".
func rName(text string) string {
	text, _, _ = strings.Cut(text, "(")
	return strings.TrimSpace(text)
}

// rManifest is the DESCRIPTION of an R package or project.
// Source: https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
type rManifest struct {
	name, version, license string
	installed              bool // it lies in a library, not in a source tree
	place                  inventory.Location
	asks                   map[string]rAsk
}

type rAsk struct {
	place     inventory.Location
	suggested bool
}

// readRManifest returns an empty manifest where there is none.
func readRManifest(tree *inventory.Tree, name string) *rManifest {
	data, err := tree.ReadFile(name)
	if err != nil {
		return &rManifest{}
	}
	return parseRManifest(name, data)
}

// parseRManifest reads fields of the form "Name: value", which go on in lines that begin with a space.
func parseRManifest(name string, data []byte) *rManifest {
	m := &rManifest{asks: map[string]rAsk{}}
	lines := inventory.NewLines(data)
	at, field := 0, ""
	for raw := range bytes.Lines(data) {
		start := at
		at += len(raw)
		value := string(raw)
		if raw[0] != ' ' && raw[0] != '\t' {
			var ok bool
			if field, value, ok = strings.Cut(value, ":"); !ok {
				field = ""
				continue
			}
			start += len(field) + 1
		}
		switch field {
		case "Package":
			m.name = strings.TrimSpace(value)
			m.place = lines.Location(name, start-len(field)-1, start+len(strings.TrimRight(value, " \t\r\n")))
		case "Version":
			m.version = strings.TrimSpace(value)
		case "License":
			m.license = strings.TrimSpace(value)
		case "Built":
			m.installed = true
		case "Depends", "Imports", "LinkingTo", "Suggests":
			for _, item := range strings.SplitAfter(value, ",") {
				text := strings.Trim(item, " \t\r\n,")
				if pkg := rName(text); pkg != "" {
					begin := start + strings.Index(item, text)
					if _, twice := m.asks[pkg]; !twice {
						m.asks[pkg] = rAsk{lines.Location(name, begin, begin+len(text)), field == "Suggests"}
					}
				}
				start += len(item)
			}
		}
	}
	return m
}

// readRDescription lists the package that a DESCRIPTION is about: the project's own, or one in a library that is
// checked in. What it asks for has no exact version and is left to renv.lock.
func readRDescription(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	m := parseRManifest(name, data)
	doc := &Document{Root: m.name}
	if m.name == "" || m.version == "" {
		return doc, nil // a file of another kind with the same name
	}
	entry := Entry{Name: m.name, Version: m.version, Location: m.place, Scope: inventory.ScopeRuntime, Origin: inventory.OriginWorkspace}
	if m.installed {
		entry.Origin = inventory.OriginRegistry
	}
	if m.license != "" {
		entry.Licenses = []string{m.license}
	}
	doc.Entries = append(doc.Entries, entry)
	doc.Resolve()
	return doc, nil
}
