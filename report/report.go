// Package report writes a scanner.Result in the formats that people and machines read.
//
// Every format is one Reporter in one file, made from the Result alone: it computes nothing new and reads no file, so
// that a result saved as JSON gives the same bytes later as the scan did. Two runs over the same Result give the same
// bytes. To add a format, write report/NAME.go with a Reporter and list it in Formats; the tests then want a golden
// file for it.
//
// What a Result holds was written by strangers. Each Reporter escapes it for its own format; those that people read
// also take out what a terminal or a page would act upon.
package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// Reporter writes a result. It reads the result and changes nothing in it.
type Reporter func(w io.Writer, res *scanner.Result, opts Options) error

// Options are what the place that a report goes to asks for. The zero value suits a file.
type Options struct {
	Width    int  // columns of the terminal; 0: 100 columns, and long places are never cut
	Color    bool // the terminal understands ANSI colours
	MaxBytes int  // the most that the place takes, for Markdown; 0: no limit
	// NewSince names the time from which findings are new, such as a day: in text and Markdown they stand first then, in a
	// part of their own. Empty: all stand together.
	NewSince string
}

// Limits of the places that Markdown goes to, for Options.MaxBytes.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
const (
	MaxStepSummary = 1024 << 10 // a larger one is dropped whole
	MaxComment     = 65536      // characters; counting bytes is on the safe side
)

// Format is one way to write a result.
type Format struct {
	Name        string // as in -o NAME
	Description string // one line for the help text
	Report      Reporter
}

// Formats lists every format, in the order in which they are shown to users.
var Formats = []Format{
	{"text", "table for a terminal, worst first", Text},
	{"json", "the whole result; trifecta report reads it back", JSON},
	{"sarif", "SARIF 2.1.0 for code scanning", SARIF},
	{"markdown", "for step summaries and comments", Markdown},
	{"cyclonedx", "CycloneDX 1.6 with vulnerabilities, as JSON", CycloneDX},
	{"spdx", "SPDX 2.3 as JSON", SPDX},
	{"osv-json", "vulnerabilities in the shape of osv-scanner's JSON", OSVJSON},
	{"openvex", "OpenVEX 0.2.0: what is affected, and what is not for which reason", OpenVEX},
	{"html", "one page for a browser: attack surface, network drawing, findings to filter", HTML},
	{"csv", "one line for each finding, for spreadsheets", CSV},
	{"junit", "test report that CI systems show", JUnit},
	{"gitlab-dependency", "GitLab's dependency scanning report", GitLabDependency},
	{"gitlab-container", "GitLab's container scanning report", GitLabContainer},
	{"gitlab-sast", "infrastructure findings as GitLab's SAST report", GitLabSAST},
	{"codequality", "GitLab's code quality report", CodeQuality},
}

// Lookup returns the format with a name. The error names those that exist.
func Lookup(name string) (Format, error) {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, fmt.Errorf("%q is no report format; use one of %s", name, strings.Join(Names(), ", "))
	}
	return Formats[i], nil
}

// Names returns the names of the formats in their order.
func Names() []string {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = f.Name
	}
	return names
}

// Output is one report that was asked for: a format, and where it goes.
type Output struct {
	Format Format
	File   string // empty: standard output
}

// ParseOutputs reads the values FORMAT[=FILE] of the flag --output. Without any it returns text on standard output. It
// is an error when two reports go to one place: standard output carries at most one report.
func ParseOutputs(specs []string) ([]Output, error) {
	if len(specs) == 0 {
		specs = []string{"text"}
	}
	outputs := make([]Output, 0, len(specs))
	taken := map[string]string{}
	for _, spec := range specs {
		name, file, hasFile := strings.Cut(spec, "=")
		format, err := Lookup(name)
		if err != nil {
			return nil, err
		}
		if hasFile && file == "" {
			return nil, fmt.Errorf("%q names no file; write %s=FILE, or %s alone for standard output", spec, name, name)
		}
		if file == "-" || file == "/dev/stdout" {
			file = ""
		}
		if file != "" {
			file = filepath.Clean(file)
		}
		if other, ok := taken[file]; ok {
			if file == "" {
				return nil, fmt.Errorf("%s and %s both go to standard output; give one of them a file: %s=FILE", other, name, name)
			}
			return nil, fmt.Errorf("%s and %s both go to %s", other, name, file)
		}
		taken[file] = name
		outputs = append(outputs, Output{Format: format, File: file})
	}
	return outputs, nil
}

// Write writes the report to its file, or to stdout where it has none. A file appears whole or not at all, and
// Options.Width and Color are only used for stdout.
func (o Output) Write(stdout io.Writer, res *scanner.Result, opts Options) error {
	if o.File == "" {
		if err := o.Format.Report(stdout, res, opts); err != nil {
			return fmt.Errorf("write %s: %w", o.Format.Name, err)
		}
		return nil
	}
	opts.Width, opts.Color = 0, false
	err := writeFile(o.File, func(w io.Writer) error { return o.Format.Report(w, res, opts) })
	if err != nil {
		return fmt.Errorf("write %s: %w", o.Format.Name, err)
	}
	return nil
}

// writeFile replaces the file at name by what write writes. What stands there stays as it is until the new content is
// complete. Pipes and what the system keeps below /dev and /proc (/dev/stderr, /dev/fd/3) are written to as they are.
func writeFile(name string, write func(io.Writer) error) (err error) {
	info, statErr := os.Stat(name)
	pipe := statErr == nil && info.Mode()&os.ModeNamedPipe != 0
	if pipe || strings.HasPrefix(name, "/dev/") || strings.HasPrefix(name, "/proc/") {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	// CreateTemp makes a private file; a report is read by the next step of a pipeline, whoever runs that.
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
