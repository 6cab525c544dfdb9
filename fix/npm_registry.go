package fix

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"deps.dev/util/semver"

	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// npmRegistry asks a registry of JavaScript packages
// (https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md).
type npmRegistry struct {
	client *web.Client
	base   string // ends with a slash

	mu       sync.Mutex
	packages map[string]*npmPackage
	releases map[string]*npmVersion // by name and version, of packages that were not asked for whole
}

// npmPackage is what the registry says of one package.
type npmPackage struct {
	Versions map[string]*npmVersion `json:"versions"`
	Time     map[string]time.Time   `json:"time"`
	Tags     npmWants               `json:"dist-tags"`
}

// npmVersion is one release as the registry states it.
type npmVersion struct {
	Dependencies         npmWants        `json:"dependencies"`
	OptionalDependencies npmWants        `json:"optionalDependencies"`
	PeerDependencies     npmWants        `json:"peerDependencies"`
	PeerDependenciesMeta npmPeers        `json:"peerDependenciesMeta"`
	Engines              json.RawMessage `json:"engines"`
	Deprecated           any             `json:"deprecated"`
	Dist                 struct {
		Integrity string `json:"integrity"`
		Shasum    string `json:"shasum"`
		Tarball   string `json:"tarball"`
	} `json:"dist"`
	// What a lock file repeats as it is.
	OS                  json.RawMessage `json:"os"`
	CPU                 json.RawMessage `json:"cpu"`
	Libc                json.RawMessage `json:"libc"`
	Bin                 json.RawMessage `json:"bin"`
	Funding             json.RawMessage `json:"funding"`
	License             json.RawMessage `json:"license"`
	BundleDependencies  json.RawMessage `json:"bundleDependencies"`
	BundledDependencies json.RawMessage `json:"bundledDependencies"`
	HasInstallScript    bool            `json:"hasInstallScript"`
	HasShrinkwrap       bool            `json:"_hasShrinkwrap"`
	Scripts             npmWants        `json:"scripts"`
}

// npmPeers says of peers which may be missing.
type npmPeers map[string]struct{ Optional bool }

// UnmarshalJSON reads the object; anything else has no members.
func (p *npmPeers) UnmarshalJSON(data []byte) error {
	var all map[string]struct{ Optional any }
	_ = json.Unmarshal(data, &all) // what it could not read is not there
	for name, value := range all {
		if value.Optional == true {
			if *p == nil {
				*p = npmPeers{}
			}
			(*p)[name] = struct{ Optional bool }{true}
		}
	}
	return nil
}

// npmWants is an object of names and texts. What old releases have in its place, and members that are no text, mean
// nothing to npm.
type npmWants map[string]string

// UnmarshalJSON reads the object; anything else has no members.
func (w *npmWants) UnmarshalJSON(data []byte) error {
	var all map[string]any
	_ = json.Unmarshal(data, &all) // as above
	for name, value := range all {
		if text, ok := value.(string); ok {
			if *w == nil {
				*w = npmWants{}
			}
			(*w)[name] = text
		}
	}
	return nil
}

// npmName matches the names that a registry accepts (https://docs.npmjs.com/cli/configuring-npm/package-json#name),
// older ones with capitals among them.
var npmName = regexp.MustCompile(`^(?:@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]*$`)

// newNPMRegistry returns the registry that the operator names, else npm's own default.
func newNPMRegistry(ctx context.Context, env *Env) (Registry, error) {
	base := env.getenv("NPM_CONFIG_REGISTRY")
	if base == "" {
		base = env.getenv("npm_config_registry")
	}
	if base == "" {
		if env.Runner == nil {
			return nil, errors.New("NPM_CONFIG_REGISTRY does not name it and npm, which knows its own, may not run")
		}
		out, err := env.Runner.Run(ctx, nil, npmCommand(env, "", "config", "get", "registry"))
		if err != nil {
			return nil, err
		}
		base = strings.TrimSpace(string(out))
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, errors.New("NPM_CONFIG_REGISTRY is no address of a registry")
	}
	return &npmRegistry{client: env.Client, base: strings.TrimSuffix(base, "/") + "/", packages: map[string]*npmPackage{}, releases: map[string]*npmVersion{}}, nil
}

// get returns what the registry says of a package, and asks once.
func (r *npmRegistry) get(ctx context.Context, name string) (*npmPackage, error) {
	if !npmName.MatchString(name) || len(name) > 214 {
		return nil, fmt.Errorf("%q: %w", name, ErrNoPackage)
	}
	r.mu.Lock()
	p := r.packages[name]
	r.mu.Unlock()
	if p != nil {
		return p, nil
	}
	data, err := r.client.Get(ctx, r.base+strings.Replace(name, "/", "%2f", 1))
	if status := (*web.StatusError)(nil); errors.As(err, &status) && status.Status == http.StatusNotFound {
		return nil, ErrNoPackage
	}
	if err != nil {
		return nil, err
	}
	p = new(npmPackage)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("read the answer of the registry: %w", err)
	}
	r.mu.Lock()
	r.packages[name] = p
	r.mu.Unlock()
	return p, nil
}

// version returns one release.
func (r *npmRegistry) version(ctx context.Context, name, version string) (*npmVersion, error) {
	p, err := r.get(ctx, name)
	if err != nil {
		return nil, err
	}
	v := p.Versions[version]
	if v == nil {
		return nil, ErrNoPackage
	}
	return v, nil
}

// manifest returns one release, for which it does not ask for the whole package: that may be megabytes.
func (r *npmRegistry) manifest(ctx context.Context, name, version string) (*npmVersion, error) {
	if _, err := semver.NPM.Parse(version); err != nil || !npmName.MatchString(name) || len(name) > 214 {
		return nil, fmt.Errorf("%s@%s: %w", name, version, ErrNoPackage)
	}
	key := name + "@" + version
	r.mu.Lock()
	v, whole := r.releases[key], r.packages[name]
	r.mu.Unlock()
	switch {
	case v != nil:
		return v, nil
	case whole != nil && whole.Versions[version] != nil:
		return whole.Versions[version], nil
	}
	data, err := r.client.Get(ctx, r.base+strings.Replace(name, "/", "%2f", 1)+"/"+url.PathEscape(version))
	if err != nil {
		return nil, err
	}
	v = new(npmVersion)
	if err := json.Unmarshal(data, v); err != nil {
		return nil, fmt.Errorf("read the answer of the registry: %w", err)
	}
	r.mu.Lock()
	r.releases[key] = v
	r.mu.Unlock()
	return v, nil
}

func (r *npmRegistry) Releases(ctx context.Context, name string) ([]Release, error) {
	p, err := r.get(ctx, name)
	if err != nil {
		return nil, err
	}
	list := make([]Release, 0, len(p.Versions))
	for version, v := range p.Versions {
		if v != nil {
			list = append(list, p.release(version, v))
		}
	}
	return list, nil
}

func (r *npmRegistry) Describe(ctx context.Context, name, version string) (Release, error) {
	v, err := r.version(ctx, name, version)
	if err != nil {
		return Release{}, err
	}
	p, err := r.get(ctx, name)
	if err != nil {
		return Release{}, err
	}
	return p.release(version, v), nil
}

func (p *npmPackage) release(version string, v *npmVersion) Release {
	r := Release{Version: version, Published: p.Time[version], Needs: []Need{}}
	if s, ok := v.Deprecated.(string); ok && s != "" {
		r.Withdrawn = "deprecated: " + scanner.Plain(s)
	}
	for _, name := range sortedKeys(v.Dependencies) {
		if _, optional := v.OptionalDependencies[name]; !optional {
			r.Needs = append(r.Needs, Need{Name: name, Constraint: v.Dependencies[name]})
		}
	}
	for _, name := range sortedKeys(v.OptionalDependencies) {
		r.Needs = append(r.Needs, Need{Name: name, Constraint: v.OptionalDependencies[name], Optional: true})
	}
	for _, name := range sortedKeys(v.PeerDependencies) {
		r.Peers = append(r.Peers, Need{Name: name, Constraint: v.PeerDependencies[name], Optional: v.PeerDependenciesMeta[name].Optional})
	}
	if node := v.engines()["node"]; node != "" {
		r.Engines = []Need{{Name: "node", Constraint: node}}
	}
	return r
}

// engines reads the member in its proper form; old releases have lists, which mean nothing to npm.
func (v *npmVersion) engines() map[string]string {
	var engines map[string]string
	if len(v.Engines) == 0 || json.Unmarshal(v.Engines, &engines) != nil {
		return nil
	}
	return engines
}

// integrity returns the digest of the archive as lock files write it (https://www.w3.org/TR/SRI/).
func (v *npmVersion) integrity() string {
	if v.Dist.Integrity != "" {
		return v.Dist.Integrity
	}
	if sum, err := hex.DecodeString(v.Dist.Shasum); err == nil && len(sum) == 20 {
		return "sha1-" + base64.StdEncoding.EncodeToString(sum)
	}
	return ""
}

// installs reports whether installing the release runs a program of it.
func (v *npmVersion) installs() bool {
	if v.HasInstallScript {
		return true
	}
	for _, name := range []string{"preinstall", "install", "postinstall"} {
		if v.Scripts[name] != "" {
			return true
		}
	}
	return false
}
