package fix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// goRegistry asks a module proxy (https://go.dev/ref/mod#goproxy-protocol).
type goRegistry struct {
	client *web.Client
	base   string

	mu       sync.Mutex
	releases map[string][]Release
	files    map[string]*modfile.File // by module@version
}

// newGoRegistry returns the first proxy that the operator names, else the one that the go command comes with.
func newGoRegistry(ctx context.Context, env *Env) (Registry, error) {
	list := env.getenv("GOPROXY")
	if list == "" {
		if env.Runner == nil {
			return nil, errors.New("GOPROXY does not name a proxy and go, which knows one, may not run")
		}
		out, err := env.Runner.Run(ctx, nil, goCommand(env, "env", "GOPROXY"))
		if err != nil {
			return nil, err
		}
		list = strings.TrimSpace(string(out))
	}
	for _, address := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '|' }) {
		if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
			return &goRegistry{client: env.Client, base: strings.TrimRight(address, "/"), releases: map[string][]Release{}, files: map[string]*modfile.File{}}, nil
		}
	}
	return nil, errors.New("GOPROXY names no module proxy")
}

// get asks for a file of a module.
func (r *goRegistry) get(ctx context.Context, name, file string) ([]byte, error) {
	escaped, err := module.EscapePath(name)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, ErrNoPackage)
	}
	data, err := r.client.Get(ctx, r.base+"/"+escaped+"/"+file)
	if status := (*web.StatusError)(nil); errors.As(err, &status) && (status.Status == http.StatusNotFound || status.Status == http.StatusGone) {
		return nil, ErrNoPackage
	}
	return data, err
}

// Releases lists the tagged versions; those that the newest go.mod retracts are withdrawn. When one was published only
// Describe says. The standard library has no list.
func (r *goRegistry) Releases(ctx context.Context, name string) ([]Release, error) {
	if name == goStdlib {
		return nil, nil
	}
	r.mu.Lock()
	known, ok := r.releases[name]
	r.mu.Unlock()
	if ok {
		return known, nil
	}
	data, err := r.get(ctx, name, "@v/list")
	if err != nil {
		return nil, err
	}
	list := []Release{}
	newest := ""
	for line := range strings.Lines(string(data)) {
		v := strings.TrimSpace(line)
		if !semver.IsValid(v) {
			continue
		}
		list = append(list, Release{Version: strings.TrimPrefix(v, "v")})
		if semver.Prerelease(v) == "" && (newest == "" || semver.Compare(v, newest) > 0) {
			newest = v
		}
	}
	if newest != "" {
		file, err := r.file(ctx, name, newest)
		if err != nil {
			return nil, err
		}
		for i := range list {
			v := "v" + list[i].Version
			for _, retract := range file.Retract {
				if semver.Compare(v, retract.Low) >= 0 && semver.Compare(v, retract.High) <= 0 {
					list[i].Withdrawn = "retracted: " + scanner.Plain(retract.Rationale)
				}
			}
		}
	}
	r.mu.Lock()
	r.releases[name] = list
	r.mu.Unlock()
	return list, nil
}

// file returns the go.mod of a version.
func (r *goRegistry) file(ctx context.Context, name, version string) (*modfile.File, error) {
	key := name + "@" + version
	r.mu.Lock()
	f := r.files[key]
	r.mu.Unlock()
	if f != nil {
		return f, nil
	}
	escaped, err := module.EscapeVersion(version)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", version, ErrNoPackage)
	}
	data, err := r.get(ctx, name, "@v/"+escaped+".mod")
	if err != nil {
		return nil, err
	}
	if f, err = modfile.Parse("go.mod", data, nil); err != nil {
		if f, err = modfile.ParseLax("go.mod", data, nil); err != nil {
			return nil, fmt.Errorf("read the go.mod of %s: %w", key, err)
		}
	}
	r.mu.Lock()
	r.files[key] = f
	r.mu.Unlock()
	return f, nil
}

// Describe says when a version was published and which Go it needs.
func (r *goRegistry) Describe(ctx context.Context, name, version string) (Release, error) {
	list, err := r.Releases(ctx, name)
	if err != nil {
		return Release{}, err
	}
	release := Release{Version: version, Needs: []Need{}}
	for _, known := range list {
		if known.Version == version {
			release.Withdrawn = known.Withdrawn
		}
	}
	if name == goStdlib {
		return release, nil
	}
	escaped, err := module.EscapeVersion("v" + version)
	if err != nil {
		return Release{}, fmt.Errorf("%q: %w", version, ErrNoPackage)
	}
	data, err := r.get(ctx, name, "@v/"+escaped+".info")
	if err != nil {
		return Release{}, err
	}
	var info struct{ Time time.Time }
	if err := json.Unmarshal(data, &info); err != nil {
		return Release{}, fmt.Errorf("read the answer of the proxy: %w", err)
	}
	release.Published = info.Time
	file, err := r.file(ctx, name, "v"+version)
	if err != nil {
		return Release{}, err
	}
	if file.Go != nil {
		release.Engines = []Need{{Name: "go", Constraint: file.Go.Version}}
	}
	return release, nil
}
