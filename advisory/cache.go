package advisory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// DefaultIndex returns the path of the user's own index, which updates keep and scans use when nothing else is named.
func DefaultIndex() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "trifecta", "advisories.index"), nil
}

// defaultFolderCache returns where indexes of folders are kept.
func defaultFolderCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "trifecta", "folders")
}

// unusedFor is how long an index of a folder is kept after it was used last.
const unusedFor = 30 * 24 * time.Hour

// useCache makes the folder keep an index of each ecosystem that is asked about in dir, named by the content that it
// was made from. A cache that can't be written is not used.
func (f *Folder) useCache(dir string) { f.cache = dir }

// cached returns the index of one ecosystem of the folder, which it builds the first time. It is nil where there is
// none to be had; the folder itself is read then, which tells what is wrong with it.
func (f *Folder) cached(ctx context.Context, folder string) *Index {
	if f.cache == "" {
		return nil
	}
	if x, ok := f.indexes[folder]; ok {
		return x
	}
	if f.indexes == nil {
		f.indexes = make(map[string]*Index)
	}
	x, err := f.openCached(ctx, folder)
	if err != nil {
		slog.DebugContext(ctx, "no cached index", "ecosystem", folder, "reason", err)
		x = nil
	}
	f.indexes[folder] = x
	return x
}

func (f *Folder) openCached(ctx context.Context, folder string) (*Index, error) {
	if !isFolderName(folder) {
		return nil, os.ErrNotExist
	}
	key, err := contentKey(filepath.Join(f.dir, folder))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(f.cache, key+".index")
	if x, err := OpenIndex(path); err == nil {
		now := time.Now()
		_ = os.Chtimes(path, now, now) // only what prune goes by
		return x, nil
	}
	if err := os.MkdirAll(f.cache, 0o755); err != nil {
		return nil, err
	}
	slog.DebugContext(ctx, "building an index", "ecosystem", folder)
	if err := BuildIndex(ctx, f.dir, path, IndexOptions{Ecosystems: []string{folder}}); err != nil {
		return nil, err
	}
	f.prune(time.Now())
	return OpenIndex(path)
}

// forget drops an index that turned out to be damaged.
func (f *Folder) forget(folder string) {
	if x := f.indexes[folder]; x != nil {
		_ = os.Remove(x.path)
		_ = x.Close()
	}
	f.indexes[folder] = nil
}

// prune removes what has not been used for long, and what an ended process has left behind.
func (f *Folder) prune(now time.Time) {
	entries, err := os.ReadDir(f.cache)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || now.Sub(info.ModTime()) < unusedFor {
			continue
		}
		if name := e.Name(); strings.HasSuffix(name, ".index") || strings.HasPrefix(name, ".trifecta-") {
			_ = os.Remove(filepath.Join(f.cache, name))
		}
	}
}

// contentKey names the content of one ecosystem's folder: the directory of its archive, which has the checksum of each
// record, and the names, sizes and times of loose records.
func contentKey(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "index %d of %s\n", indexVersion, filepath.Base(dir))
	any := false
	for _, e := range entries {
		switch {
		case e.Name() == archiveName:
			any = true
			if err := hashDirectory(h, filepath.Join(dir, archiveName)); err != nil {
				return "", err
			}
		case strings.HasSuffix(e.Name(), ".json"):
			any = true
			info, err := os.Stat(filepath.Join(dir, e.Name()))
			if err != nil {
				return "", err
			}
			fmt.Fprintf(h, "%s %d %d\n", e.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	if !any {
		return "", os.ErrNotExist
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// hashDirectory writes the central directory of a zip archive to w: APPNOTE.TXT sections 4.3.12 to 4.3.16.
func hashDirectory(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	const record, locator = 22, 20
	tail := make([]byte, min(info.Size(), 64<<10+record+locator))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return err
	}
	end := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if end < 0 || len(tail)-end < record {
		return errors.New("not a zip archive")
	}
	size := int64(binary.LittleEndian.Uint32(tail[end+12:]))
	offset := int64(binary.LittleEndian.Uint32(tail[end+16:]))
	if at := end - locator; size == 1<<32-1 || offset == 1<<32-1 || binary.LittleEndian.Uint16(tail[end+10:]) == 1<<16-1 {
		// A 64-bit archive: its end says where the larger record of the end is.
		if at < 0 || !bytes.HasPrefix(tail[at:], []byte("PK\x06\x07")) {
			return errors.New("not a zip archive")
		}
		var large [56]byte
		if _, err := f.ReadAt(large[:], int64(binary.LittleEndian.Uint64(tail[at+8:]))); err != nil {
			return err
		}
		size = int64(binary.LittleEndian.Uint64(large[40:]))
		offset = int64(binary.LittleEndian.Uint64(large[48:]))
	}
	if offset < 0 || size < 0 || offset > info.Size()-size {
		return errors.New("not a zip archive")
	}
	fmt.Fprintf(w, "%s %d\n", archiveName, info.Size())
	_, err = io.Copy(w, io.NewSectionReader(f, offset, size))
	return err
}
