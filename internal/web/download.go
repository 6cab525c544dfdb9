package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Have says which state of an address the caller has already. The zero value is none.
type Have struct {
	ETag     string
	Modified time.Time
}

// Download is what Client.Download brought.
type Download struct {
	Unchanged bool // the caller has it: nothing was written
	ETag      string
	Modified  time.Time // zero where the server does not say
	Size      int64
}

// Download writes what an address answers with to the file path, unless have is still the state of it. limit bounds the
// size in bytes. progress, if not nil, is called now and then with what has arrived and the whole size, -1 if unknown.
//
// The content arrives in path + ".part" and is renamed when it is whole. What a lost connection or an ended process
// leaves there is continued, not fetched again, if the server says that it is still the same content. Not the time of
// all of it is bounded by Options.Timeout, but the time in which nothing arrives.
func (c *Client) Download(ctx context.Context, address, path string, have Have, limit int64, progress func(done, size int64)) (Download, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	for try := 1; ; try++ {
		if err := c.ready(ctx); err != nil {
			return Download{}, err
		}
		before := partSize(path)
		got, wait, err := c.download(ctx, address, path, have, limit, progress)
		if err == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return Download{}, errors.Join(ctx.Err(), err)
		}
		if partSize(path) > before {
			try = 1 // it is getting on
		}
		if try >= c.tries(err) {
			return Download{}, err
		}
		if wait > 0 {
			c.pause(wait)
			continue
		}
		if err := c.opts.Sleep(ctx, c.backoff(try)); err != nil {
			return Download{}, err
		}
	}
}

func partSize(path string) int64 {
	info, err := os.Stat(path + ".part")
	if err != nil {
		return 0
	}
	return info.Size()
}

// download makes one try.
func (c *Client) download(ctx context.Context, address, path string, have Have, limit int64, progress func(done, size int64)) (Download, time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(c.opts.Timeout, func() { cancel(errIdle) })
	defer idle.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Download{}, 0, permanent{err}
	}
	req.Header.Set("User-Agent", c.opts.UserAgent)
	req.Header.Set("Accept-Encoding", "identity") // sizes and offsets are those of the file
	// The part says in a file beside it which state it is of.
	tag, _ := os.ReadFile(path + ".part.tag")
	size := partSize(path)
	if size > 0 && len(tag) > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", size))
		req.Header.Set("If-Range", string(tag))
	} else {
		size = 0
		if have.ETag != "" {
			req.Header.Set("If-None-Match", have.ETag)
		} else if !have.Modified.IsZero() {
			req.Header.Set("If-Modified-Since", have.Modified.UTC().Format(http.TimeFormat))
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return Download{}, 0, because(ctx, err)
	}
	defer res.Body.Close()
	whole := res.ContentLength
	switch res.StatusCode {
	case http.StatusNotModified:
		return Download{Unchanged: true, ETag: have.ETag, Modified: have.Modified}, 0, nil
	case http.StatusPartialContent:
		from, all, ok := contentRange(res.Header.Get("Content-Range"))
		if !ok || from != size {
			return Download{}, 0, errors.Join(fmt.Errorf("the server sends the range %q, asked was from %d", res.Header.Get("Content-Range"), size), dropPart(path))
		}
		whole = all
	case http.StatusOK:
		size = 0
	case http.StatusRequestedRangeNotSatisfiable:
		return Download{}, 0, errors.Join(errors.New("the server has no more of the file than is here"), dropPart(path))
	default:
		text, _ := io.ReadAll(io.LimitReader(res.Body, 512)) // what it says beside the status may be missing
		return Download{}, c.retryAfter(res), &StatusError{Status: res.StatusCode, Body: strings.Join(strings.Fields(string(text)), " ")}
	}
	if whole > limit {
		return Download{}, 0, fmt.Errorf("%w: %d bytes, more than %d MiB", ErrTooLarge, whole, limit>>20)
	}
	got := Download{ETag: res.Header.Get("ETag")}
	if t, err := http.ParseTime(res.Header.Get("Last-Modified")); err == nil {
		got.Modified = t
	}
	if got.Size, err = c.receive(res, path, size, whole, limit, func(done int64) {
		idle.Reset(c.opts.Timeout)
		progress(done, whole)
	}); err != nil {
		return Download{}, 0, because(ctx, err)
	}
	if whole >= 0 && got.Size != whole {
		return Download{}, 0, fmt.Errorf("%d of %d bytes arrived: %w", got.Size, whole, io.ErrUnexpectedEOF)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return Download{}, 0, permanent{err}
	}
	_ = os.Remove(path + ".part.tag") // of no use without the part
	return got, 0, nil
}

var errIdle = errors.New("nothing arrived for too long")

// because returns the cause for which a request was ended by this package, else the error.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errIdle) {
		return cause
	}
	return err
}

// receive appends the body of an answer to the part and returns the size of it.
func (c *Client) receive(res *http.Response, path string, size, whole, limit int64, progress func(int64)) (int64, error) {
	flags := os.O_CREATE | os.O_WRONLY
	if size == 0 {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path+".part", flags, 0o644)
	if err != nil {
		return 0, permanent{err}
	}
	defer f.Close()
	if size == 0 {
		// Only a strong validator promises the same bytes.
		tag := res.Header.Get("ETag")
		if strings.HasPrefix(tag, "W/") {
			tag = ""
		}
		if err := os.WriteFile(path+".part.tag", []byte(tag), 0o644); err != nil {
			return 0, permanent{err}
		}
	}
	if _, err := f.Seek(size, io.SeekStart); err != nil {
		return 0, permanent{err}
	}
	buf := make([]byte, 128<<10)
	for {
		n, err := res.Body.Read(buf)
		if n > 0 {
			if _, err := f.Write(buf[:n]); err != nil {
				return 0, permanent{err}
			}
			size += int64(n)
			progress(size)
			if size > limit || whole >= 0 && size > whole {
				return 0, errors.Join(fmt.Errorf("%w: more than %d MiB or than it said", ErrTooLarge, limit>>20), dropPart(path))
			}
		}
		if errors.Is(err, io.EOF) {
			if err := f.Close(); err != nil {
				return 0, permanent{err}
			}
			return size, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read the answer: %w", err)
		}
	}
}

func dropPart(path string) error {
	return errors.Join(os.Remove(path+".part"), os.Remove(path+".part.tag"))
}

// contentRange reads the header of RFC 9110, 14.4: bytes 10-99/100.
func contentRange(value string) (from, whole int64, ok bool) {
	value, ok = strings.CutPrefix(value, "bytes ")
	first, rest, ok1 := strings.Cut(value, "-")
	_, all, ok2 := strings.Cut(rest, "/")
	from, err1 := strconv.ParseInt(first, 10, 64)
	whole, err2 := strconv.ParseInt(all, 10, 64)
	return from, whole, ok && ok1 && ok2 && err1 == nil && err2 == nil
}

// Stream calls read with what an address answers with, as it arrives; read may stop before the end of it. When the
// connection is lost, read is called again with a new answer from its beginning. An error of read that is not one of
// the connection ends it: wrap it with Permanent.
func (c *Client) Stream(ctx context.Context, address string, read func(io.Reader) error) error {
	for try := 1; ; try++ {
		if err := c.ready(ctx); err != nil {
			return err
		}
		wait, err := c.stream(ctx, address, read)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if try >= c.tries(err) {
			return err
		}
		if wait > 0 {
			c.pause(wait)
			continue
		}
		if err := c.opts.Sleep(ctx, c.backoff(try)); err != nil {
			return err
		}
	}
}

// Permanent marks an error that another try would only repeat.
func Permanent(err error) error { return permanent{err} }

func (c *Client) stream(ctx context.Context, address string, read func(io.Reader) error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*c.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, permanent{err}
	}
	req.Header.Set("User-Agent", c.opts.UserAgent)
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 512)) // what it says beside the status may be missing
		return c.retryAfter(res), &StatusError{Status: res.StatusCode, Body: strings.Join(strings.Fields(string(text)), " ")}
	}
	return 0, read(res.Body)
}
