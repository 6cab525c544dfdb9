package scanner

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/internal/cvss"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// The values of the decision points, which are those of SSVC where SSVC has the point
// (https://certcc.github.io/SSVC/). docs/ranking.md says what they are taken from.
const (
	exploitationActive = "active"
	exploitationLikely = "likely"
	exploitationNone   = "none"

	systemOpen       = "open"
	systemControlled = "controlled"
	systemSmall      = "small"

	yes = "yes"
	no  = "no"
)

// impacts lists the values of the impact point and of criticality, lowest first.
var impacts = []string{"low", "medium", "high", "very high"}

// likelyEPSS is the probability of exploitation within 30 days from which exploitation counts as likely.
const likelyEPSS = 0.10

// Rank sets the tier, the score with its range, the decision points, the environmental vector and the reason of a
// finding. It is a pure function of the finding's other fields: equal findings get equal ranks.
func Rank(f *Finding) {
	r := newRanking(f)
	f.SSVC = &SSVC{Exploitation: r.exploitation, Exposure: r.system, Automatable: yesNo(r.automatable), Impact: r.impact}
	f.Tier = r.tier()
	f.Score, f.ScoreRange = r.score()
	f.EnvironmentalVector, _ = r.environmental(f)
	f.Reason = r.reason(f)
}

// ranking holds what the rank of one finding is computed from.
type ranking struct {
	exploitation string
	system       string // system exposure
	automatable  bool
	impact       string

	base        float64 // CVSS base score, or what stands for it, 0 to 10
	threat      float64 // T
	exposure    float64 // X
	called      float64 // R
	link        float64 // L
	unknown     bool    // the exposure is not known
	proved      bool    // the vulnerable code is proved not to be called
	lower       bool    // not imported, not called or development only
	malware     bool
	vector      cvss.Vector
	development bool
}

func newRanking(f *Finding) ranking {
	r := ranking{
		exploitation: exploitation(f), system: systemExposure(f.Exposure), impact: impact(f.Exposure.Criticality),
		link: 1, malware: f.Kind == KindMalware, development: f.Scope == inventory.ScopeDevelopment,
		unknown: level(f.Exposure) == ExposureUnknown, exposure: exposureFactor(f.Exposure),
	}
	r.base = wordScore(f.Severity)
	if f.Advisory != nil && !r.malware { // malware is as bad as can be, whatever was rated
		if v, score, ok := best(f.Advisory.CVSS); ok {
			r.vector, r.base = v, score
		}
	}
	switch {
	case r.malware:
		// Whoever installs it runs it: nobody has to reach it, and calling it is not needed.
		r.automatable, r.exposure, r.unknown, r.development = true, 1, false, false
	case r.vector.Version != "":
		r.automatable = automatable(r.vector)
		if total(r.vector) {
			r.impact = impacts[min(slices.Index(impacts, r.impact)+1, len(impacts)-1)]
		}
	case f.Kind == KindExposure:
		r.automatable = true // an open port is found and tried by machines
	}
	r.threat = threat(f, r.exploitation)
	r.called = calledFactor(f.Called)
	r.proved = f.Called == "not-called"
	r.lower = r.proved || f.Called == "not-imported"
	if r.development {
		r.called, r.lower = 0.15, true
	}
	if r.malware {
		r.called, r.proved, r.lower = 1, false, false
	}
	if f.Exposure.Link == "inferred" {
		r.link = 0.9
	}
	return r
}

// exploitation tells known exploitation from likely and from none. Malware is its own exploit; a way in that is open
// by declaration needs no prediction: scanners of the internet try what is bad enough to be worth it.
func exploitation(f *Finding) string {
	a := f.Advisory
	switch {
	case f.Kind == KindMalware, a != nil && (a.KEV || a.Exploited == "active"):
		return exploitationActive
	case a != nil && (a.Exploited == "poc" || a.EPSS != nil && *a.EPSS >= likelyEPSS),
		f.Kind == KindExposure && f.Severity.AtLeast(High):
		return exploitationLikely
	}
	return exploitationNone
}

func level(e Exposure) ExposureLevel { return cmp.Or(e.Level, ExposureUnknown) }

// systemExposure maps the level to SSVC's point. A shield makes open controlled, whatever the level says.
func systemExposure(e Exposure) string {
	switch level(e) {
	case ExposureOpen:
		if len(e.Shields) > 0 || e.Breadth == "restricted" {
			return systemControlled
		}
		return systemOpen
	case ExposureControlled, ExposureAdjacent, ExposureUnknown:
		return systemControlled
	}
	return systemSmall
}

// The exposure factors that others are compared with.
const (
	factorOpen     = 1.0
	factorInternal = 0.35
	factorIsolated = 0.2
)

// exposureFactor is X of the score.
func exposureFactor(e Exposure) float64 {
	x := factorOpen
	switch level(e) {
	case ExposureOpen:
		if e.Breadth == "restricted" {
			x = 0.7
		}
	case ExposureControlled:
		if e.Breadth != "any" && e.Breadth != "wide" {
			x = 0.7
		}
	case ExposureAdjacent:
		return 0.5
	case ExposureInternal:
		return factorInternal
	case ExposureIsolated:
		return factorIsolated
	default:
		return 0.75
	}
	if slices.Contains(e.Shields, "waf") || slices.Contains(e.Shields, "firewall") {
		x *= 0.8
	}
	if slices.Contains(e.Shields, "auth") {
		x *= 0.6
	}
	return max(x, factorInternal)
}

func impact(criticality string) string {
	if slices.Contains(impacts, criticality) {
		return criticality
	}
	return "medium"
}

// wordScore stands for a base score where there is no vector. Unknown is taken for medium: neither hidden nor first.
func wordScore(s Severity) float64 {
	switch s {
	case Critical:
		return 9.5
	case High:
		return 7.5
	case Low:
		return 4
	case Info:
		return 1
	}
	return 5.5
}

// best returns the rating of the newest version of the standard, of several the highest.
func best(ratings []CVSS) (vector cvss.Vector, score float64, ok bool) {
	trust := func(v cvss.Vector) int { return -slices.Index(cvss.Versions, v.Version) }
	for _, r := range ratings {
		v, valid := cvss.Parse(r.Vector)
		if !valid || !(r.Score >= 0 && r.Score <= 10) {
			continue
		}
		if !ok || cmp.Or(cmp.Compare(trust(v), trust(vector)), cmp.Compare(r.Score, score), strings.Compare(vector.Text, v.Text)) > 0 {
			vector, score, ok = v, r.Score, true
		}
	}
	return vector, score, ok
}

// automatable reports whether a program can exploit it without a person, an account or luck.
func automatable(v cvss.Vector) bool {
	is := func(name, value string) bool { return v.Metric(name) == value }
	switch v.Version {
	case "4.0":
		return is("AV", "N") && is("AC", "L") && is("AT", "N") && is("PR", "N") && is("UI", "N")
	case "2.0":
		return is("AV", "N") && is("AC", "L") && is("Au", "N")
	}
	return is("AV", "N") && is("AC", "L") && is("PR", "N") && is("UI", "N")
}

// total reports whether the attacker gets integrity and one of confidentiality and availability in full.
func total(v cvss.Vector) bool {
	switch v.Version {
	case "4.0":
		return v.Metric("VI") == "H" && (v.Metric("VA") == "H" || v.Metric("VC") == "H")
	case "2.0":
		return v.Metric("I") == "C" && (v.Metric("A") == "C" || v.Metric("C") == "C")
	}
	return v.Metric("I") == "H" && (v.Metric("A") == "H" || v.Metric("C") == "H")
}

// threat is T of the score.
func threat(f *Finding, exploitation string) float64 {
	switch {
	case exploitation == exploitationActive, f.Advisory == nil && f.Kind == KindExposure:
		return 1
	case f.Advisory == nil || f.Advisory.EPSS == nil || math.IsNaN(*f.Advisory.EPSS):
		return 0.5
	}
	return max(0.4, math.Pow(min(max(*f.Advisory.EPSS, 0), 1), 0.25))
}

// calledFactor is R of the score for code that is not only there for development.
func calledFactor(called string) float64 {
	switch called {
	case "called":
		return 1
	case "imported":
		return 0.6
	case "not-called", "not-imported":
		return 0.3
	}
	return 0.8
}

// tier decides when the finding wants attention.
func (r ranking) tier() Tier {
	active, likely := r.exploitation == exploitationActive, r.exploitation == exploitationLikely
	open := r.system == systemOpen
	exposed := open || r.system == systemControlled
	if r.malware {
		return TierAct
	}
	tier := TierTrack
	switch {
	case active && exposed, likely && open && r.automatable:
		tier = TierAct
	case active, likely && exposed, open && r.automatable && r.base >= 7:
		tier = TierAttend
	case r.base >= 7, exposed && r.base >= 4, likely:
		tier = TierTrackStar
	}
	if tier == TierTrackStar && exposed && slices.Index(impacts, r.impact) >= slices.Index(impacts, "high") {
		tier = TierAttend
	}
	if r.lower && (r.proved || !active || !open) {
		tier = Tiers[min(slices.Index(Tiers, tier)+1, len(Tiers)-1)]
	}
	return tier
}

// score returns the score from 0 to 100 and the range that it may move in once the exposure is known.
func (r ranking) score() (score int, within [2]int) {
	with := func(exposure float64) int {
		return int(math.Round(100 * r.base / 10 * r.threat * exposure * r.called * r.link))
	}
	score = with(r.exposure)
	if !r.unknown {
		return score, [2]int{score, score}
	}
	return score, [2]int{with(factorIsolated), with(factorOpen)}
}

// EnvironmentalVector returns the best vector of the finding's advisory, of CVSS 3.0 to 4.0, with what is known of
// threat and environment set, and the score that a standard calculator gives it. Nothing is multiplied by this score;
// it is there to check ours against. The vector is empty where there is none to start from.
func EnvironmentalVector(f *Finding) (vector string, score float64) {
	r := newRanking(f)
	return r.environmental(f)
}

func (r ranking) environmental(f *Finding) (vector string, score float64) {
	v := r.vector
	if v.Version == "" || v.Version == "2.0" {
		return "", 0
	}
	set := [][2]string{{"E", maturity(v.Version, r.exploitation)}}
	if v.Version != "4.0" && len(f.Advisory.FixedVersions) > 0 {
		set = append(set, [2]string{"RL", "O"})
	}
	if mav := modifiedAttackVector(v.Metric("AV"), f.Exposure); mav != "" {
		set = append(set, [2]string{"MAV", mav})
	}
	requirement := "H"
	switch impact(f.Exposure.Criticality) {
	case "low":
		requirement = "L"
	case "medium":
		requirement = "M"
	}
	set = append(set, [2]string{"CR", requirement}, [2]string{"IR", requirement}, [2]string{"AR", requirement})
	vector, score, _ = v.Environmental(set...)
	return vector, score
}

// maturity is the metric E for what is known of exploitation.
func maturity(version, exploitation string) string {
	switch {
	case exploitation == exploitationLikely:
		return "P"
	case exploitation == exploitationNone:
		return "U"
	case version == "4.0":
		return "A"
	}
	return "H"
}

// modifiedAttackVector is the metric MAV for where the network lets an attacker stand, or empty where that is no
// farther away than the vulnerability itself demands.
func modifiedAttackVector(av string, e Exposure) string {
	const nearer = "NALP" // attack vectors from the network to physical access
	var mav string
	switch level(e) {
	case ExposureAdjacent, ExposureInternal:
		mav = "A"
	case ExposureIsolated:
		mav = "L"
	}
	if mav == "" || strings.Index(nearer, mav) <= strings.Index(nearer, av) {
		return ""
	}
	return mav
}

// reason explains the tier in one sentence.
func (r ranking) reason(f *Finding) string {
	parts := []string{r.why(f)}
	if !r.malware {
		parts = append(parts, where(f.Exposure))
	}
	if r.automatable && !r.malware {
		parts = append(parts, "automatable")
	}
	if slices.Index(impacts, r.impact) >= slices.Index(impacts, "high") && !r.malware {
		parts = append(parts, r.impact+" impact")
	}
	switch {
	case r.vector.Version != "":
		parts = append(parts, "CVSS "+strconv.FormatFloat(r.base, 'f', 1, 64))
	case f.Severity == Unknown || f.Severity == "":
		parts = append(parts, "severity unknown")
	default:
		parts = append(parts, "severity "+string(f.Severity))
	}
	if what := r.what(f); what != "" {
		parts = append(parts, what)
	}
	if f.Advisory != nil {
		switch {
		case r.malware:
			parts = append(parts, "remove it")
		case len(f.Advisory.FixedVersions) > 0:
			parts = append(parts, "fix "+f.Advisory.FixedVersions[0])
		default:
			parts = append(parts, "no fix known")
		}
	}
	word := string(f.Tier)
	return strings.ToUpper(word[:1]) + word[1:] + ": " + strings.Join(parts, "; ")
}

// why says what is known of exploitation.
func (r ranking) why(f *Finding) string {
	a := f.Advisory
	if r.malware {
		return "malicious code that runs where it is installed"
	}
	if a == nil {
		if f.Kind == KindExposure {
			return "declared in the code"
		}
		return "no exploit needed or known"
	}
	epss := ""
	if a.EPSS != nil {
		epss = fmt.Sprintf("EPSS %.2f", *a.EPSS)
	}
	switch {
	case a.KEV:
		return "exploited in the wild (KEV)"
	case a.Exploited == "active":
		return "exploited in the wild (its advisory says so)"
	case a.Exploited == "poc":
		return strings.TrimSuffix("public exploit, "+epss, ", ")
	case r.exploitation == exploitationLikely:
		return "likely exploited (" + epss + ")"
	case epss != "":
		return "no known exploitation (" + epss + ")"
	}
	return "no known exploitation"
}

// where says how far a stranger is from the finding.
func where(e Exposure) string {
	thing := "it"
	if len(e.Workloads) > 0 {
		thing = string(e.Workloads[0])
		if e.Entry != "" && e.Entry != e.Workloads[0] {
			thing = strings.Join(append([]string{string(e.Entry)}, e.Ports...), " ") + " -> " + thing
		}
		if n := len(e.Workloads) - 1; n > 0 {
			thing += fmt.Sprintf(" (and %d more)", n)
		}
	}
	from := "any address"
	switch e.Breadth {
	case "wide":
		from = "a wide range of addresses"
	case "restricted":
		from = "restricted addresses"
	}
	switch level(e) {
	case ExposureOpen, ExposureControlled:
		if len(e.Shields) > 0 {
			return thing + " is reachable from " + from + " behind " + strings.Join(e.Shields, " and ")
		}
		if level(e) == ExposureControlled {
			return thing + " is reachable from restricted addresses"
		}
		return thing + " is open to " + from + " without WAF"
	case ExposureAdjacent:
		return thing + " is one hop behind an exposed workload"
	case ExposureInternal:
		return thing + " is reachable from inside only"
	case ExposureIsolated:
		return thing + " is reached by nothing in the code"
	}
	return "exposure unknown"
}

// what names the package and how it is used.
func (r ranking) what(f *Finding) string {
	purl, err := packageurl.FromString(string(f.Subject))
	if err != nil {
		return ""
	}
	name := purl.Name
	if purl.Namespace != "" && purl.Type != packageurl.TypeMaven {
		name = purl.Namespace + "/" + name
	}
	if purl.Version != "" {
		name += " " + purl.Version
	}
	switch {
	case r.malware:
	case r.development:
		name += " for development only"
	case f.Called == "called":
		name += " called"
	case f.Called == "imported":
		name += " imported, calls not seen"
	case f.Called == "not-imported":
		name += " not imported"
	case f.Called == "not-called":
		name += " proved not to be called"
	}
	return name
}

// effort orders fixes by what they cost whoever applies them: edits and compatible upgrades, then upgrades that may
// break something, then finding a way without a fix.
func effort(fix *Fix) int {
	switch {
	case fix == nil:
		return 2
	case fix.Upgrade != nil && fix.Upgrade.Breaking():
		return 1
	}
	return 0
}

// Breaking reports whether the upgrade may break what uses the package, going by the versions alone: they differ in the
// first number, or in the second where the first is 0 (https://semver.org). Versions without numbers may.
func (u *Upgrade) Breaking() bool {
	from, to := leading(u.From), leading(u.To)
	return from == "" || from != to
}

// leading returns the part of a version that stays the same in compatible releases.
func leading(version string) string {
	version = strings.TrimPrefix(version, "v")
	end := strings.IndexFunc(version, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end >= 0 {
		version = version[:end]
	}
	first, rest, _ := strings.Cut(version, ".")
	if first == "0" {
		second, _, _ := strings.Cut(rest, ".")
		first += "." + cmp.Or(second, "0")
	}
	return first
}

func yesNo(b bool) string {
	if b {
		return yes
	}
	return no
}
