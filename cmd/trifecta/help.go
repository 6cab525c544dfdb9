package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trifecta-scanner/trifecta/report"
)

// helpWidth is how wide the help is where no terminal says otherwise.
const helpWidth = 100

// flagGroups are the headings under which --help shows flags. What stands in none of them belongs to one command alone and
// comes first.
var flagGroups = []struct {
	title string
	names []string
}{
	{"What is looked at", []string{
		"only", "skip", "config", "base", "environment", "var", "var-file", "param", "values", "sbom", "import", "images", "called", "aws", "aws-snapshot",
	}},
	{"With which data", []string{"db", "intel", "offline", "as-of"}},
	{"What comes out", []string{"output", "format", "fail-on", "strict", "summary", "annotations", "sarif-file", "sbom-file"}},
	{"What is published", []string{"comment", "suggestions", "upload-sarif", "check", "dependency-snapshot", "issue", "fix", "fix-limit"}},
	{"Everywhere", []string{"help", "quiet", "verbose"}},
}

// help writes the help of a command: what it is for, the usual calls, the rest, and the exit codes last.
func (a *app) help(cmd *cobra.Command, _ []string) {
	var b strings.Builder
	b.WriteString(cmd.Short + "\n")
	if cmd.Example != "" {
		b.WriteString("\n" + cmd.Example + "\n")
	}
	b.WriteString("\nUsage: " + cmd.UseLine() + "\n")
	long, last := cmd.Long, ""
	if at := strings.Index(long, "Exit codes:"); at >= 0 {
		long, last = strings.TrimSpace(long[:at]), strings.TrimSpace(long[at:])
	}
	if long != "" && long != cmd.Short {
		b.WriteString("\n" + long + "\n")
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-*s %s\n", cmd.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	width := helpWidth
	if w := a.terminal().Width; w > 0 {
		width = w
	}
	for _, g := range groupedFlags(cmd) {
		b.WriteString("\n" + g.title + ":\n" + g.flags.FlagUsagesWrapped(width))
	}
	if last != "" {
		b.WriteString("\n" + last + "\n")
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help says more about a command.\n", cmd.CommandPath())
	}
	_, _ = fmt.Fprint(cmd.OutOrStdout(), b.String()) // nobody is left to tell
}

type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// groupedFlags sorts the visible flags of a command under their headings, the command's own ones first.
func groupedFlags(cmd *cobra.Command) []flagGroup {
	sets := make([]flagGroup, len(flagGroups)+1)
	sets[0] = flagGroup{"Flags", pflag.NewFlagSet("", pflag.ContinueOnError)}
	for i, g := range flagGroups {
		sets[i+1] = flagGroup{g.title, pflag.NewFlagSet("", pflag.ContinueOnError)}
	}
	add := func(f *pflag.Flag) {
		at := 0
		for i, g := range flagGroups {
			if slices.Contains(g.names, f.Name) {
				at = i + 1
			}
		}
		if sets[at].flags.Lookup(f.Name) == nil {
			sets[at].flags.AddFlag(f)
		}
	}
	cmd.InheritedFlags().VisitAll(add)
	cmd.LocalFlags().VisitAll(add)
	return slices.DeleteFunc(sets, func(g flagGroup) bool { return !g.flags.HasAvailableFlags() })
}

// completions are the words that a shell offers for the values of flags, by the flag's name.
func completions() map[string][]string {
	return map[string][]string{
		"output":    report.Names(),
		"fail-on":   {"critical", "high", "medium", "low", "unknown", "act", "attend", "none"},
		"only":      parts,
		"skip":      parts,
		"fix":       {string(fixNone), string(fixRequest)},
		"ecosystem": {"npm", "PyPI", "Go", "Maven", "crates.io", "NuGet", "RubyGems", "Packagist", "Pub", "Hex", "SwiftURL", "ConanCenter", "CRAN", "GitHub Actions"},
	}
}

// complete tells shells what may follow, for a command and all below it: values of flags, folders, saved results.
func complete(cmd *cobra.Command) {
	for name, words := range completions() {
		if cmd.Flags().Lookup(name) != nil {
			// The error would say that the flag is not there.
			_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
		}
	}
	if cmd.ValidArgsFunction == nil {
		switch {
		case strings.HasSuffix(cmd.Use, "[DIR]"):
			cmd.ValidArgsFunction = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
		case strings.Contains(cmd.Use, "RESULT.json"):
			cmd.ValidArgsFunction = cobra.FixedCompletions([]string{"json"}, cobra.ShellCompDirectiveFilterFileExt)
		}
	}
	for _, c := range cmd.Commands() {
		complete(c)
	}
}
