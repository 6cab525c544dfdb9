package fix

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// WriteText writes the plan for people: each change with what it clears and why it is this one, then what stays.
func (p *Plan) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	// A finding may be cleared by one change and be left by another; it counts once.
	seen := map[string]bool{}
	for i := range p.Changes {
		for _, f := range p.Changes[i].Clears {
			seen[f.Fingerprint] = true
		}
	}
	cleared := len(seen)
	for i := range p.Unfixed {
		seen[p.Unfixed[i].Fingerprint] = true
	}
	switch {
	case len(p.Changes) == 0 && len(p.Unfixed) == 0:
		fmt.Fprintln(b, "Nothing to fix.")
	case len(p.Changes) == 0:
		fmt.Fprintf(b, "No change clears any of %s.\n", count(len(seen), "finding"))
	default:
		fmt.Fprintf(b, "%s of %s.\n", would(len(p.Changes), cleared), count(len(seen), "finding"))
	}
	for i := range p.Changes {
		fmt.Fprintln(b)
		p.Changes[i].writeText(b, i+1)
	}
	if len(p.Unfixed) > 0 {
		fmt.Fprintf(b, "\nNot fixed:\n")
	}
	var unfixed []Finding
	for i := range p.Unfixed {
		unfixed = append(unfixed, p.Unfixed[i].Finding)
	}
	for _, g := range together(unfixed) {
		fmt.Fprintf(b, "  %s\n      %s\n", g, scanner.Plain(g[0].Why))
	}
	for _, n := range p.Notices {
		fmt.Fprintf(b, "\nnotice: %s\n", scanner.Plain(n.Message))
	}
	return b.Flush()
}

func would(changes, cleared int) string {
	if changes == 1 {
		return fmt.Sprintf("1 change clears %d", cleared)
	}
	return fmt.Sprintf("%d changes clear %d", changes, cleared)
}

func at(f *Finding) string {
	if f.Location.Line == 0 {
		return f.Location.Path
	}
	return fmt.Sprintf("%s:%d", f.Location.Path, f.Location.Line)
}

func (c *Change) writeText(w io.Writer, number int) {
	mark := ""
	if c.Major {
		mark = " (may break: a new major version)"
	}
	fmt.Fprintf(w, "%d. %s%s\n", number, c.Title, mark)
	line := func(label, text string) { fmt.Fprintf(w, "   %-8s %s\n", label, text) }
	for _, u := range c.Upgrades {
		text := fmt.Sprintf("%s %s -> %s in %s, %s", u.Package, u.From, u.To, u.Path, u.How)
		if u.Published != nil {
			text += ", published " + u.Published.Format("2006-01-02")
		}
		line("change", scanner.Plain(text))
	}
	// A map of images has hundreds of lines; programs get all of them.
	const most = 20
	rest := func(label string, n int) {
		if n > most {
			line(label, fmt.Sprintf("and %d more", n-most))
		}
	}
	for i := range c.Bumps[:min(len(c.Bumps), most)] {
		line("image", c.Bumps[i].String())
	}
	rest("image", len(c.Bumps))
	for _, e := range c.Edits[:min(len(c.Edits), most)] {
		line("change", fmt.Sprintf("%s:%d", e.Path, e.Line))
	}
	rest("change", len(c.Edits))
	clears := together(c.Clears)
	for _, g := range clears[:min(len(clears), most)] {
		line("clears", g.String())
	}
	rest("clears", len(clears))
	for _, g := range together(c.Remains) {
		line("remains", fmt.Sprintf("%s: %s", g, scanner.Plain(g[0].Why)))
	}
	for _, reason := range c.Reasons {
		line("why", scanner.Plain(reason))
	}
	if p := c.Proof; p != nil {
		text := fmt.Sprintf("scanned again: %s before, %d after, %d cleared, %d new", count(p.Before, "finding"), p.After, len(p.Cleared), len(p.New))
		if p.Together > 0 {
			text = fmt.Sprintf("scanned again with all %d changes: %s before, %d after, %d cleared by this one, %d new", p.Together, count(p.Before, "finding"), p.After, len(p.Cleared), len(p.New))
		}
		line("proof", text)
	}
	if p := c.Proof; p != nil {
		for _, g := range together(p.Unproven) {
			line("unproven", fmt.Sprintf("%s: %s", g, g[0].Why))
		}
	}
	if len(c.Files) > 0 {
		line("files", strings.Join(c.Files, ", "))
	}
}

// findings are some of one package or resource in one file that share a reason.
type findings []Finding

// together groups findings without changing their order.
func together(list []Finding) []findings {
	var all []findings
	at := map[string]int{}
	for _, f := range list {
		key := string(f.Subject) + "\x00" + f.Location.Path + "\x00" + f.Why
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], f)
	}
	return all
}

// String names the findings, the most urgent first, where they stand and in what.
func (g findings) String() string {
	const most = 5
	var ids []string
	for _, f := range g[:min(len(g), most)] {
		ids = append(ids, fmt.Sprintf("%s (%s, %s)", f.RuleID, f.Severity, f.Tier))
	}
	text := strings.Join(ids, ", ")
	if n := len(g) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return scanner.Plain(fmt.Sprintf("%s in %s, %s", text, g[0].Subject, at(&g[0])))
}

// WriteJSON writes the plan for programs.
func (p *Plan) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}
