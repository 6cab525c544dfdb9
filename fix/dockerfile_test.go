package fix_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func TestEditFrom(t *testing.T) {
	digest := func(c string) string { return "@sha256:" + strings.Repeat(c, 64) }
	for _, test := range []struct {
		name, file, from, to string
		want                 []scanner.Edit
		why                  string
	}{
		{
			name: "tag", file: "# syntax\nFROM python:3.8-slim AS build\nRUN x\nFROM build\n", from: "python:3.8-slim", to: "python:3.12-slim",
			want: []scanner.Edit{{Path: "Dockerfile", Line: 2, EndLine: 2, Text: "FROM python:3.12-slim AS build"}},
		},
		{
			name: "digest and platform", file: "from  --platform=$BUILDPLATFORM  node:18" + digest("a") + "  as  deps\n", from: "node:18", to: "node:22" + digest("b"),
			want: []scanner.Edit{{Path: "Dockerfile", Line: 1, EndLine: 1, Text: "from  --platform=$BUILDPLATFORM  node:22" + digest("b") + "  as  deps"}},
		},
		{
			name: "no digest where there was none", file: "FROM node:18\n", from: "node:18", to: "node:22" + digest("b"),
			want: []scanner.Edit{{Path: "Dockerfile", Line: 1, EndLine: 1, Text: "FROM node:22"}},
		},
		{
			name: "registry with a port", file: "FROM registry.example:5000/base:1\nFROM registry.example:5000/base:2\n", from: "registry.example:5000/base:1", to: "registry.example:5000/base:3",
			want: []scanner.Edit{{Path: "Dockerfile", Line: 1, EndLine: 1, Text: "FROM registry.example:5000/base:3"}},
		},
		{name: "digest that nobody knows", file: "FROM node:18" + digest("a") + "\n", from: "node:18", to: "node:22", why: "Dockerfile:1 is pinned by a digest, and that of node:22 is known to its registry alone"},
		{name: "argument", file: "ARG V=18\nFROM node:${V}\n", from: "node:18", to: "node:22", why: "Dockerfile:2 is left alone: its image is put together from build arguments (node:${V}), which others may set"},
		{name: "over several lines", file: "FROM \\\n  node:18\n", from: "node:18", to: "node:22", why: "goes over several lines"},
		{name: "stage", file: "FROM alpine:3.18 AS node\nFROM node\n", from: "node", to: "node:22", why: ""},
		{name: "here-document", file: "FROM alpine:3.20\nRUN <<EOF\nFROM node:18\nEOF\n", from: "node:18", to: "node:22"},
		{name: "continued command", file: "FROM alpine:3.20\nRUN echo \\\nFROM node:18\n", from: "node:18", to: "node:22"},
		{name: "escape", file: "# escape=`\nFROM alpine:3.20\nRUN echo `\nFROM node:18\n", from: "node:18", to: "node:22"},
		{name: "another image", file: "FROM node:20\n", from: "node:18", to: "node:22"},
		{name: "hostile", file: "FROM node:18\n", from: "node:18", to: "node:22\nRUN x", why: "is no reference of an image"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := fix.EditFrom("Dockerfile", []byte(test.file), test.from, test.to)
			if test.why != "" {
				if err == nil || !strings.Contains(err.Error(), test.why) {
					t.Fatalf("error %v, want %q", err, test.why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
