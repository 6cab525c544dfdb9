package osv

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// DefaultBaseURL is the address of the public OSV service.
const DefaultBaseURL = "https://api.osv.dev"

// API is the advisory.Database of the OSV service (https://google.github.io/osv.dev/api/). It first asks which
// advisories apply, up to a thousand packages a request, and then fetches those that it has not fetched before.
//
// A service that can't be reached is a notice and never an error. An advisory that applies but can't be fetched is
// reported by its id alone. The zero value asks the public service and keeps nothing.
type API struct {
	BaseURL string // DefaultBaseURL where empty
	// Cache is a folder for advisories, which are fetched again only when the service says that they changed.
	Cache string
	// Client sends the requests; nil stands for one with the defaults of package web.
	Client *web.Client
	// Limit bounds the time of one Match: 2 minutes where zero.
	Limit time.Duration

	mu   sync.Mutex
	info advisory.Info
}

// Bounds of one Match.
const (
	batchSize     = 1000 // the service's limit of queries in a request
	parallelAsks  = 4
	parallelFetch = 16
	maxPages      = 200 // of one query
	maxRefused    = 25  // queries that are not understood, before it is the service that is not understood
)

// CacheDir returns the folder below the user's cache in which advisories are kept, empty where there is none.
func CacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "trifecta", "osv")
}

// Online reports that questions leave the machine.
func (*API) Online() bool { return true }

// Close does nothing: connections end with the process.
func (*API) Close() error { return nil }

// Info names the service; AsOf is the newest modification among the advisories that applied so far.
func (a *API) Info() advisory.Info {
	a.mu.Lock()
	defer a.mu.Unlock()
	info := a.info
	info.Source = a.base()
	return info
}

func (a *API) base() string { return strings.TrimSuffix(cmp.Or(a.BaseURL, DefaultBaseURL), "/") }

// wireQuery is one query of https://google.github.io/osv.dev/post-v1-querybatch/.
type wireQuery struct {
	Commit    string       `json:"commit,omitempty"`
	Version   string       `json:"version,omitempty"`
	Package   *wirePackage `json:"package,omitempty"`
	PageToken string       `json:"page_token,omitempty"`
}

type wirePackage struct {
	Name      string `json:"name"`
	Ecosystem string `json:"ecosystem"`
}

type wireResult struct {
	Vulns []struct {
		ID       string `json:"id"`
		Modified string `json:"modified"`
	} `json:"vulns"`
	NextPageToken string `json:"next_page_token"`
}

// ask is one wire query for one of the queries of Match.
type ask struct {
	index int // of the query
	wire  wireQuery
	pages int
}

// exchange is the state of one Match.
type exchange struct {
	api    *API
	client *web.Client

	mu       sync.Mutex
	applies  []map[string]bool // for each query the ids that apply
	modified map[string]string // by id
	unasked  map[int]bool      // queries without a whole answer
	refused  map[int]bool      // queries that the service does not understand
	down     error             // why the service was given up
}

// Match implements advisory.Database.
func (a *API) Match(ctx context.Context, queries []advisory.Query) ([][]*advisory.Record, []inventory.Notice, error) {
	limited, cancel := context.WithTimeout(ctx, cmp.Or(a.Limit, 2*time.Minute))
	defer cancel()
	x := &exchange{
		api: a, client: a.Client, applies: make([]map[string]bool, len(queries)),
		modified: map[string]string{}, unasked: map[int]bool{}, refused: map[int]bool{},
	}
	if x.client == nil {
		x.client = web.New(web.Options{})
	}
	x.ask(limited, wire(queries))
	records, missing := x.fetch(limited)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	matches := make([][]*advisory.Record, len(queries))
	for i, ids := range x.applies {
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			if r := records[id]; r.Withdrawn == "" {
				matches[i] = append(matches[i], r)
			}
		}
	}
	a.learned(records)
	return matches, x.notices(queries, missing), nil
}

// learned updates Info.
func (a *API) learned(records map[string]*advisory.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.info.Records += len(records)
	for _, r := range records {
		a.info.AsOf = max(a.info.AsOf, r.Modified)
	}
}

// wire translates queries. The service takes a version or a commit, so a query with both becomes two.
func wire(queries []advisory.Query) []ask {
	var asks []ask
	for i, q := range queries {
		if q.Commit != "" {
			asks = append(asks, ask{index: i, wire: wireQuery{Commit: q.Commit}})
		}
		if q.Version != "" && q.Name != "" {
			asks = append(asks, ask{index: i, wire: wireQuery{Version: q.Version, Package: &wirePackage{Name: q.Name, Ecosystem: q.Ecosystem}}})
		}
	}
	return asks
}

// ask finds out which advisories apply, batch by batch, then the further pages of long answers.
func (x *exchange) ask(ctx context.Context, asks []ask) {
	for len(asks) > 0 {
		var mu sync.Mutex
		var more []ask
		var group errgroup.Group
		group.SetLimit(parallelAsks)
		for batch := range slices.Chunk(asks, batchSize) {
			group.Go(func() error {
				next := x.batch(ctx, batch)
				mu.Lock()
				defer mu.Unlock()
				more = append(more, next...)
				return nil
			})
		}
		_ = group.Wait() // batches report into the exchange
		asks = more
	}
}

// batch sends one request and returns the asks that have further pages. A request that the service refuses is halved
// until the query that it does not understand stands alone.
func (x *exchange) batch(ctx context.Context, asks []ask) (more []ask) {
	if x.givenUp() {
		x.miss(asks, nil)
		return nil
	}
	results, err := x.post(ctx, asks)
	var status *web.StatusError
	if errors.As(err, &status) && status.Status == http.StatusBadRequest {
		if len(asks) > 1 {
			half := len(asks) / 2
			return append(x.batch(ctx, asks[:half]), x.batch(ctx, asks[half:])...)
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.refused[asks[0].index] = true
		if len(x.refused) >= maxRefused {
			x.down = cmp.Or(x.down, err)
		}
		return nil
	}
	if err != nil {
		x.miss(asks, err)
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, result := range results {
		at := asks[i]
		for _, v := range result.Vulns {
			if v.ID == "" {
				continue
			}
			if x.applies[at.index] == nil {
				x.applies[at.index] = map[string]bool{}
			}
			x.applies[at.index][v.ID] = true
			x.modified[v.ID] = max(x.modified[v.ID], v.Modified)
		}
		if result.NextPageToken == "" {
			continue
		}
		at.wire.PageToken = result.NextPageToken
		if at.pages++; at.pages >= maxPages {
			x.unasked[at.index] = true
			x.down = cmp.Or(x.down, fmt.Errorf("an answer has more than %d pages", maxPages))
			continue
		}
		more = append(more, at)
	}
	return more
}

func (x *exchange) post(ctx context.Context, asks []ask) ([]wireResult, error) {
	var request struct {
		Queries []wireQuery `json:"queries"`
	}
	for _, a := range asks {
		request.Queries = append(request.Queries, a.wire)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	answer, err := x.client.Do(ctx, http.MethodPost, x.api.base()+"/v1/querybatch", "application/json", body)
	if err != nil {
		return nil, err
	}
	var response struct {
		Results []wireResult `json:"results"`
	}
	if err := json.Unmarshal(answer, &response); err != nil {
		return nil, fmt.Errorf("read its answer: %w", err)
	}
	if len(response.Results) != len(asks) {
		return nil, fmt.Errorf("it gave %d answers to %d questions", len(response.Results), len(asks))
	}
	return response.Results, nil
}

func (x *exchange) givenUp() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.down != nil
}

// miss takes note of queries without an answer. After one batch has failed for good the rest is not tried: each would
// have to wait as long.
func (x *exchange) miss(asks []ask, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, a := range asks {
		x.unasked[a.index] = true
	}
	x.down = cmp.Or(x.down, err)
}

// fetch returns the advisories that apply, by id. One that can't be had has its id alone and is counted as missing.
func (x *exchange) fetch(ctx context.Context) (records map[string]*advisory.Record, missing []string) {
	ids := slices.Sorted(maps.Keys(x.modified))
	cache := openCache(x.api.Cache)
	defer cache.close()
	all := make([]*advisory.Record, len(ids))
	var group errgroup.Group
	group.SetLimit(parallelFetch)
	for i, id := range ids {
		group.Go(func() error {
			all[i] = cache.get(id, x.modified[id])
			if all[i] == nil && !x.givenUp() {
				all[i] = x.one(ctx, cache, id)
			}
			return nil
		})
	}
	_ = group.Wait() // what could not be fetched stays nil
	records = make(map[string]*advisory.Record, len(ids))
	for i, id := range ids {
		if all[i] == nil {
			missing = append(missing, id)
			all[i] = &advisory.Record{ID: id, Modified: x.modified[id]}
		}
		records[id] = all[i]
	}
	return records, missing
}

// one fetches an advisory. Only a service that does not answer is given up; an advisory that it does not have or that
// is no record says nothing about the others.
func (x *exchange) one(ctx context.Context, cache *cache, id string) *advisory.Record {
	body, err := x.client.Get(ctx, x.api.base()+"/v1/vulns/"+url.PathEscape(id))
	if err != nil {
		var status *web.StatusError
		answered := errors.As(err, &status) && status.Status < 500 && status.Status != http.StatusTooManyRequests
		if !answered && !errors.Is(err, web.ErrTooLarge) {
			x.miss(nil, err)
		}
		return nil
	}
	r, err := decode(id, body)
	if err != nil {
		return nil
	}
	cache.put(id, x.modified[id], body)
	return r
}

// decode reads a record and checks that it is the one asked for.
func decode(id string, data []byte) (*advisory.Record, error) {
	r := new(advisory.Record)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	if r.ID != id {
		return nil, fmt.Errorf("it is %q and not %q", r.ID, id)
	}
	return r, nil
}

// notices tells in at most three sentences what is missing, however much it is.
func (x *exchange) notices(queries []advisory.Query, missing []string) []inventory.Notice {
	var all []inventory.Notice
	host := x.api.base()
	if u, err := url.Parse(host); err == nil && u.Host != "" {
		host = u.Host
	}
	because := ""
	if x.down != nil {
		because = ": " + reason(x.down)
	}
	if n := len(x.unasked); n > 0 {
		all = append(all, inventory.Notice{
			Code: "advisory-service-unavailable",
			Message: fmt.Sprintf("%d of %s not matched, because %s did not answer%s; use a local database (--db)",
				n, count(len(queries), "package was", "packages were"), host, because),
		})
		because = ""
	}
	if len(missing) > 0 {
		all = append(all, inventory.Notice{
			Code: "advisory-without-details",
			Message: fmt.Sprintf("%s could not be read from %s and %s shown by id alone: %s%s",
				count(len(missing), "advisory", "advisories"), host, is(len(missing)), some(missing), because),
		})
	}
	if len(x.refused) > 0 {
		var names []string
		for i := range x.refused {
			names = append(names, strings.TrimSpace(queries[i].Name+" "+cmp.Or(queries[i].Version, queries[i].Commit)))
		}
		all = append(all, inventory.Notice{
			Code:    "package-not-understood",
			Message: fmt.Sprintf("%s does not understand %s, which %s not matched: %s", host, count(len(names), "package", "packages"), was(len(names)), some(names)),
		})
	}
	return all
}

func is(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// reason is the heart of an error on one line: neither the address that the notice names nor the machine's own.
func reason(err error) string {
	var request *url.Error
	var name *net.DNSError
	var operation *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "out of time"
	case errors.As(err, &name):
		return name.Err
	case errors.As(err, &operation):
		err = operation.Err
	case errors.As(err, &request):
		err = request.Err
	}
	return shorten(err.Error(), 200)
}

// cache keeps one advisory a file, with the modification by which the service announced it. A nil cache keeps nothing,
// and one that can't be written is no error: it only saves time.
type cache struct{ root *os.Root }

// cached is the content of a file.
type cached struct {
	Modified string          `json:"modified"`
	Record   json.RawMessage `json:"record"`
}

// cacheable reports whether an id makes a file name on every system; those of all databases do.
func cacheable(id string) bool {
	if id == "" || len(id) > 120 || strings.Contains("._-+", id[:1]) {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("._-+", r)
	}) < 0
}

func openCache(dir string) *cache {
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	return &cache{root}
}

func (c *cache) close() {
	if c != nil {
		_ = c.root.Close() // nothing is buffered
	}
}

func (c *cache) get(id, modified string) *advisory.Record {
	if c == nil || modified == "" || !cacheable(id) {
		return nil
	}
	data, err := c.root.ReadFile(id + ".json")
	if err != nil {
		return nil
	}
	var file cached
	if json.Unmarshal(data, &file) != nil || file.Modified != modified {
		return nil
	}
	r, err := decode(id, file.Record)
	if err != nil {
		return nil
	}
	return r
}

// put writes a file beside its place and moves it there, so that no reader sees half of it.
func (c *cache) put(id, modified string, record []byte) {
	if c == nil || modified == "" || !cacheable(id) {
		return
	}
	data, err := json.Marshal(cached{Modified: modified, Record: bytes.TrimSpace(record)})
	if err != nil {
		return
	}
	temporary := fmt.Sprintf("%s.%d.tmp", id, os.Getpid())
	if err := c.root.WriteFile(temporary, data, 0o600); err != nil {
		_ = c.root.Remove(temporary) // a rest of it takes space only
		return
	}
	if err := c.root.Rename(temporary, id+".json"); err != nil {
		_ = c.root.Remove(temporary)
	}
}
