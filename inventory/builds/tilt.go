package builds

import (
	"path"
	"regexp"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// A Tiltfile is a program. What is read of it are calls of docker_build whose arguments are written out
// (https://docs.tilt.dev/api.html#api.docker_build).
var (
	tiltBuild      = regexp.MustCompile(`(?:docker_build|docker_build_with_restart)\(\s*(?:ref\s*=\s*)?['"]([^'"]+)['"]\s*,\s*(?:context\s*=\s*)?['"]([^'"]+)['"]([^)]*)`)
	tiltDockerfile = regexp.MustCompile(`dockerfile\s*=\s*['"]([^'"]+)['"]`)
	tiltTarget     = regexp.MustCompile(`target\s*=\s*['"]([^'"]+)['"]`)
)

func (r *reader) tilt(name string, data []byte) {
	text := string(data)
	lines := inventory.NewLines(data)
	for _, m := range tiltBuild.FindAllStringSubmatchIndex(text, -1) {
		group := func(i int) string { return text[m[2*i]:m[2*i+1]] }
		image, rest := group(1), group(3)
		q := request{context: path.Join(path.Dir(name), group(2)), names: []string{image}, at: lines.Location(name, m[0], m[1])}
		if !strings.Contains(image, "/") { // a registry is put before it
			q.names = append(q.names, "*/"+image)
		}
		if f := tiltDockerfile.FindStringSubmatch(rest); f != nil {
			q.recipe = path.Join(path.Dir(name), f[1])
		}
		if t := tiltTarget.FindStringSubmatch(rest); t != nil {
			q.target = t[1]
		}
		r.ask(q)
	}
}
