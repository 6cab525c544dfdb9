package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// dockerfile is a Dockerfile with its stages.
type dockerfile struct {
	*inventory.Resource
	stages []*stage
}

// stage is one stage of a Dockerfile.
type stage struct {
	name         string
	base         inventory.Value
	parent       *stage // the earlier stage that it starts from; nil: base is an image
	instructions []instruction
}

// instruction is one instruction, with its here-documents in its text.
type instruction struct {
	name  string // in capitals
	text  string
	flags []string
	at    inventory.Value // what a finding points at
}

func newDockerfile(r *inventory.Resource) *dockerfile {
	d := &dockerfile{Resource: r}
	for _, v := range r.Get("stages").Elements() {
		s := &stage{base: v.Get("base")}
		s.name, _ = v.Get("name").Text()
		if parent, ok := v.Get("parent").Int(); ok && parent < len(d.stages) {
			s.parent = d.stages[parent]
		}
		for _, in := range v.Get("instructions").Elements() {
			next := instruction{at: in.Get("text")}
			next.name, _ = in.Get("name").Text()
			next.text, _ = in.Get("text").Text()
			for _, f := range in.Get("flags").Elements() {
				flag, _ := f.Text()
				next.flags = append(next.flags, flag)
			}
			for _, h := range in.Get("heredocs").Elements() {
				script, _ := h.Text()
				next.text += "\n" + script
			}
			s.instructions = append(s.instructions, next)
		}
		d.stages = append(d.stages, s)
	}
	return d
}

// each calls visit for each instruction of a name.
func (d *dockerfile) each(name string, visit func(instruction)) {
	for _, s := range d.stages {
		for _, in := range s.instructions {
			if in.name == name {
				visit(in)
			}
		}
	}
}

// flag returns the value of a flag such as --from.
func (in instruction) flag(name string) (string, bool) {
	for _, f := range in.flags {
		if key, value, _ := strings.Cut(f, "="); key == "--"+name {
			return value, true
		}
	}
	return "", false
}
