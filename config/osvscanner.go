package config

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// osvScannerFile is an osv-scanner.toml (https://google.github.io/osv-scanner/configuration/).
type osvScannerFile struct {
	IgnoredVulns []struct {
		ID          string `toml:"id"`
		IgnoreUntil any    `toml:"ignoreUntil"`
		Reason      string `toml:"reason"`
	} `toml:"IgnoredVulns"`
	PackageOverrides []struct {
		Name           string `toml:"name"`
		Version        string `toml:"version"`
		Ecosystem      string `toml:"ecosystem"`
		Group          string `toml:"group"`
		NameIsRegex    bool   `toml:"nameIsRegex"`
		Ignore         bool   `toml:"ignore"`
		EffectiveUntil any    `toml:"effectiveUntil"`
		Reason         string `toml:"reason"`
		Vulnerability  struct {
			Ignore bool `toml:"ignore"`
		} `toml:"vulnerability"`
		License struct {
			Override []string `toml:"override"`
			Ignore   bool     `toml:"ignore"`
		} `toml:"license"`
	} `toml:"PackageOverrides"`
	GoVersionOverride string `toml:"GoVersionOverride"`
	ScanGoModVersion  bool   `toml:"ScanGoModVersion"`
}

// maxPattern bounds a regular expression: matching takes time in proportion to it.
const maxPattern = 1000

// readOSVScanner reads an osv-scanner.toml as osv-scanner does: it holds for the lock files of its own folder, and a
// key that osv-scanner does not know makes the whole file have no effect.
func readOSVScanner(ig *Ignores, name string, data []byte) {
	var doc osvScannerFile
	decoder := toml.NewDecoder(strings.NewReader(string(data))).DisallowUnknownFields()
	if err := decoder.Decode(&doc); err != nil {
		line := 0
		if unknown := (*toml.StrictMissingError)(nil); errors.As(err, &unknown) && len(unknown.Errors) > 0 {
			line, _ = unknown.Errors[0].Position()
			ig.malformed(name, line, "%s has no effect: %s is no key of osv-scanner", name, strings.Join(unknown.Errors[0].Key(), "."))
			return
		}
		if wrong := (*toml.DecodeError)(nil); errors.As(err, &wrong) {
			line, _ = wrong.Position()
		}
		ig.malformed(name, line, "%s has no effect: %v", name, err)
		return
	}
	lines := tablesOf(data)
	folder := path.Dir(name)
	here := func(f *scanner.Finding) bool { return path.Dir(f.Location.Path) == folder }
	known := map[string]bool{}
	for i, v := range doc.IgnoredVulns {
		at := inventory.Location{Path: name, Line: lines.at("IgnoredVulns", i)}
		ends, ok := tomlTime(v.IgnoreUntil)
		switch {
		case v.ID == "":
			ig.malformed(name, at.Line, "an entry of IgnoredVulns without an id has no effect")
			continue
		case !ok:
			ig.malformed(name, at.Line, "ignoreUntil of %s is no date, and the entry has no effect", v.ID)
			continue
		case known[v.ID]:
			continue // the first entry of an id is the one that osv-scanner reads
		}
		known[v.ID] = true
		ig.add(waiver{
			at: at, name: "of " + v.ID, reason: orNoReason(v.Reason, name), ends: ends, keys: []string{keyID + idKey(v.ID)},
			matches: func(_ *scanner.Result, f *scanner.Finding) bool { return here(f) },
		})
	}
	for i, o := range doc.PackageOverrides {
		at := inventory.Location{Path: name, Line: lines.at("PackageOverrides", i)}
		ends, ok := tomlTime(o.EffectiveUntil)
		if !ok {
			ig.malformed(name, at.Line, "effectiveUntil of an entry of PackageOverrides is no date, and the entry has no effect")
			continue
		}
		var pattern *regexp.Regexp
		if o.NameIsRegex && o.Name != "" {
			var err error
			if pattern, err = regexp.Compile("^" + o.Name + "$"); err != nil || len(o.Name) > maxPattern {
				ig.malformed(name, at.Line, "the name %q of an entry of PackageOverrides is no regular expression of at most %d characters, and the entry has no effect", short(o.Name), maxPattern)
				continue
			}
		}
		if !o.Ignore && !o.Vulnerability.Ignore && !o.License.Ignore {
			continue
		}
		w := waiver{at: at, name: "of " + describe(o.Ecosystem, o.Name, o.Version, o.Group), reason: orNoReason(o.Reason, name), ends: ends}
		if o.Name != "" && pattern == nil {
			w.keys = []string{keyPackage + o.Name}
		}
		w.matches = func(res *scanner.Result, f *scanner.Finding) bool {
			p := res.Package(f.Subject)
			if p == nil || !here(f) {
				return false
			}
			named := o.Name == "" || pattern != nil && pattern.MatchString(p.Name) || pattern == nil && p.Name == o.Name
			ecosystem, _, _ := strings.Cut(p.Ecosystem, ":")
			if !named || o.Version != "" && o.Version != p.Version || o.Ecosystem != "" && o.Ecosystem != p.Ecosystem && o.Ecosystem != ecosystem {
				return false
			}
			if o.Group != "" && (f.Scope != inventory.ScopeDevelopment || !slices.Contains(developmentGroups, o.Group)) {
				return false
			}
			switch {
			case o.Ignore:
				return true
			case f.Kind == scanner.KindLicense:
				return o.License.Ignore
			default:
				return o.Vulnerability.Ignore && f.Advisory != nil
			}
		}
		ig.add(w)
	}
}

// developmentGroups are the groups of osv-scanner that say what the scope development does. Other groups are not kept
// in an inventory, and entries for them match nothing.
var developmentGroups = []string{"dev", "development", "test", "build"}

// orNoReason returns the reason, or that the file gives none: a suppression of others does not need one.
func orNoReason(reason, name string) string {
	if reason = strings.TrimSpace(reason); reason != "" {
		return reason
	}
	return "no reason is given in " + path.Base(name)
}

func describe(parts ...string) string {
	var said []string
	for _, part := range parts {
		if part != "" {
			said = append(said, part)
		}
	}
	if len(said) == 0 {
		return "every package"
	}
	return strings.Join(said, " ")
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// tomlTime returns the moment that a value of TOML names; a day begins at midnight UTC.
func tomlTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case nil:
		return time.Time{}, true
	case time.Time:
		return v, true
	case toml.LocalDate:
		return v.AsTime(time.UTC), true
	case toml.LocalDateTime:
		return v.AsTime(time.UTC), true
	}
	return time.Time{}, false
}

// tableLines holds the lines of the headers of arrays of tables, and the line of the key for those that are written
// inline.
type tableLines struct {
	headers map[string][]int
	keys    map[string]int
}

func (t tableLines) at(name string, i int) int {
	if lines := t.headers[name]; i < len(lines) {
		return lines[i]
	}
	return t.keys[name]
}

// tablesOf finds the lines of the tables of a TOML file.
func tablesOf(data []byte) tableLines {
	found := tableLines{headers: map[string][]int{}, keys: map[string]int{}}
	lines := inventory.NewLines(data)
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind != unstable.ArrayTable && e.Kind != unstable.KeyValue {
			continue
		}
		key := e.Key()
		if !key.Next() || !key.IsLast() {
			continue
		}
		node := key.Node()
		line, _ := lines.Position(int(node.Raw.Offset))
		if e.Kind == unstable.ArrayTable {
			found.headers[string(node.Data)] = append(found.headers[string(node.Data)], line)
		} else if _, ok := found.keys[string(node.Data)]; !ok {
			found.keys[string(node.Data)] = line
		}
	}
	return found
}
