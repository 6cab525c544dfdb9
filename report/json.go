package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

// JSON writes the result as docs/result.schema.json describes it. The lists are written element by element: a result of
// 60,000 findings is never in memory as text.
func JSON(w io.Writer, res *scanner.Result, _ Options) error {
	out := bufio.NewWriter(w)
	v := reflect.ValueOf(res).Elem()
	open := "{"
	for field := range v.Type().Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		value := v.FieldByIndex(field.Index)
		if name == "-" || options == "omitempty" && isEmpty(value) {
			continue
		}
		fmt.Fprintf(out, "%s\n  %q: ", open, name)
		open = ","
		if err := writeField(out, value); err != nil {
			return err
		}
	}
	fmt.Fprint(out, "\n}\n") // a bufio.Writer keeps its first error for Flush
	return out.Flush()
}

// isEmpty is what encoding/json means by omitempty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// writeField writes one value of the result's first level.
func writeField(out *bufio.Writer, value reflect.Value) error {
	const indent = "  "
	if value.Kind() != reflect.Slice || value.Len() == 0 {
		return writeIndented(out, value.Interface(), indent)
	}
	open := "["
	for i := range value.Len() {
		fmt.Fprint(out, open, "\n", indent, indent)
		open = ","
		if err := writeIndented(out, value.Index(i).Addr().Interface(), indent+indent); err != nil {
			return err
		}
	}
	_, err := out.WriteString("\n" + indent + "]")
	return err
}

// writeIndented writes v as it stands inside of a document whose lines begin with prefix there.
func writeIndented(out *bufio.Writer, v any, prefix string) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return indented(out, readable(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), prefix)
}

// indented writes what json.Indent would make of data, which encoding/json has written without spaces. It looks at each
// byte once and believes it, which takes a tenth of the time; a quarter of a scan went there.
func indented(out *bufio.Writer, data []byte, prefix string) error {
	depth := 0
	newline := func() {
		_ = out.WriteByte('\n') // a bufio.Writer keeps its first error for Flush
		_, _ = out.WriteString(prefix)
		for range depth {
			_, _ = out.WriteString("  ")
		}
	}
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '"':
			end := i + 1
			for data[end] != '"' {
				if data[end] == '\\' {
					end++
				}
				end++
			}
			_, _ = out.Write(data[i : end+1])
			i = end
		case '{', '[':
			_ = out.WriteByte(c)
			if next := data[i+1]; next == '}' || next == ']' {
				_ = out.WriteByte(next)
				i++
				continue
			}
			depth++
			newline()
		case '}', ']':
			depth--
			newline()
			_ = out.WriteByte(c)
		case ',':
			_ = out.WriteByte(c)
			newline()
		case ':':
			_, _ = out.WriteString(": ")
		default:
			_ = out.WriteByte(c)
		}
	}
	_, err := out.Write(nil)
	return err
}

// writeJSON writes v indented, as people read it, and with <, > and & as they are.
func writeJSON(w io.Writer, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	if err := indented(out, readable(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), ""); err != nil {
		return err
	}
	_ = out.WriteByte('\n') // kept for Flush, as above
	return out.Flush()
}

// replacement is what encoding/json writes for a byte that is not UTF-8.
var replacement = []byte(`\ufffd`)

// readable turns the escapes that stand for bytes outside of UTF-8 into the character itself, which is what a reader of
// the JSON would write back. Without it a result that was saved and read gives other bytes than the scan.
func readable(data []byte) []byte {
	if !bytes.Contains(data, replacement) {
		return data
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		switch {
		case data[i] != '\\':
			out = append(out, data[i])
		case bytes.HasPrefix(data[i:], replacement):
			out = append(out, "\ufffd"...)
			i += len(replacement) - 1
		default: // another escape; its second character is not the start of one
			out = append(out, data[i], data[i+1])
			i++
		}
	}
	return out
}

// MaxResult is the size of the largest saved result that ReadJSON reads, in bytes: 60,000 findings take about 150 MB.
const MaxResult = 512 << 20

// ErrNoResult is what ReadJSON returns, wrapped, for a file that is not a result of a version that it knows.
var ErrNoResult = errors.New("not a saved result of trifecta")

// ReadJSON reads what JSON wrote. It takes nothing on trust: a saved result may come from the scan of a stranger's
// change. Words outside of the schema's lists, lines below zero and data after the end are errors.
func ReadJSON(r io.Reader) (*scanner.Result, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxResult+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxResult {
		return nil, fmt.Errorf("%w: it is larger than %d MiB", ErrNoResult, MaxResult>>20)
	}
	var version struct {
		SchemaVersion *string `json:"schema_version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoResult, place(data, err))
	}
	switch {
	case version.SchemaVersion == nil:
		return nil, fmt.Errorf("%w: it has no schema_version; trifecta scan -o json=FILE writes one", ErrNoResult)
	case *version.SchemaVersion != scanner.SchemaVersion:
		return nil, fmt.Errorf("%w: its schema_version is %q and this program reads %q; scan again", ErrNoResult,
			cut(clean(*version.SchemaVersion), 20), scanner.SchemaVersion)
	}
	var res scanner.Result
	if err := json.Unmarshal(data, &res); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoResult, place(data, err))
	}
	if err := check(&res); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoResult, err)
	}
	res.Normalize()
	return &res, nil
}

// place adds the line to an error of encoding/json.
func place(data []byte, err error) error {
	offset := int64(-1)
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) {
		offset = e.Offset
	}
	if e := (*json.UnmarshalTypeError)(nil); errors.As(err, &e) {
		offset = e.Offset
	}
	if offset < 0 || offset > int64(len(data)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:offset], []byte("\n")), err)
}

// The words that a finding may use; scanner lists the severities and tiers itself.
var (
	kinds = []scanner.Kind{scanner.KindVulnerability, scanner.KindMalware, scanner.KindMisconfiguration, scanner.KindExposure,
		scanner.KindMachineImage, scanner.KindImage, scanner.KindEndOfLife, scanner.KindLicense, scanner.KindSecret}
	statuses = []scanner.Status{scanner.StatusNew, scanner.StatusExisting, scanner.StatusSuppressed}
	levels   = []scanner.ExposureLevel{scanner.ExposureOpen, scanner.ExposureControlled, scanner.ExposureAdjacent,
		scanner.ExposureInternal, scanner.ExposureIsolated, scanner.ExposureUnknown}
)

// check refuses what the reports can't show.
func check(res *scanner.Result) error {
	for i := range res.Findings {
		if err := checkFinding(&res.Findings[i]); err != nil {
			return fmt.Errorf("findings[%d]: %w", i, err)
		}
	}
	for i := range res.Fixed {
		if err := checkFinding(&res.Fixed[i]); err != nil {
			return fmt.Errorf("fixed[%d]: %w", i, err)
		}
	}
	for i, r := range res.Rules {
		if err := oneOf("severity", r.Severity, scanner.Severities); err != nil {
			return fmt.Errorf("rules[%d]: %w", i, err)
		}
	}
	for i, p := range res.Packages {
		for _, l := range p.Locations {
			if err := checkLines(l.Line, l.Column, l.EndLine, l.EndColumn); err != nil {
				return fmt.Errorf("packages[%d]: %w", i, err)
			}
		}
	}
	return nil
}

func checkFinding(f *scanner.Finding) error {
	if err := errors.Join(
		oneOf("severity", f.Severity, scanner.Severities),
		oneOf("tier", f.Tier, scanner.Tiers),
		oneOf("kind", f.Kind, kinds),
		oneOf("status", f.Status, statuses),
		oneOf("exposure level", f.Exposure.Level, levels),
		checkLines(f.Location.Line, f.Location.Column, f.Location.EndLine, f.Location.EndColumn),
	); err != nil {
		return err
	}
	for _, r := range f.Related {
		if err := checkLines(r.Location.Line, r.Location.Column, r.Location.EndLine, r.Location.EndColumn); err != nil {
			return err
		}
	}
	return nil
}

func oneOf[T ~string](what string, word T, words []T) error {
	if slices.Contains(words, word) {
		return nil
	}
	return fmt.Errorf("%s %q is none of %v", what, cut(clean(string(word)), 40), words)
}

func checkLines(numbers ...int) error {
	if slices.Min(numbers) < 0 {
		return errors.New("a line or column is below zero")
	}
	return nil
}
