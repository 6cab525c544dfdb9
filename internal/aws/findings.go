package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
)

// The bounds of findings. Inspector's own are far above what an image that somebody keeps up has.
const (
	maxFindings = 2000 // of one image
	maxPackages = 20   // of one finding
	maxWord     = 256  // bytes of a name or version
)

// scan asks what Inspector found in images. EC2 knows it for every image that Inspector has scanned, public ones included, but
// names packages only; Inspector itself, where the account uses it, also knows versions and vectors.
func (r *Region) scan(ctx context.Context, ec2, inspector *service, ids []string) {
	if len(ids) > maxScanned {
		r.refuse(getImageFindings, TooMuch)
		ids = ids[:maxScanned]
	}
	for _, id := range ids {
		found, unread, err := ec2.findings(ctx, id)
		if err != nil {
			why := code(err)
			r.refuse(getImageFindings, why)
			if strings.HasPrefix(why, "InvalidAMIID") {
				continue // it is gone since, and the next one is not
			}
			break
		}
		if unread {
			r.refuse(getImageFindings, Unread)
		}
		r.Image(id).merge(found)
	}
	for batch := range slices.Chunk(ids, 10) { // values of one filter
		if err := inspector.details(ctx, batch, func(id string, f Finding) {
			if image := r.Image(id); image != nil && slices.Contains(batch, id) {
				image.merge([]Finding{f})
			}
		}); err != nil {
			r.refuse(listFindings, code(err))
			break
		}
	}
	for i := range r.Images {
		slices.SortFunc(r.Images[i].Findings, func(a, b Finding) int { return cmp.Compare(a.ID, b.ID) })
	}
}

// merge adds findings to those of an image. What one source knows better than the other is kept.
func (i *Image) merge(found []Finding) {
	for _, f := range found {
		at := slices.IndexFunc(i.Findings, func(g Finding) bool { return g.ID == f.ID })
		if at < 0 {
			if len(i.Findings) < maxFindings {
				i.Findings = append(i.Findings, f)
			}
			continue
		}
		g := &i.Findings[at]
		g.Severity, g.Score = cmp.Or(g.Severity, f.Severity), max(g.Score, f.Score)
		g.Fixable, g.Exploit = g.Fixable || f.Fixable, g.Exploit || f.Exploit
		for _, v := range f.Vectors {
			if !slices.Contains(g.Vectors, v) {
				g.Vectors = append(g.Vectors, v)
			}
		}
		for _, p := range f.Packages {
			k := slices.IndexFunc(g.Packages, func(q Package) bool {
				return q.Name == p.Name && (q.Version == p.Version || q.Version == "" || p.Version == "")
			})
			switch {
			case k >= 0:
				g.Packages[k].Version, g.Packages[k].Fixed = cmp.Or(g.Packages[k].Version, p.Version), cmp.Or(g.Packages[k].Fixed, p.Fixed)
			case len(g.Packages) < maxPackages:
				g.Packages = append(g.Packages, p)
			}
		}
	}
}

// findings asks GetImageFindings, all pages of it
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageFindings.html). unread says that some have a title that
// names no vulnerability.
func (s *service) findings(ctx context.Context, id string) (all []Finding, unread bool, err error) {
	form := query("GetImageFindings")
	form.Set("ImageId", id)
	err = s.pages(ctx, form, func(data []byte) (string, error) {
		page, next, skipped, err := parseFindings(data)
		all, unread = append(all, page...), unread || skipped > 0
		return next, err
	})
	return all, unread, err
}

// titleForm is how Inspector calls a finding: the vulnerability, then the packages (CVE-2024-0727 - openssl-libs, openssl), or
// the update of Windows alone (KB5023697).
var titleForm = lazy.Regexp(`^(CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|KB\d{5,9}|[A-Z][A-Z0-9]{1,20}(?:[-:][A-Za-z0-9]+){1,6})(?:\s+-\s+(.+))?$`)

func parseFindings(data []byte) (found []Finding, next string, skipped int, err error) {
	var page struct {
		XMLName  xml.Name `xml:"GetImageFindingsResponse"`
		Findings []struct {
			Title    string  `xml:"title"`
			Severity string  `xml:"severityLabel"`
			Score    float64 `xml:"score"`
			Fixable  bool    `xml:"fixAvailable"`
		} `xml:"imageFindingSet>item"`
		Next string `xml:"nextToken"`
	}
	if err := xml.Unmarshal(data, &page); err != nil {
		return nil, "", 0, fmt.Errorf("read the findings: %w", err)
	}
	for _, f := range page.Findings {
		m := titleForm().FindStringSubmatch(strings.TrimSpace(f.Title))
		if m == nil {
			skipped++
			continue
		}
		next := Finding{ID: m[1], Severity: severity(f.Severity), Score: score(f.Score), Fixable: f.Fixable}
		for name := range strings.SplitSeq(m[2], ",") {
			if name = word(name); name != "" && len(next.Packages) < maxPackages {
				next.Packages = append(next.Packages, Package{Name: name})
			}
		}
		found = append(found, next)
	}
	return found, page.Next, skipped, nil
}

// details asks ListFindings for images (https://docs.aws.amazon.com/inspector/v2/APIReference/API_ListFindings.html).
func (s *service) details(ctx context.Context, ids []string, add func(id string, f Finding)) error {
	type equal struct {
		Comparison string `json:"comparison"`
		Value      string `json:"value"`
	}
	question := struct {
		Criteria map[string][]equal `json:"filterCriteria"`
		Max      int                `json:"maxResults"`
		Next     string             `json:"nextToken,omitempty"`
	}{Criteria: map[string][]equal{"findingStatus": {{"EQUALS", "ACTIVE"}}, "findingType": {{"EQUALS", "PACKAGE_VULNERABILITY"}}}, Max: 100}
	for _, id := range ids {
		question.Criteria["machineImageId"] = append(question.Criteria["machineImageId"], equal{"EQUALS", id})
	}
	for range 10 * maxPages { // they are short
		body, err := json.Marshal(question)
		if err != nil {
			return fmt.Errorf("write the question: %w", err)
		}
		data, err := s.web.Do(ctx, http.MethodPost, s.address+"findings/list", jsonBody, body)
		if err != nil {
			return err
		}
		if question.Next, err = parseDetails(data, add); err != nil || question.Next == "" {
			return err
		}
	}
	return errPages
}

func parseDetails(data []byte, add func(id string, f Finding)) (next string, err error) {
	var page struct {
		Next     string `json:"nextToken"`
		Findings []struct {
			Severity  string  `json:"severity"`
			Inspector float64 `json:"inspectorScore"`
			Fix       string  `json:"fixAvailable"`
			Exploit   string  `json:"exploitAvailable"`
			Details   struct {
				ID       string `json:"vulnerabilityId"`
				Packages []struct {
					Name    string `json:"name"`
					Version string `json:"version"`
					Release string `json:"release"`
					Epoch   int    `json:"epoch"`
					Fixed   string `json:"fixedInVersion"`
				} `json:"vulnerablePackages"`
				CVSS []struct {
					Vector string `json:"scoringVector"`
				} `json:"cvss"`
			} `json:"packageVulnerabilityDetails"`
			Resources []struct {
				Details struct {
					Image struct {
						ID string `json:"machineImageId"`
					} `json:"machineImage"`
				} `json:"details"`
			} `json:"resources"`
		} `json:"findings"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return "", fmt.Errorf("read the findings: %w", err)
	}
	for _, f := range page.Findings {
		m := titleForm().FindStringSubmatch(f.Details.ID)
		if m == nil || m[2] != "" {
			continue
		}
		next := Finding{ID: m[1], Severity: severity(f.Severity), Score: score(f.Inspector), Fixable: f.Fix == "YES" || f.Fix == "PARTIAL", Exploit: f.Exploit == "YES"}
		for _, p := range f.Details.Packages {
			if name := word(p.Name); name != "" && len(next.Packages) < maxPackages {
				next.Packages = append(next.Packages, Package{Name: name, Version: version(p.Epoch, p.Version, p.Release), Fixed: word(p.Fixed)})
			}
		}
		for _, c := range f.Details.CVSS {
			if vector := word(c.Vector); vector != "" && len(next.Vectors) < 4 {
				next.Vectors = append(next.Vectors, vector)
			}
		}
		for _, resource := range f.Resources {
			if id := resource.Details.Image.ID; imageID().MatchString(id) {
				add(id, next)
			}
		}
	}
	return page.Next, nil
}

// version writes a version as package managers of systems do: 1:3.0.8-1.amzn2023.
func version(epoch int, text, release string) string {
	text = word(text)
	if text == "" {
		return ""
	}
	if release = word(release); release != "" {
		text += "-" + release
	}
	if epoch > 0 {
		text = strconv.Itoa(epoch) + ":" + text
	}
	return text
}

// severity returns Inspector's word in small letters; empty where it is none of its words.
func severity(label string) string {
	label = strings.ToLower(label)
	if slices.Contains([]string{"critical", "high", "medium", "low", "informational", "untriaged"}, label) {
		return label
	}
	return ""
}

// score returns a score of CVSS; 0 where it can't be one.
func score(s float64) float64 {
	if s > 0 && s <= 10 {
		return s
	}
	return 0
}

// word returns a name or version in one line of bounded length; empty where it has anything that can't be shown.
func word(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > maxWord || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0xfffd }) {
		return ""
	}
	return text
}
