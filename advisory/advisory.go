// Package advisory reads OSV records and says whether one applies to a version of a package.
//
// A Database answers by ecosystem and package name: Folder reads the layout of the public OSV bucket, Index reads the
// compact file made from it. Both hand out the same Records, and Record.Affects is the one evaluation of
// https://ossf.github.io/osv-schema/#evaluation, whatever the records come from.
package advisory

import (
	"context"
	"encoding/json"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Record is one OSV record, reduced to what matching, ranking and reports use. Times are RFC 3339 as published.
type Record struct {
	ID               string          `json:"id"`
	Modified         string          `json:"modified"`
	Published        string          `json:"published,omitempty"`
	Withdrawn        string          `json:"withdrawn,omitempty"`
	Aliases          []string        `json:"aliases,omitempty"`
	Upstream         []string        `json:"upstream,omitempty"`
	Summary          string          `json:"summary,omitempty"`
	Details          string          `json:"details,omitempty"`
	Severity         []Severity      `json:"severity,omitempty"`
	Affected         []Affected      `json:"affected,omitempty"`
	References       []Reference     `json:"references,omitempty"`
	DatabaseSpecific json.RawMessage `json:"database_specific,omitempty"`
}

// Severity is one rating as OSV writes it.
type Severity struct {
	Type  string `json:"type"` // CVSS_V2, CVSS_V3, CVSS_V4, Ubuntu, ...
	Score string `json:"score"`
}

// Affected is one package with the versions that a record speaks of.
type Affected struct {
	Package           Package         `json:"package"`
	Severity          []Severity      `json:"severity,omitempty"`
	Ranges            []Range         `json:"ranges,omitempty"`
	Versions          []string        `json:"versions,omitempty"`
	EcosystemSpecific json.RawMessage `json:"ecosystem_specific,omitempty"`
	DatabaseSpecific  json.RawMessage `json:"database_specific,omitempty"`
}

// Package names a package as OSV does.
type Package struct {
	Ecosystem string `json:"ecosystem"` // with its release suffix where it has one: Debian:12
	Name      string `json:"name"`
}

// Range is one span of versions or commits.
type Range struct {
	Type   string  `json:"type"` // SEMVER, ECOSYSTEM or GIT
	Repo   string  `json:"repo,omitempty"`
	Events []Event `json:"events"`
}

// Event is a point where a range begins or ends; exactly one field is set.
type Event struct {
	Introduced   string `json:"introduced,omitempty"`
	Fixed        string `json:"fixed,omitempty"`
	LastAffected string `json:"last_affected,omitempty"`
	Limit        string `json:"limit,omitempty"`
}

// Reference is a link of a record.
type Reference struct {
	Type string `json:"type"` // ADVISORY, FIX, REPORT, EVIDENCE, ...
	URL  string `json:"url"`
}

// Query asks about one version of one package, named as OSV names it.
type Query struct {
	Ecosystem string
	Name      string
	Version   string
	Commit    string // for packages taken from a repository; empty otherwise
}

// Info describes a database.
type Info struct {
	Source     string         // folder, file or address
	AsOf       string         // the newest modification in it, RFC 3339
	Digest     string         // sha256:hex over its content; empty where it has no fixed content
	Records    int            // records in all, 0 where unknown
	Ecosystems map[string]int // records by ecosystem without release suffix
}

// Database finds the records that apply to packages.
type Database interface {
	// Match returns, for each query, the records that apply to it: withdrawn ones left out, ordered by id. A record
	// belongs to the database and must not be changed; of its affected entries it may hold only those of packages that
	// were asked about. What could not be looked up (an ecosystem that is missing, a
	// broken archive, a service that does not answer) is a notice; an error means that nothing could be looked up.
	Match(ctx context.Context, queries []Query) ([][]*Record, []inventory.Notice, error)
	// Info describes the database as far as Match has read it.
	Info() Info
	Close() error
}
