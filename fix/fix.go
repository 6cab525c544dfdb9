// Package fix makes findings go away: it plans the smallest set of changes that clears the most, writes them into
// manifests and lock files, and proves each by looking at the changed tree again.
//
// A Change is one reviewable change: one direct package with every advisory that it clears, one image, one series of
// machine images, one rule in one module. Plan finds the changes and says of every finding that stays why it does. Each
// change is written into a Workspace, which holds the tree in memory, and what is written there is scanned before a
// byte of it reaches the disk or a code host.
//
// What differs between package managers is a value each, in Managers: which constraint a line of a manifest has, which
// versions the registry offers, how a version gets into manifest and lock file. To add one, write NAME.go and list it
// there; docs/fixes.md says what it must hold to.
//
// # No code of the repository runs
//
// A manager edits files itself, or lets the package manager's own program resolve a lock file. That program runs in a
// copy that holds the manifests and lock files which the manager names and nothing else: no configuration of the
// repository, no .git, an empty home, no token in its environment (see Command). Manifests that are programs are not
// evaluated; where an edit of their text can't be right, the plan says so.
package fix

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// How is the way in which a version gets into a lock file, from the least to the most invasive.
type How string

// The ways of an upgrade.
const (
	// HowDirect changes what the project itself asks for.
	HowDirect How = "direct"
	// HowLock changes a lock file alone: everything that needs the package admits the new version already. In Go, whose
	// lock file is go.mod, it is an indirect requirement.
	HowLock How = "lock"
	// HowAncestor raises a package that brings the vulnerable one in.
	HowAncestor How = "ancestor"
	// HowOverride tells the package manager to take another version than the packages that need it ask for: overrides of
	// npm, resolutions of yarn, dependencyManagement of Maven.
	HowOverride How = "override"
)

// Kind is what a change is about.
type Kind string

// The kinds of changes.
const (
	KindPackage      Kind = "package"
	KindImage        Kind = "image"
	KindMachineImage Kind = "machine-image"
	KindRule         Kind = "rule"
)

// Upgrade is one version that a change brings to one project.
type Upgrade struct {
	Ecosystem string `json:"ecosystem"` // OSV's name
	Manager   string `json:"manager"`   // the name of the Manager that writes it
	Path      string `json:"path"`      // the lock file, or the manifest where there is none
	Package   string `json:"package"`   // as the manager names it
	From      string `json:"from"`
	To        string `json:"to"`
	How       How    `json:"how"`
	// Constraint is what the manifest asks for afterwards; empty where it stays.
	Constraint string `json:"constraint,omitempty"`
	// Major says that the versions may be incompatible, going by their numbers.
	Major bool `json:"major"`
	// Published is when the new version was; nil where the registry was not asked or does not say.
	Published *time.Time `json:"published,omitempty"`
	// For names the vulnerable package that an ancestor is raised for; empty otherwise.
	For string `json:"for,omitempty"`
}

// Finding is one finding as a change speaks of it.
type Finding struct {
	RuleID      string             `json:"rule_id"`
	Fingerprint string             `json:"fingerprint"`
	Subject     inventory.ID       `json:"subject"`
	Location    inventory.Location `json:"location"`
	Severity    scanner.Severity   `json:"severity"`
	Tier        scanner.Tier       `json:"tier"`
	Score       int                `json:"score"`
	Message     string             `json:"message"`
	// Why says why the finding stays; empty for one that a change clears.
	Why string `json:"why,omitempty"`
}

// Change is one reviewable change.
type Change struct {
	// Key names what is changed and never says to which version, so that the same fix has the same branch tomorrow.
	Key string `json:"key"`
	// Parts are the keys of the single changes in a group; empty for a single one.
	Parts []string `json:"parts,omitempty"`
	Kind  Kind     `json:"kind"`
	Title string   `json:"title"` // one line in the imperative: Upgrade lodash from 4.17.15 to 4.17.21 in web

	Upgrades []Upgrade      `json:"upgrades"`
	Edits    []scanner.Edit `json:"edits"`
	// Bumps are the machine images that take the place of others, by region and name.
	Bumps []Bump `json:"bumps,omitempty"`
	// Clears are the findings that go away: by the plan, and after Prove by what the second scan found.
	Clears []Finding `json:"clears"`
	// Remains are findings of the same packages that stay, each with its reason.
	Remains []Finding `json:"remains"`
	// Major says that an upgrade may break what uses it.
	Major bool `json:"major"`
	// Tier and Score are those of the most urgent finding that is cleared.
	Tier  scanner.Tier `json:"tier"`
	Score int          `json:"score"`
	// Reasons say why this version and this way, one sentence each.
	Reasons []string `json:"reasons"`
	// Files are the paths that the change writes, sorted; empty until it is written.
	Files []string `json:"files"`
	// Proof is what the second scan found; nil until then.
	Proof *Proof `json:"proof,omitempty"`

	unseen map[string]string // why no scan can tell that a finding is gone, by fingerprint
	told   []told            // what Reasons are made of
	main   string            // the package that the change is named after
	jobs   []job             // what managers write
	others []solution        // further ways, in case that the first can't be written
}

// job is what one manager has to write for a change.
type job struct {
	project *Project
	targets []Target
}

// add gives a project targets. Of two versions for the same package the later one is taken.
func (c *Change) add(project *Project, targets ...Target) {
	i := slices.IndexFunc(c.jobs, func(j job) bool { return j.project.Path == project.Path })
	if i < 0 {
		i = len(c.jobs)
		c.jobs = append(c.jobs, job{project: project})
	}
	j := &c.jobs[i]
	for _, t := range targets {
		at := slices.IndexFunc(j.targets, func(u Target) bool { return u.Package == t.Package && u.From == t.From })
		if at < 0 {
			j.targets = append(j.targets, t)
			continue
		}
		if later(project.Manager.Ecosystem, t.To, j.targets[at].To) {
			j.targets[at] = t
		}
	}
}

// later reports whether one version follows another by the rules of the ecosystem.
func later(eco, a, b string) bool {
	n, err := advisory.Compare(eco, a, b)
	return err == nil && n > 0
}

// Proof is what the scan of the changed tree found, beside that of the tree as it was.
type Proof struct {
	Before int `json:"before"` // findings that were not suppressed
	After  int `json:"after"`
	// Together is how many changes the scan saw at once, this one among them; 0 where it saw this one alone. Before and After
	// are then those of all, and Cleared and Remaining of this one.
	Together int `json:"together,omitempty"`
	// Cleared, Remaining and New are the findings that are gone, that still speak of the packages of the change, and that
	// were not there before. A change with a new finding, or with none that is cleared, is dropped.
	Cleared []Finding `json:"cleared"`
	// Unproven are findings that no scan can tell of, each with the reason: what a bill of materials says of a build stays
	// there until the next one.
	Unproven  []Finding `json:"unproven,omitempty"`
	Remaining []Finding `json:"remaining"`
	New       []Finding `json:"new"`
}

// Unfixed is a finding that no change clears, with the reason.
type Unfixed struct {
	Finding
	// Code is a stable word for Why: no-fixed-version, only-major, too-fresh, no-manager, registry-not-asked, conflict, ...
	Code string `json:"code"`
}

// Bump is one machine image that takes the place of another, with what is known of both.
type Bump struct {
	scanner.Bump
	Before Image `json:"before"`
	After  Image `json:"after"` // known after Apply
}

// Image is what is known of a machine image. Days are written as 2006-01-02; what is not known is empty.
type Image struct {
	Name         string `json:"name,omitempty"`
	Owner        string `json:"owner,omitempty"`
	CreatedAt    string `json:"created_at,omitempty"`
	DeprecatedAt string `json:"deprecated_at,omitempty"`
	EndOfLife    string `json:"end_of_life,omitempty"` // of its system
}

// NewChange returns a change with the key that its kind and parts make. The parts name what is changed (the ecosystem,
// the project, the package) and neither a version nor an advisory.
func NewChange(kind Kind, parts ...string) Change {
	return Change{Key: strings.Join(append([]string{string(kind)}, parts...), "/"), Kind: kind}
}

// Version names what exactly the change brings: with another one it is a new question to whoever refused it.
func (c *Change) Version() string {
	var all []string
	for _, u := range c.Upgrades {
		if u.How != HowLock || len(c.Upgrades) == 1 {
			all = append(all, u.Package+"@"+u.To)
		}
	}
	for _, e := range c.Edits {
		all = append(all, e.Path+"="+sum([]byte(e.Text))[:12])
	}
	return strings.Join(compact(all), " ")
}

// about returns a finding as changes speak of it.
func about(f *scanner.Finding, why string) Finding {
	return Finding{
		RuleID: f.RuleID, Fingerprint: f.Fingerprint, Subject: f.Subject, Location: f.Location,
		Severity: f.Severity, Tier: f.Tier, Score: f.Score, Message: f.Message, Why: why,
	}
}

// compare orders changes by how urgent they are: tier, score, how much they clear, the smaller change first, key.
func (c *Change) compare(d *Change) int {
	major := func(c *Change) int {
		if c.Major {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(slices.Index(scanner.Tiers, c.Tier), slices.Index(scanner.Tiers, d.Tier)),
		cmp.Compare(d.Score, c.Score),
		cmp.Compare(len(d.Clears), len(c.Clears)),
		cmp.Compare(major(c), major(d)),
		strings.Compare(c.Key, d.Key),
	)
}
