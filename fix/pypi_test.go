package fix

import "testing"

func TestPyPIRaise(t *testing.T) {
	for _, test := range []struct{ constraint, version, want string }{
		{"==1.2.3", "1.2.5", "==1.2.5"},
		{"===1.2.3", "1.2.5", "===1.2.5"},
		{"== 1.2.3", "1.2.5", "== 1.2.5"},
		{"==1.2.*", "1.3.4", "==1.3.*"},
		{"==1.*", "2.3.4", "==2.*"},
		{"~=1.4.2", "1.5.3", "~=1.5.3"},
		{"~=1.4", "2.5.3", "~=2.5,>=2.5.3"},
		{"~=1.4", "2.0.0", "~=2.0"},
		{">=1.2", "1.5", ">=1.5"},
		{">=1.2,<2", "1.5", ">=1.5,<2"},
		{">=1.2, <2", "3.1.4", ">=3.1.4, <4"},
		{">=1.21.1,<1.27", "1.27.1", ">=1.27.1,<1.28"},
		{"<2.0", "2.31.0", "<3.0"},
		{">1.0", "1.5", ">=1.5"},
		{">=1.0,!=1.3", "1.5", ">=1.5,!=1.3"},
		{"<=1.0", "1.5", "<=1.5"},
		{"", "1.5", ""},
	} {
		got, err := pypiRaise(test.constraint, test.version)
		if err != nil || got != test.want {
			t.Errorf("pypiRaise(%q, %q) = %q, %v; want %q", test.constraint, test.version, got, err, test.want)
		}
	}
	for _, test := range []struct{ constraint, version string }{{"!=1.5", "1.5"}, {"what", "1.0"}, {">=2", "nonsense"}} {
		if got, err := pypiRaise(test.constraint, test.version); err == nil {
			t.Errorf("pypiRaise(%q, %q) = %q, want an error", test.constraint, test.version, got)
		}
	}
}

func TestPyPIAdmits(t *testing.T) {
	for _, test := range []struct {
		constraint, version string
		want                bool
	}{
		{"", "1.0", true}, {">=1,<2", "1.9.9", true}, {">=1,<2", "2.0", false}, {"==1.0", "1.0.0", true}, {"~=1.4.2", "1.4.9", true},
		{"~=1.4.2", "1.5.0", false}, {"!=1.5.*", "1.5.3", false}, {"<4,>=2", "3.1", true}, {"===1.0", "1.0", true}, {">=1.21.1,<1.27", "1.26.20", true},
	} {
		if got, err := pypiAdmits(test.constraint, test.version); err != nil || got != test.want {
			t.Errorf("pypiAdmits(%q, %q) = %t, %v; want %t", test.constraint, test.version, got, err, test.want)
		}
	}
}

func TestMarkers(t *testing.T) {
	known := linuxPython("3.11")
	known.extras = []string{"socks"}
	for _, test := range []struct {
		marker string
		env    pyEnvironment
		want   pyTruth
	}{
		{"", known, pyTrue},
		{`python_version < "3.8"`, known, pyFalse},
		{`python_version >= "3.8" and sys_platform != "win32"`, known, pyTrue},
		{`"3.8" <= python_version`, known, pyTrue},
		{`extra == "socks"`, known, pyTrue},
		{`extra == 'security'`, known, pyFalse},
		{`(os_name == "nt" or sys_platform == "linux") and python_full_version < "3.12.1"`, known, pyTrue},
		{`platform_machine in "x86_64 aarch64"`, known, pyTrue},
		{`platform_system not in "Darwin Windows"`, known, pyTrue},
		{`python_version < "3.8"`, linuxPython(""), pyUnknown},
		{`python_version < "3.8" and os_name == "nt"`, linuxPython(""), pyFalse},
		{`platform_release >= "5"`, known, pyUnknown},
		{`python_version <`, known, pyUnknown},
		{`(python_version < "3"`, known, pyUnknown},
	} {
		if got := test.env.holds(test.marker); got != test.want {
			t.Errorf("holds(%q) = %d, want %d", test.marker, got, test.want)
		}
	}
}
