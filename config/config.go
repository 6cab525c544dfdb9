// Package config reads .trifecta.yaml: what a team decides about its scans. A key that is not known is an error that
// names the nearest known one; a decision without a reason is an error too.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// FileName is where a repository keeps its configuration.
const FileName = ".trifecta.yaml"

// Config is the content of a configuration file. The zero value is what holds without one.
type Config struct {
	Path       string // of the file, for messages; empty without one
	FailOn     []string
	Skip       Skip
	Severity   map[string]scanner.Severity // by rule id
	Ignore     []Ignore
	Advisories string   // a folder in the tree, relative to the file
	Private    []string // patterns of package names that are never sent anywhere
	TrustHead  bool     // changes to this file count before they are merged
	// Unused are the keys of the contract that this version reads and that have no effect yet.
	Unused []Key
}

// Key is a key of the file with its line.
type Key struct {
	Name string
	Line int
}

// Skip names what is not looked at.
type Skip struct {
	Paths    []string // in the syntax of .gitignore
	Scanners []string
}

// Ignore is one finding, or a group of them, that somebody decided not to count.
type Ignore struct {
	ID      string // a rule, an advisory or one of its aliases; empty for every one
	Path    string // a pattern in the syntax of path.Match, or a folder; empty for every one
	Package string // a package's name; empty for every one
	Reason  string
	Until   time.Time // the last day on which it holds; zero for ever
	Line    int
}

// Error is a mistake in a configuration file.
type Error struct {
	Path string
	Line int
	Text string
	Hint string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Text)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Text)
}

// maxSize bounds a configuration file in bytes.
const maxSize = 1 << 20

// Read reads the file name of fsys. A file that is not there is fs.ErrNotExist; a mistake in it is an *Error.
func Read(fsys fs.FS, name string) (*Config, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSize {
		return nil, &Error{Path: name, Text: "the file is larger than 1 MiB"}
	}
	return parse(name, data)
}

func parse(name string, data []byte) (*Config, error) {
	cfg := &Config{Path: name, Severity: map[string]scanner.Severity{}}
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return cfg, nil
		}
		return nil, &Error{Path: name, Text: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	r := reader{path: name}
	r.mapping(doc.Content[0], "the file", r.keys(cfg))
	if r.err != nil {
		return nil, r.err
	}
	return cfg, nil
}

// field reads the value of one key.
type field func(key, value *yaml.Node)

// reader walks the nodes of a file and keeps the first mistake.
type reader struct {
	path string
	err  error
}

// later are the keys of the contract that have no effect in this version.
var later = []string{"environments", "regions", "links", "fix", "policy", "licenses", "import_ignores"}

func (r *reader) keys(cfg *Config) map[string]field {
	fields := map[string]field{
		"fail_on":    func(_, v *yaml.Node) { cfg.FailOn = r.list(v, "fail_on") },
		"advisories": func(_, v *yaml.Node) { cfg.Advisories = r.text(v, "advisories") },
		"private":    func(_, v *yaml.Node) { cfg.Private = r.list(v, "private") },
		"trust_head": func(_, v *yaml.Node) {
			if err := v.Decode(&cfg.TrustHead); err != nil {
				r.fail(v, "trust_head is true or false")
			}
		},
		"skip": func(_, v *yaml.Node) {
			r.mapping(v, "skip", map[string]field{
				"paths":    func(_, v *yaml.Node) { cfg.Skip.Paths = r.list(v, "skip.paths") },
				"scanners": func(_, v *yaml.Node) { cfg.Skip.Scanners = r.list(v, "skip.scanners") },
			})
		},
		"severity": func(_, v *yaml.Node) {
			r.pairs(v, "severity", func(key, value *yaml.Node) {
				severity, err := scanner.ParseSeverity(value.Value)
				if err != nil {
					r.fail(value, "%v; use one of %v", err, scanner.Severities)
				}
				cfg.Severity[key.Value] = severity
			})
		},
		"ignore": func(_, v *yaml.Node) {
			if v.Kind != yaml.SequenceNode {
				r.fail(v, "ignore is a list")
				return
			}
			for _, item := range v.Content {
				cfg.Ignore = append(cfg.Ignore, r.ignore(item))
			}
		},
	}
	for _, name := range later {
		fields[name] = func(key, _ *yaml.Node) { cfg.Unused = append(cfg.Unused, Key{key.Value, key.Line}) }
	}
	return fields
}

func (r *reader) ignore(node *yaml.Node) Ignore {
	ig := Ignore{Line: node.Line}
	r.mapping(node, "an entry of ignore", map[string]field{
		"id":      func(_, v *yaml.Node) { ig.ID = r.text(v, "id") },
		"path":    func(_, v *yaml.Node) { ig.Path = path.Clean(r.text(v, "path")) },
		"package": func(_, v *yaml.Node) { ig.Package = r.text(v, "package") },
		"reason":  func(_, v *yaml.Node) { ig.Reason = strings.TrimSpace(r.text(v, "reason")) },
		"until": func(_, v *yaml.Node) {
			day, err := time.Parse(time.DateOnly, r.text(v, "until"))
			if err != nil {
				r.fail(v, "until wants a day such as 2027-01-31, not %q", v.Value)
			}
			ig.Until = day
		},
	})
	switch {
	case ig.ID == "" && ig.Path == "" && ig.Package == "":
		r.fail(node, "an entry of ignore needs an id, a path or a package")
	case ig.Reason == "":
		r.fail(node, "an entry of ignore needs a reason")
	}
	return ig
}

// mapping reads a mapping whose keys are known.
func (r *reader) mapping(node *yaml.Node, what string, fields map[string]field) {
	r.pairs(node, what, func(key, value *yaml.Node) {
		read, ok := fields[key.Value]
		if !ok {
			names := make([]string, 0, len(fields))
			for name := range fields {
				names = append(names, name)
			}
			r.fail(key, "%q is no key of %s%s", key.Value, what, didYouMean(key.Value, names))
			return
		}
		read(key, value)
	})
}

func (r *reader) pairs(node *yaml.Node, what string, each field) {
	if node.Kind != yaml.MappingNode {
		r.fail(node, "%s is a mapping of keys to values", what)
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		each(node.Content[i], node.Content[i+1])
	}
}

func (r *reader) text(node *yaml.Node, what string) string {
	if node.Kind != yaml.ScalarNode {
		r.fail(node, "%s is one value", what)
	}
	return node.Value
}

// list reads a list of texts; a single text is a list of one.
func (r *reader) list(node *yaml.Node, what string) []string {
	if node.Kind == yaml.ScalarNode {
		return []string{node.Value}
	}
	if node.Kind != yaml.SequenceNode {
		r.fail(node, "%s is a list", what)
		return nil
	}
	var list []string
	for _, item := range node.Content {
		list = append(list, r.text(item, what))
	}
	return list
}

func (r *reader) fail(node *yaml.Node, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Path: r.path, Line: node.Line, Text: fmt.Sprintf(format, args...)}
	}
}

// didYouMean names the candidate that is nearest to a word, if one is near.
func didYouMean(word string, candidates []string) string {
	slices.Sort(candidates)
	best, distance := "", 1+len(word)/3
	for _, c := range candidates {
		if d := levenshtein.Distance(word, c, nil); d <= distance && (best == "" || d < distance) {
			best, distance = c, d
		}
	}
	if best == "" {
		return "; known are " + strings.Join(candidates, ", ")
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// Apply puts the decisions of the configuration into a result: severities of rules, and findings that do not count.
// asOf is the day by which expiries are judged. Entries that are expired or match nothing become notices.
func (c *Config) Apply(res *scanner.Result, asOf time.Time) {
	if c == nil {
		return
	}
	at := func(line int) *inventory.Location { return &inventory.Location{Path: c.Path, Line: line} }
	for _, key := range c.Unused {
		res.Notices = append(res.Notices, inventory.Notice{
			Code: "configuration-not-used", Location: at(key.Line),
			Message: fmt.Sprintf("the key %q has no effect in this version", key.Name),
		})
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		for _, id := range f.IDs() {
			if s, ok := c.Severity[id]; ok {
				f.Severity = s
			}
		}
	}
	for _, ig := range c.Ignore {
		if !ig.Until.IsZero() && asOf.After(ig.Until) {
			res.Notices = append(res.Notices, inventory.Notice{
				Code: "suppression-expired", Location: at(ig.Line),
				Message: fmt.Sprintf("the suppression %s ended on %s", ig, ig.Until.Format(time.DateOnly)),
			})
			continue
		}
		if !ig.apply(res, fmt.Sprintf("%s:%d", c.Path, ig.Line)) {
			res.Notices = append(res.Notices, inventory.Notice{
				Code: "suppression-unused", Location: at(ig.Line),
				Message: fmt.Sprintf("the suppression %s matches no finding and can go", ig),
			})
		}
	}
	res.Sort()
	res.Summarize()
}

// apply suppresses the findings that the entry names and reports whether there were any.
func (ig Ignore) apply(res *scanner.Result, source string) bool {
	used := false
	for i := range res.Findings {
		f := &res.Findings[i]
		if !ig.matches(res, f) {
			continue
		}
		used = true
		if f.Suppression == nil {
			f.Status = scanner.StatusSuppressed
			f.Suppression = &scanner.Suppression{Reason: ig.Reason, Source: source}
			if !ig.Until.IsZero() {
				f.Suppression.Until = ig.Until.Format(time.DateOnly)
			}
		}
	}
	return used
}

func (ig Ignore) matches(res *scanner.Result, f *scanner.Finding) bool {
	if ig.ID != "" && !slices.Contains(f.IDs(), ig.ID) && !slices.Contains(res.RuleAliases(f.RuleID), ig.ID) {
		return false
	}
	if ig.Package != "" {
		if p := res.Package(f.Subject); p == nil || (p.Name != ig.Package && string(p.ID) != ig.Package) {
			return false
		}
	}
	if ig.Path != "" && ig.Path != "." {
		matched, err := path.Match(ig.Path, f.Location.Path)
		if (err != nil || !matched) && f.Location.Path != ig.Path && !strings.HasPrefix(f.Location.Path, ig.Path+"/") {
			return false
		}
	}
	return true
}

func (ig Ignore) String() string {
	var parts []string
	for _, part := range []struct{ name, value string }{{"id", ig.ID}, {"path", ig.Path}, {"package", ig.Package}} {
		if part.value != "" {
			parts = append(parts, part.name+" "+part.value)
		}
	}
	return strings.Join(parts, ", ")
}
