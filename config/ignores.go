package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Codes of the notices about decisions. They speak of decisions and not of parts that were not looked at.
const (
	codeExpired   = "suppression-expired"
	codeExpiring  = "suppression-expiring"
	codeUnused    = "suppression-unused"
	codeNoReason  = "suppression-without-reason"
	codeNoRule    = "suppression-unknown-rule"
	codeMalformed = "suppression-malformed"
	codeNotUsed   = "configuration-not-used"
)

// UnusedNotice is the code of the notice that a suppression matches nothing and can go. Who looks at a part of a tree alone
// can't know that.
const UnusedNotice = codeUnused

// NoticeCodes are the codes of the notices that Apply adds. None of them says that a part was not looked at.
var NoticeCodes = []string{codeExpired, codeExpiring, codeUnused, codeNoReason, codeNoRule, codeMalformed, codeNotUsed}

// Ignores are decisions that findings do not count, which stand elsewhere than in the configuration: in comments, in
// the ignore files of other scanners and in OpenVEX documents.
type Ignores struct {
	waivers []waiver
	notices []inventory.Notice
	general int // waivers that every finding is asked for
}

// waiver is one decision that some findings do not count.
type waiver struct {
	at     inventory.Location // of the decision
	name   string             // what it names, for messages
	reason string
	ends   time.Time // the first moment at which it no longer holds; zero: never
	own    bool      // in our own syntax: it is told when it is of no use
	// keys are what a finding must have for matches to be asked; see keysOf. None: it is asked for every finding.
	keys    []string
	matches func(res *scanner.Result, f *scanner.Finding) bool
	// trusted says whether it may take effect on a finding; nil: always.
	trusted func(f *scanner.Finding, s *scanner.Suppression) bool
}

// Limits of what one tree may decide. They are far above what people write.
const (
	maxIgnoreFile = 4 << 20 // bytes of an ignore file or a VEX document
	maxEntries    = 50_000  // entries of one tree
	maxGeneral    = 1_000   // entries among them that name neither an id nor a package
)

// add takes a decision in, within the limits.
func (ig *Ignores) add(w waiver) {
	if len(w.keys) == 0 {
		ig.general++
	}
	if len(ig.waivers) >= maxEntries || ig.general > maxGeneral {
		if n := len(ig.notices); n == 0 || ig.notices[n-1].Location == nil || ig.notices[n-1].Location.Path != w.at.Path {
			ig.malformed(w.at.Path, w.at.Line, "the tree has too many suppressions; those of %s from line %d on have no effect", w.at.Path, w.at.Line)
		}
		return
	}
	ig.waivers = append(ig.waivers, w)
}

func (ig *Ignores) notice(code, path string, line int, format string, args ...any) {
	ig.notices = append(ig.notices, inventory.Notice{
		Code: code, Message: fmt.Sprintf(format, args...), Location: &inventory.Location{Path: path, Line: line},
	})
}

func (ig *Ignores) malformed(path string, line int, format string, args ...any) {
	ig.notice(codeMalformed, path, line, format, args...)
}

// Trust lets the decisions take effect on those findings only that base suppresses for the same reason from the same
// file. It is for the comments of a proposed change, whose lines are not those of the base. A nil base has none.
func (ig *Ignores) Trust(base *scanner.Result) {
	held := map[string]scanner.Suppression{}
	if base != nil {
		for i := range base.Findings {
			if f := &base.Findings[i]; f.Suppression != nil {
				held[f.Fingerprint] = *f.Suppression
			}
		}
	}
	trusted := func(f *scanner.Finding, s *scanner.Suppression) bool {
		h, ok := held[f.Fingerprint]
		return ok && h.Reason == s.Reason && h.Until == s.Until && h.File() == s.File()
	}
	for i := range ig.waivers {
		ig.waivers[i].trusted = trusted
	}
}

// Ignores reads the ignore files of other scanners and the OpenVEX documents of a tree. Files of vendored code are left
// out: they speak of another repository. A file that can't be read is a notice.
func (c *Config) Ignores(tree *inventory.Tree) *Ignores {
	ig := &Ignores{}
	for _, f := range tree.Files() {
		read := readerOf(f.Path, !c.OwnIgnoresOnly)
		if read == nil || f.Vendored {
			continue
		}
		if f.Size > maxIgnoreFile {
			ig.malformed(f.Path, 0, "%s is larger than %d MiB and has no effect", f.Path, maxIgnoreFile>>20)
			continue
		}
		data, err := tree.ReadFile(f.Path)
		if err != nil {
			ig.malformed(f.Path, 0, "%s can't be read and has no effect: %v", f.Path, cause(err))
			continue
		}
		read(ig, f.Path, data)
	}
	return ig
}

// readerOf returns what reads a file, or nil for a file that decides nothing. foreign says that the ignore files of
// other scanners count.
func readerOf(name string, foreign bool) func(ig *Ignores, name string, data []byte) {
	base := path.Base(name)
	if strings.HasSuffix(base, ".openvex.json") || strings.HasSuffix(base, ".vex.json") ||
		path.Base(path.Dir(name)) == ".vex" && strings.HasSuffix(base, ".json") {
		return readVEX
	}
	if !foreign {
		return nil
	}
	switch base {
	case "osv-scanner.toml":
		return readOSVScanner
	case ".trivyignore":
		return readTrivyIgnore
	case ".trivyignore.yaml", ".trivyignore.yml":
		return readTrivyYAML
	case ".snyk":
		return readSnyk
	}
	return nil
}

// cause returns the reason inside a path error, whose path the message names already.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// below reports whether the file name is in the folder or in one below it.
func below(folder, name string) bool {
	return folder == "." || strings.HasPrefix(name, folder+"/")
}

// idKey returns the form of an id in which two spellings of it are equal: upper case, without the prefix that Trivy
// once wrote.
func idKey(id string) string { return strings.TrimPrefix(strings.ToUpper(id), "AVD-") }

const (
	keyID      = "id "
	keyPackage = "package "
	keyLine    = "line "
	keyFile    = "file "
)

func lineKey(path string, line int) string { return fmt.Sprintf("%s%s:%d", keyLine, path, line) }

// keysOf returns the keys under which the waivers of a finding may stand.
func keysOf(res *scanner.Result, f *scanner.Finding) []string {
	var keys []string
	for _, id := range namesOf(res, f) {
		keys = append(keys, keyID+id)
	}
	if p := res.Package(f.Subject); p != nil {
		keys = append(keys, keyPackage+p.Name)
	}
	for _, place := range placesOf(res, f) {
		keys = append(keys, lineKey(place.Path, place.Line), keyFile+place.Path)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// namesOf returns every name of a finding's rule or advisory, in the form of idKey.
func namesOf(res *scanner.Result, f *scanner.Finding) []string {
	var names []string
	for _, id := range slices.Concat(f.IDs(), res.RuleAliases(f.RuleID)) {
		names = append(names, idKey(id))
	}
	return names
}

// placesOf returns the places at which a comment speaks of a finding: its own, and the line of the manifest that brings
// its package in, where the lock file is written by a program.
func placesOf(res *scanner.Result, f *scanner.Finding) []inventory.Location {
	places := []inventory.Location{f.Location}
	if p := res.Package(f.Subject); p != nil {
		for _, l := range p.Locations {
			if l.Location == f.Location && l.Manifest != nil {
				places = append(places, *l.Manifest)
			}
		}
	}
	return places
}

// index finds the waivers of a finding.
type index struct {
	waivers []waiver
	byKey   map[string][]int
	general []int
}

func newIndex(waivers []waiver) *index {
	x := &index{waivers: waivers, byKey: map[string][]int{}}
	for i, w := range waivers {
		if len(w.keys) == 0 {
			x.general = append(x.general, i)
		}
		for _, key := range w.keys {
			x.byKey[key] = append(x.byKey[key], i)
		}
	}
	return x
}

// candidates returns the waivers that have to be asked about a finding, in their order.
func (x *index) candidates(res *scanner.Result, f *scanner.Finding) []int {
	if len(x.waivers) == 0 {
		return nil
	}
	list := slices.Clone(x.general)
	if len(x.byKey) > 0 {
		for _, key := range keysOf(res, f) {
			list = append(list, x.byKey[key]...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// expiringSoon is how long before its end a suppression is announced to end.
const expiringSoon = 14 * 24 * time.Hour

// Apply puts the decisions of the configuration into a result: severities of rules, and findings that do not count. The
// decisions of ignores come after those of the configuration; the first that names a finding is shown with it. asOf is
// the day by which expiries are judged. Entries that expired or will soon, and our own that match nothing, become
// notices.
func (c *Config) Apply(res *scanner.Result, asOf time.Time, ignores ...*Ignores) {
	if c == nil {
		return
	}
	for _, key := range c.Unused {
		res.Notices = append(res.Notices, inventory.Notice{
			Code: codeNotUsed, Location: &inventory.Location{Path: c.Path, Line: key.Line},
			Message: fmt.Sprintf("the key %q has no effect in this version", key.Name),
		})
	}
	c.setSeverities(res)
	var waivers []waiver
	for _, own := range c.Ignore {
		waivers = append(waivers, own.waiver(c.Path))
	}
	for _, ig := range ignores {
		if ig != nil {
			waivers = append(waivers, ig.waivers...)
			res.Notices = append(res.Notices, ig.notices...)
		}
	}
	waive(res, waivers, asOf)
	res.Sort()
	res.Summarize()
}

// setSeverities puts the severities of the configuration into the findings, which are ranked anew.
func (c *Config) setSeverities(res *scanner.Result) {
	if len(c.Severity) == 0 {
		return
	}
	severities := make(map[string]scanner.Severity, len(c.Severity))
	for id, s := range c.Severity {
		severities[idKey(id)] = s
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		for _, id := range namesOf(res, f) {
			if s, ok := severities[id]; ok {
				if f.Severity != s {
					f.Severity = s
					scanner.Rank(f)
				}
				break
			}
		}
	}
}

// waive suppresses findings and says what became of each decision.
func waive(res *scanner.Result, waivers []waiver, asOf time.Time) {
	x := newIndex(waivers)
	used := make([]bool, len(waivers))
	for i := range res.Findings {
		f := &res.Findings[i]
		for _, n := range x.candidates(res, f) {
			w := &waivers[n]
			if !w.matches(res, f) {
				continue
			}
			used[n] = true
			s := w.suppression()
			if f.Suppression == nil && !w.expired(asOf) && (w.trusted == nil || w.trusted(f, s)) {
				f.Status, f.Suppression = scanner.StatusSuppressed, s
			}
		}
	}
	for n := range waivers {
		if notice, ok := waivers[n].verdict(used[n], asOf); ok {
			res.Notices = append(res.Notices, notice)
		}
	}
}

func (w *waiver) expired(asOf time.Time) bool { return !w.ends.IsZero() && !asOf.Before(w.ends) }

// lastDay is the last day on which the decision holds, if only in part.
func (w *waiver) lastDay() string { return w.ends.Add(-1).UTC().Format(time.DateOnly) }

func (w *waiver) suppression() *scanner.Suppression {
	s := &scanner.Suppression{Reason: w.reason, Source: w.source()}
	if !w.ends.IsZero() {
		s.Until = w.lastDay()
	}
	return s
}

// source is the place of the decision as file:line; the line is left out where it is not known.
func (w *waiver) source() string {
	if w.at.Line == 0 {
		return w.at.Path
	}
	return fmt.Sprintf("%s:%d", w.at.Path, w.at.Line)
}

// verdict says what is to be done about a decision: that it ended or will soon, or that it can go. Files of other
// scanners may name what only they find; such entries are told only when they end and name something that was found.
func (w *waiver) verdict(used bool, asOf time.Time) (inventory.Notice, bool) {
	notice := func(code, format string, args ...any) (inventory.Notice, bool) {
		return inventory.Notice{Code: code, Location: &w.at, Message: fmt.Sprintf(format, args...)}, true
	}
	switch {
	case w.expired(asOf) && (used || w.own):
		return notice(codeExpired, "the suppression %s ended with %s", w.name, w.lastDay())
	case !used && w.own:
		return notice(codeUnused, "the suppression %s matches no finding and can go", w.name)
	case used && !w.ends.IsZero() && w.ends.Sub(asOf) <= expiringSoon:
		return notice(codeExpiring, "the suppression %s ends with %s", w.name, w.lastDay())
	}
	return inventory.Notice{}, false
}

// waiver turns an entry of the configuration into the form that all decisions share.
func (ig Ignore) waiver(file string) waiver {
	w := waiver{
		at: inventory.Location{Path: file, Line: ig.Line}, name: ig.String(), reason: ig.Reason, own: true, matches: ig.matches,
	}
	if !ig.Until.IsZero() {
		w.ends = ig.Until.AddDate(0, 0, 1)
	}
	if ig.ID != "" {
		w.keys = []string{keyID + idKey(ig.ID)}
	}
	return w
}

// matches reports whether the entry names a finding; its id has been looked at.
func (ig Ignore) matches(res *scanner.Result, f *scanner.Finding) bool {
	if ig.Package != "" {
		if p := res.Package(f.Subject); p == nil || (p.Name != ig.Package && string(p.ID) != ig.Package) {
			return false
		}
	}
	if ig.Path != "" && ig.Path != "." {
		matched, err := path.Match(ig.Path, f.Location.Path)
		return err == nil && matched || f.Location.Path == ig.Path || below(ig.Path, f.Location.Path)
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
