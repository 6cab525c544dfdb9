package disk

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// images are the files that testdata/make.sh makes, each with the same tree in it, and what they are.
var images = []struct{ file, format, volumes string }{
	{"ext4.img", "raw", "the disk (ext4)"},
	{"ext4-inline.img", "raw", "the disk (ext4)"},
	{"ext4-meta.img", "raw", "the disk (ext4)"},
	{"ext2.img", "raw", "the disk (ext2)"},
	{"xfs.qcow2", "qcow2", "the disk (xfs)"},
	{"xfs4.qcow2", "qcow2", "the disk (xfs)"},
	{"gpt.img", "raw", "partition 1, partition 2 (ext4)"},
	{"mbr.img", "raw", "partition 1, partition 5 (ext4)"},
	{"gpt.qcow2", "qcow2", "partition 1, partition 2 (ext4)"},
	{"gpt-deflate.qcow2", "qcow2", "partition 1, partition 2 (ext4)"},
	{"gpt-zstd.qcow2", "qcow2", "partition 1, partition 2 (ext4)"},
	{"gpt.vmdk", "VMDK", "partition 1, partition 2 (ext4)"},
	{"gpt-stream.vmdk", "VMDK", "partition 1, partition 2 (ext4)"},
	{"gpt.vhd", "VHD", "partition 1, partition 2 (ext4)"},
	{"gpt-fixed.vhd", "VHD", "partition 1, partition 2 (ext4)"},
	{"gpt.ova", "VMDK", "partition 1, partition 2 (ext4)"},
}

func image(tb testing.TB, name string) []byte {
	tb.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func open1(data []byte) (*Image, []*Volume, error) {
	disks, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, err
	}
	volumes, err := Volumes(disks[0], disks[0].Size, 0)
	return disks[0], volumes, err
}

// describe writes down a tree as testdata/make.sh does.
func describe(fsys *FS) (string, error) {
	var lines []string
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == "." || name == "lost+found":
		case e.IsDir():
			lines = append(lines, name+"/")
		case e.Type()&fs.ModeSymlink != 0:
			target, err := fsys.ReadLink(name)
			if err != nil {
				return err
			}
			lines = append(lines, name+" -> "+target)
		default:
			data, err := fs.ReadFile(fsys, name)
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			lines = append(lines, fmt.Sprintf("%s %d %.8x", name, info.Size(), sha256.Sum256(data)))
		}
		return nil
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n", err
}

// TestImages compares what is read with what the tools that made the images put in.
func TestImages(t *testing.T) {
	want, err := os.ReadFile("testdata/tree.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range images {
		t.Run(tt.file, func(t *testing.T) {
			d, volumes, err := open1(image(t, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			names := make([]string, len(volumes))
			for i, v := range volumes {
				names[i] = v.String()
			}
			if got := strings.Join(names, ", "); d.Format != tt.format || got != tt.volumes {
				t.Errorf("%s with %s, want %s with %s", d.Format, got, tt.format, tt.volumes)
			}
			root, err := NewRoot(volumes)
			if err != nil {
				t.Fatal(err)
			}
			if len(root.Notes) > 0 {
				t.Errorf("notes %v", root.Notes)
			}
			got, err := describe(root.FS)
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	_, volumes, err := open1(image(t, "ext4.img"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := volumes[0].FS()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"etc/os-release": "PRETTY", "lib/os-release": "PRETTY", "usr/lib/os-release": "PRETTY"} {
		if data, err := fs.ReadFile(f, name); err != nil || !strings.HasPrefix(string(data), want) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for name, want := range map[string]error{
		"loop": errManyLinks, "far": fs.ErrNotExist, "etc/passwd/x": fs.ErrNotExist, "../etc": fs.ErrInvalid, "/etc": fs.ErrInvalid, "": fs.ErrInvalid, "lib/": fs.ErrInvalid,
	} {
		if _, err := f.Open(name); !errors.Is(err, want) {
			t.Errorf("open %q: %v, want %v", name, err, want)
		}
	}
	if info, err := f.Lstat("lib"); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("lib: %v, %v", info, err)
	}
	if info, err := f.Stat("lib"); err != nil || !info.IsDir() {
		t.Errorf("what lib leads to: %v, %v", info, err)
	}
}

// TestReadAt reads pieces of files across holes and the ends of extents.
func TestReadAt(t *testing.T) {
	for _, file := range []string{"ext4.img", "ext2.img", "xfs.qcow2"} {
		_, volumes, err := open1(image(t, file))
		if err != nil {
			t.Fatal(err)
		}
		f, err := volumes[0].FS()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"srv/sparse", "srv/large"} {
			whole, err := fs.ReadFile(f, name)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := f.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			r := opened.(io.ReaderAt)
			for off := 0; off < len(whole)+3000; off += 2999 {
				p := make([]byte, 4097)
				n, err := r.ReadAt(p, int64(off))
				want := whole[min(off, len(whole)):min(off+len(p), len(whole))]
				if !bytes.Equal(p[:n], want) || (err == io.EOF) != (len(want) < len(p)) {
					t.Fatalf("%s: %s at %d: %d bytes, %v; want %d", file, name, off, n, err, len(want))
				}
			}
		}
	}
}

// TestMounts puts the file systems of a disk together by its fstab.
func TestMounts(t *testing.T) {
	_, volumes, err := open1(image(t, "ext4.img"))
	if err != nil {
		t.Fatal(err)
	}
	_, others, err := open1(image(t, "ext2.img"))
	if err != nil {
		t.Fatal(err)
	}
	root, data := volumes[0], others[0]
	data.Number, data.Label = 3, "data"
	lvm := &Volume{Number: 4, Kind: "LVM", Size: 1 << 30}
	volumes = []*Volume{root, data, lvm, {Number: 5, Kind: "swap"}, {Number: 6, Size: 1 << 20}}
	for _, tt := range []struct {
		fstab string
		empty []string // of the folder that is mounted over
		notes []string
	}{
		{"", nil, []string{"volume-unread"}},
		{"# LABEL=data /empty ext4\nLABEL=data /empty ext4 defaults 0 2\n", []string{"empty", "etc", "far", "lib", "loop", "lost+found", "many", "srv", "usr", "var"}, []string{"volume-unread"}},
		{"/dev/xvda3\t/empty\text4\n/dev/nvme0n1p4 /var/log xfs\n", []string{"empty", "etc", "far", "lib", "loop", "lost+found", "many", "srv", "usr", "var"}, []string{"volume-unread"}},
		{"UUID=0 /home xfs\nUUID=1 /mnt xfs nofail\ntmpfs /tmp tmpfs\nserver:/x /net nfs\n", nil, []string{"mount-missing", "volume-unread"}},
	} {
		root.fs = &FS{layout: withFile{root.fs.layout, tt.fstab}, folders: map[uint64]map[string]entry{}, places: map[uint64]string{}, mounts: map[string]*FS{}}
		r, err := NewRoot(volumes)
		if err != nil {
			t.Fatal(err)
		}
		var notes []string
		for _, n := range r.Notes {
			notes = append(notes, n.Code)
		}
		if diff := cmp.Diff(tt.notes, notes); diff != "" {
			t.Errorf("%q: notes (-want +got):\n%s\n%v", tt.fstab, diff, r.Notes)
		}
		list, err := r.ReadDir("empty")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range list {
			names = append(names, e.Name())
		}
		if diff := cmp.Diff(tt.empty, names); diff != "" {
			t.Errorf("%q: /empty (-want +got):\n%s", tt.fstab, diff)
		}
		if tt.empty != nil {
			if data, err := fs.ReadFile(r, "empty/etc/os-release"); err != nil || len(data) == 0 {
				t.Errorf("%q: a link below a mount: %q, %v", tt.fstab, data, err)
			}
		}
	}
}

// withFile is a layout whose etc has an fstab on top.
type withFile struct {
	layout
	fstab string
}

const fstabInode = 1 << 40

func (w withFile) folder(i *inode) ([]entry, error) {
	list, err := w.layout.folder(i)
	if slices.ContainsFunc(list, func(e entry) bool { return e.name == "passwd" }) {
		list = append(list, entry{name: "fstab", inode: fstabInode})
	}
	return list, err
}

func (w withFile) inode(number uint64) (*inode, error) {
	if number == fstabInode {
		return &inode{number: number, size: int64(len(w.fstab)), inline: []byte(w.fstab)}, nil
	}
	return w.layout.inode(number)
}

func TestUnread(t *testing.T) {
	with := func(at int, mark string) []byte {
		data := make([]byte, 1<<20)
		copy(data[at:], mark)
		return data
	}
	windows := make([]byte, 1<<20)
	copy(windows[3:], "NTFS    ")
	qcow := image(t, "gpt.qcow2")
	changed := func(at int, value uint32) []byte {
		data := bytes.Clone(qcow)
		binary.BigEndian.PutUint32(data[at:], value)
		return data
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "too small"},
		{"zeros", make([]byte, 1<<20), "what it holds is not known"},
		{"LVM", with(0x218, "LVM2 001"), "the disk (LVM): this kind of volume is not read"},
		{"btrfs", with(0x10040, "_BHRfS_M"), "btrfs"},
		{"LUKS", with(0, "LUKS\xba\xbe"), "LUKS"},
		{"Windows", windows, "images of Windows are not read"},
		{"compressed", with(0, "\x1f\x8b"), "unpack it first"},
		{"VHDX", with(0, "vhdxfile"), "convert it"},
		{"description of a VMDK", with(0, "# Disk DescriptorFile"), "-flat.vmdk"},
		{"qcow2 with a backing file", changed(12, 1), "merge"},
		{"encrypted qcow2", changed(32, 1), "encrypted"},
		{"qcow2 of later", changed(4, 9), "damaged"},
		{"clusters of nothing", changed(20, 0), "damaged"},
	} {
		_, volumes, err := open1(tt.data)
		if err == nil {
			_, err = NewRoot(volumes)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestLoop reads a file system whose folder contains itself.
func TestLoop(t *testing.T) {
	_, volumes, err := open1(image(t, "ext4.img"))
	if err != nil {
		t.Fatal(err)
	}
	f := newFS(looping{volumes[0].fs.layout})
	n := 0
	err = fs.WalkDir(f, ".", func(_ string, _ fs.DirEntry, err error) error {
		if n++; n > 10_000 {
			return errors.New("the walk has no end")
		}
		if errors.Is(err, errTwice) {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

type looping struct{ layout }

func (l looping) folder(i *inode) ([]entry, error) {
	list, err := l.layout.folder(i)
	return append(list, entry{name: "again", inode: l.root(), kind: fs.ModeDir}, entry{name: "and-again", inode: l.root(), kind: fs.ModeDir}), err
}

// TestTogether reads one image by several goroutines: a reader that keeps a position gives each of them the others' bytes.
func TestTogether(t *testing.T) {
	for _, file := range []string{"ext4.img", "xfs.qcow2", "gpt-stream.vmdk"} {
		_, volumes, err := open1(image(t, file))
		if err != nil {
			t.Fatal(err)
		}
		root, err := NewRoot(volumes)
		if err != nil {
			t.Fatal(err)
		}
		trees := make(chan string, 8)
		for range cap(trees) {
			go func() {
				got, err := describe(root.FS)
				trees <- fmt.Sprint(got, err)
			}()
		}
		first := <-trees
		for range cap(trees) - 1 {
			if got := <-trees; got != first {
				t.Errorf("%s: two walks differ:\n%s", file, cmp.Diff(first, got))
			}
		}
	}
}

// FuzzDamaged writes over the bytes of an image and reads all of it: what is wrong is an error, never a panic, and the walk ends.
func FuzzDamaged(f *testing.F) {
	var all [][]byte
	for _, tt := range images {
		all = append(all, image(f, tt.file))
	}
	for i := range all {
		f.Add(uint8(i), uint32(1024+56), uint32(0), []byte{0})
		f.Add(uint8(i), uint32(0), uint32(0x5000), []byte{255, 255, 255, 255})
	}
	f.Fuzz(func(t *testing.T, which uint8, at, also uint32, patch []byte) {
		data := bytes.Clone(all[int(which)%len(all)])
		for _, at := range []uint32{at, also} {
			copy(data[int(at)%len(data):], patch)
		}
		_, volumes, err := open1(data)
		if err != nil {
			return
		}
		root, err := NewRoot(volumes)
		if err != nil {
			if root == nil && err.Error() == "" {
				t.Error("an error without a reason")
			}
			return
		}
		visited, left := 0, int64(16<<20)
		_ = fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
			if visited++; visited > 20_000 {
				return fs.SkipAll
			}
			if strings.Count(name, "/") > 64 {
				return fs.SkipDir
			}
			if err != nil || e.IsDir() {
				return nil //nolint:nilerr // what can't be read is passed over, as a walk of a tree does
			}
			if file, err := root.Open(name); err == nil && left > 0 {
				n, _ := io.Copy(io.Discard, io.LimitReader(file, min(left, 1<<20)))
				left -= n
			}
			return nil
		})
	})
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("QFI\xfb\x00\x00\x00\x03"))
	f.Add([]byte("KDMV"))
	f.Add(bytes.Repeat([]byte("conectix"), 64))
	f.Fuzz(func(t *testing.T, data []byte) {
		disks, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for i, d := range disks {
			if volumes, err := Volumes(d, d.Size, i); err == nil {
				if _, err := NewRoot(volumes); err == nil {
					t.Log("a root")
				}
			}
		}
	})
}

func BenchmarkWalk(b *testing.B) {
	for _, file := range []string{"ext4.img", "xfs.qcow2"} {
		data := image(b, file)
		b.Run(file, func(b *testing.B) {
			for b.Loop() {
				_, volumes, err := open1(data)
				if err != nil {
					b.Fatal(err)
				}
				f, err := volumes[0].FS()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := describe(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
