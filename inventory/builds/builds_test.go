package builds_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/builds"
)

func read(tb testing.TB, files map[string]string) *inventory.Inventory {
	tb.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	inv, err := builds.Source{}.Read(tb.Context(), tree)
	if err != nil {
		tb.Fatal(err)
	}
	return inv
}

// lines is what the tables compare: a line for each build, its names, images and notices.
func lines(inv *inventory.Inventory) []string {
	var list []string
	for _, b := range inv.Builds {
		var takes []string
		for _, s := range b.Sources {
			takes = append(takes, fmt.Sprintf("%s:%d", s.Path, s.Location.Line))
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s in %s takes %s from %v", b.ID, b.Kind, b.Context, strings.Join(takes, " "), b.Bases)))
		for _, i := range b.Images {
			list = append(list, fmt.Sprintf("  is %s by %s:%d", i.Name, i.Location.Path, i.Location.Line))
		}
	}
	for _, i := range inv.Images {
		for _, at := range i.Locations {
			list = append(list, fmt.Sprintf("image %s at %s:%d", i.ID, at.Path, at.Line))
		}
	}
	for _, n := range inv.Notices {
		list = append(list, fmt.Sprintf("%s %s:%d", n.Code, n.Location.Path, n.Location.Line))
	}
	return list
}

const simple = "FROM node:20\nCOPY package.json ./\nCOPY . .\n"

var trees = []struct {
	name  string
	files map[string]string
	want  []string
}{
	{"stages, arguments, mounts and what stands in the file", map[string]string{
		"Dockerfile": "# syntax=docker/dockerfile:1\nARG VERSION=1.26\nARG BASE\nFROM --platform=$BUILDPLATFORM golang:${VERSION}-alpine AS build\nARG VERSION\nARG DIR=cmd\n" +
			"COPY go.mod \\\n  go.sum ./\nRUN --mount=type=bind,source=internal,target=/i go build ./${DIR}\nCOPY ${DIR} ./\nFROM build AS test\nCOPY tests .\n" +
			"FROM ${BASE}\nFROM gcr.io/distroless/static@sha256:0123\nCOPY --from=build /app /app\nCOPY --from=busybox:1.36 /bin/sh /sh\nADD https://example.org/x /x\nCOPY <<EOF /etc/conf\nCOPY no .\nEOF\nUSER 1000\n",
	}, []string{
		"build:Dockerfile dockerfile in . takes go.mod:7 go.sum:7 internal:9 cmd:10 from [gcr.io/distroless/static@sha256:0123 golang:1.26-alpine]",
		"image busybox:1.36 at Dockerfile:16", "image gcr.io/distroless/static@sha256:0123 at Dockerfile:14", "image golang:1.26-alpine at Dockerfile:4", "unknown-base-image Dockerfile:13",
	}},
	{"a pattern, and a path that would leave the context", map[string]string{
		"a/Dockerfile": "FROM scratch\nCOPY package*.json ../secret ./\n", "a/package.json": "{}", "a/package-lock.json": "{}", "secret": "",
	}, []string{"build:a/Dockerfile dockerfile in a takes a/package-lock.json:2 a/package.json:2 from []"}},
	{"the context is the nearest folder with what is copied", map[string]string{
		"src/a/docker/Dockerfile": "FROM node:20\nCOPY src/a/package.json ./\n", "src/a/package.json": "{}",
	}, []string{"build:src/a/docker/Dockerfile dockerfile in . takes src/a/package.json:2 from [node:20]", "image node:20 at src/a/docker/Dockerfile:1"}},
	{"Compose, with variables and .env", map[string]string{
		".env": "REG=shop.example\nTAG='2'\n", "api/Dockerfile": simple, "web/docker/prod.Dockerfile": "FROM nginx:1 AS base\nFROM base AS slim\nCOPY index.html /\n", "web/index.html": "", "api/package.json": "{}",
		"compose.yaml": "services:\n  api:\n    build: ./api\n    image: ${REG}/api:${TAG:-1}\n  web:\n    build:\n      context: web\n      dockerfile: docker/prod.Dockerfile\n      target: slim\n    image: web:${UNSET}\n  db:\n    image: postgres:${PG:-16}\n  cache:\n    build: api\n",
	}, []string{
		"build:api/Dockerfile dockerfile in api takes api/package.json:2 api:3 from [node:20]", "  is *-cache by compose.yaml:14", "  is *_cache by compose.yaml:14", "  is shop.example/api:2 by compose.yaml:3",
		"build:web/docker/prod.Dockerfile#slim dockerfile in web takes web/index.html:3 from [nginx:1]", "  is web:* by compose.yaml:7",
		"image nginx:1 at web/docker/prod.Dockerfile:1", "image node:20 at api/Dockerfile:1", "image postgres:16 at compose.yaml:12",
	}},
	{"Skaffold and Tilt", map[string]string{
		"a/Dockerfile": simple, "skaffold.yaml": "apiVersion: skaffold/v4beta1\nkind: Config\nbuild:\n  artifacts:\n  - image: a\n    context: a\n  - image: j\n    context: j\n    jib: {}\n",
		"Tiltfile": "x = 1\ndocker_build('tilted', './a', dockerfile='a/Dockerfile')\n",
	}, []string{
		"build:a/Dockerfile dockerfile in a takes a/package.json:2 a:3 from [node:20]", "  is */a by skaffold.yaml:5", "  is */tilted by Tiltfile:2", "  is a by skaffold.yaml:5", "  is tilted by Tiltfile:2",
		"build:j jib in j takes j:7 from []", "  is */j by skaffold.yaml:7", "  is j by skaffold.yaml:7", "image node:20 at a/Dockerfile:1",
	}},
	{"bake", map[string]string{
		"a/Dockerfile":     simple,
		"docker-bake.hcl":  "variable \"TAG\" { default = \"1\" }\nvariable \"REG\" {}\ntarget \"base\" { context = \"a\" }\ntarget \"a\" {\n  inherits = [\"base\"]\n  tags = [\"${REG}/a:${TAG}\", \"b:${now()}\"]\n}\n",
		"docker-bake.json": `{"target":{"c":{"context":"a","tags":["c:1"]}}}`,
	}, []string{
		"build:a/Dockerfile dockerfile in a takes a/package.json:2 a:3 from [node:20]", "  is */a:1 by docker-bake.hcl:4", "  is c:1 by docker-bake.json:1", "image node:20 at a/Dockerfile:1",
	}},
	{"a workflow: the action, a matrix, metadata and commands", map[string]string{
		"a/Dockerfile": simple, "b/Dockerfile": simple, "c/x.Dockerfile": simple,
		".github/workflows/ci.yml": "on: push\nenv: {REG: ghcr.io/acme}\njobs:\n  one:\n    container: golang:1.26\n    strategy: {matrix: {app: [{dir: a}, {dir: b}]}}\n    steps:\n" +
			"    - id: meta\n      uses: docker/metadata-action@v5\n      with: {images: \"${{ env.REG }}/meta-${{ matrix.app.dir }}\"}\n" +
			"    - uses: docker/build-push-action@v6\n      with:\n        context: ./${{ matrix.app.dir }}\n        tags: |\n          ${{ env.REG }}/${{ matrix.app.dir }}:${{ github.sha }}\n          ${{ steps.meta.outputs.tags }}\n" +
			"  two:\n    defaults: {run: {working-directory: c}}\n    steps:\n    - run: |\n        TAG=7\n        docker buildx build --push -t \"$REG/c:$TAG\" \\\n          -f x.Dockerfile --build-arg A=1 .\n    - run: cd .. && docker build -t d:${TAG} ./a\n",
	}, []string{
		"build:a/Dockerfile dockerfile in a takes a/package.json:2 a:3 from [node:20]", "  is d:* by .github/workflows/ci.yml:24", "  is ghcr.io/acme/a:* by .github/workflows/ci.yml:11", "  is ghcr.io/acme/meta-a:* by .github/workflows/ci.yml:11",
		"build:b/Dockerfile dockerfile in b takes b/package.json:2 b:3 from [node:20]", "  is ghcr.io/acme/b:* by .github/workflows/ci.yml:11", "  is ghcr.io/acme/meta-b:* by .github/workflows/ci.yml:11",
		"build:c/x.Dockerfile dockerfile in c takes c/package.json:2 c:3 from [node:20]", "  is ghcr.io/acme/c:7 by .github/workflows/ci.yml:22",
		"image golang:1.26 at .github/workflows/ci.yml:5", "image node:20 at a/Dockerfile:1", "image node:20 at b/Dockerfile:1", "image node:20 at c/x.Dockerfile:1",
	}},
	{"a GitLab pipeline", map[string]string{
		"a/Dockerfile":   simple,
		".gitlab-ci.yml": "image: docker:27\nvariables: {IMAGE: \"$CI_REGISTRY_IMAGE/a\"}\nbuild:\n  services: [{name: \"docker:27-dind\"}]\n  script:\n  - docker build -t \"$IMAGE:$CI_COMMIT_SHA\" a\nkaniko:\n  image: {name: \"gcr.io/kaniko-project/executor:v1\"}\n  script:\n  - /kaniko/executor --context \"$CI_PROJECT_DIR/a\" --dockerfile \"$CI_PROJECT_DIR/a/Dockerfile\" --destination \"$CI_REGISTRY_IMAGE/k:1\"\n",
	}, []string{
		"build:a/Dockerfile dockerfile in a takes a/package.json:2 a:3 from [node:20]", "  is */a:* by .gitlab-ci.yml:6", "  is */k:1 by .gitlab-ci.yml:10",
		"image docker:27 at .gitlab-ci.yml:1", "image docker:27-dind at .gitlab-ci.yml:4", "image gcr.io/kaniko-project/executor:v1 at .gitlab-ci.yml:8", "image node:20 at a/Dockerfile:1",
	}},
	{"a Makefile and a script", map[string]string{
		"a/Dockerfile": simple, "Makefile": "REG ?= acme\nTAG := $(shell git describe)\nimage:\n\t@docker build \\\n\t  -t $(REG)/a:$(TAG) a\n",
		"a/build.sh": "#!/bin/sh\nset -e\nNAME=acme/s\ndocker build -t \"$NAME\" . # here\n",
	}, []string{
		"build:a/Dockerfile dockerfile in a takes a/package.json:2 a:3 from [node:20]", "  is acme/a:* by Makefile:4", "  is acme/s by a/build.sh:4", "image node:20 at a/Dockerfile:1",
	}},
	{"broken files", map[string]string{
		"Dockerfile": "FROM node\nNONSENSE\nCOPY\n", "compose.yaml": "services: [\n", "docker-bake.hcl": "target {", "x.Dockerfile": "just text\n", ".gitlab-ci.yml": "- 1\n",
	}, []string{"build:Dockerfile dockerfile in . takes  from [node]", "image node at Dockerfile:1", "unreadable-file compose.yaml:1", "unreadable-file docker-bake.hcl:1"}},
}

func TestRead(t *testing.T) {
	for _, tt := range trees {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(read(t, tt.files))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	names := []string{"Dockerfile", "compose.yaml", "skaffold.yaml", "docker-bake.hcl", "docker-bake.json", ".github/workflows/a.yml", ".gitlab-ci.yml", "Makefile", "a.sh", "Tiltfile"}
	for _, tt := range trees {
		for name, text := range tt.files {
			for i, known := range names {
				if known == name || strings.HasSuffix(name, known) {
					f.Add(i, text)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, i int, text string) {
		if i < 0 || i >= len(names) {
			return
		}
		inv := read(t, map[string]string{names[i]: text, "a/Dockerfile": simple, ".env": text})
		for _, b := range inv.Builds {
			for _, s := range b.Sources {
				if strings.HasPrefix(s.Path, "../") {
					t.Errorf("%s takes %s", b.ID, s.Path)
				}
			}
		}
	})
}

// TestIgnore finds the file that says what stays out: the one of the Dockerfile, else that of the context.
func TestIgnore(t *testing.T) {
	inv := read(t, map[string]string{
		"api/Dockerfile": simple, "api/.dockerignore": "# what is not needed\n/node_modules/\n**/*.lock\n!keep.lock\n",
		"web/prod.Dockerfile": simple, "web/prod.Dockerfile.dockerignore": "*\n!src\n", "web/.dockerignore": "src\n",
		"none/Dockerfile": simple, "none/.dockerignore": "# nothing\n",
		"bad/Dockerfile": simple, "bad/.dockerignore": "[a-\n",
	})
	got := map[string][]string{}
	for _, b := range inv.Builds {
		for _, s := range b.Sources {
			if s.Ignore != nil {
				got[string(b.ID)+" in "+s.Ignore.Context] = s.Ignore.Patterns
			}
		}
	}
	want := map[string][]string{"build:api/Dockerfile in api": {"node_modules", "**/*.lock", "!keep.lock"}, "build:web/prod.Dockerfile in web": {"*", "!src"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(inv.Notices) != 1 || inv.Notices[0].Location.Path != "bad/.dockerignore" {
		t.Errorf("%+v", inv.Notices)
	}
}
