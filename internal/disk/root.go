package disk

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Root is the root file system of a machine, put together from the volumes of its disks.
type Root struct {
	*FS
	// Notes say what of the machine is not in it.
	Notes []Note
}

// Note is something that could not be looked at.
type Note struct {
	Code    string // volume-unread, volume-unclean, mount-missing
	Message string
}

// ErrNoRoot says that none of the volumes is the root of a system.
var ErrNoRoot = errors.New("no volume has the root of a Linux system")

// rootFiles are what the root of a system has; of images that hold two, the first counts.
var rootFiles = []string{"etc/os-release", "usr/lib/os-release", "etc/fstab", "etc/passwd"}

// NewRoot finds the volume that is the root of a system and puts the others where its fstab mounts them, as far as these are
// there. The error says which volumes there are and why none is a root.
func NewRoot(volumes []*Volume) (*Root, error) {
	best, most := -1, 0
	for i, v := range volumes {
		f, err := v.FS()
		if err != nil {
			continue
		}
		found := 0
		for k, name := range rootFiles {
			if _, err := f.Stat(name); err == nil {
				found += len(rootFiles) - k
			}
		}
		if found > most {
			best, most = i, found
		}
	}
	if best < 0 {
		return nil, noRoot(volumes)
	}
	root := volumes[best].fs
	r := &Root{FS: root}
	used := map[*Volume]bool{volumes[best]: true}
	for _, m := range fstab(root) {
		i := slices.IndexFunc(volumes, m.names)
		switch {
		case m.at == "." || i >= 0 && used[volumes[i]]:
			continue
		case i < 0:
			if !m.optional {
				r.note("mount-missing", "/%s is a file system of its own (%s), which the image does not hold; what is in it is not known", m.at, m.device)
			}
			continue
		}
		used[volumes[i]] = true
		f, err := volumes[i].FS()
		if err != nil {
			if volumes[i].Kind != kindFAT { // the files that start the machine
				r.note("volume-unread", "/%s can't be read: %v", m.at, err)
			}
			continue
		}
		root.mount(m.at, f)
		r.unclean(volumes[i])
	}
	r.unclean(volumes[best])
	for _, v := range volumes {
		if _, err := v.FS(); err != nil && !used[v] && !v.harmless() {
			r.note("volume-unread", "%v; what is in it is not known", err)
		}
	}
	return r, nil
}

func (r *Root) note(code, format string, args ...any) {
	r.Notes = append(r.Notes, Note{code, fmt.Sprintf(format, args...)})
}

func (r *Root) unclean(v *Volume) {
	if v.Unclean {
		r.note("volume-unclean", "%s was in use when the image was taken, and its journal is not replayed; the last changes may be missing", v)
	}
}

// harmless reports whether nothing that is installed can be in a volume: swap, the firmware's files, the boot loader's.
func (v *Volume) harmless() bool {
	switch v.Kind {
	case "swap", kindFAT:
		return true
	case "":
		// BIOS boot, PReP and EFI partitions by their types; what is smaller than a file system of use.
		return slices.Contains([]string{"21686148-6449-6e6f-744e-656564454649", "9e1a2d38-c612-4316-aa26-8b49521e5a8b", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "ef"}, v.Type) ||
			v.Size < 2<<20 || v.empty
	}
	return false
}

func noRoot(volumes []*Volume) error {
	var all []string
	for _, v := range volumes {
		_, err := v.FS()
		switch {
		case v.Kind == "NTFS":
			return fmt.Errorf("%w: %s; images of Windows are not read", ErrNoRoot, v)
		case err != nil:
			all = append(all, err.Error())
		default:
			all = append(all, v.String()+": no system in it")
		}
	}
	if len(all) > 10 {
		all = append(all[:10], "...")
	}
	return fmt.Errorf("%w: %s", ErrNoRoot, strings.Join(all, "; "))
}

// mounted is a line of fstab.
type mounted struct {
	device, at string
	optional   bool
}

// fstab returns what a system mounts, the folders above first
// (https://man7.org/linux/man-pages/man5/fstab.5.html). File systems that are no volumes are left out.
func fstab(root *FS) []mounted {
	f, err := root.Open("etc/fstab")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was only read
	var all []mounted
	for lines := bufio.NewScanner(f); lines.Scan() && len(all) < 100; {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || !strings.HasPrefix(fields[1], "/") || fields[2] == "swap" {
			continue
		}
		device := fields[0]
		if !strings.Contains(device, "=") && !strings.HasPrefix(device, "/dev/") { // tmpfs, proc, a server's folder
			continue
		}
		options := ""
		if len(fields) > 3 {
			options = fields[3]
		}
		at := path.Clean(fields[1])[1:]
		if at == "" {
			at = "."
		}
		if !fs.ValidPath(at) {
			continue
		}
		all = append(all, mounted{device, at, strings.Contains(options, "nofail") || strings.Contains(options, "noauto") || strings.Contains(options, "bind") || fields[2] == kindFAT})
	}
	slices.SortStableFunc(all, func(a, b mounted) int { return strings.Compare(a.at, b.at) })
	return all
}

// names reports whether the line speaks of a volume. Names such as /dev/xvda1 tell its number alone.
func (m mounted) names(v *Volume) bool {
	key, value, ok := strings.Cut(m.device, "=")
	value = strings.Trim(value, `"`)
	if !ok {
		for prefix, id := range map[string]string{"/dev/disk/by-uuid/": v.UUID, "/dev/disk/by-label/": v.Label, "/dev/disk/by-partuuid/": v.PartUUID} {
			if rest, ok := strings.CutPrefix(m.device, prefix); ok {
				return id != "" && strings.EqualFold(rest, id)
			}
		}
		return v.Disk == 0 && v.Number > 0 && partitionOf(m.device) == v.Number
	}
	switch key {
	case "UUID":
		return v.UUID != "" && strings.EqualFold(value, v.UUID)
	case "LABEL":
		return v.Label != "" && value == v.Label
	case "PARTUUID":
		return v.PartUUID != "" && strings.EqualFold(value, v.PartUUID)
	case "PARTLABEL":
		return v.PartLabel != "" && value == v.PartLabel
	}
	return false
}

// firstDisks are what the first disk of a machine is called.
var firstDisks = []string{"/dev/xvda", "/dev/sda", "/dev/vda", "/dev/nvme0n1p"}

// partitionOf returns the number of a partition of the first disk; 0 for everything else.
func partitionOf(device string) int {
	for _, disk := range firstDisks {
		number := 0
		if rest, ok := strings.CutPrefix(device, disk); ok && len(rest) > 0 && len(rest) < 4 {
			for _, digit := range rest {
				if digit < '0' || digit > '9' {
					return 0
				}
				number = number*10 + int(digit-'0')
			}
			return number
		}
	}
	return 0
}
