package ecosystem

import (
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestFromPURL(t *testing.T) {
	for _, tt := range []struct{ purl, ecosystem, name, version string }{
		{"pkg:npm/%40scope/name@1.2.3", "npm", "@scope/name", "1.2.3"},
		{"pkg:npm/name@1.2.3", "npm", "name", "1.2.3"},
		{"pkg:maven/org.example/lib@1.0?type=jar", "Maven", "org.example:lib", "1.0"},
		{"pkg:golang/code.example/a/b@v1.2.3", "Go", "code.example/a/b", "1.2.3"},
		{"pkg:pypi/django@3.2", "PyPI", "django", "3.2"},
		{"pkg:cargo/a@1.0.0", "crates.io", "a", "1.0.0"},
		{"pkg:composer/a/b@1.0.0", "Packagist", "a/b", "1.0.0"},
		{"pkg:gem/rails@6.0.0", "RubyGems", "rails", "6.0.0"},
		{"pkg:nuget/A.B@1.0.0", "NuGet", "A.B", "1.0.0"},
		{"pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12&upstream=openssl", "Debian:12", "libssl3", "3.0.11-1"},
		{"pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1?distro=ubuntu-22.04", "Ubuntu:22.04:LTS", "libssl3", "3.0.2-0ubuntu1"},
		{"pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1?distro=ubuntu-23.04", "Ubuntu:23.04", "libssl3", "3.0.2-0ubuntu1"},
		{"pkg:apk/alpine/musl@1.2.4-r2?distro=alpine-3.19.1", "Alpine:v3.19", "musl", "1.2.4-r2"},
		{"pkg:rpm/almalinux/bash@5.1.8-6.el9?distro=almalinux-9.3&epoch=1", "AlmaLinux:9", "bash", "1:5.1.8-6.el9"},
	} {
		e, ok := FromPURL(tt.purl)
		if !ok {
			t.Errorf("FromPURL(%q) finds nothing", tt.purl)
			continue
		}
		ecosystem := e.Ecosystem.Name
		if e.Release != "" {
			ecosystem += ":" + e.Release
		}
		if ecosystem != tt.ecosystem || e.Name != tt.name || e.Version != tt.version {
			t.Errorf("FromPURL(%q) = %s %s %s, want %s %s %s", tt.purl, ecosystem, e.Name, e.Version, tt.ecosystem, tt.name, tt.version)
		}
	}
	if e, _ := FromPURL("pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12&upstream=openssl%403.0.11"); e.Source != (inventory.SourcePackage{Name: "openssl", Version: "3.0.11"}) {
		t.Errorf("source = %+v", e.Source)
	}
	for _, bad := range []string{"", "pkg:", "pkg:npm", "pkg:generic/a@1", "pkg:deb/unheard-of/a@1", "nonsense"} {
		if e, ok := FromPURL(bad); ok {
			t.Errorf("FromPURL(%q) = %+v", bad, e)
		}
	}
}

// TestPURLsComeBack writes the package URL of every ecosystem and reads it again.
func TestPURLsComeBack(t *testing.T) {
	for _, eco := range All {
		purl := eco.PURL("aa/bb", "1.2.3")
		e, ok := FromPURL(purl.ToString())
		if !ok || e.Ecosystem.Name != eco.Name {
			t.Errorf("%s: FromPURL(%s) = %+v, %v", eco.Name, purl.ToString(), e, ok)
		}
	}
}

func FuzzFromPURL(f *testing.F) {
	f.Add("pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1?distro=ubuntu-22.04&upstream=a%40b&epoch=1")
	f.Fuzz(func(_ *testing.T, text string) { FromPURL(text) })
}
