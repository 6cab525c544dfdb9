package scanner

import (
	"math"
	"slices"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/cvss"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// Vectors by their base scores. Only the first two give whoever exploits them integrity and availability.
const (
	vector10  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"
	vector98  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	vector75  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
	vector61  = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"
	vector33  = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N"
	vector93  = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
	vectorAdj = "CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
)

func rated(vectors ...string) *Advisory {
	a := &Advisory{ID: "GHSA-0000-0000-0001"}
	for _, text := range vectors {
		v, _ := cvss.Parse(text)
		a.CVSS = append(a.CVSS, CVSS{Version: v.Version, Vector: text, Score: v.Base()})
	}
	return a
}

func finding(a *Advisory, change ...func(*Finding)) Finding {
	f := Finding{RuleID: a.ID, Kind: KindVulnerability, Severity: Unknown, Advisory: a, Subject: "pkg:npm/lodash@4.17.15"}
	for _, c := range change {
		c(&f)
	}
	return f
}

func epss(p float64) func(*Finding) { return func(f *Finding) { f.Advisory.EPSS = &p } }
func kev(f *Finding)                { f.Advisory.KEV = true }
func called(word string) func(*Finding) {
	return func(f *Finding) { f.Called = word }
}
func at(level ExposureLevel, shields ...string) func(*Finding) {
	return func(f *Finding) {
		f.Exposure.Level, f.Exposure.Shields = level, shields
		if level == ExposureOpen || level == ExposureControlled {
			f.Exposure.Breadth = "any"
		}
	}
}

// TestRankExamples is the table of examples in docs/ranking.md.
func TestRankExamples(t *testing.T) {
	tests := []struct {
		name    string
		finding Finding
		tier    Tier
		score   int
		within  [2]int
	}{
		{"KEV, open, called", finding(rated(vector10), kev, at(ExposureOpen), called("called")), TierAct, 100, [2]int{100, 100}},
		{"same behind WAF", finding(rated(vector10), kev, at(ExposureControlled, "waf"), called("called")), TierAct, 80, [2]int{80, 80}},
		{"same, one hop behind", finding(rated(vector10), kev, at(ExposureAdjacent), called("called")), TierAct, 50, [2]int{50, 50}},
		{"same, isolated", finding(rated(vector10), kev, at(ExposureIsolated), called("called")), TierAttend, 20, [2]int{20, 20}},
		{"7.5, EPSS 0.30, open, called", finding(rated(vector75), epss(0.30), at(ExposureOpen), called("called")), TierAct, 56, [2]int{56, 56}},
		{"9.8, EPSS 0.90, exposure unknown", finding(rated(vector98), epss(0.90)), TierAttend, 57, [2]int{15, 76}},
		{"9.8, EPSS 0.02, open", finding(rated(vector98), epss(0.02), at(ExposureOpen)), TierAttend, 31, [2]int{31, 31}},
		{"9.8, EPSS 0.02, internal", finding(rated(vector98), epss(0.02), at(ExposureInternal)), TierTrackStar, 11, [2]int{11, 11}},
		{"7.5, EPSS 0.001, open, not called", finding(rated(vector75), epss(0.001), at(ExposureOpen), called("not-called")), TierTrackStar, 9, [2]int{9, 9}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := test.finding
			Rank(&f)
			if f.Tier != test.tier || f.Score != test.score || f.ScoreRange != test.within {
				t.Errorf("%s %d %v, want %s %d %v (%s)", f.Tier, f.Score, f.ScoreRange, test.tier, test.score, test.within, f.Reason)
			}
		})
	}
}

func TestRankDecides(t *testing.T) {
	development := func(f *Finding) { f.Scope = inventory.ScopeDevelopment }
	criticality := func(word string) func(*Finding) { return func(f *Finding) { f.Exposure.Criticality = word } }
	exploited := func(word string) func(*Finding) { return func(f *Finding) { f.Advisory.Exploited = word } }
	kind := func(k Kind, s Severity) func(*Finding) {
		return func(f *Finding) { f.Kind, f.Severity = k, s }
	}
	bare := func(f *Finding) { f.Advisory = nil }
	tests := []struct {
		name    string
		finding Finding
		tier    Tier
		score   int
		ssvc    SSVC
	}{
		{"development only, unknown exposure", finding(rated(vector75), epss(0.02), development), TierTrack, 3, SSVC{"none", "controlled", "yes", "medium"}},
		{"development only does not lower active and open", finding(rated(vector75), kev, at(ExposureOpen), development), TierAct, 11, SSVC{"active", "open", "yes", "medium"}},
		{"proof lowers active and open", finding(rated(vector75), kev, at(ExposureOpen), called("not-called")), TierAttend, 23, SSVC{"active", "open", "yes", "medium"}},
		{"not imported lowers what is behind a shield", finding(rated(vector75), kev, at(ExposureControlled, "waf"), called("not-imported")), TierAttend, 18, SSVC{"active", "controlled", "yes", "medium"}},
		{"public exploit", finding(rated(vector75), exploited("poc")), TierAttend, 23, SSVC{"likely", "controlled", "yes", "medium"}},
		{"vendor says exploited", finding(rated(vector75), exploited("active")), TierAct, 45, SSVC{"active", "controlled", "yes", "medium"}},
		{"total impact lifts", finding(rated(vector98), epss(0.001)), TierAttend, 24, SSVC{"none", "controlled", "yes", "high"}},
		{"criticality lifts", finding(rated(vector61), epss(0.001), criticality("high")), TierAttend, 15, SSVC{"none", "controlled", "no", "high"}},
		{"criticality and total impact", finding(rated(vector98), epss(0.001), criticality("very high")), TierAttend, 24, SSVC{"none", "controlled", "yes", "very high"}},
		{"low", finding(rated(vector33), epss(0.001)), TierTrack, 8, SSVC{"none", "controlled", "no", "medium"}},
		{"the newest standard counts", finding(rated(vector33, vector93), epss(0.001), at(ExposureOpen)), TierAttend, 30, SSVC{"none", "open", "yes", "high"}},
		{"word without vector", finding(rated(), kind(KindVulnerability, High)), TierTrackStar, 23, SSVC{"none", "controlled", "no", "medium"}},
		{"unknown severity", finding(rated()), TierTrackStar, 17, SSVC{"none", "controlled", "no", "medium"}},
		{"unmaintained", finding(rated(), kind(KindVulnerability, Info)), TierTrack, 3, SSVC{"none", "controlled", "no", "medium"}},
		{"malware, isolated, development only", finding(rated(vector33), kind(KindMalware, Critical), at(ExposureIsolated), development), TierAct, 95, SSVC{"active", "small", "yes", "medium"}},
		{"open admin port", finding(rated(), bare, kind(KindExposure, Critical), at(ExposureOpen)), TierAct, 76, SSVC{"likely", "open", "yes", "medium"}},
		{"open other port", finding(rated(), bare, kind(KindExposure, Medium), at(ExposureOpen)), TierTrackStar, 44, SSVC{"none", "open", "yes", "medium"}},
		{"misconfiguration", finding(rated(), bare, kind(KindMisconfiguration, Low)), TierTrackStar, 12, SSVC{"none", "controlled", "no", "medium"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := test.finding
			Rank(&f)
			if f.Tier != test.tier || f.Score != test.score || *f.SSVC != test.ssvc {
				t.Errorf("%s %d %+v, want %s %d %+v", f.Tier, f.Score, *f.SSVC, test.tier, test.score, test.ssvc)
			}
		})
	}
}

func TestReason(t *testing.T) {
	fixed := func(f *Finding) { f.Advisory.FixedVersions = []string{"2.17.1"} }
	log4j := func(f *Finding) { f.Subject = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1" }
	behind := func(f *Finding) {
		f.Exposure.Entry, f.Exposure.Ports = "aws_lb.web", []string{"tcp/443"}
		f.Exposure.Workloads = []inventory.ID{"aws_ecs_service.api"}
	}
	tests := []struct {
		finding Finding
		want    string
	}{
		{
			finding(rated(vector10), kev, at(ExposureOpen), behind, log4j, fixed, called("called")),
			"Act: exploited in the wild (KEV); aws_lb.web tcp/443 -> aws_ecs_service.api is open to any address without WAF; automatable; high impact; CVSS 10.0; log4j-core 2.14.1 called; fix 2.17.1",
		},
		{
			finding(rated(vector75), epss(0.9)),
			"Attend: likely exploited (EPSS 0.90); exposure unknown; automatable; CVSS 7.5; lodash 4.17.15; no fix known",
		},
		{
			finding(rated(), at(ExposureInternal), behind),
			"Track: no known exploitation; aws_lb.web tcp/443 -> aws_ecs_service.api is reachable from inside only; severity unknown; lodash 4.17.15; no fix known",
		},
		{
			finding(rated(), func(f *Finding) { f.Kind, f.Severity = KindMalware, Critical }),
			"Act: malicious code that runs where it is installed; severity critical; lodash 4.17.15; remove it",
		},
	}
	for _, test := range tests {
		f := test.finding
		Rank(&f)
		if f.Reason != test.want {
			t.Errorf("got  %s\nwant %s", f.Reason, test.want)
		}
	}
}

// The scores are those of the calculators at https://www.first.org/cvss/.
func TestEnvironmentalVector(t *testing.T) {
	fixed := func(f *Finding) { f.Advisory.FixedVersions = []string{"1.0.0"} }
	low := func(f *Finding) { f.Exposure.Criticality = "low" }
	tests := []struct {
		name    string
		finding Finding
		want    string
		score   float64
	}{
		{"v4 active, open", finding(rated(vector93), kev, at(ExposureOpen)), vector93 + "/E:A/CR:M/IR:M/AR:M", 9.0},
		{"v4 isolated", finding(rated(vector93), at(ExposureIsolated)), vector93 + "/E:U/CR:M/IR:M/AR:M/MAV:L", 4.7},
		{"v3.1 fixed, likely, internal", finding(rated(vector98), epss(0.5), at(ExposureInternal), fixed, low), vector98 + "/E:P/RL:O/CR:L/IR:L/AR:L/MAV:A", 6.2},
		{"v3.1 adjacent demands no less", finding(rated(vectorAdj), kev, at(ExposureInternal)), vectorAdj + "/E:H/CR:M/IR:M/AR:M", 8.8},
		{"none", finding(rated()), "", 0},
		{"v2 has no such metrics", finding(rated("AV:N/AC:L/Au:N/C:C/I:C/A:C")), "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			vector, score := EnvironmentalVector(&test.finding)
			if vector != test.want || score != test.score {
				t.Errorf("%s %v, want %s %v", vector, score, test.want, test.score)
			}
		})
	}
}

// The values of each input that ranking looks at, in the order in which urgency must not fall.
var (
	vectorsUp   = []string{vector33, vector61, vector75, vector98, vector10}
	epssUp      = []float64{0, 0.02, 0.0999, 0.10, 0.3, 1}
	levelsUp    = []ExposureLevel{ExposureIsolated, ExposureInternal, ExposureControlled, ExposureOpen}
	calledUp    = []string{"not-called", "imported", "not-analysed", "called"}
	criticalUp  = []string{"low", "medium", "high", "very high"}
	breadths    = []string{"restricted", "any"}
	shieldSets  = [][]string{{"waf", "auth"}, {"waf"}, {}}
	scopesUp    = []inventory.Scope{inventory.ScopeDevelopment, inventory.ScopeRuntime}
	linksUp     = []string{"inferred", "declared"}
	exploitedUp = []string{"", "active"}
)

// dimensions are the sizes of the lists above; a point picks one value of each.
var dimensions = []int{len(vectorsUp), len(epssUp), len(levelsUp), len(calledUp), len(criticalUp), len(breadths), len(shieldSets), len(scopesUp), len(linksUp), len(exploitedUp)}

func point(p []int) Finding {
	a := rated(vectorsUp[p[0]])
	score := epssUp[p[1]]
	a.EPSS, a.Exploited = &score, exploitedUp[p[9]]
	f := finding(a)
	f.Called, f.Scope = calledUp[p[3]], scopesUp[p[7]]
	f.Exposure = Exposure{Level: levelsUp[p[2]], Criticality: criticalUp[p[4]], Breadth: breadths[p[5]], Shields: shieldSets[p[6]], Link: linksUp[p[8]]}
	return f
}

// TestRankProperties looks at every combination of values: more of any factor never ranks lower, in tier and in
// score, which covers that exposed is never below internal and that a shield never raises.
func TestRankProperties(t *testing.T) {
	type ranked struct{ tier, score int }
	rank := func(p []int) ranked {
		f := point(p)
		r := newRanking(&f)
		score, _ := r.score()
		if score < 0 || score > 100 {
			t.Fatalf("score %d of %+v", score, f)
		}
		return ranked{-slices.Index(Tiers, r.tier()), score}
	}
	total := 1
	for _, n := range dimensions {
		total *= n
	}
	unpack := func(i int) []int {
		p := make([]int, len(dimensions))
		for d, n := range dimensions {
			p[d], i = i%n, i/n
		}
		return p
	}
	step := 1
	if testing.Short() {
		step = 37
	}
	all := make(map[int]ranked, total/step)
	get := func(i int) ranked {
		r, ok := all[i]
		if !ok {
			r = rank(unpack(i))
			all[i] = r
		}
		return r
	}
	for i := 0; i < total; i += step {
		p, here, stride := unpack(i), get(i), 1
		for d, n := range dimensions {
			if p[d]+1 < n {
				if more := get(i + stride); more.tier < here.tier || more.score < here.score {
					t.Fatalf("dimension %d up: %+v falls to %+v at %+v", d, here, more, point(p))
				}
			}
			stride *= n
		}
	}
}

// TestRankAdjacent places the hop behind an exposed workload, whose factor does not depend on shields: above what is
// internal and below what is open.
func TestRankAdjacent(t *testing.T) {
	for i := range 5000 {
		p := make([]int, len(dimensions))
		for d, n := range dimensions {
			p[d] = i / (d + 1) % n
		}
		internal, adjacent, open := point(p), point(p), point(p)
		internal.Exposure.Level = ExposureInternal
		adjacent.Exposure.Level = ExposureAdjacent
		open.Exposure.Level, open.Exposure.Breadth, open.Exposure.Shields = ExposureOpen, "any", nil
		for _, f := range []*Finding{&internal, &adjacent, &open} {
			Rank(f)
		}
		if internal.Score > adjacent.Score || adjacent.Score > open.Score || !adjacent.Tier.AtLeast(internal.Tier) || !open.Tier.AtLeast(adjacent.Tier) {
			t.Fatalf("internal %s %d, adjacent %s %d, open %s %d", internal.Tier, internal.Score, adjacent.Tier, adjacent.Score, open.Tier, open.Score)
		}
	}
}

// TestRankUnknown checks that whatever an unknown exposure turns out to be, the score was announced.
func TestRankUnknown(t *testing.T) {
	for _, vector := range vectorsUp {
		for _, p := range epssUp {
			for _, called := range calledUp {
				base := finding(rated(vector), epss(p))
				base.Called = called
				Rank(&base)
				if base.Score < base.ScoreRange[0] || base.Score > base.ScoreRange[1] {
					t.Errorf("%d is outside of %v", base.Score, base.ScoreRange)
				}
				for _, level := range append(levelsUp, ExposureAdjacent) {
					for _, breadth := range breadths {
						for _, shields := range shieldSets {
							f := base
							f.Exposure = Exposure{Level: level, Breadth: breadth, Shields: shields}
							Rank(&f)
							if f.Score < base.ScoreRange[0] || f.Score > base.ScoreRange[1] {
								t.Errorf("known to be %s, %d is outside of %v", level, f.Score, base.ScoreRange)
							}
						}
					}
				}
			}
		}
	}
}

// TestRankOddNumbers feeds what no honest source gives.
func TestRankOddNumbers(t *testing.T) {
	for _, p := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 2} {
		for _, score := range []float64{math.NaN(), math.Inf(1), -1, 11} {
			a := rated(vector75)
			a.EPSS, a.CVSS[0].Score = &p, score
			f := finding(a)
			Rank(&f)
			if f.Score < 0 || f.Score > 100 || f.ScoreRange[0] < 0 || f.ScoreRange[1] > 100 {
				t.Errorf("EPSS %v, CVSS %v: score %d %v", p, score, f.Score, f.ScoreRange)
			}
		}
	}
}

// TestCompare checks that the order of findings is one: what comes before does not also come after.
func TestCompare(t *testing.T) {
	var findings []Finding
	for i := range 200 {
		p := make([]int, len(dimensions))
		for d, n := range dimensions {
			p[d] = (i*7919 + d*104729) / (d + 1) % n
		}
		f := point(p)
		if i%3 == 0 {
			f.Fix = &Fix{}
		}
		Rank(&f)
		findings = append(findings, f)
	}
	for _, f := range findings {
		for _, g := range findings {
			if f.Compare(g) != -g.Compare(f) {
				t.Fatalf("%+v and %+v have two orders", f, g)
			}
		}
	}
}

func TestBreaking(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{"4.17.15", "4.17.21", false}, {"4.17.15", "5.0.0", true}, {"v1.2.0", "1.9.9", false}, {"0.4.7", "0.4.9", false}, {"0.4.7", "0.5.0", true},
		{"0", "0.0.1", false}, {"1", "1.2", false}, {"2.0.0-rc.1", "2.0.0", false}, {"5.3.0.Final", "5.4.1.Final", false}, {"Finchley", "Greenwich", true}, {"", "1.0.0", true},
	}
	for _, test := range tests {
		if got := (&Upgrade{From: test.from, To: test.to}).Breaking(); got != test.want {
			t.Errorf("%q to %q: %v", test.from, test.to, got)
		}
	}
}

func TestCompareEffort(t *testing.T) {
	up := func(to string) *Fix { return &Fix{Upgrade: &Upgrade{From: "1.0.0", To: to}} }
	ordered := []Finding{{Tier: TierAct, Fix: &Fix{}}, {Tier: TierAct, Fix: up("2.0.0")}, {Tier: TierAct}}
	for i := range ordered[1:] {
		if ordered[i].Compare(ordered[i+1]) >= 0 {
			t.Errorf("%+v does not come before %+v", ordered[i], ordered[i+1])
		}
	}
	if ordered[0].Compare(Finding{Tier: TierAct, Fix: up("1.0.1")}) != 0 {
		t.Error("a compatible upgrade costs more than an edit")
	}
}

func BenchmarkRank(b *testing.B) {
	f := finding(rated(vector98, vector93), epss(0.3))
	for b.Loop() {
		Rank(&f)
	}
}
