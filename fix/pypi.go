package fix

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"deps.dev/util/semver"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// pypi is Python's package index, asked by its simple API in JSON and by the metadata file beside each wheel. What only
// a build of a source archive would tell is not known here: such a release can't be described.
//
// Sources: https://packaging.python.org/en/latest/specifications/simple-repository-api/ and
// https://packaging.python.org/en/latest/specifications/core-metadata/
type pypi struct {
	client *web.Client
	index  *url.URL // of the simple API, with a slash at its end

	mu       sync.Mutex
	projects map[string]*pypiProject
	metadata map[string]*pypiMetadata
	none     map[string]*bool // packages that the index does not have
}

// pypiHost serves the index to everybody; where the operator's environment names a mirror, that is asked.
const pypiHost = "pypi" + ".org"

// newPyPI returns the index that pip and uv of this environment would ask, or nil where nothing may be asked. An address
// with credentials is left alone: they are for the tool that they were given to.
func newPyPI(_ context.Context, env *Env) (Registry, error) {
	if env.Client == nil {
		return nil, nil
	}
	index := &url.URL{Scheme: "https", Host: pypiHost, Path: "/simple/"}
	for _, name := range []string{"UV_DEFAULT_INDEX", "PIP_INDEX_URL"} {
		mirror, err := url.Parse(env.getenv(name))
		if err == nil && mirror.Scheme == "https" && mirror.Host != "" && mirror.User == nil {
			index = mirror
			index.Path = strings.TrimSuffix(index.Path, "/") + "/"
			break
		}
	}
	return &pypi{client: env.Client, index: index, projects: map[string]*pypiProject{}, metadata: map[string]*pypiMetadata{}, none: map[string]*bool{}}, nil
}

// pypiFile is one archive of a release.
type pypiFile struct {
	Name           string            `json:"filename"`
	URL            string            `json:"url"`
	Hashes         map[string]string `json:"hashes"`
	RequiresPython string            `json:"requires-python"`
	Uploaded       time.Time         `json:"upload-time"`
	Size           int64             `json:"size"`
	Yanked         any               `json:"yanked"` // a boolean, or the reason

	version string
}

func (f *pypiFile) wheel() bool { return strings.HasSuffix(f.Name, ".whl") }

// yanked returns the reason, "yanked" where there is none, "" where the file is in good standing.
func (f *pypiFile) yanked() string {
	switch v := f.Yanked.(type) {
	case string:
		return cmp.Or(v, "yanked")
	case bool:
		if v {
			return "yanked"
		}
	}
	return ""
}

// pypiProject is every file of a project by version.
type pypiProject struct {
	versions []string // in the order of the index
	files    map[string][]pypiFile
}

// maxPyPIFiles bounds the files of one project; the largest have some ten thousand.
const maxPyPIFiles = 200_000

// project returns the files of a project, asking the index once.
func (p *pypi) project(ctx context.Context, name string) (*pypiProject, error) {
	key := pypiName(name)
	if key == "" {
		return nil, fmt.Errorf("%q is no name of a Python package: %w", name, ErrNoPackage)
	}
	if known := remembered(p, p.projects, key); known != nil {
		return known, nil
	}
	if remembered(p, p.none, key) != nil {
		return nil, fmt.Errorf("%s: %w", name, ErrNoPackage)
	}
	data, err := p.client.GetAs(ctx, p.index.JoinPath(key+"/").String(), "application/vnd.pypi.simple.v1+json")
	if status := (*web.StatusError)(nil); errors.As(err, &status) && status.Status == http.StatusNotFound {
		remember(p, p.none, key, new(bool))
		return nil, fmt.Errorf("%s: %w", name, ErrNoPackage)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the index for %s: %w", name, err)
	}
	var answer struct {
		Files []pypiFile `json:"files"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("the index answers for %s with no JSON: %w", name, err)
	}
	project := &pypiProject{files: map[string][]pypiFile{}}
	for _, f := range answer.Files[:min(len(answer.Files), maxPyPIFiles)] {
		if f.version = archiveVersionOf(f.Name, key); f.version == "" || !isSHA256(f.Hashes["sha256"]) {
			continue
		}
		if _, ok := project.files[f.version]; !ok {
			project.versions = append(project.versions, f.version)
		}
		project.files[f.version] = append(project.files[f.version], f)
	}
	remember(p, p.projects, key, project)
	return project, nil
}

// remembered returns an answer that was given before, or nil. The lock is not held while the index is asked: at worst
// two ask the same.
func remembered[T any](p *pypi, answers map[string]*T, key string) *T {
	p.mu.Lock()
	defer p.mu.Unlock()
	return answers[key]
}

func remember[T any](p *pypi, answers map[string]*T, key string, answer *T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answers[key] = answer
}

// find returns the version of a project that is equal to one as it may be written otherwise: 1.0 and 1.0.0.
func (p *pypiProject) find(version string) (string, bool) {
	if _, ok := p.files[version]; ok {
		return version, true
	}
	for _, have := range p.versions {
		if samePyPI(have, version) {
			return have, true
		}
	}
	return "", false
}

// release says what the files tell of a release.
func (p *pypiProject) release(version string) Release {
	r := Release{Version: version, Withdrawn: "yanked"}
	for _, f := range p.files[version] {
		if r.Published.IsZero() || !f.Uploaded.IsZero() && f.Uploaded.Before(r.Published) {
			r.Published = f.Uploaded
		}
		if why := f.yanked(); why == "" || r.Withdrawn != "" && why != "yanked" {
			r.Withdrawn = why
		}
		if f.RequiresPython != "" && len(r.Engines) == 0 {
			r.Engines = []Need{{Name: "python", Constraint: f.RequiresPython}}
		}
	}
	return r
}

// Releases returns the versions that have a file whose name says its version.
func (p *pypi) Releases(ctx context.Context, name string) ([]Release, error) {
	project, err := p.project(ctx, name)
	if err != nil {
		return nil, err
	}
	releases := make([]Release, len(project.versions))
	for i, version := range project.versions {
		releases[i] = project.release(version)
	}
	return releases, nil
}

// Describe adds what a release needs. Needs of an extra are optional.
func (p *pypi) Describe(ctx context.Context, name, version string) (Release, error) {
	project, err := p.project(ctx, name)
	if err != nil {
		return Release{}, err
	}
	have, ok := project.find(version)
	if !ok {
		return Release{}, fmt.Errorf("%s %s: %w", name, version, ErrNoPackage)
	}
	meta, err := p.describe(ctx, name, have)
	if err != nil {
		return Release{}, err
	}
	r := project.release(have)
	for _, need := range meta.needs {
		r.Needs = append(r.Needs, Need{Name: need.name, Constraint: need.spec, Optional: mentionsExtra(need.marker)})
	}
	return r, nil
}

// archives returns the files of a release.
func (p *pypi) archives(ctx context.Context, name, version string) ([]pypiFile, error) {
	project, err := p.project(ctx, name)
	if err != nil {
		return nil, err
	}
	have, ok := project.find(version)
	if !ok {
		return nil, fmt.Errorf("%s %s: %w", name, version, ErrNoPackage)
	}
	return project.files[have], nil
}

// pypiMetadata is what the metadata of a wheel says.
type pypiMetadata struct {
	summary        string
	requiresPython string
	needs          []pyRequirement
	extras         []string // as the metadata orders them
}

// errNoWheel and errNoMetadata say that what a release needs is not told without running or unpacking it.
var (
	errNoWheel    = errors.New("it has no wheel, and what it needs is known only by running its build")
	errNoMetadata = errors.New("the index does not serve the metadata of its wheel")
)

func untold(err error) bool { return errors.Is(err, errNoWheel) || errors.Is(err, errNoMetadata) }

// describe reads the metadata beside a wheel of the release; the one for every platform where there is one.
func (p *pypi) describe(ctx context.Context, name, version string) (*pypiMetadata, error) {
	files, err := p.archives(ctx, name, version)
	if err != nil {
		return nil, err
	}
	key := pypiName(name) + " " + version
	if known := remembered(p, p.metadata, key); known != nil {
		return known, nil
	}
	best := -1
	for i := range files {
		if files[i].wheel() && (best < 0 || strings.HasSuffix(files[i].Name, "-any.whl") && !strings.HasSuffix(files[best].Name, "-any.whl")) {
			best = i
		}
	}
	if best < 0 {
		return nil, fmt.Errorf("%s %s: %w", name, version, errNoWheel)
	}
	address, err := p.index.JoinPath(pypiName(name) + "/").Parse(files[best].URL)
	if err != nil || address.Scheme != "https" {
		return nil, fmt.Errorf("the index names no https address for %s", files[best].Name)
	}
	address.Fragment, address.RawQuery = "", ""
	data, err := p.client.Get(ctx, address.String()+".metadata")
	if status := (*web.StatusError)(nil); errors.As(err, &status) && status.Status == http.StatusNotFound {
		data, err = p.unpack(ctx, address.String(), &files[best])
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the metadata of %s %s: %w", name, version, err)
	}
	meta := parseMetadata(data)
	remember(p, p.metadata, key, meta)
	return meta, nil
}

// maxWheel bounds the wheels that are downloaded for their metadata, where an index does not serve that beside them.
const maxWheel = 16 << 20

// unpack returns the metadata inside of a wheel whose digest is the one that the index states.
func (p *pypi) unpack(ctx context.Context, address string, f *pypiFile) ([]byte, error) {
	if f.Size > maxWheel {
		return nil, errNoMetadata
	}
	data, err := p.client.Get(ctx, address)
	if status := (*web.StatusError)(nil); errors.As(err, &status) && status.Status == http.StatusNotFound || errors.Is(err, web.ErrTooLarge) {
		return nil, errNoMetadata
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.Hashes["sha256"] {
		return nil, fmt.Errorf("%s is not the file that the index names", f.Name)
	}
	wheel, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, errNoMetadata
	}
	for _, member := range wheel.File {
		if folder, base := path.Split(member.Name); base == "METADATA" && strings.HasSuffix(folder, ".dist-info/") && strings.Count(folder, "/") == 1 {
			file, err := member.Open()
			if err != nil {
				return nil, errNoMetadata
			}
			defer func() { _ = file.Close() }() // it was only read
			return io.ReadAll(io.LimitReader(file, 1<<20))
		}
	}
	return nil, errNoMetadata
}

// parseMetadata reads the header fields that matter of a METADATA file.
func parseMetadata(data []byte) *pypiMetadata {
	meta := &pypiMetadata{}
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := s.Text()
		if strings.TrimSpace(line) == "" {
			break // the description follows
		}
		field, value, ok := strings.Cut(line, ":")
		if !ok || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(field) {
		case "summary":
			meta.summary = value
		case "requires-python":
			meta.requiresPython = value
		case "provides-extra":
			meta.extras = append(meta.extras, value)
		case "requires-dist":
			if need, ok := parsePyRequirement(value); ok {
				meta.needs = append(meta.needs, need)
			}
		}
	}
	return meta
}

// archiveVersionOf reads the version from the name of a wheel or source archive of a project.
// Sources: https://packaging.python.org/en/latest/specifications/binary-distribution-format/ and
// https://packaging.python.org/en/latest/specifications/source-distribution-format/
func archiveVersionOf(file, project string) string {
	version := ""
	if wheel, ok := strings.CutSuffix(file, ".whl"); ok {
		if parts := strings.Split(wheel, "-"); len(parts) >= 5 {
			version = parts[1]
		}
	} else {
		for _, suffix := range []string{".tar.gz", ".zip", ".tar.bz2", ".tgz"} {
			stem, ok := strings.CutSuffix(file, suffix)
			if !ok {
				continue
			}
			for i := len(stem) - 1; i > 0; i-- {
				if stem[i] == '-' && pypiName(stem[:i]) == project {
					version = stem[i+1:]
				}
			}
		}
	}
	if _, err := semver.PyPI.Parse(version); err != nil || !validVersion(version) {
		return ""
	}
	return version
}

// pypiName returns the normal form of a name, or "" for what is no name
// (https://packaging.python.org/en/latest/specifications/name-normalization/).
func pypiName(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r - 'A' + 'a')
		case (r == '-' || r == '_' || r == '.') && i > 0:
			if !strings.HasSuffix(b.String(), "-") {
				b.WriteByte('-')
			}
		default:
			return ""
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

func isSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// comparePyPI orders two versions by PEP 440; what is no version comes first.
func comparePyPI(a, b string) int { return semver.PyPI.Compare(a, b) }

func samePyPI(a, b string) bool {
	v, err := semver.PyPI.Parse(a)
	if err != nil {
		return a == b
	}
	w, err := semver.PyPI.Parse(b)
	return err == nil && v.Compare(w) == 0
}

// pypiPrerelease reports whether a version is an alpha, a beta, a candidate or a development release; one that can't be
// read is taken for one.
func pypiPrerelease(version string) bool {
	v, err := semver.PyPI.Parse(version)
	return err != nil || v.IsPrerelease() || strings.Contains(version, "dev")
}

// pypiAdmits reports whether version specifiers are met by a version
// (https://packaging.python.org/en/latest/specifications/version-specifiers/). None are met by every version.
func pypiAdmits(constraint, version string) (bool, error) {
	v, err := semver.PyPI.Parse(version)
	if err != nil {
		return false, fmt.Errorf("%q is no version", version)
	}
	for clause := range strings.SplitSeq(constraint, ",") {
		clause = strings.TrimSpace(clause)
		if clause == "" {
			continue
		}
		if exact, ok := strings.CutPrefix(clause, "==="); ok {
			clause = "==" + exact
		}
		c, err := semver.PyPI.ParseConstraint(clause)
		if err != nil {
			return false, fmt.Errorf("%q is no version specifier", clause)
		}
		if !c.MatchVersionPrerelease(v) {
			return false, nil
		}
	}
	return true, nil
}

// pypiOperators are the operators of version specifiers, the longer of two with the same beginning first.
var pypiOperators = []string{"===", "==", "~=", "!=", ">=", "<=", ">", "<"}

// pypiRaise rewrites each clause of version specifiers that the new version asks to be rewritten and leaves the rest as
// it is written.
func pypiRaise(constraint, version string) (string, error) {
	if strings.TrimSpace(constraint) == "" {
		return constraint, nil
	}
	clauses := strings.Split(constraint, ",")
	for i, clause := range clauses {
		text := strings.TrimSpace(clause)
		at := slices.IndexFunc(pypiOperators, func(op string) bool { return strings.HasPrefix(text, op) })
		if at < 0 {
			return "", fmt.Errorf("%q is no version specifier", constraint)
		}
		operator := pypiOperators[at]
		old := strings.TrimSpace(text[len(operator):])
		raised, err := raiseClause(operator, old, version)
		if err != nil {
			return "", err
		}
		clauses[i] = strings.Replace(clause, old, raised, 1)
		if operator == ">" && raised != old {
			clauses[i] = strings.Replace(clauses[i], ">", ">=", 1)
		}
		if operator == "~=" && strings.Count(old, ".") == 1 && strings.Count(version, ".") > 1 && !strings.HasSuffix(version, ".0") {
			clauses[i] += ",>=" + version // ~=3.1 alone would take the 3.1.0 that the advisory may speak of
		}
	}
	raised := strings.Join(clauses, ",")
	if ok, err := pypiAdmits(raised, version); err != nil || !ok {
		return "", fmt.Errorf("no constraint close to %q admits %s", constraint, version)
	}
	return raised, nil
}

// raiseClause returns the version that takes the place of the old one in a clause.
func raiseClause(operator, old, version string) (string, error) {
	admits, err := pypiAdmits(operator+old, version)
	if err != nil {
		return "", err
	}
	switch operator {
	case "==", "===":
		if prefix, ok := strings.CutSuffix(old, ".*"); ok {
			return firstNumbers(version, strings.Count(prefix, ".")+1) + ".*", nil
		}
		return version, nil
	case "~=":
		if strings.Count(old, ".") == 1 {
			return firstNumbers(version, 2), nil
		}
		return version, nil
	case ">=":
		if !admits || comparePyPI(old, version) < 0 {
			return version, nil
		}
	case ">":
		if admits {
			return version, nil
		}
	case "<=":
		if !admits {
			return version, nil
		}
	case "<":
		if !admits {
			return nextBound(old, version), nil
		}
	}
	return old, nil
}

// firstNumbers returns the first n numbers of a version, filled up with zeros.
func firstNumbers(version string, n int) string {
	parts := strings.Split(version, ".")
	for len(parts) < n {
		parts = append(parts, "0")
	}
	return strings.Join(parts[:n], ".")
}

// nextBound returns an upper bound above the version that is as coarse as an old one: <2 becomes <4 for 3.1, and <2.3
// becomes <3.2.
func nextBound(old, version string) string {
	written := strings.Split(old, ".")
	n := len(written)
	for n > 1 && strings.Trim(written[n-1], "0") == "" {
		n--
	}
	parts := strings.Split(firstNumbers(version, n), ".")
	last, _ := strconv.Atoi(parts[n-1]) // what is no number counts as 0: the caller checks what comes out
	parts[n-1] = strconv.Itoa(last + 1)
	for range written[n:] {
		parts = append(parts, "0")
	}
	return strings.Join(parts, ".")
}
