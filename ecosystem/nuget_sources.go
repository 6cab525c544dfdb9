package ecosystem

import (
	"net/url"
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// nugetSources is the part of a nuget.config that says which feed a package comes from.
// Source: https://learn.microsoft.com/nuget/consume-packages/package-source-mapping
type nugetSources struct {
	feeds    map[string]string   // key -> address
	patterns map[string][]string // pattern, in lower case -> keys of feeds
}

// nugetSourcesOf returns the mapping that holds for a file: that of the nearest nuget.config with one. It is nil where
// there is none, and then nothing is known of where packages come from.
func nugetSourcesOf(tree *inventory.Tree, file string) *nugetSources {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		for _, name := range []string{"nuget.config", "NuGet.config", "NuGet.Config"} {
			at := path.Join(dir, name)
			if !tree.Has(at) {
				continue
			}
			sources, _ := inventory.Parse(tree, at, "nuget.config", func(data []byte) (*nugetSources, error) {
				return parseNuGetConfig(at, data)
			})
			if sources != nil && len(sources.patterns) > 0 {
				return sources
			}
		}
		if dir == "." || dir == "/" {
			return nil
		}
	}
}

func parseNuGetConfig(name string, data []byte) (*nugetSources, error) {
	s := &nugetSources{feeds: map[string]string{}, patterns: map[string][]string{}}
	x, err := newXMLReader(name, data)
	if err != nil {
		return s, err
	}
	return s, x.root(func(xmlElement) error {
		return x.each(func(section xmlElement) error {
			switch section.name {
			case "packageSources":
				return x.each(func(add xmlElement) error {
					if add.name == "add" {
						s.feeds[add.attr("key")] = add.attr("value")
					}
					return nil
				})
			case "packageSourceMapping":
				return x.each(func(source xmlElement) error {
					return x.each(func(pkg xmlElement) error {
						if pattern := strings.ToLower(pkg.attr("pattern")); pattern != "" {
							s.patterns[pattern] = append(s.patterns[pattern], source.attr("key"))
						}
						return nil
					})
				})
			}
			return nil
		})
	}, "configuration")
}

// origin tells whether a package may come from the public registry. The longest pattern that fits decides, and the
// package is private where none of the feeds of that pattern is the public one.
func (s *nugetSources) origin(name string) inventory.Origin {
	if s == nil {
		return inventory.OriginRegistry
	}
	name = strings.ToLower(name)
	feeds, ok := s.patterns[name]
	for end := len(name); !ok && end >= 0; end-- {
		feeds, ok = s.patterns[name[:end]+"*"]
	}
	for _, feed := range feeds {
		address, known := s.feeds[feed]
		if !known || isPublicNuGet(address) {
			return inventory.OriginRegistry // a feed of the user's own configuration may be any
		}
	}
	if !ok {
		return inventory.OriginRegistry
	}
	return inventory.OriginPrivate
}

// isPublicNuGet knows the public registry by the domain that has its name.
func isPublicNuGet(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	domain := strings.ToLower(nugetName) + ".org"
	return u.Hostname() == domain || strings.HasSuffix(u.Hostname(), "."+domain)
}
