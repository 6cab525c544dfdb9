package builds

import (
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxScript bounds the scripts that are read, in bytes.
const maxScript = 256 << 10

// commands reads the lines of a shell script for commands that build images. dir is the folder in which they run, or "*"
// where that is not known; env holds the variables, and takes in those that the lines assign.
func (r *reader) commands(script string, dir string, env map[string]string, at func(line int) inventory.Location) {
	if len(script) > maxScript || !buildsImages(script) {
		return
	}
	number := 1
	for _, line := range strings.SplitAfter(joined(script), "\n") {
		for _, command := range separated(line) {
			words := split(strings.ReplaceAll(command, "\x00", " "))
			for len(words) > 0 {
				name, value, ok := strings.Cut(words[0], "=")
				if words[0] == "export" || words[0] == "local" || words[0] == "sudo" || words[0] == "exec" || words[0] == "-" || words[0] == "@" {
					words = words[1:]
					continue
				}
				if !ok || !isName(name) {
					break
				}
				if value = interpolated(value, env, 0); len(value) <= 4096 && !strings.Contains(value, "`") {
					env[name] = value
				}
				words = words[1:]
			}
			for i := range words {
				words[i] = interpolated(words[i], env, 0)
			}
			if len(words) == 2 && words[0] == "cd" {
				dir = moved(dir, words[1])
				continue
			}
			r.command(words, dir, at(number))
		}
		number += strings.Count(line, "\n") + strings.Count(line, "\x00")
	}
}

// buildsImages tells quickly whether a script has a command that this package knows.
func buildsImages(script string) bool {
	for _, word := range []string{"docker", "podman", "buildah", "nerdctl", "kaniko", "pack build", "ko build", "ko publish", "ko resolve", "build-image", "jib"} {
		if strings.Contains(script, word) {
			return true
		}
	}
	return false
}

// joined returns a script in which lines that a backslash continues are one; the breaks are kept as zero bytes.
func joined(script string) string {
	return strings.NewReplacer("\\\r\n", "\x00", "\\\n", "\x00").Replace(strings.ReplaceAll(script, "\x00", ""))
}

// separated splits a line at what ends a command.
func separated(line string) []string {
	var list []string
	var quote byte
	start := 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return append(list, line[start:i])
		case c == ';' || c == '&' || c == '|' || c == '\n':
			list = append(list, line[start:i])
			start = i + 1
		}
	}
	return append(list, line[start:])
}

// split splits a command into words, without quotes.
func split(command string) []string {
	var words []string
	var word strings.Builder
	var quote byte
	in := false
	depth := 0 // of $( ), which is one word
	for i := 0; i < len(command); i++ {
		c := command[i]
		switch {
		case quote == 0 && (c == '\'' || c == '"'):
			quote, in = c, true
		case c == quote && quote != 0:
			quote = 0
		case quote == 0 && depth == 0 && (c == ' ' || c == '\t' || c == '\r'):
			if in {
				words = append(words, word.String())
				word.Reset()
				in = false
			}
		default:
			if c == '(' && i > 0 && command[i-1] == '$' {
				depth++
			}
			if c == ')' && depth > 0 {
				depth--
			}
			word.WriteByte(c)
			in = true
		}
	}
	if in {
		words = append(words, word.String())
	}
	return words
}

func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// moved returns the folder that a path leads to from another one.
func moved(dir, to string) string {
	if dir == "*" || strings.Contains(to, "*") || path.IsAbs(to) || strings.HasPrefix(to, "~") || to == "-" {
		return "*"
	}
	return path.Join(dir, to)
}

// command reads one command.
func (r *reader) command(words []string, dir string, at inventory.Location) {
	if len(words) < 2 {
		return
	}
	words[0] = strings.TrimLeft(words[0], "@-+")
	tool := path.Base(words[0])
	switch {
	case tool == "docker" || tool == "podman" || tool == "buildah" || tool == "nerdctl":
		rest := words[1:]
		for len(rest) > 0 && (rest[0] == "buildx" || rest[0] == "image" || rest[0] == "builder") {
			rest = rest[1:]
		}
		if len(rest) > 0 && (rest[0] == "build" || rest[0] == "bud" || rest[0] == "b") {
			r.dockerBuild(rest[1:], dir, at)
		}
	case strings.HasSuffix(words[0], "kaniko/executor") || tool == "executor" && strings.Contains(words[0], "kaniko"):
		r.kaniko(words[1:], dir, at)
	case tool == "pack" && words[1] == "build" && len(words) > 2:
		q := request{kind: inventory.BuildBuildpack, context: dir, names: []string{words[2]}, at: at}
		if p := option(words, "--path", "-p"); p != "" {
			q.context = moved(dir, p)
		}
		r.ask(q)
	case tool == "ko" && (words[1] == "build" || words[1] == "publish"):
		for _, w := range words[2:] {
			if strings.HasPrefix(w, "./") || w == "." {
				r.ask(request{kind: inventory.BuildKo, context: moved(dir, w), names: []string{"*/" + path.Base(moved(dir, w))}, at: at})
			}
		}
	case strings.HasPrefix(tool, "mvn") || strings.HasPrefix(tool, "gradle"):
		r.java(words, dir, at)
	}
}

// java reads how a command calls Jib or Spring Boot's build-image.
func (r *reader) java(words []string, dir string, at inventory.Location) {
	q := request{context: dir, at: at}
	for _, w := range words[1:] {
		switch name, value, _ := strings.Cut(w, "="); {
		case strings.Contains(w, "jib:") || w == "jib" || w == "jibDockerBuild":
			q.kind = inventory.BuildJib
		case strings.Contains(w, "build-image") && !strings.Contains(w, "="), w == "bootBuildImage":
			q.kind = inventory.BuildBuildpack
		case name == "-Dimage" || name == "-Djib.to.image" || name == "-Dspring-boot.build-image.imageName" || name == "--image" || name == "--imageName":
			q.names = append(q.names, value)
		}
	}
	if p := option(words, "-f", "--file"); p != "" {
		q.context = moved(dir, path.Dir(p))
	}
	if q.kind != "" {
		r.ask(q)
	}
}

// option returns the value of the first of some flags.
func option(words []string, names ...string) string {
	if list := options(words, names...); len(list) > 0 {
		return list[0]
	}
	return ""
}

// options returns the values of flags, written as --flag value or --flag=value.
func options(words []string, names ...string) []string {
	var list []string
	for i, w := range words {
		for _, name := range names {
			if value, ok := strings.CutPrefix(w, name+"="); ok {
				list = append(list, value)
			} else if w == name && i+1 < len(words) {
				list = append(list, words[i+1])
			}
		}
	}
	return list
}

// flagsWithoutValue are the flags of docker build that take none.
var flagsWithoutValue = map[string]bool{
	"--no-cache": true, "--pull": true, "--push": true, "--load": true, "--quiet": true, "-q": true, "--rm": true, "--force-rm": true, "--squash": true, "--compress": true,
	"--check": true, "--debug": true, "-D": true, "--layers": true, "--all-platforms": true,
}

// dockerBuild reads the arguments of docker build (https://docs.docker.com/reference/cli/docker/buildx/build/).
func (r *reader) dockerBuild(args []string, dir string, at inventory.Location) {
	q := request{at: at, args: map[string]string{}}
	context := ""
	for i := 0; i < len(args); i++ {
		flag, value, joined := strings.Cut(args[i], "=")
		if !strings.HasPrefix(flag, "-") || flag == "-" {
			if strings.HasPrefix(args[i], ">") || strings.HasPrefix(args[i], "2>") {
				break
			}
			if context == "" {
				context = args[i]
			}
			continue
		}
		if flagsWithoutValue[flag] {
			continue
		}
		if !joined {
			if i++; i >= len(args) {
				break
			}
			value = args[i]
		}
		switch flag {
		case "-t", "--tag":
			q.names = append(q.names, value)
		case "-f", "--file":
			q.recipe = moved(dir, value)
		case "--target":
			q.target = value
		case "--build-arg":
			if key, v, ok := strings.Cut(value, "="); ok {
				q.args[key] = v
			}
		}
	}
	if context == "" || context == "-" || remote(context) {
		return
	}
	q.context = moved(dir, context)
	if strings.Contains(q.target, "*") {
		q.target = ""
	}
	r.ask(q)
}

// kaniko reads the arguments of kaniko's executor (https://github.com/GoogleContainerTools/kaniko).
func (r *reader) kaniko(args []string, dir string, at inventory.Location) {
	inDir := func(p string) string {
		p = strings.TrimPrefix(strings.TrimPrefix(p, "dir://"), "*/") // the folder that a job is checked out to
		if p == "*" || p == "" {
			return dir
		}
		return moved(dir, strings.TrimPrefix(p, "/workspace/"))
	}
	q := request{context: inDir(option(args, "--context", "-c")), names: options(args, "--destination", "-d"), target: option(args, "--target"), at: at}
	if file := option(args, "--dockerfile", "-f"); file != "" {
		q.recipe = inDir(file)
	}
	r.ask(q)
}

// script reads a shell script or a Makefile.
func (r *reader) script(name string, data []byte) {
	text := string(data)
	if len(text) > maxScript || !buildsImages(text) {
		return
	}
	env := map[string]string{}
	if strings.HasSuffix(name, ".sh") {
		r.commands(text, path.Dir(name), env, func(line int) inventory.Location { return inventory.Location{Path: name, Line: line} })
		return
	}
	for _, line := range strings.Split(text, "\n") { // variables of make hold for the whole file
		if strings.HasPrefix(line, "\t") {
			continue
		}
		for _, operator := range []string{"?=", ":=", "="} {
			if key, value, ok := strings.Cut(line, operator); ok && isName(strings.TrimSpace(strings.TrimPrefix(key, "export "))) {
				if value = interpolated(strings.TrimSpace(value), env, 0); len(value) <= 4096 {
					env[strings.TrimSpace(strings.TrimPrefix(key, "export "))] = value
				}
				break
			}
		}
	}
	number := 1
	for _, line := range strings.Split(joined(text), "\n") {
		at := inventory.Location{Path: name, Line: number}
		number += 1 + strings.Count(line, "\x00")
		if recipe, ok := strings.CutPrefix(line, "\t"); ok {
			r.commands(strings.ReplaceAll(recipe, "\x00", " "), path.Dir(name), env, func(int) inventory.Location { return at })
		}
	}
}
