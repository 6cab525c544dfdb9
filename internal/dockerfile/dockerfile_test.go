package dockerfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = "# syntax=docker/dockerfile:1\n# escape=\\\nARG TAG=1.2\nARG BASE\n\nFROM --platform=$BUILDPLATFORM golang:${TAG}-alpine AS build\n" +
	"RUN apk add \\\n  # a comment\n\n  git \\\n  make\nCOPY --from=tools --chown=1:1 /a /b\nRUN <<EOF\n#!/bin/sh\necho hi\nEOF\nFROM ${BASE:-alpine:3.20}\n" +
	"COPY <<\"A\" <<-B /x/\none\nA\n\ttwo\n\tB\nFROM build as last\nuser app\nFROM $MISSING\n"

func TestParse(t *testing.T) {
	f, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	from := func(text string, line int, flags ...string) Instruction {
		return Instruction{Name: "FROM", Text: text, Line: line, EndLine: line, Flags: flags}
	}
	want := &File{
		Args: []Instruction{{Name: "ARG", Text: "TAG=1.2", Line: 3, EndLine: 3}, {Name: "ARG", Text: "BASE", Line: 4, EndLine: 4}},
		Stages: []Stage{
			{Name: "build", Base: "golang:1.2-alpine", Written: "golang:${TAG}-alpine", Platform: "$BUILDPLATFORM", Parent: -1,
				From: from("golang:${TAG}-alpine AS build", 6, "--platform=$BUILDPLATFORM"),
				Instructions: []Instruction{
					{Name: "RUN", Text: "apk add    git    make", Line: 7, EndLine: 11},
					{Name: "COPY", Flags: []string{"--from=tools", "--chown=1:1"}, Text: "/a /b", Line: 12, EndLine: 12},
					{Name: "RUN", Text: "<<EOF", Heredocs: []string{"#!/bin/sh\necho hi"}, Line: 13, EndLine: 16},
				}},
			{Base: "alpine:3.20", Written: "${BASE:-alpine:3.20}", Parent: -1, From: from("${BASE:-alpine:3.20}", 17),
				Instructions: []Instruction{{Name: "COPY", Text: `<<"A" <<-B /x/`, Heredocs: []string{"one", "\ttwo"}, Line: 18, EndLine: 22}}},
			{Name: "last", Base: "build", Written: "build", Parent: 0, From: from("build as last", 23), Instructions: []Instruction{{Name: "USER", Text: "app", Line: 24, EndLine: 24}}},
			{Base: "$MISSING", Written: "$MISSING", Parent: -1, From: from("$MISSING", 25), Unresolved: []string{"MISSING"}},
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	if v, ok := f.Stages[0].Instructions[1].Flag("from"); !ok || v != "tools" {
		t.Errorf("--from is %q", v)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		text   string
		line   int // 0: no error
		stages int
	}{
		{"", 0, 0},
		{"# only a comment", 0, 0},
		{"FROM a\n{{ template }}\nRUN b", 2, 1},
		{"RUN a\nFROM b", 1, 0},
		{"FROM", 0, 1},
		{"FROM a\nRUN <<EOF\nnever ends", 0, 1},
		{"FROM a\nRUN b \\", 0, 1},
		{"# escape=`\nFROM a\nRUN c:\\ `\n  d", 0, 1},
		{"FROM a\n" + strings.Repeat("RUN x\n", maxInstructions+1), maxInstructions + 1, 1},
		{strings.Repeat("#", MaxSize+1), 1, 0},
	} {
		f, err := Parse([]byte(tt.text))
		line := 0
		if e := (*Error)(nil); errors.As(err, &e) {
			line = e.Line
		}
		if line != tt.line || len(f.Stages) != tt.stages {
			t.Errorf("%.40q: line %d, %d stages, want %d, %d: %v", tt.text, line, len(f.Stages), tt.line, tt.stages, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if file == nil {
			t.Fatalf("no file: %v", err)
		}
		last := 0
		for _, s := range file.Stages {
			if s.From.Line <= last || s.Parent >= len(file.Stages) {
				t.Errorf("a stage at line %d after %d, parent %d", s.From.Line, last, s.Parent)
			}
			last = s.From.Line
			for _, in := range s.Instructions {
				if in.Line <= last || in.EndLine < in.Line {
					t.Errorf("an instruction from line %d to %d after %d", in.Line, in.EndLine, last)
				}
				last = in.Line
			}
		}
	})
}
