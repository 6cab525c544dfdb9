package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// The levels of an annotation, gravest first; also the names of the workflow commands.
const (
	levelError   = "error"
	levelWarning = "warning"
	levelNotice  = "notice"
)

var annotationLevels = []string{levelError, levelWarning, levelNotice}

// The limits of GitHub: annotations of each level that a step may have
// (https://docs.github.com/en/rest/checks/runs), and characters of a title. A message may have 64 KB, which eight findings
// never reach.
const (
	annotationsPerLevel = 10
	titleLimit          = 255
)

// annotation is one remark on one line.
type annotation struct {
	location inventory.Location // zero: on no file
	title    string
	message  string
}

// Annotate puts the findings that matter on their lines: the first thirty lines in the order of the result, what is
// new only where the result has a base. All findings of one line share one annotation. A finding is an error at tier act,
// a warning at tier attend and a notice otherwise; when a level is full the next lower one takes over, and a notice says
// how much is left for the other reports. The notices of the result follow: on their lines as far as there is room, the
// others together in the last annotation.
func (w *Workflow) Annotate(res *scanner.Result) error {
	groups := onLines(res.Findings)
	kept := 0 // for the notices of the result that share an annotation
	if len(res.Notices) > 0 {
		kept = 1
	}
	var shown int
	for _, g := range groups {
		level := w.free(levelOf(g[0].Tier), kept+1)
		if level == "" {
			break
		}
		if err := w.annotate(level, describe(g, res.AttackSurface.Evaluated)); err != nil {
			return err
		}
		shown++
	}
	if rest := groups[shown:]; len(rest) > 0 {
		n := 0
		for _, g := range rest {
			n += len(g)
		}
		message := fmt.Sprintf("%s on %s: GitHub shows at most %d annotations of each level; the step summary and the result file have all",
			count(n, "more finding"), count(len(rest), "more line"), annotationsPerLevel)
		if err := w.Notice("trifecta: more findings", message); err != nil {
			return err
		}
	}
	var together []inventory.Notice
	for _, n := range res.Notices {
		if n.Location == nil || n.Location.Line == 0 || w.free(levelNotice, kept) == "" {
			together = append(together, n)
			continue
		}
		a := annotation{location: *n.Location, title: "trifecta: " + n.Code, message: cut(clean(n.Message), 1000)}
		if err := w.annotate(levelNotice, a); err != nil {
			return err
		}
	}
	if len(together) > 0 {
		return w.annotate(levelNotice, list(together))
	}
	return nil
}

// LineAnnotation is a remark on one line, for a place that GitHub's checks API fills.
type LineAnnotation struct {
	Path    string
	Line    int
	Level   string // failure, warning or notice
	Title   string // at most 255 characters
	Message string
}

// LineAnnotations returns what Annotate shows without its limits for each level: one remark for each line with findings
// that count, in the order of the result, at most limit, and how many findings with a line are left over. Findings that
// have no line are in neither.
func LineAnnotations(res *scanner.Result, limit int) (all []LineAnnotation, left int) {
	for _, group := range onLines(res.Findings) {
		at := group[0].Location
		if at.Path == "" || at.Line <= 0 {
			continue
		}
		if len(all) == limit {
			left += len(group)
			continue
		}
		level := levelOf(group[0].Tier)
		if level == levelError {
			level = "failure"
		}
		a := describe(group, res.AttackSurface.Evaluated)
		all = append(all, LineAnnotation{at.Path, at.Line, level, cut(clean(a.title), titleLimit), plainLines(a.message)})
	}
	return all, left
}

// free returns level or the next lower one that can take an annotation, keeping some notices back; empty if none can.
func (w *Workflow) free(level string, noticesKept int) string {
	for _, l := range annotationLevels[slices.Index(annotationLevels, level):] {
		limit := annotationsPerLevel
		if l == levelNotice {
			limit -= noticesKept
		}
		if w.used[l] < limit {
			return l
		}
	}
	return ""
}

func (w *Workflow) annotate(level string, a annotation) error {
	if w.used[level] >= annotationsPerLevel {
		return fmt.Errorf("a step has at most %d annotations of level %s", annotationsPerLevel, level)
	}
	properties := githubactions.CommandProperties{"title": cut(clean(a.title), titleLimit)}
	switch path := a.location.Path; {
	case path == "":
	case clean(path) != path: // the name itself would do harm in the log
		a.message = placeOf(a.location) + "\n" + a.message
	default:
		properties["file"] = path
		if a.location.Line > 0 {
			properties["line"] = strconv.Itoa(a.location.Line)
		}
	}
	w.used[level]++
	command := &githubactions.Command{Name: level, Properties: properties, Message: plainLines(a.message)}
	return w.do(func(action *githubactions.Action) { action.IssueCommand(command) })
}

func levelOf(t scanner.Tier) string {
	switch t {
	case scanner.TierAct:
		return levelError
	case scanner.TierAttend:
		return levelWarning
	}
	return levelNotice
}

// onLines groups the findings that count by the line they stand on, in the order of the first of each group.
func onLines(findings []scanner.Finding) [][]*scanner.Finding {
	type place struct {
		path string
		line int
	}
	index := map[place]int{}
	var groups [][]*scanner.Finding
	for i := range findings {
		f := &findings[i]
		if f.Status == scanner.StatusSuppressed || f.Status == scanner.StatusExisting {
			continue
		}
		at := place{f.Location.Path, f.Location.Line}
		g, ok := index[at]
		if !ok {
			g = len(groups)
			index[at] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], f)
	}
	return groups
}

// findingsPerAnnotation keeps an annotation readable; the rest is counted.
const findingsPerAnnotation = 8

// describe writes one annotation for the findings of one line; their exposure only where the network was looked at.
func describe(group []*scanner.Finding, evaluated bool) annotation {
	first := group[0]
	a := annotation{
		location: first.Location,
		title:    fmt.Sprintf("trifecta %s: %s", first.Tier, first.RuleID),
	}
	if n := len(group) - 1; n > 0 {
		a.title += fmt.Sprintf(" and %d more", n)
	}
	var b strings.Builder
	var fixes []string
	for i, f := range group {
		if i == findingsPerAnnotation {
			fmt.Fprintf(&b, "... and %d more on this line\n", len(group)-i)
			break
		}
		fmt.Fprintf(&b, "[%s, %s", f.Tier, f.Severity)
		if evaluated {
			fmt.Fprintf(&b, ", exposure %s", cmp.Or(f.Exposure.Level, scanner.ExposureUnknown))
		}
		fmt.Fprintf(&b, "] %s\n", cut(clean(f.Message), 1000))
		if fix := f.Fix; fix != nil && fix.Message != "" && !slices.Contains(fixes, fix.Message) && !saysUpgrade(f) {
			fixes = append(fixes, fix.Message)
		}
	}
	if len(first.Related) > 0 && first.Related[0].Location.Path != "" {
		r := first.Related[0]
		fmt.Fprintf(&b, "Brought in at %s: %s\n", placeOf(r.Location), cut(clean(r.Message), 300))
	}
	for _, fix := range fixes {
		fmt.Fprintf(&b, "Fix: %s\n", cut(clean(fix), 500))
	}
	a.message = strings.TrimSuffix(b.String(), "\n")
	return a
}

// saysUpgrade reports whether the message of a finding names the version to upgrade to.
func saysUpgrade(f *scanner.Finding) bool {
	return f.Fix.Upgrade != nil && strings.Contains(f.Message, "upgrade to "+f.Fix.Upgrade.To)
}

// placeOf writes a location as path:line.
func placeOf(l inventory.Location) string {
	path := cut(clean(l.Path), 300)
	if l.Line > 0 {
		return path + ":" + strconv.Itoa(l.Line)
	}
	return path
}

// noticesPerAnnotation bounds the list of what was not looked at.
const noticesPerAnnotation = 10

// list writes one annotation for several notices.
func list(notices []inventory.Notice) annotation {
	a := annotation{title: "trifecta: " + count(len(notices), "notice") + " about this scan"}
	var lines []string
	for i, n := range notices {
		if i == noticesPerAnnotation {
			lines = append(lines, fmt.Sprintf("... and %d more in the step summary", len(notices)-i))
			break
		}
		line := cut(clean(n.Message), 500)
		if n.Location != nil && n.Location.Line > 0 {
			line = placeOf(*n.Location) + ": " + line
		}
		lines = append(lines, line)
	}
	a.message = strings.Join(lines, "\n")
	return a
}

// plainLines cleans each line of a text.
func plainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}
