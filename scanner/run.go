package scanner

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Scanner judges an inventory. Equal input gives equal output in equal order.
type Scanner interface {
	Name() string
	Scan(ctx context.Context, inv *inventory.Inventory) (*Judgement, error)
}

// Judgement is what one Scanner has to say.
type Judgement struct {
	Rules    []Rule
	Findings []Finding
	Notices  []inventory.Notice // what could not be judged
}

// Run asks the scanners in turn and returns the ranked result. Whoever calls it fills Tool, Target and Run.
func Run(ctx context.Context, inv *inventory.Inventory, scanners ...Scanner) (*Result, error) {
	res, err := Collect(ctx, inv, scanners...)
	if err != nil {
		return nil, err
	}
	res.Rank()
	return res, nil
}

// Collect asks the scanners in turn and returns what they say, not yet ranked: what is known about findings beside their
// scanners, such as their exposure, is filled in before Result.Rank is called.
func Collect(ctx context.Context, inv *inventory.Inventory, scanners ...Scanner) (*Result, error) {
	res := &Result{
		SchemaVersion: SchemaVersion, Packages: inv.Packages, Images: inv.Images,
		Links: inv.Links, Notices: slices.Clone(inv.Notices),
	}
	for _, r := range inv.Resources {
		res.Resources = append(res.Resources, r.Redacted())
	}
	for _, s := range scanners {
		judgement, err := s.Scan(ctx, inv)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name(), err)
		}
		res.Add(judgement)
	}
	res.MachineImages = inv.MachineImages // their ends of life are known by now
	return res, nil
}

// Add puts what one more scanner says into a result that is to be ranked.
func (r *Result) Add(judgement *Judgement) {
	r.Rules = append(r.Rules, judgement.Rules...)
	r.Findings = append(r.Findings, judgement.Findings...)
	r.Notices = append(r.Notices, judgement.Notices...)
}

// Rank gives every finding its status, tier, score and fingerprint and puts the result into its order. It may be called
// again after findings were added.
func (r *Result) Rank() {
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Status = cmp.Or(f.Status, StatusNew)
		if f.Exposure.Level == "" {
			f.Exposure.Level = ExposureUnknown
		}
		Rank(f)
	}
	fingerprint(r.Findings)
	r.Sort()
	r.Summarize()
	r.Normalize()
}

// Sort puts the result into the order in which it is reported.
func (r *Result) Sort() {
	slices.SortStableFunc(r.Findings, Finding.Compare)
	slices.SortStableFunc(r.Fixed, Finding.Compare)
	slices.SortStableFunc(r.Rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	r.Rules = slices.CompactFunc(r.Rules, func(a, b Rule) bool { return a.ID == b.ID })
	inventory.SortNotices(r.Notices)
}

// Summarize counts the findings that are not suppressed.
func (r *Result) Summarize() {
	r.Summary = Summary{BySeverity: map[Severity]int{}, ByTier: map[Tier]int{}, ExposedWorkloads: len(r.AttackSurface.ExposedWorkloads)}
	for _, s := range Severities {
		r.Summary.BySeverity[s] = 0
	}
	for _, t := range Tiers {
		r.Summary.ByTier[t] = 0
	}
	for _, f := range r.Findings {
		if f.Status == StatusSuppressed {
			r.Summary.Suppressed++
			continue
		}
		r.Summary.BySeverity[f.Severity]++
		r.Summary.ByTier[f.Tier]++
	}
}

// Normalize turns nil lists into empty ones: in the JSON form a list is a list, whether or not it has elements.
func (r *Result) Normalize() {
	orEmpty(&r.Packages)
	orEmpty(&r.Images)
	orEmpty(&r.MachineImages)
	orEmpty(&r.Resources)
	orEmpty(&r.Links)
	orEmpty(&r.Workloads)
	orEmpty(&r.Rules)
	orEmpty(&r.Findings)
	orEmpty(&r.Fixed)
	orEmpty(&r.Notices)
	orEmpty(&r.AttackSurface.EntryPoints)
	orEmpty(&r.AttackSurface.ExposedWorkloads)
	for i := range r.AttackSurface.EntryPoints {
		e := &r.AttackSurface.EntryPoints[i]
		orEmpty(&e.Ports)
		orEmpty(&e.Sources)
		orEmpty(&e.Shields)
	}
	for i := range r.Packages {
		p := &r.Packages[i]
		orEmpty(&p.Licenses)
		orEmpty(&p.Hashes)
		orEmpty(&p.Dependencies)
		orEmpty(&p.Workloads)
		orEmpty(&p.Locations)
	}
	for i := range r.Images {
		orEmpty(&r.Images[i].Locations)
		orEmpty(&r.Images[i].Workloads)
	}
	for i := range r.MachineImages {
		orEmpty(&r.MachineImages[i].Locations)
		orEmpty(&r.MachineImages[i].Workloads)
	}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		for _, list := range []*[]string{&w.Ports, &w.Family, &w.Sources, &w.Shields, &w.Assumptions} {
			orEmpty(list)
		}
		orEmpty(&w.Paths)
		orEmpty(&w.Blocked)
		orEmpty(&w.Unknown)
		orEmpty(&w.Runs)
	}
	for i := range r.Links {
		orEmpty(&r.Links[i].Evidence)
	}
	for _, findings := range [][]Finding{r.Findings, r.Fixed} {
		for i := range findings {
			findings[i].normalize()
		}
	}
}

func (f *Finding) normalize() {
	orEmpty(&f.Related)
	orEmpty(&f.Exposure.Workloads)
	if a := f.Advisory; a != nil {
		orEmpty(&a.Aliases)
		orEmpty(&a.CWE)
		orEmpty(&a.CVSS)
		orEmpty(&a.FixedVersions)
	}
	if f.Fix != nil && f.Fix.Upgrade != nil {
		orEmpty(&f.Fix.Upgrade.Files)
	}
}

func orEmpty[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}

// fingerprintVersion changes when the meaning of FingerprintKey does.
const fingerprintVersion = 1

// fingerprint gives each finding 32 hexadecimal digits of the SHA-256 of its key; equal ones are told apart by /2, /3
// in the order of their places.
func fingerprint(findings []Finding) {
	order := make([]int, len(findings))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return findings[a].Location.Compare(findings[b].Location) })
	seen := make(map[string]int, len(findings))
	for _, i := range order {
		f := &findings[i]
		sum := sha256.Sum256([]byte(strings.Join(f.FingerprintKey, "\x00")))
		f.Fingerprint = hex.EncodeToString(sum[:16])
		f.FingerprintVersion = fingerprintVersion
		seen[f.Fingerprint]++
		if n := seen[f.Fingerprint]; n > 1 {
			f.Fingerprint += "/" + strconv.Itoa(n)
		}
	}
}
