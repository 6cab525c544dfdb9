package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// ciFiles are the files that ci leaves behind.
type ciFiles struct {
	dir    string // a new folder for those that the user did not name
	result string
	sarif  string
	sbom   string
}

// newCIFiles names the files. Those that the user named no place for go outside of the checkout, so that a later step
// finds it as it was.
func newCIFiles(temp string, opts *ciOptions) (ciFiles, error) {
	dir, err := os.MkdirTemp(temp, "trifecta-")
	if err != nil {
		return ciFiles{}, fmt.Errorf("make a folder for the result: %w", err)
	}
	return ciFiles{
		dir:    dir,
		result: filepath.Join(dir, "result.json"),
		sarif:  cmp.Or(opts.sarifFile, filepath.Join(dir, "trifecta.sarif")),
		sbom:   cmp.Or(opts.sbomFile, filepath.Join(dir, "sbom.cdx.json")),
	}, nil
}

func readResult(name string) (*scanner.Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the scan wrote no result: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	res, err := report.ReadJSON(f)
	if err != nil {
		return nil, fmt.Errorf("read the result of the scan: %w", err)
	}
	return res, nil
}

// publisher shows a result on GitHub. It reads the result alone and opens nothing of the scanned tree: this is the half
// of ci that holds the token.
type publisher struct {
	getenv      func(string) string
	workflow    *report.Workflow
	opts        *ciOptions
	files       ciFiles
	event       event
	compared    bool // with the base of the change
	tokenWanted bool // the user asked for something that needs a token
	failed      bool // the step does
	foreign     bool // the result is that of another run
}

// publish writes the files, which must succeed, and then whatever the platform lets it show. One notice tells of the
// trouble so far and of what could not be shown.
func (p *publisher) publish(ctx context.Context, dir string, res *scanner.Result, trouble []string) error {
	workspace := p.getenv("GITHUB_WORKSPACE")
	prefix, err := folderIn(workspace, dir)
	if err != nil {
		trouble = append(trouble, fmt.Sprintf("paths are relative to %s, not to the repository: %v", dir, err))
	}
	relocate(res, prefix)
	res.Target.Repository = cmp.Or(res.Target.Repository, p.getenv("GITHUB_REPOSITORY"))
	res.Target.Ref = cmp.Or(res.Target.Ref, p.getenv("GITHUB_REF"))
	res.Target.Commit = cmp.Or(res.Target.Commit, p.getenv("GITHUB_SHA"))

	for _, f := range []struct{ format, name string }{
		{"json", p.files.result}, {"sarif", p.files.sarif}, {"cyclonedx", p.files.sbom},
	} {
		if err := writeReport(workspace, f.name, f.format, res); err != nil {
			return err
		}
	}
	text, err := report.Lookup("text")
	if err != nil {
		return err
	}
	err = p.workflow.Verbatim(func(w io.Writer) error { return text.Report(w, res, report.Options{Width: logWidth}) })
	if err != nil {
		return err
	}

	trouble = append(trouble, p.outputs(res)...)
	if p.opts.summary {
		trouble = append(trouble, p.summary(res)...)
	}
	trouble = append(trouble, p.host(ctx, prefix, res)...)
	if len(trouble) > 0 {
		if err := p.workflow.Notice("trifecta: not everything went as asked", strings.Join(trouble, "\n")); err != nil {
			return err
		}
	}
	if p.opts.annotations {
		return p.workflow.Annotate(res)
	}
	return nil
}

// logWidth is how many columns a log of GitHub shows on a usual screen.
const logWidth = 140

// outputs sets the outputs of the step and returns what went wrong.
func (p *publisher) outputs(res *scanner.Result) []string {
	var all, fresh, act, attend int
	for i := range res.Findings {
		f := &res.Findings[i]
		if f.Status == scanner.StatusSuppressed {
			continue
		}
		all++
		if f.Status == scanner.StatusNew {
			fresh++
		}
		switch f.Tier {
		case scanner.TierAct:
			act++
		case scanner.TierAttend:
			attend++
		}
	}
	for _, o := range []struct{ name, value string }{
		{"findings", strconv.Itoa(all)},
		{"new-findings", strconv.Itoa(fresh)},
		{"act", strconv.Itoa(act)},
		{"attend", strconv.Itoa(attend)},
		{"exposed-workloads", strconv.Itoa(len(res.AttackSurface.ExposedWorkloads))},
		{"result-file", p.files.result},
		{"sarif-file", p.files.sarif},
		{"sbom-file", p.files.sbom},
	} {
		err := p.workflow.Output(o.name, o.value)
		if missing := (*report.MissingFileError)(nil); errors.As(err, &missing) {
			return []string{fmt.Sprintf("no outputs: %v", err)}
		}
		if err != nil {
			return []string{fmt.Sprintf("outputs from %s on are missing: %v", o.name, err)}
		}
	}
	return nil
}

// summary appends the report to the step summary and returns what went wrong.
func (p *publisher) summary(res *scanner.Result) []string {
	fail := func(err error) []string { return []string{fmt.Sprintf("no step summary: %v", err)} }
	space, err := p.workflow.SummarySpace()
	if err != nil {
		return fail(err)
	}
	markdown, err := report.Lookup("markdown")
	if err != nil {
		return fail(err)
	}
	var b strings.Builder
	if err := markdown.Report(&b, res, report.Options{MaxBytes: space}); err != nil {
		return fail(err)
	}
	if err := p.workflow.Summary(b.String()); err != nil {
		return fail(err)
	}
	return nil
}

// folderIn returns dir relative to the workspace with slashes, empty for the workspace itself.
func folderIn(workspace, dir string) (string, error) {
	if workspace == "" {
		return "", errors.New("GITHUB_WORKSPACE is not set")
	}
	root, err := resolve(workspace)
	if err != nil {
		return "", err
	}
	at, err := resolve(dir)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(root, at)
	if err != nil {
		return "", err
	}
	if !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s is outside of the workspace", dir)
	}
	if rel == "." {
		return "", nil
	}
	return filepath.ToSlash(rel), nil
}

func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// relocate makes every path of the result relative to the repository, in which the scanned folder is called prefix. It
// walks the whole result, so that a place that results have one day is not forgotten.
func relocate(res *scanner.Result, prefix string) {
	if prefix != "" {
		relocateValue(reflect.ValueOf(res).Elem(), prefix+"/")
	}
}

func relocateValue(v reflect.Value, prefix string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			relocateValue(v.Elem(), prefix)
		}
	case reflect.Slice:
		for i := range v.Len() {
			relocateValue(v.Index(i), prefix)
		}
	case reflect.Struct:
		switch x := v.Addr().Interface().(type) {
		case *inventory.Location:
			if x.Path != "" {
				x.Path = prefix + x.Path
			}
		case *scanner.Edit:
			x.Path = prefix + x.Path
		case *network.Guard:
			if x.File != "" {
				x.File = prefix + x.File
			}
		case *inventory.Link:
			if strings.HasPrefix(string(x.From), "build:") { // what a build takes in is a file
				x.To = inventory.ID(prefix) + x.To
			}
			relocateFields(v, prefix)
		case *network.Result:
			x.Root = path.Join(prefix, x.Root)
			relocateFields(v, prefix)
		case *inventory.Resource:
			x.Root = path.Join(prefix, x.Root)
			relocateFields(v, prefix)
		case *scanner.Upgrade:
			for i := range x.Files {
				x.Files[i] = prefix + x.Files[i]
			}
		default:
			relocateFields(v, prefix)
		}
	}
}

func relocateFields(v reflect.Value, prefix string) {
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			relocateValue(v.Field(i), prefix)
		}
	}
}

// writeReport replaces a file by one report. What stands in the workspace was checked out from strangers: a link there
// never leads the report to another place.
func writeReport(workspace, name, format string, res *scanner.Result) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", format, err)
		}
	}()
	f, err := report.Lookup(format)
	if err != nil {
		return err
	}
	base, file, err := splitAtRoot(workspace, name)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(base)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // the file below it is closed and checked
	if err := root.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	part := file + ".part-" + rand.Text()
	out, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Report(out, res, report.Options{}), out.Close()); err != nil {
		return errors.Join(err, root.Remove(part))
	}
	return root.Rename(part, file)
}

// splitAtRoot splits the name of a file into the folder that a link must not lead out of, and the rest: the workspace
// for a file inside of it, otherwise the folder of the file, which only the user can have named.
func splitAtRoot(workspace, name string) (base, file string, err error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", "", err
	}
	if workspace != "" {
		if rel, err := filepath.Rel(workspace, abs); err == nil && filepath.IsLocal(rel) {
			return workspace, rel, nil
		}
	}
	return filepath.Dir(abs), filepath.Base(abs), nil
}
