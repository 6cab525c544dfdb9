package ecosystem

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// distro is a distribution whose packages are known by name.
type distro struct {
	id     string // as os-release has it
	name   string // OSV's name of the ecosystem
	kind   string // the type of its package URLs
	vendor string // their namespace
	// release returns what OSV appends to the name, from the fields of os-release; nil where it appends nothing.
	release func(fields map[string]string) string
	// unadvised says that OSV has no advisories of it.
	unadvised bool
}

var distributions = []distro{
	{"almalinux", "AlmaLinux", packageurl.TypeRPM, "almalinux", major, false},
	{"alpine", "Alpine", packageurl.TypeApk, "alpine", func(f map[string]string) string {
		version := strings.SplitN(f["VERSION_ID"], ".", 3)
		return "v" + strings.Join(version[:min(2, len(version))], ".")
	}, false},
	{"amzn", "Amazon Linux", packageurl.TypeRPM, "amzn", versionID, true},
	{"centos", "CentOS", packageurl.TypeRPM, "centos", major, true},
	{"chainguard", "Chainguard", packageurl.TypeApk, "chainguard", nil, false},
	{"debian", "Debian", packageurl.TypeDebian, "debian", major, false},
	{"fedora", "Fedora", packageurl.TypeRPM, "fedora", versionID, true},
	{"mageia", "Mageia", packageurl.TypeRPM, "mageia", major, false},
	{"ol", "Oracle Linux", packageurl.TypeRPM, "ol", major, true},
	{"openEuler", "openEuler", packageurl.TypeRPM, "openeuler", func(f map[string]string) string {
		return strings.NewReplacer("(", "", ")", "", " ", "-").Replace(f["VERSION"])
	}, false},
	{"opensuse-leap", "openSUSE", packageurl.TypeRPM, "opensuse", func(f map[string]string) string { return "Leap " + f["VERSION_ID"] }, false},
	{"opensuse-tumbleweed", "openSUSE", packageurl.TypeRPM, "opensuse", func(map[string]string) string { return "Tumbleweed" }, false},
	{"rhel", "Red Hat", packageurl.TypeRPM, "redhat", nil, false},
	{"rocky", "Rocky Linux", packageurl.TypeRPM, "rocky-linux", major, false},
	{"sles", "SUSE", packageurl.TypeRPM, "suse", func(f map[string]string) string { return strings.TrimPrefix(f["PRETTY_NAME"], "SUSE ") }, false},
	{"ubuntu", "Ubuntu", packageurl.TypeDebian, "ubuntu", func(f map[string]string) string {
		if strings.Contains(f["VERSION"], "LTS") {
			return f["VERSION_ID"] + ":LTS"
		}
		return f["VERSION_ID"]
	}, false},
	{"wolfi", "Wolfi", packageurl.TypeApk, "wolfi", nil, false},
}

func versionID(fields map[string]string) string { return fields["VERSION_ID"] }

// major is the part of a version before the first dot.
func major(fields map[string]string) string {
	version, _, _ := strings.Cut(fields["VERSION_ID"], ".")
	return version
}

// The distributions whose package databases are read. A database is one where the tree is a root file system: one
// that lies somewhere inside of a repository is test data and says nothing about what the repository runs. Which
// distribution a database belongs to is what os-release says, whatever ecosystem lists the format.
var (
	AlmaLinux   = linux("AlmaLinux")
	Alpine      = linux("Alpine", Format{Name: "apk installed", Match: isApkInstalled, LockFile: true, Installed: true, Read: readApk})
	AmazonLinux = linux("Amazon Linux")
	CentOS      = linux("CentOS")
	Chainguard  = linux("Chainguard")
	Debian      = linux("Debian", Format{Name: "dpkg status", Match: isDpkgStatus, LockFile: true, Installed: true, Read: readDpkg})
	Fedora      = linux("Fedora")
	Mageia      = linux("Mageia")
	OracleLinux = linux("Oracle Linux")
	OpenEuler   = linux("openEuler")
	OpenSUSE    = linux("openSUSE")
	RedHat      = linux("Red Hat")
	RockyLinux  = linux("Rocky Linux")
	SUSE        = linux("SUSE")
	Ubuntu      = linux("Ubuntu")
	Wolfi       = linux("Wolfi")
)

// linux returns the ecosystem of a distribution by OSV's name.
func linux(name string, formats ...Format) *Ecosystem {
	i := slices.IndexFunc(distributions, func(d distro) bool { return d.name == name })
	d := distributions[i]
	return &Ecosystem{
		Name: name, Formats: formats, Unadvised: d.unadvised,
		PURL: func(name, version string) packageurl.PackageURL {
			return packageurl.PackageURL{Type: d.kind, Namespace: d.vendor, Name: name, Version: version}
		},
	}
}

func isDpkgStatus(name string) bool {
	return name == "var/lib/dpkg/status" || path.Dir(name) == "var/lib/dpkg/status.d" && !strings.HasSuffix(name, ".md5sums")
}

func isApkInstalled(name string) bool {
	return name == "lib/apk/db/installed" || name == "usr/lib/apk/db/installed"
}

// OS is the distribution that a root file system is of.
type OS struct {
	ID        string     // as os-release has it: debian, alpine, rhel, ...
	VersionID string     // 12, 3.19.1, ...
	Name      string     // for people: Debian GNU/Linux 12 (bookworm)
	Ecosystem *Ecosystem // nil: one that is not known by name
	Release   string     // as OSV appends it to the ecosystem

	kind string // of package URL
}

// osReleases are the places of the description of the system, in the order in which they are read
// (https://www.freedesktop.org/software/systemd/man/latest/os-release.html).
var osReleases = []string{"etc/os-release", "usr/lib/os-release"}

// ReadOS returns the distribution of a root file system. The error says that the tree names none, or one that is not
// known here; what it says of itself is returned with it.
func ReadOS(tree *inventory.Tree) (OS, error) {
	for _, name := range osReleases {
		if !tree.Has(name) {
			continue
		}
		return inventory.Parse(tree, name, "os-release", func(data []byte) (OS, error) {
			os := parseOS(data)
			if os.Ecosystem == nil {
				return os, fmt.Errorf("%s names the distribution %q %s, which is not known", name, os.ID, os.VersionID)
			}
			return os, nil
		})
	}
	return OS{}, fmt.Errorf("the tree has no %s, so that its distribution is unknown", strings.Join(osReleases, " and no "))
}

func parseOS(data []byte) OS {
	fields := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok {
			fields[name] = strings.Trim(value, `"'`)
		}
	}
	os := OS{ID: fields["ID"], VersionID: fields["VERSION_ID"], Name: fields["PRETTY_NAME"]}
	i := slices.IndexFunc(distributions, func(d distro) bool { return d.id == os.ID })
	if i < 0 {
		return os
	}
	os.Ecosystem, os.kind = linux(distributions[i].name), distributions[i].kind
	if release := distributions[i].release; release != nil {
		os.Release = release(fields)
	}
	return os
}

// PackageURL returns the package URL of a package of a distribution
// (https://github.com/package-url/purl-spec/blob/main/types-doc/deb-definition.md and its neighbours).
func (os OS) PackageURL(name, version, arch string) string {
	return os.packageURL(Entry{Name: name, Version: version}, arch)
}

// packageURL names the source package too, where that is called otherwise: a bill of materials keeps package URLs alone, and
// the advisories of some distributions speak of source packages.
func (os OS) packageURL(e Entry, arch string) string {
	name, version := e.Name, e.Version
	qualifiers := map[string]string{"distro": os.ID}
	if os.VersionID != "" {
		qualifiers["distro"] += "-" + os.VersionID
	}
	if arch != "" {
		qualifiers["arch"] = arch
	}
	if epoch, rest, ok := strings.Cut(version, ":"); ok && os.kind == packageurl.TypeRPM {
		version, qualifiers["epoch"] = rest, epoch
	}
	switch source := e.Source; {
	case source.Name == "":
	case source.Version != e.Version:
		qualifiers["upstream"] = source.Name + "@" + source.Version
	case source.Name != e.Name:
		qualifiers["upstream"] = source.Name
	}
	purl := os.Ecosystem.PURL(name, version)
	purl.Qualifiers = packageurl.QualifiersFromMap(qualifiers)
	return purl.ToString()
}

// stanza is a run of lines "Name: value" up to an empty line, as dpkg's and apk's databases are made of.
type stanza struct {
	fields     map[string]string
	start, end int // bytes
}

// stanzas cuts data into its stanzas. Of a field that goes on over several lines the first one is kept.
func stanzas(data []byte, visit func(stanza)) {
	at := stanza{fields: map[string]string{}}
	flush := func(end int) {
		if len(at.fields) > 0 {
			at.end = end
			visit(at)
		}
	}
	for offset := 0; offset < len(data); {
		line, _, _ := bytes.Cut(data[offset:], []byte("\n"))
		next := offset + len(line) + 1
		switch name, value, ok := strings.Cut(strings.TrimSuffix(string(line), "\r"), ":"); {
		case len(bytes.TrimSpace(line)) == 0:
			flush(offset)
			at = stanza{fields: map[string]string{}, start: next}
		case ok && name != "" && name[0] != ' ' && name[0] != '\t':
			if _, known := at.fields[name]; !known {
				at.fields[name] = strings.TrimSpace(value)
			}
		}
		offset = next
	}
	flush(len(data))
}

var errNotText = errors.New("want a text of stanzas")

// installed reads a database of stanzas, each of which entry turns into a package or leaves out.
func installed(tree *inventory.Tree, name string, entry func(fields map[string]string) (e Entry, arch string, ok bool)) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, errNotText
	}
	os, err := ReadOS(tree)
	if err != nil {
		return nil, err
	}
	lines := inventory.NewLines(data)
	doc := &Document{Root: os.ID}
	stanzas(data, func(s stanza) {
		e, arch, ok := entry(s.fields)
		if !ok {
			return
		}
		e.Location, e.Scope, e.Origin = lines.Location(name, s.start, s.end), inventory.ScopeRuntime, inventory.OriginRegistry
		e.Ecosystem, e.Release, e.PURL = os.Ecosystem, os.Release, os.packageURL(e, arch)
		doc.Entries = append(doc.Entries, e)
	})
	return doc, nil
}

// readDpkg reads the packages that dpkg has installed (https://man7.org/linux/man-pages/man1/dpkg.1.html, and
// status.d for images without dpkg).
func readDpkg(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	return installed(tree, name, func(fields map[string]string) (Entry, string, bool) {
		// A package whose configuration failed or waits for a trigger has its files in place all the same.
		if status := fields["Status"]; strings.HasSuffix(status, " config-files") || strings.HasSuffix(status, " not-installed") {
			return Entry{}, "", false // removed, with its configuration left behind
		}
		e := Entry{Name: fields["Package"], Version: fields["Version"]}
		e.Source = inventory.SourcePackage{Name: e.Name, Version: e.Version}
		if source, built, _ := strings.Cut(fields["Source"], " "); source != "" { // openssl (3.0.11-1)
			e.Source.Name = source
			e.Source.Version = cmp.Or(strings.Trim(built, "() "), e.Version)
		}
		return e, fields["Architecture"], e.Name != ""
	})
}

// readApk reads the packages that apk has installed (https://wiki.alpinelinux.org/wiki/Apk_spec).
func readApk(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	return installed(tree, name, func(fields map[string]string) (Entry, string, bool) {
		e := Entry{Name: fields["P"], Version: fields["V"]}
		e.Source = inventory.SourcePackage{Name: cmp.Or(fields["o"], e.Name), Version: e.Version}
		if license := fields["L"]; license != "" {
			e.Licenses = []string{license}
		}
		return e, fields["A"], e.Name != ""
	})
}
