package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// JUnit writes findings as the test report that every CI system shows (https://github.com/testmoapp/junitxml): a suite
// for each file, a failed case for each finding, a skipped case for each that is suppressed and for each notice. A result
// without any of them has one case that passed.
func JUnit(w io.Writer, res *scanner.Result, _ Options) error {
	doc := junitSuites{Name: "trifecta"}
	index := map[string]int{}
	suite := func(name string) *junitSuite {
		i, ok := index[name]
		if !ok {
			i = len(doc.Suites)
			index[name] = i
			doc.Suites = append(doc.Suites, junitSuite{Name: name})
		}
		return &doc.Suites[i]
	}
	byID := map[string]*scanner.Rule{}
	for i := range res.Rules {
		byID[res.Rules[i].ID] = &res.Rules[i]
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		s := suite(cmp.Or(clean(f.Location.Path), clean(string(f.Subject)), "repository"))
		c := junitCase{Name: clean(f.RuleID + " in " + string(f.Subject)), Class: s.Name, File: clean(f.Location.Path), Line: f.Location.Line}
		if f.Status == scanner.StatusSuppressed {
			c.Skipped = &junitNote{Message: "suppressed"}
			if f.Suppression != nil {
				c.Skipped.Message = clean("suppressed: " + f.Suppression.Reason)
			}
			s.Skipped++
		} else {
			c.Failure = &junitNote{
				Message: fmt.Sprintf("[%s, %s, exposure %s] %s", f.Tier, f.Severity, f.Exposure.Level, clean(f.Message)),
				Type:    string(f.Kind),
				Text:    junitText(f, byID[f.RuleID]),
			}
			s.Failures++
		}
		s.add(c)
	}
	for _, n := range res.Notices {
		s := suite("notices")
		s.Skipped++
		s.add(junitCase{Name: clean(n.Code), Class: s.Name, Skipped: &junitNote{Message: noticeText(n)}})
	}
	if len(doc.Suites) == 0 {
		s := suite("repository")
		s.add(junitCase{Name: "no findings", Class: s.Name})
	}
	for _, s := range doc.Suites {
		doc.Tests += s.Tests
		doc.Failures += s.Failures
		doc.Skipped += s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// junitText is what stands below the message: place, reason, way out, page.
func junitText(f *scanner.Finding, rule *scanner.Rule) string {
	var lines []string
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, label+": "+clean(text))
		}
	}
	add("place", where(f.Location))
	add("reason", f.Reason)
	if f.Fix != nil {
		add("fix", f.Fix.Message)
	}
	if rule != nil {
		add("page", httpURL(rule.URL))
	}
	return strings.Join(lines, "\n")
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	s.Cases = append(s.Cases, c)
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	File    string     `xml:"file,attr,omitempty"`
	Line    int        `xml:"line,attr,omitempty"`
	Failure *junitNote `xml:"failure"`
	Skipped *junitNote `xml:"skipped"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}
