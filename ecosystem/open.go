package ecosystem

import (
	"fmt"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// openVersions collects the entries of one manifest whose exact version the tree does not tell, so that the file gets
// one notice for each kind and not one for each package.
type openVersions struct {
	unknown []openVersion // no version at all: these can't be matched
	ranges  []openVersion // a range, of which the lower end stands in the entry
}

type openVersion struct {
	name, want string
	place      inventory.Location
}

// maxNamed is how many things one notice names.
const maxNamed = 5

// note remembers an entry if its version is open; want is what the manifest asks for.
func (o *openVersions) note(e Entry, want string, isRange bool) {
	open := openVersion{e.Name, want, e.Location}
	switch {
	case e.Version == "":
		o.unknown = append(o.unknown, open)
	case isRange:
		o.ranges = append(o.ranges, open)
	}
}

// notices says which packages of a file are concerned.
func (o *openVersions) notices(file string) []inventory.Notice {
	var notices []inventory.Notice
	if len(o.unknown) > 0 {
		notices = append(notices, inventory.Notice{
			Code:     "version-unknown",
			Message:  fmt.Sprintf("%s of %s without a version in the tree can't be matched: %s", packagesOf(o.unknown), file, namesOf(o.unknown)),
			Location: &o.unknown[0].place,
		})
	}
	if len(o.ranges) > 0 {
		notices = append(notices, inventory.Notice{
			Code:     "version-range",
			Message:  fmt.Sprintf("%s of %s with a range of versions, of which the lower end is matched: %s", packagesOf(o.ranges), file, namesOf(o.ranges)),
			Location: &o.ranges[0].place,
		})
	}
	return notices
}

func packagesOf(open []openVersion) string {
	if len(open) == 1 {
		return "1 package"
	}
	return fmt.Sprintf("%d packages", len(open))
}

// namesOf lists the first few packages with what the manifest asks for.
func namesOf(open []openVersion) string {
	names := make([]string, len(open))
	for i, o := range open {
		names[i] = strings.TrimSpace(o.name + " " + o.want)
	}
	return firstOf(names)
}

// firstOf joins the first few names.
func firstOf(names []string) string {
	if len(names) > maxNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
	}
	return strings.Join(names, ", ")
}

// maxUnreadable is how many unreadable entries of one file are told one by one.
const maxUnreadable = 50

// unreadable notes an entry that could not be understood. Of a file with very many of them the first ones are told:
// what is said must not outgrow what was read.
func (d *Document) unreadable(place inventory.Location, message string) {
	if len(d.Notices) < maxUnreadable {
		d.Notices = append(d.Notices, inventory.Notice{Code: "unreadable-entry", Message: message, Location: &place})
		return
	}
	if len(d.Notices) == maxUnreadable {
		d.Notices = append(d.Notices, inventory.Notice{
			Code: "unreadable-entry", Message: fmt.Sprintf("%s has further entries that can't be read", place.Path), Location: &place,
		})
	}
}
