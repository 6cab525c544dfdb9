package chart

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	yamlv3 "gopkg.in/yaml.v3"
	"sigs.k8s.io/yaml"
)

// What functions of templates may take and give.
const (
	maxMade  = 256 << 20 // bytes of all texts and lists that they give; a template may keep them all
	maxText  = 8 << 20   // bytes of a text
	maxList  = 200_000   // elements of a list
	maxDepth = 500       // templates inside each other
	maxNodes = 500_000   // values that are written as YAML or JSON at once
)

// fixed stands for what is random or secret: charts that make passwords give the same manifests each time.
const fixed = "trifectafixedvalue"

// certificate is what sprig's functions for certificates return.
type certificate struct{ Cert, Key string }

// functions returns what templates can call: sprig's (https://masterminds.github.io/sprig/) and Helm's own.
func (e *engine) functions(root *template.Template) template.FuncMap {
	funcs := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv"} { // Helm has none of them either
		delete(funcs, name)
	}
	for name, f := range e.replacements() {
		funcs[name] = f
	}
	for name, f := range funcs {
		funcs[name] = e.bounded(name, f)
	}
	funcs[shownName] = shown
	e.lateBound(funcs, root)
	return funcs
}

// lateBound adds the functions that run templates of t.
func (e *engine) lateBound(funcs template.FuncMap, t *template.Template) {
	run := func(t *template.Template, name string, data any) (string, error) {
		if e.depth++; e.depth > maxDepth {
			return "", fmt.Errorf("%w: %d templates inside each other", ErrLimit, maxDepth)
		}
		defer func() { e.depth-- }()
		w := &writer{engine: e}
		err := t.ExecuteTemplate(w, name, data)
		return w.buf.String(), err
	}
	funcs["include"] = func(name string, data any) (string, error) { return run(t, name, data) }
	funcs["tpl"] = func(text string, data any) (string, error) {
		inner, err := t.Clone()
		if err != nil {
			return "", err
		}
		own := template.FuncMap{}
		e.lateBound(own, inner)
		inner = inner.Option("missingkey=zero").Funcs(own).New(t.Name())
		if inner, err = inner.Parse(text); err != nil {
			return "", err
		}
		for _, each := range inner.Templates() {
			e.watch(each)
		}
		return run(inner, inner.Name(), data)
	}
}

// replacements are the functions that Helm adds to sprig's, and those of sprig that are random, slow or need a bound of
// their own.
func (e *engine) replacements() template.FuncMap {
	length := func(n int) (string, error) {
		if n < 0 || n > 1<<16 {
			return "", fmt.Errorf("%w: a random text of %d", ErrLimit, n)
		}
		return strings.Repeat("x", n), nil
	}
	text := func(...any) string { return fixed }
	cert := func(...any) certificate { return certificate{Cert: fixed, Key: fixed} }
	utc := func(layout string, date any) string { return inZone(layout, date) }
	return template.FuncMap{
		"toYaml": toYAML, "toYamlPretty": toYAMLPretty, "fromYaml": fromYAML, "fromYamlArray": fromYAMLArray,
		"toJson": toJSON, "fromJson": fromJSON, "fromJsonArray": fromJSONArray, "toToml": toTOML, "fromToml": fromTOML,
		"printf": fmt.Sprintf, "print": fmt.Sprint, "println": fmt.Sprintln, "html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
		"include": func(string, any) (string, error) { return "", nil }, "tpl": func(string, any) (string, error) { return "", nil },
		"required": e.required,
		"fail":     func(message string) (string, error) { return "", fmt.Errorf("the chart says: %s", message) },
		"lookup":   func(string, string, string, string) map[string]any { return map[string]any{} },

		"getHostByName": func(string) string { return "" },
		"now":           func() time.Time { return time.Unix(0, 0).UTC() },
		"date":          utc, "htmlDate": func(date any) string { return inZone("2006-01-02", date) },
		"randAlphaNum": length, "randAlpha": length, "randAscii": length, "randNumeric": func(n int) (string, error) {
			s, err := length(n)
			return strings.ReplaceAll(s, "x", "7"), err
		},
		"randBytes": func(int) string { return fixed }, "randInt": func(low, _ int) int { return low }, "shuffle": func(s string) string { return s },
		"uuidv4": func() string { return "00000000-0000-4000-8000-000000000000" },
		"bcrypt": text, "htpasswd": text, "derivePassword": text, "genPrivateKey": text, "encryptAES": text, "decryptAES": text,
		"genCA": cert, "genCAWithKey": cert, "genSelfSignedCert": cert, "genSelfSignedCertWithKey": cert, "genSignedCert": cert, "genSignedCertWithKey": cert, "buildCustomCert": cert,
	}
}

func inZone(layout string, date any) string {
	var t time.Time
	switch date := date.(type) {
	case time.Time:
		t = date
	case *time.Time:
		t = *date
	case int64:
		t = time.Unix(date, 0)
	case int:
		t = time.Unix(int64(date), 0)
	case int32:
		t = time.Unix(int64(date), 0)
	}
	return t.UTC().Format(layout)
}

// required returns a value, or a mark where it is not given: what comes of it is not known.
func (e *engine) required(message string, value any) any {
	if text, ok := value.(string); value != nil && (!ok || text != "") {
		return value
	}
	mark, ok := e.missing[message]
	if !ok {
		mark = missingMark + strconv.Itoa(len(e.missing)) + "x"
		e.missing[message] = mark
	}
	return mark
}

// missingMark begins the text that stands for a value that is required and not given. It is a plain word in YAML.
const missingMark = "trifectarequiredvalue"

// firstOwnMark is above every number that the engine gives to a mark.
const firstOwnMark = 1 << 20

// Mark returns a text that stands, among values, for one that is not known. Missing finds it where templates put it.
func Mark(n int) string { return missingMark + strconv.Itoa(firstOwnMark+n) + "x" }

// Missing returns the first mark of a missing value in a text: the text with the mark begins at from and ends before to.
func Missing(text string) (from, to int, ok bool) {
	from = strings.Index(text, missingMark)
	if from < 0 {
		return 0, 0, false
	}
	to = from + len(missingMark)
	for to < len(text) && text[to] >= '0' && text[to] <= '9' {
		to++
	}
	if to < len(text) && text[to] == 'x' {
		to++
	}
	return from, to, true
}

// shownName is the function that values go through before they are written.
const shownName = "trifectaShown"

// shown returns a value that is small enough to be written.
func shown(v any) (any, error) {
	switch v.(type) {
	case nil, string, bool, int, int64, float64:
		return v, nil
	}
	nodes, bytes := maxNodes, maxText
	if !weigh(reflect.ValueOf(v), 0, &nodes, &bytes) {
		return nil, fmt.Errorf("%w: a value of %d parts is written", ErrLimit, maxNodes)
	}
	return v, nil
}

// amplifies are the functions whose result can be much larger than what they take.
var amplifies = map[string]bool{
	"repeat": true, "indent": true, "nindent": true, "replace": true, "regexReplaceAll": true, "regexReplaceAllLiteral": true, "mustRegexReplaceAll": true,
	"mustRegexReplaceAllLiteral": true, "join": true, "cat": true, "printf": true, "print": true, "println": true, "wrap": true, "wrapWith": true,
	"toYaml": true, "toYamlPretty": true, "toJson": true, "mustToJson": true, "toPrettyJson": true, "mustToPrettyJson": true, "toRawJson": true, "mustToRawJson": true, "toToml": true,
	"deepCopy": true, "mustDeepCopy": true, "merge": true, "mustMerge": true, "mergeOverwrite": true, "mustMergeOverwrite": true, "toString": true, "toStrings": true,
	"deepEqual": true, "uniq": true, "mustUniq": true, "without": true, "mustWithout": true, "until": true, "untilStep": true, "seq": true, "sortAlpha": true,
	"concat": true, "quote": true, "squote": true, "html": true, "js": true, "urlquery": true, "has": true, "mustHas": true, "dict": true,
}

// bounded returns a function that counts as a step and refuses what would take or give too much.
func (e *engine) bounded(name string, f any) any {
	v := reflect.ValueOf(f)
	kind := v.Type()
	outs := kind.NumOut()
	failing := outs == 2
	out := []reflect.Type{kind.Out(0), reflect.TypeFor[error]()}
	in := make([]reflect.Type, kind.NumIn())
	for i := range in {
		in[i] = kind.In(i)
	}
	fail := func(err error) []reflect.Value {
		return []reflect.Value{reflect.Zero(out[0]), reflect.ValueOf(&err).Elem()}
	}
	none := reflect.Zero(out[1])
	return reflect.MakeFunc(reflect.FuncOf(in, out, kind.IsVariadic()), func(args []reflect.Value) []reflect.Value {
		if err := e.step(); err != nil {
			return fail(err)
		}
		if amplifies[name] {
			if err := affordable(name, args); err != nil {
				return fail(err)
			}
		}
		var results []reflect.Value
		if kind.IsVariadic() {
			results = v.CallSlice(args)
		} else {
			results = v.Call(args)
		}
		if failing && !results[1].IsNil() {
			return results
		}
		switch r := unwrapped(results[0]); r.Kind() {
		case reflect.String:
			if err := e.made(r.Len()); err != nil {
				return fail(err)
			}
			if r.Len() > maxText {
				return fail(fmt.Errorf("%w: %s gives a text of %d MiB", ErrLimit, name, r.Len()>>20))
			}
		case reflect.Slice, reflect.Map:
			if err := e.made(16 * r.Len()); err != nil {
				return fail(err)
			}
			if r.Len() > maxList {
				return fail(fmt.Errorf("%w: %s gives a list of %d", ErrLimit, name, r.Len()))
			}
		}
		return []reflect.Value{results[0], none}
	}).Interface()
}

// made counts what functions give, whether or not it is kept.
func (e *engine) made(bytes int) error {
	if e.given += bytes; e.given > maxMade {
		return fmt.Errorf("%w: functions give more than %d MiB", ErrLimit, maxMade>>20)
	}
	return nil
}

func unwrapped(v reflect.Value) reflect.Value {
	for v.IsValid() && (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) && !v.IsNil() {
		v = v.Elem()
	}
	return v
}

// affordable refuses a call whose result could not be held.
func affordable(name string, args []reflect.Value) error {
	refuse := func(what string, n int) error { return fmt.Errorf("%w: %s of %d %s", ErrLimit, name, n, what) }
	number := func(i int) int {
		if i >= len(args) {
			return 0
		}
		switch v := unwrapped(args[i]); {
		case !v.IsValid():
			return 0
		case v.CanInt():
			return int(v.Int())
		case v.CanUint():
			return int(min(v.Uint(), 1<<40))
		case v.CanFloat():
			return int(v.Float())
		case v.Kind() == reflect.String:
			n, _ := strconv.Atoi(v.String())
			return n
		}
		return 0
	}
	size := func(i int) int {
		if i < len(args) {
			if v := unwrapped(args[i]); v.IsValid() && v.Kind() == reflect.String {
				return v.Len()
			}
		}
		return 0
	}
	times := func(a, b int) bool { return a > 0 && b > 0 && (a > maxText || b > maxText || a*b > maxText) }
	switch name {
	case "until":
		if n := number(0); n > maxList || n < -maxList {
			return refuse("elements", n)
		}
		return nil
	case "untilStep":
		from, to, step := number(0), number(1), number(2)
		if step != 0 && (to-from)/step > maxList {
			return refuse("elements", (to-from)/step)
		}
		return nil
	case "dict":
		for i := 0; i < len(args); i++ { // a variadic function has them all in the last one
			list := unwrapped(args[i])
			for j := 0; list.IsValid() && list.Kind() == reflect.Slice && j < list.Len(); j += 2 {
				if key := unwrapped(list.Index(j)); key.IsValid() && (key.Kind() == reflect.Slice || key.Kind() == reflect.Map) {
					return refuse("keys that are no texts", 1)
				}
			}
		}
		return nil
	case "seq":
		numbers := unwrapped(args[len(args)-1])
		if numbers.IsValid() && numbers.Kind() == reflect.Slice {
			from, step, to := 1, 1, 0
			at := func(i int) int { return int(numbers.Index(i).Int()) }
			switch numbers.Len() {
			case 1:
				to = at(0)
			case 2:
				from, to = at(0), at(1)
			case 3:
				from, step, to = at(0), at(1), at(2)
			}
			if step != 0 && (to-from)/step > maxList || to-from > maxList*1000 || from-to > maxList*1000 || step == 1 && from-to > maxList {
				return refuse("elements", to-from)
			}
		}
		return nil
	case "repeat":
		if times(number(0), size(1)) {
			return refuse("bytes", number(0))
		}
	case "indent", "nindent":
		text := ""
		if v := unwrapped(args[1]); v.IsValid() && v.Kind() == reflect.String {
			text = v.String()
		}
		if n := number(0); n < 0 || n > 10_000 || times(n, strings.Count(text, "\n")+1) {
			return refuse("spaces", n)
		}
	case "replace":
		if times(size(1)+1, size(2)+1) {
			return refuse("bytes", size(2))
		}
	case "regexReplaceAll", "regexReplaceAllLiteral", "mustRegexReplaceAll", "mustRegexReplaceAllLiteral":
		if times(size(1)+1, size(2)+1) {
			return refuse("bytes", size(2))
		}
	case "wrapWith":
		if times(size(1)+1, size(2)+1) {
			return refuse("bytes", size(2))
		}
	case "printf":
		format := ""
		if v := unwrapped(args[0]); v.IsValid() && v.Kind() == reflect.String {
			format = v.String()
		}
		total := 0
		for _, m := range width.FindAllString(format, -1) {
			n, _ := strconv.Atoi(m)
			total += n
		}
		if total > 1<<16 || strings.Count(format, "*") > 8 {
			return refuse("columns", total)
		}
	case "uniq", "mustUniq", "without", "mustWithout":
		if v := unwrapped(args[0]); v.IsValid() && (v.Kind() == reflect.Slice || v.Kind() == reflect.Array) && v.Len() > 2_000 {
			return refuse("elements", v.Len())
		}
	}
	nodes, bytes := maxNodes, maxText
	for _, a := range args {
		if !weigh(a, 0, &nodes, &bytes) {
			return refuse("values", maxNodes)
		}
	}
	return nil
}

// width finds the numbers of a format.
var width = regexp.MustCompile(`[0-9]+`)

// weigh takes what is in a value off two budgets and reports whether they last.
func weigh(v reflect.Value, depth int, nodes, bytes *int) bool {
	if *nodes--; *nodes < 0 || depth > 1_000 {
		return false
	}
	v = unwrapped(v)
	if !v.IsValid() {
		return true
	}
	switch v.Kind() {
	case reflect.String:
		*bytes -= v.Len()
		return *bytes >= 0
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return true // the files of the chart
		}
		for i := range v.Len() {
			if !weigh(v.Index(i), depth+1, nodes, bytes) {
				return false
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if !weigh(entries.Key(), depth+1, nodes, bytes) || !weigh(entries.Value(), depth+1, nodes, bytes) {
				return false
			}
		}
	}
	return true
}

// The conversions below give an empty text, or a map with the key Error, where something can't be converted: so do those
// of Helm (https://helm.sh/docs/chart_template_guide/function_list/).

func toYAML(v any) string {
	data, err := yaml.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

func toYAMLPretty(v any) string {
	var b strings.Builder
	encoder := yamlv3.NewEncoder(&b)
	encoder.SetIndent(2)
	if encoder.Encode(v) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func fromYAML(text string) map[string]any {
	m := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func fromYAMLArray(text string) []any {
	list := []any{}
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		return []any{err.Error()}
	}
	return list
}

func toJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

func fromJSON(text string) map[string]any {
	m := map[string]any{}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func fromJSONArray(text string) []any {
	list := []any{}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return []any{err.Error()}
	}
	return list
}

func toTOML(v any) string {
	var b strings.Builder
	if err := toml.NewEncoder(&b).Encode(v); err != nil {
		return err.Error()
	}
	return b.String()
}

func fromTOML(text string) map[string]any {
	m := map[string]any{}
	if err := toml.Unmarshal([]byte(text), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}
