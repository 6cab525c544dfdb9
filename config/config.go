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
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"gopkg.in/yaml.v3"

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
	// OwnIgnoresOnly says that ignore files and comments for other scanners have no effect (import_ignores: false).
	OwnIgnoresOnly bool
	Licenses       Licenses
	Environments   []Environment
	Regions        []string // the allowed ones
	Links          []Link
	Fix            Fix
	// MaxImageAge is how many days old a machine image may be (machine_images.max_age); 0 is the default.
	MaxImageAge int
	Policy      string // a folder in the tree, relative to the file
	// Unused are the keys of the contract that this version reads and that have no effect yet.
	Unused []Key

	RuleIDs []Key // what severity and ignore name
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

// Licenses is which licences packages may have, as identifiers of SPDX (https://spdx.org/licenses/). The zero value is
// no policy.
type Licenses struct {
	Allow []string // empty: whatever is not denied
	Deny  []string
}

// Environment is one way to evaluate the infrastructure of the tree.
type Environment struct {
	Name        string
	Paths       []string
	VarFiles    []string // of Terraform
	Values      []string // of Helm
	Parameters  []string // of CloudFormation
	Criticality string   // low, medium, high or very high; empty is medium
}

// Link says that what a lock file lists runs in an image.
type Link struct {
	LockFile string
	Image    string
}

// Fix says how fixes are proposed.
type Fix struct {
	Grouping       string // package, ecosystem or all; empty is package
	Limit          int    // open requests; 0 is the default
	Labels         []string
	Majors         bool
	CoolDown       int      // days that a version must have been out
	AllowExecution []string // ecosystems whose own tools may run
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
var later = []string{"policy"}

// maxNames bounds the lists of a file.
const maxNames = 10_000

func (r *reader) keys(cfg *Config) map[string]field {
	fields := map[string]field{
		"fail_on":    func(_, v *yaml.Node) { cfg.FailOn = r.list(v, "fail_on") },
		"advisories": func(_, v *yaml.Node) { cfg.Advisories = r.text(v, "advisories") },
		"private":    func(_, v *yaml.Node) { cfg.Private = r.list(v, "private") },
		"trust_head": func(_, v *yaml.Node) { cfg.TrustHead = r.truth(v, "trust_head") },
		"skip": func(_, v *yaml.Node) {
			r.mapping(v, "skip", map[string]field{
				"paths":    func(_, v *yaml.Node) { cfg.Skip.Paths = r.list(v, "skip.paths") },
				"scanners": func(_, v *yaml.Node) { cfg.Skip.Scanners = r.list(v, "skip.scanners") },
			})
		},
		"severity": func(_, v *yaml.Node) {
			r.pairs(v, "severity", func(key, value *yaml.Node) {
				cfg.RuleIDs = append(cfg.RuleIDs, Key{key.Value, key.Line})
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
				ig := r.ignore(item)
				cfg.Ignore = append(cfg.Ignore, ig)
				if ig.ID != "" {
					cfg.RuleIDs = append(cfg.RuleIDs, Key{ig.ID, ig.Line})
				}
			}
		},
		"import_ignores": func(_, v *yaml.Node) { cfg.OwnIgnoresOnly = !r.truth(v, "import_ignores") },
		"licenses": func(_, v *yaml.Node) {
			r.mapping(v, "licenses", map[string]field{
				"allow": func(_, v *yaml.Node) { cfg.Licenses.Allow = r.list(v, "licenses.allow") },
				"deny":  func(_, v *yaml.Node) { cfg.Licenses.Deny = r.list(v, "licenses.deny") },
			})
			if r.err == nil && len(cfg.Licenses.Allow)+len(cfg.Licenses.Deny) == 0 {
				r.fail(v, "licenses needs allow or deny")
			}
		},
		"environments": func(_, v *yaml.Node) {
			r.pairs(v, "environments", func(key, value *yaml.Node) {
				cfg.Environments = append(cfg.Environments, r.environment(key.Value, value))
			})
		},
		"regions": func(_, v *yaml.Node) { cfg.Regions = r.list(v, "regions") },
		"links": func(_, v *yaml.Node) {
			if v.Kind != yaml.SequenceNode {
				r.fail(v, "links is a list")
				return
			}
			for _, item := range v.Content {
				cfg.Links = append(cfg.Links, r.link(item))
			}
		},
		"machine_images": func(_, v *yaml.Node) {
			r.mapping(v, "machine_images", map[string]field{
				"max_age": func(_, v *yaml.Node) {
					if cfg.MaxImageAge = r.number(v, "machine_images.max_age"); cfg.MaxImageAge < 1 {
						r.fail(v, "machine_images.max_age is a number of days of at least 1")
					}
				},
			})
		},
		"fix":    func(_, v *yaml.Node) { r.fix(v, &cfg.Fix) },
		"policy": func(_, v *yaml.Node) { cfg.Policy = r.text(v, "policy") },
	}
	for _, name := range later {
		read := fields[name]
		fields[name] = func(key, value *yaml.Node) {
			cfg.Unused = append(cfg.Unused, Key{key.Value, key.Line})
			read(key, value)
		}
	}
	return fields
}

func (r *reader) environment(name string, node *yaml.Node) Environment {
	env := Environment{Name: name}
	what := "environments." + name
	r.mapping(node, what, map[string]field{
		"paths":      func(_, v *yaml.Node) { env.Paths = r.list(v, what+".paths") },
		"var_files":  func(_, v *yaml.Node) { env.VarFiles = r.list(v, what+".var_files") },
		"values":     func(_, v *yaml.Node) { env.Values = r.list(v, what+".values") },
		"parameters": func(_, v *yaml.Node) { env.Parameters = r.list(v, what+".parameters") },
		"criticality": func(_, v *yaml.Node) {
			env.Criticality = r.oneOf(v, what+".criticality", "low", "medium", "high", "very high")
		},
	})
	return env
}

func (r *reader) link(node *yaml.Node) Link {
	var link Link
	r.mapping(node, "an entry of links", map[string]field{
		"lock_file": func(_, v *yaml.Node) { link.LockFile = r.text(v, "lock_file") },
		"image":     func(_, v *yaml.Node) { link.Image = r.text(v, "image") },
	})
	if link.LockFile == "" || link.Image == "" {
		r.fail(node, "an entry of links needs a lock_file and an image")
	}
	return link
}

func (r *reader) fix(node *yaml.Node, fix *Fix) {
	r.mapping(node, "fix", map[string]field{
		"grouping":        func(_, v *yaml.Node) { fix.Grouping = r.oneOf(v, "fix.grouping", "package", "ecosystem", "all") },
		"limit":           func(_, v *yaml.Node) { fix.Limit = r.number(v, "fix.limit") },
		"labels":          func(_, v *yaml.Node) { fix.Labels = r.list(v, "fix.labels") },
		"majors":          func(_, v *yaml.Node) { fix.Majors = r.truth(v, "fix.majors") },
		"cool_down":       func(_, v *yaml.Node) { fix.CoolDown = r.number(v, "fix.cool_down") },
		"allow_execution": func(_, v *yaml.Node) { fix.AllowExecution = r.list(v, "fix.allow_execution") },
	})
}

func (r *reader) truth(node *yaml.Node, what string) bool {
	var truth bool
	if node.Tag != "!!bool" || node.Decode(&truth) != nil {
		r.fail(node, "%s is true or false", what)
	}
	return truth
}

// number reads a whole number of at least 0.
func (r *reader) number(node *yaml.Node, what string) int {
	n, err := strconv.Atoi(node.Value)
	if err != nil || n < 0 || node.Kind != yaml.ScalarNode {
		r.fail(node, "%s is a whole number", what)
	}
	return n
}

func (r *reader) oneOf(node *yaml.Node, what string, words ...string) string {
	if word := r.text(node, what); !slices.Contains(words, word) {
		r.fail(node, "%s is one of %s, not %q", what, strings.Join(words, ", "), word)
	}
	return node.Value
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
	if len(node.Content) > maxNames {
		r.fail(node, "%s has more than %d elements", what, maxNames)
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

// didYouMean names the candidate that is nearest to a word, or all of them where none is near.
func didYouMean(word string, candidates []string) string {
	if near := nearest(word, candidates); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	slices.Sort(candidates)
	return "; known are " + strings.Join(candidates, ", ")
}

// nearest returns the candidate that is nearest to a word, or nothing where none is near.
func nearest(word string, candidates []string) string {
	if len(word) > 100 {
		return ""
	}
	best, distance := "", 1+len(word)/3
	for _, c := range candidates {
		if d := levenshtein.Distance(word, c, nil); d < distance || d == distance && (best == "" || c < best) {
			best, distance = c, d
		}
	}
	return best
}
