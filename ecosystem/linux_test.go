package ecosystem

import (
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestReadOS(t *testing.T) {
	for _, tt := range []struct{ name, text, ecosystem, release string }{
		{"debian", "ID=debian\nVERSION_ID=\"12\"\n", "Debian", "12"},
		{"debian unstable", "ID=debian\n", "Debian", ""},
		{"ubuntu lts", "ID=ubuntu\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.3 LTS (Jammy Jellyfish)\"\n", "Ubuntu", "22.04:LTS"},
		{"ubuntu", "ID=ubuntu\nVERSION_ID=\"23.10\"\nVERSION=\"23.10 (Mantic Minotaur)\"\n", "Ubuntu", "23.10"},
		{"alpine", "ID=alpine\nVERSION_ID=3.19.1\n", "Alpine", "v3.19"},
		{"almalinux", "ID=\"almalinux\"\nVERSION_ID=\"9.3\"\n", "AlmaLinux", "9"},
		{"rocky", "ID='rocky'\nVERSION_ID='8.9'\n", "Rocky Linux", "8"},
		{"openEuler", "ID=\"openEuler\"\nVERSION_ID=\"24.03\"\nVERSION=\"24.03 (LTS)\"\n", "openEuler", "24.03-LTS"},
		{"leap", "ID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"\n", "openSUSE", "Leap 15.6"},
		{"wolfi", "ID=wolfi\nVERSION_ID=20230201\n", "Wolfi", ""},
		{"without advisories", "ID=amzn\nVERSION_ID=2\n", "Amazon Linux", "2"},
		{"not known", "ID=plan9\n", "", ""},
		{"empty", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := inventory.NewTree(t.Context(), fstest.MapFS{"etc/os-release": {Data: []byte(tt.text)}}, inventory.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			os, err := ReadOS(tree)
			if (err == nil) != (tt.ecosystem != "") {
				t.Errorf("ReadOS: %v", err)
			}
			if tt.ecosystem != "" && (os.Ecosystem.Name != tt.ecosystem || os.Release != tt.release) {
				t.Errorf("ReadOS = %s:%s, want %s:%s", os.Ecosystem.Name, os.Release, tt.ecosystem, tt.release)
			}
		})
	}
}

func FuzzStanzas(f *testing.F) {
	f.Add([]byte("Package: a\nVersion: 1\n b: c\n\nP:b\r\nV:2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		last := 0
		stanzas(data, func(s stanza) {
			if s.start < last || s.end < s.start || s.end > len(data) {
				t.Errorf("stanza from %d to %d after %d of %d", s.start, s.end, last, len(data))
			}
			last = s.end
		})
	})
}
