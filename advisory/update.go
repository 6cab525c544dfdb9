package advisory

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// PublicBucket is the address of the bucket in which OSV publishes all records; https://google.github.io/osv.dev/data/
// describes its layout.
const PublicBucket = "https://osv-vulnerabilities.storage.googleapis.com"

const (
	maxArchive = 4 << 30 // bytes of one ecosystem's archive; the largest have some hundred megabytes
	maxMirror  = 8 << 30 // bytes of a finished index
	maxLine    = 4 << 10 // of the list of modified records
	// Above these many changed records, or this share of the ecosystem, the whole archive costs less than the records.
	maxChanged     = 300
	maxChangedPart = 20
	fetchers       = 8
)

// Updater brings an index up to date from a bucket in OSV's layout.
type Updater struct {
	Client *web.Client
	Bucket string // PublicBucket where empty
	// Progress is told what is being done, one short line at a time; it may be nil. It is called by several goroutines.
	Progress func(line string)
	Extra    []byte // replaces what the index carries along; nil keeps it
}

// UpdateReport says what an update did.
type UpdateReport struct {
	Unchanged bool     // there was nothing new: the file is as it was
	Archives  []string // ecosystems of which the archive was fetched
	Records   int      // records that were fetched one by one
	Missing   []string // ecosystems that the bucket does not have
}

// Update brings the index at path up to date with the bucket: the ecosystems that it has and the given ones. Of an
// ecosystem that the index has, the bucket's list of modified records is asked and only what changed is fetched; the
// whole archive where that is most of it, and the first time.
//
// The new index is written aside and renamed, so that a reader sees the old or the new one. What was fetched stays in
// path + ".update" until the index is written: an update that was ended half-way goes on where it stopped. A second
// process waits until the first one is done. An index that is damaged is made anew.
func (u *Updater) Update(ctx context.Context, path string, ecosystems ...string) (report UpdateReport, err error) {
	unlock, err := lock(ctx, path)
	if err != nil {
		return report, err
	}
	defer unlock()
	old, err := OpenIndex(path)
	var damaged *DamageError
	switch {
	case errors.As(err, &damaged):
		u.say("%v", err)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return report, err
	}
	plans := make(map[string]*plan)
	for _, name := range ecosystems {
		if !isFolderName(name) || strings.Contains(name, ":") {
			return report, fmt.Errorf("%q is no ecosystem", name)
		}
		plans[name] = &plan{name: name}
	}
	if old != nil {
		defer func() { _ = old.Close() }() // it was only read
		for name, info := range old.meta.Ecosystems {
			plans[name] = &plan{name: name, old: &info}
		}
	}
	work := path + ".update"
	if err := u.fetchAll(ctx, old, plans, work, &report); err != nil {
		return report, err
	}
	slices.Sort(report.Archives)
	slices.Sort(report.Missing)
	if old != nil && u.Extra == nil && !slices.ContainsFunc(sortedKeys(plans), func(name string) bool { return plans[name].changes() }) {
		report.Unchanged = true
		return report, os.RemoveAll(work)
	}
	if err := u.rebuild(ctx, old, plans, work, path); err != nil {
		return report, err
	}
	return report, os.RemoveAll(work)
}

func (u *Updater) say(format string, args ...any) {
	if u.Progress != nil {
		u.Progress(fmt.Sprintf(format, args...))
	}
}

// lock makes the caller the only one that writes path.
func lock(ctx context.Context, path string) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	l := flock.New(path + ".lock")
	if _, err := l.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another update of %s: %w", path, err)
	}
	return func() { _ = l.Close() }, nil
}

// plan is what an update found out about one ecosystem.
type plan struct {
	name string
	old  *EcosystemInfo // nil: the index does not have it

	archive bool            // its archive is in the work folder
	etag    string          // of the archive
	until   string          // the newest modification that the list has
	changed map[string]bool // records in the work folder that replace the old ones
	gone    map[string]bool // records that the bucket has no more
	missing bool            // the bucket does not have the ecosystem
}

func (p *plan) changes() bool {
	return p.archive || len(p.changed) > 0 || len(p.gone) > 0 || p.old != nil && p.until != "" && p.until != p.old.Until
}

// fetchAll finds out what changed and fetches it, a few ecosystems at a time.
func (u *Updater) fetchAll(ctx context.Context, old *Index, plans map[string]*plan, work string, report *UpdateReport) error {
	var mu sync.Mutex
	var failed error
	names := sortedKeys(plans)
	parallelN(ctx, 4, len(names), func(i int) {
		p := plans[names[i]]
		err := u.fetch(ctx, old, p, filepath.Join(work, p.name))
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			failed = cmp.Or(failed, fmt.Errorf("update %s: %w", p.name, err))
		case p.missing:
			report.Missing = append(report.Missing, p.name)
		case p.archive:
			report.Archives = append(report.Archives, p.name)
		}
		report.Records += len(p.changed)
	})
	return cmp.Or(failed, ctx.Err())
}

// parallelN calls each for 0 to n-1, at most workers at a time.
func parallelN(ctx context.Context, workers, n int, each func(i int)) {
	items := make(chan int)
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for i := range items {
				each(i)
			}
		})
	}
	defer wg.Wait()
	defer close(items)
	for i := range n {
		select {
		case items <- i:
		case <-ctx.Done():
			return
		}
	}
}

func (u *Updater) address(parts ...string) string {
	address := cmp.Or(strings.TrimSuffix(u.Bucket, "/"), PublicBucket)
	for _, p := range parts {
		address += "/" + url.PathEscape(p)
	}
	return address
}

func notFound(err error) bool {
	var status *web.StatusError
	return errors.As(err, &status) && (status.Status == http.StatusNotFound || status.Status == http.StatusForbidden)
}

// fetch brings the changes of one ecosystem into the folder dir.
func (u *Updater) fetch(ctx context.Context, old *Index, p *plan, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	since := ""
	if p.old != nil {
		since = p.old.Until
	}
	modified, err := u.modified(ctx, p.name, since)
	listed := err == nil
	if err != nil && !notFound(err) {
		return fmt.Errorf("read the list of modified records: %w", err)
	}
	if listed {
		p.until = since
		if len(modified) > 0 {
			p.until = max(p.until, modified[0].at)
		}
		if p.old != nil && since != "" {
			modified, err = u.unknown(ctx, old, p.name, modified)
			if err != nil {
				return err
			}
			if len(modified) <= max(maxChanged, p.old.Records/maxChangedPart) {
				return u.fetchRecords(ctx, p, dir, modified)
			}
		}
	}
	return u.fetchArchive(ctx, p, dir)
}

// change is one line of the list of modified records.
type change struct{ at, id string }

// modified returns the records of an ecosystem that changed at or after a time, the newest first; without a time only
// the newest. The list of the bucket has a line "time,id" for each record, the newest first.
func (u *Updater) modified(ctx context.Context, ecosystem, since string) ([]change, error) {
	var changes []change
	err := u.Client.Stream(ctx, u.address(ecosystem, "modified_id.csv"), func(r io.Reader) error {
		changes = changes[:0]
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, maxLine), maxLine)
		for lines.Scan() {
			at, id, ok := strings.Cut(strings.TrimSpace(lines.Text()), ",")
			if !ok {
				continue
			}
			if _, err := time.Parse(time.RFC3339Nano, at); err != nil || id == "" {
				return web.Permanent(fmt.Errorf("the line %.100q is not a time and an id", lines.Text()))
			}
			if since != "" && before(at, since) {
				return nil
			}
			changes = append(changes, change{at, id})
			if since == "" {
				return nil
			}
		}
		if errors.Is(lines.Err(), bufio.ErrTooLong) {
			return web.Permanent(lines.Err())
		}
		return lines.Err()
	})
	return changes, err
}

// before compares two times of RFC 3339, which need not have the same number of digits.
func before(a, b string) bool {
	x, err1 := time.Parse(time.RFC3339Nano, a)
	y, err2 := time.Parse(time.RFC3339Nano, b)
	return err1 == nil && err2 == nil && x.Before(y)
}

// unknown leaves out what the index has in the state that the list names: the records of the last moment, which are
// listed again, as records of the same second may follow.
func (u *Updater) unknown(ctx context.Context, old *Index, ecosystem string, changes []change) ([]change, error) {
	var left []change
	for _, c := range changes {
		known, err := old.lookup(ctx, c.id)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(known, func(s *stored) bool {
			return s.record.ID == c.id && slices.Contains(s.folders, ecosystem) && !before(s.record.Modified, c.at)
		}) {
			left = append(left, c)
		}
	}
	return left, nil
}

// fetchArchive fetches the whole archive, unless the index was made from the same.
func (u *Updater) fetchArchive(ctx context.Context, p *plan, dir string) error {
	have := web.Have{}
	if p.old != nil {
		have.ETag = p.old.ETag
	}
	path := filepath.Join(dir, archiveName)
	// What an earlier update has fetched, and could not use any more, serves if it is still current.
	kept, err := os.ReadFile(path + ".tag")
	resumed := err == nil && len(kept) > 0
	if resumed {
		have.ETag = string(kept)
	}
	u.say("%s: fetching the archive", p.name)
	last := time.Now()
	got, err := u.Client.Download(ctx, u.address(p.name, archiveName), path, have, maxArchive, func(done, size int64) {
		if time.Since(last) < 2*time.Second {
			return
		}
		last = time.Now()
		if size > 0 {
			u.say("%s: %d of %d MB", p.name, done/1e6, size/1e6)
		}
	})
	if notFound(err) {
		p.missing = true
		return nil
	}
	if err != nil {
		return err
	}
	p.etag = got.ETag
	if got.Unchanged && !resumed {
		return nil
	}
	p.archive = true
	return os.WriteFile(path+".tag", []byte(got.ETag), 0o644)
}

// fetchRecords fetches records one by one.
func (u *Updater) fetchRecords(ctx context.Context, p *plan, dir string, changes []change) error {
	p.changed, p.gone = make(map[string]bool), make(map[string]bool)
	p.etag = p.old.ETag
	if len(changes) > 0 {
		u.say("%s: fetching %d changed records", p.name, len(changes))
	}
	var mu sync.Mutex
	var failed error
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	parallelN(ctx, fetchers, len(changes), func(i int) {
		gone, err := u.fetchRecord(ctx, p.name, dir, changes[i])
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			if failed == nil {
				failed = fmt.Errorf("%s: %w", changes[i].id, err)
			}
			stop()
		case gone:
			p.gone[changes[i].id] = true
		default:
			p.changed[changes[i].id] = true
		}
	})
	return cmp.Or(failed, ctx.Err())
}

// fetchRecord brings one record into the folder; gone says that the bucket does not have it any more.
func (u *Updater) fetchRecord(ctx context.Context, ecosystem, dir string, c change) (gone bool, err error) {
	path := filepath.Join(dir, url.QueryEscape(c.id)+".json")
	if raw, err := readLimited(path); err == nil {
		// An update that was ended has fetched it, whole: it is written aside and renamed.
		if r, err := decodeRecord(raw); err == nil && r.ID == c.id && !before(r.Modified, c.at) {
			return false, nil
		}
	}
	raw, err := u.Client.Get(ctx, u.address(ecosystem, c.id+".json"))
	if notFound(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	r, err := decodeRecord(raw)
	if err != nil {
		return false, err
	}
	if r.ID != c.id {
		return false, fmt.Errorf("the bucket sends %s instead", r.ID)
	}
	aside, err := os.CreateTemp(dir, ".record-*")
	if err != nil {
		return false, err
	}
	_, err = aside.Write(raw)
	if err := errors.Join(err, aside.Close()); err != nil {
		return false, err
	}
	return false, os.Rename(aside.Name(), path)
}

// rebuild writes the index from what stays of the old one and what was fetched.
func (u *Updater) rebuild(ctx context.Context, old *Index, plans map[string]*plan, work, path string) error {
	u.say("writing the index")
	b, err := newBuilder(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer b.discard()
	b.origin = cmp.Or(strings.TrimSuffix(u.Bucket, "/"), PublicBucket)
	b.extra = u.Extra
	if old != nil {
		if b.extra == nil {
			size, read := old.Extra()
			if b.extra, err = read(0, size); err != nil {
				return err
			}
		}
		if err := b.addIndex(ctx, old, func(id, folder string) bool {
			p := plans[folder]
			return p != nil && !p.archive && !p.changed[id] && !p.gone[id]
		}); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(plans) {
		p := plans[name]
		if p.missing && p.old == nil {
			continue
		}
		info := EcosystemInfo{}
		if p.old != nil && !p.archive {
			info = *p.old
		}
		if p.archive || len(p.changed) > 0 {
			if err := b.addFetched(ctx, work, p); err != nil {
				return err
			}
			added := b.folders[name]
			if added.Broken != "" {
				return fmt.Errorf("the archive of %s can't be read: %s", name, added.Broken)
			}
			info.Unreadable += added.Unreadable
			info.Example = cmp.Or(info.Example, added.Example)
		}
		info.Until, info.ETag = cmp.Or(p.until, info.Until), cmp.Or(p.etag, info.ETag)
		b.folders[name] = info
	}
	return b.write(ctx, path)
}

// addFetched adds what the plan says is in the work folder; what else lies there is of an update that was ended.
func (b *builder) addFetched(ctx context.Context, work string, p *plan) error {
	dir := filepath.Join(work, p.name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		id, record := strings.CutSuffix(e.Name(), ".json")
		if unescaped, err := url.QueryUnescape(id); err == nil {
			id = unescaped
		}
		if record && !p.changed[id] || e.Name() == archiveName && !p.archive {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return b.addFolder(ctx, work, p.name)
}

// addIndex adds those records of an index that keep says, for each folder they are in, to stay.
func (b *builder) addIndex(ctx context.Context, x *Index, keep func(id, folder string) bool) error {
	var encoders sync.Pool
	return x.all(ctx, func(s *stored) error {
		folders := slices.DeleteFunc(slices.Clone(s.folders), func(f string) bool { return !keep(s.record.ID, f) })
		if len(folders) == 0 {
			return nil
		}
		e, _ := encoders.Get().(*encoder)
		if e == nil {
			e = new(encoder)
		}
		defer encoders.Put(e)
		return b.add(e, &stored{record: s.record, sum: s.sum, folders: folders})
	})
}

// Mirror replaces the index at path by the one that address serves, if that is another one. The copy is checked from
// end to end before it takes the place of the old one.
func (u *Updater) Mirror(ctx context.Context, path, address string) (UpdateReport, error) {
	unlock, err := lock(ctx, path)
	if err != nil {
		return UpdateReport{}, err
	}
	defer unlock()
	var have web.Have
	if x, err := OpenIndex(path); err == nil {
		_ = x.Close()
		if info, err := os.Stat(path); err == nil {
			have.Modified = info.ModTime()
		}
	}
	u.say("fetching %s", address)
	aside := path + ".update"
	if err := os.RemoveAll(aside); err != nil {
		return UpdateReport{}, err
	}
	got, err := u.Client.Download(ctx, address, aside, have, maxMirror, nil)
	if err != nil {
		return UpdateReport{}, err
	}
	if got.Unchanged {
		return UpdateReport{Unchanged: true}, nil
	}
	x, err := OpenIndex(aside)
	if err == nil {
		err = errors.Join(x.Verify(), x.Close())
	}
	if err != nil {
		return UpdateReport{}, errors.Join(fmt.Errorf("%s does not serve a usable index: %w", address, err), os.Remove(aside))
	}
	if !got.Modified.IsZero() {
		// The time of the file is what the next request asks by.
		if err := os.Chtimes(aside, got.Modified, got.Modified); err != nil {
			return UpdateReport{}, err
		}
	}
	return UpdateReport{}, os.Rename(aside, path)
}
