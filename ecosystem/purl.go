package ecosystem

import (
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// FromPURL returns the entry that a package URL names, with its ecosystem, as a bill of materials states packages. It
// is false for a text that is no package URL, and for a type that no ecosystem has.
func FromPURL(text string) (Entry, bool) {
	purl, err := packageurl.FromString(text)
	if err != nil {
		return Entry{}, false
	}
	qualifiers := purl.Qualifiers.Map()
	i := slices.IndexFunc(All, func(e *Ecosystem) bool {
		like := e.PURL("a/b", "1")
		if like.Type != purl.Type {
			return false
		}
		// Of one type of package URL there are several distributions.
		return !slices.ContainsFunc(distributions, func(d distro) bool { return d.name == e.Name && d.vendor != purl.Namespace && d.id != purl.Namespace })
	})
	if i < 0 {
		return Entry{}, false
	}
	entry := Entry{Ecosystem: All[i], Name: purl.Name, Version: purl.Version, PURL: text, Origin: inventory.OriginRegistry, Scope: inventory.ScopeUnknown}
	separator := "/"
	switch purl.Type {
	case packageurl.TypeMaven:
		separator = ":"
	case packageurl.TypeGolang:
		entry.Version = strings.TrimPrefix(entry.Version, "v")
	case packageurl.TypeDebian, packageurl.TypeApk, packageurl.TypeRPM:
		separator = ""
		entry.distribution(qualifiers)
	case packageurl.TypeConan, packageurl.TypeHex:
		separator = ""
	}
	if purl.Namespace != "" && separator != "" {
		entry.Name = purl.Namespace + separator + purl.Name
	}
	for name := range qualifiers {
		if name == "vcs_url" || name == "download_url" || name == "repository_url" {
			entry.Origin = inventory.OriginPrivate // not the public registry's package by that name alone
		}
	}
	return entry, true
}

// distribution reads the qualifiers that say which release of a distribution a package is of, and what it was built
// from: distro=debian-12, upstream=openssl@3.0.11 or source=openssl.
func (e *Entry) distribution(qualifiers map[string]string) {
	if epoch := qualifiers["epoch"]; epoch != "" && epoch != "0" {
		e.Version = epoch + ":" + e.Version
	}
	id, version, _ := strings.Cut(qualifiers["distro"], "-")
	i := slices.IndexFunc(distributions, func(d distro) bool { return d.name == e.Ecosystem.Name })
	if release := distributions[i].release; release != nil && version != "" && (id == distributions[i].id || id == distributions[i].vendor) {
		fields := map[string]string{"VERSION_ID": version}
		if minor, ok := strings.CutSuffix(version, ".04"); ok && id == "ubuntu" && strings.TrimLeft(minor, "02468") == "" {
			fields["VERSION"] = version + " LTS" // the April release of an even year
		}
		e.Release = release(fields)
	}
	upstream := qualifiers["upstream"]
	if upstream == "" {
		upstream = qualifiers["source"]
	}
	e.Source = inventory.SourcePackage{Name: e.Name, Version: e.Version}
	if upstream != "" && !strings.HasSuffix(upstream, ".src.rpm") {
		name, version, ok := strings.Cut(upstream, "@")
		e.Source.Name = name
		if ok {
			e.Source.Version = version
		}
	}
}
