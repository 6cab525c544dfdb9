package builds

import (
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/dockerfile"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// recipe is a Dockerfile as builds see it.
type recipe struct {
	path   string
	args   []argument // before the first stage
	stages []stage
}

type argument struct {
	name, value string
	given       bool // it has a default
}

// stage is what one FROM begins.
type stage struct {
	name   string // in lower case; empty: none
	from   string // as written
	at     inventory.Location
	copies []copied
}

// copied is one source of COPY, ADD or a bind mount.
type copied struct {
	path string // with variables in place; what is not known is a "*"
	from string // another stage or image; empty: the context
	at   inventory.Location
}

// dockerfile reads a Dockerfile: its stages, what they copy and the images that they start from.
func (r *reader) dockerfile(name string, data []byte) {
	file, err := dockerfile.Parse(data)
	if err != nil && len(file.Stages) > 0 {
		at := inventory.Location{Path: name}
		if broken := (*dockerfile.Error)(nil); errors.As(err, &broken) {
			at.Line = broken.Line
		}
		r.notice("unreadable-dockerfile", at, "%s can't be read from here on, what it builds is not known in full: %v", name, err)
	}
	if len(file.Stages) == 0 {
		return // a file of another kind, or a part of one
	}
	rec := &recipe{path: name}
	for _, in := range file.Args {
		for _, word := range split(in.Text) {
			key, value, given := strings.Cut(word, "=")
			rec.args = append(rec.args, argument{key, expand(value, rec.globals(nil)), given})
		}
	}
	for _, s := range file.Stages {
		rec.take(name, s)
	}
	r.recipes[name] = rec
	for i := range rec.stages {
		s := &rec.stages[i]
		base := rec.base(i, nil)
		if base != "" && strings.Trim(base, "*:/@-_. ") == "" {
			r.notice("unknown-base-image", s.at, "%s:%d: the image in FROM %s is given from outside; what is in it is not known", name, s.at.Line, s.from)
		}
		r.image(base, s.at)
		for _, c := range s.copies {
			if _, ok := rec.find(c.from, len(rec.stages)); c.from != "" && !ok {
				r.image(c.from, c.at)
			}
		}
	}
}

// take adds a stage.
func (rec *recipe) take(name string, from dockerfile.Stage) {
	place := func(in dockerfile.Instruction) inventory.Location {
		return inventory.Location{Path: name, Line: in.Line, Column: 1, EndLine: in.EndLine}
	}
	s := stage{name: strings.ToLower(from.Name), from: from.Written, at: place(from.From)}
	env := map[string]string{}
	for _, in := range from.Instructions {
		switch in.Name {
		case "ARG":
			for _, word := range split(in.Text) {
				key, value, given := strings.Cut(word, "=")
				global, known := rec.globals(nil)[key]
				switch {
				case given:
					env[key] = expand(value, env)
				case known:
					env[key] = global
				default:
					env[key] = "*"
				}
			}
		case "ENV":
			assign(in.Text, env)
		case "COPY", "ADD":
			s.copy(in, place(in), rec, env)
		case "RUN":
			for _, f := range in.Flags {
				s.mount(f, place(in), env)
			}
		}
	}
	rec.stages = append(rec.stages, s)
}

// assign takes in the variables of ENV: NAME=value ..., or NAME value.
func assign(text string, env map[string]string) {
	words := split(text)
	if len(words) > 1 && !strings.Contains(words[0], "=") {
		env[words[0]] = expand(strings.Join(words[1:], " "), env)
		return
	}
	for _, word := range words {
		if key, value, ok := strings.Cut(word, "="); ok {
			env[key] = expand(value, env)
		}
	}
}

// copy notes the sources of COPY and ADD. What stands in the file itself (here-documents) is none.
func (s *stage) copy(in dockerfile.Instruction, at inventory.Location, rec *recipe, env map[string]string) {
	words := split(in.Text)
	if strings.HasPrefix(in.Text, "[") {
		var list []string
		if json.Unmarshal([]byte(in.Text), &list) == nil {
			words = list
		}
	}
	if len(words) < 2 {
		return
	}
	from, _ := in.Flag("from")
	from = expand(from, rec.globals(nil))
	for _, source := range words[:len(words)-1] {
		if !strings.HasPrefix(source, "<<") {
			s.copies = append(s.copies, copied{path: expand(source, env), from: from, at: at})
		}
	}
}

// mount notes what a RUN sees of the context, or of another stage, without copying it.
func (s *stage) mount(flag string, at inventory.Location, env map[string]string) {
	value, ok := strings.CutPrefix(flag, "--mount=")
	if !ok {
		return
	}
	options := map[string]string{"type": "bind", "source": "."}
	for _, o := range strings.Split(value, ",") {
		key, v, _ := strings.Cut(o, "=")
		if key == "src" {
			key = "source"
		}
		options[key] = expand(v, env)
	}
	if options["type"] == "bind" || options["from"] != "" {
		s.copies = append(s.copies, copied{path: options["source"], from: options["from"], at: at})
	}
}

// globals returns the arguments before the first stage: what a request gives, their defaults, or a "*".
func (rec *recipe) globals(given map[string]string) map[string]string {
	env := map[string]string{}
	for _, a := range rec.args {
		env[a.name] = "*"
		if a.given {
			env[a.name] = a.value
		}
	}
	maps.Copy(env, given)
	return env
}

// expand puts variables into a word. One that is not known becomes a "*": the builder sets some, such as TARGETARCH.
func expand(word string, env map[string]string) string {
	if word = interpolated(word, env, 0); len(word) > 4096 {
		return "*"
	}
	return word
}

// base returns the image that a stage starts from, nothing where that is another stage.
func (rec *recipe) base(i int, given map[string]string) string {
	name := expand(rec.stages[i].from, rec.globals(given))
	if _, ok := rec.find(name, i); ok {
		return ""
	}
	return name
}

// find returns the index of the stage of a name, or of its number, before another one.
func (rec *recipe) find(name string, before int) (int, bool) {
	for i := min(before, len(rec.stages)) - 1; i >= 0; i-- {
		if rec.stages[i].name != "" && rec.stages[i].name == strings.ToLower(name) || name == strconv.Itoa(i) {
			return i, true
		}
	}
	return 0, false
}

// stage returns the index of a target, of the last stage where none is given.
func (rec *recipe) stage(target string) (int, bool) {
	if target == "" {
		return len(rec.stages) - 1, len(rec.stages) > 0
	}
	return rec.find(target, len(rec.stages))
}

// closure returns a stage and those that it starts from or copies from, itself first.
func (rec *recipe) closure(final int) []int {
	seen := map[int]bool{}
	var list []int
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		list = append(list, i)
		if j, ok := rec.find(expand(rec.stages[i].from, rec.globals(nil)), i); ok {
			visit(j)
		}
		for _, c := range rec.stages[i].copies {
			if j, ok := rec.find(c.from, i); c.from != "" && ok {
				visit(j)
			}
		}
	}
	visit(final)
	return list
}
