package machine

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
)

// System is the operating system of an image, as end-of-life data names it. The zero System is not known.
type System struct {
	Product string // of eol.json: amazon-linux, ubuntu, debian, windows-server, ...
	Cycle   string // 2, 22.04, 12, 2019
	Name    string // for people: Amazon Linux 2
	// EKS says that it is an image of AWS for nodes of EKS, whose support may end before that of the system.
	EKS bool
	// Long says that the image gets security updates past the end of standard support without another contract: Debian by its LTS
	// team (https://wiki.debian.org/LTS), Ubuntu Pro by what is paid with the machine (https://ubuntu.com/aws/pro).
	Long bool
	// Kubernetes is the version that the image is made for, where its name says so: 1.31.
	Kubernetes string
}

// madeFor is how names and paths of images say for which version of Kubernetes they are made
// (https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html).
var madeFor = lazy.Regexp(`(?:/eks/optimized-ami/|amazon-eks-(?:[a-z0-9_]+-)*node-(?:[a-z0-9_]+-)*|aws-k8s-|EKS_Optimized-|ubuntu-eks/k8s_)(1\.\d{1,3})(?:[-/_.*]|$)`)

// pattern tells a system by what images are called.
type pattern struct {
	match   func() *regexp.Regexp
	product string
	name    string
	cycle   func(m []string) string
}

func first(m []string) string { return m[1] }

func fixed(s string) func([]string) string { return func([]string) string { return s } }

// codenames of Ubuntu and Debian releases.
var codenames = map[string]string{
	"lucid": "10.04", "precise": "12.04", "saucy": "13.10", "trusty": "14.04", "utopic": "14.10", "vivid": "15.04", "wily": "15.10", "xenial": "16.04", "yakkety": "16.10", "zesty": "17.04",
	"artful": "17.10", "bionic": "18.04", "cosmic": "18.10", "disco": "19.04", "eoan": "19.10", "focal": "20.04", "groovy": "20.10", "hirsute": "21.04", "impish": "21.10", "jammy": "22.04",
	"kinetic": "22.10", "lunar": "23.04", "mantic": "23.10", "noble": "24.04", "oracular": "24.10", "plucky": "25.04", "questing": "25.10", "resolute": "26.04",
	"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13",
}

// byCodename returns the release of a codename in small or large letters.
func byCodename(m []string) string { return codenames[strings.ToLower(m[1])] }

// patterns are tried in order. The names are those that the publishers give (https://docs.aws.amazon.com/linux/al2023/ug/ec2.html,
// https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/, https://wiki.debian.org/Cloud/AmazonEC2Image).
var patterns = []pattern{
	{lazy.Regexp(`(?i)bottlerocket`), "", "Bottlerocket", fixed("")},
	{lazy.Regexp(`(?i)al2023|amazonlinux2023|amazon[-_ /]?linux[-_ /]?2023`), "amazon-linux", "Amazon Linux", fixed("2023")},
	{lazy.Regexp(`(?i)amzn2|\bal2[-_@/]|^al2$|al2_|amazonlinux2|amazon[-_ /]?linux[-_ /]?2\b|amazon-eks-(?:gpu-|arm64-)?node|/eks/optimized-ami/[\d.]+/amazon-linux-2`), "amazon-linux", "Amazon Linux", fixed("2")},
	{lazy.Regexp(`(?i)amzn-ami|amazon-linux-ami`), "amazon-linux", "Amazon Linux", fixed("2018.03")},
	{lazy.Regexp(`(?i)ubuntu.*?(\d\d\.(?:04|10))`), "ubuntu", "Ubuntu", first},
	{lazy.Regexp(`(?i)ubuntu.*?(lucid|precise|saucy|trusty|utopic|vivid|wily|xenial|yakkety|zesty|artful|bionic|cosmic|disco|eoan|focal|groovy|hirsute|impish|jammy|kinetic|lunar|mantic|noble|oracular|plucky|questing|resolute)`), "ubuntu", "Ubuntu", byCodename},
	{lazy.Regexp(`(?i)^ubuntu(\d\d)(\d\d)$`), "ubuntu", "Ubuntu", func(m []string) string { return m[1] + "." + m[2] }},
	{lazy.Regexp(`(?i)debian(?:-|/release/)(\d+)`), "debian", "Debian", first},
	{lazy.Regexp(`(?i)debian(?:-|/release/)(wheezy|jessie|stretch|buster|bullseye|bookworm|trixie)`), "debian", "Debian", byCodename},
	{lazy.Regexp(`(?i)windows[-_]?(?:server)?[-_]?(2003|2008|2012|2016|2019|2022|2025)`), "windows-server", "Windows Server", first},
	{lazy.Regexp(`(?i)windows_?server[-_]?(1709|1803|1809|1903|1909|2004|20H2)`), "windows-server", "Windows Server", first},
	{lazy.Regexp(`(?i)rhel[-_]?(\d+)`), "rhel", "Red Hat Enterprise Linux", first},
	{lazy.Regexp(`(?i)almalinux(?: os)?[-_ ]?(\d+)`), "almalinux", "AlmaLinux", first},
	{lazy.Regexp(`(?i)rocky[-_ ](?:\w+[-_ ])?(\d+)`), "rocky-linux", "Rocky Linux", first},
	{lazy.Regexp(`(?i)centos[-_ ]stream[-_ ]?(\d+)`), "centos-stream", "CentOS Stream", first},
	{lazy.Regexp(`(?i)centos(?: linux)?[-_ ]?(\d+)`), "centos", "CentOS", first},
	{lazy.Regexp(`(?i)suse-sles-(\d+)(?:-sp(\d+))?(?:[-*]|$)`), "sles", "SUSE Linux Enterprise Server", func(m []string) string { return m[1] + "." + cmp.Or(m[2], "0") }},
	{lazy.Regexp(`^OL(\d+)(?:[.-]|$)`), "oracle-linux", "Oracle Linux", first},
	{lazy.Regexp(`(?i)freebsd[- ](\d+\.\d+)`), "freebsd", "FreeBSD", first},
	{lazy.Regexp(`(?i)fedora-cloud-base[-.\w]*?-(\d\d)[-.]`), "fedora", "Fedora", first},
}

// SystemOf returns the system that a name, pattern, parameter, alias or family speaks of.
func SystemOf(text string) System {
	if text == "" {
		return System{}
	}
	for _, p := range patterns {
		m := p.match().FindStringSubmatch(text)
		if m == nil {
			continue
		}
		cycle := p.cycle(m)
		s := System{Product: p.product, Cycle: cycle, Name: strings.TrimSpace(p.name + " " + cycle)}
		s.EKS = strings.Contains(text, "eks") || strings.HasPrefix(text, "AL2_") || strings.HasPrefix(text, "al2@") || text == "AmazonLinux2"
		if m := madeFor().FindStringSubmatch(text); m != nil {
			s.Kubernetes = m[1]
		}
		s.Long = p.product == "debian" || p.product == "ubuntu" && strings.Contains(text, "ubuntu-pro")
		if p.product == "windows-server" {
			s.Cycle = windowsCycle(cycle, text)
		}
		return s
	}
	return System{}
}

// releaseProducts are the names that end-of-life data and people give to systems, by the ID of their os-release.
var releaseProducts = map[string][2]string{
	"almalinux": {"almalinux", "AlmaLinux"}, "alpine": {"alpine-linux", "Alpine Linux"}, "amzn": {"amazon-linux", "Amazon Linux"}, "centos": {"centos", "CentOS"},
	"debian": {"debian", "Debian"}, "fedora": {"fedora", "Fedora"}, "ol": {"oracle-linux", "Oracle Linux"}, "opensuse-leap": {"opensuse", "openSUSE Leap"},
	"rhel": {"rhel", "Red Hat Enterprise Linux"}, "rocky": {"rocky-linux", "Rocky Linux"}, "sles": {"sles", "SUSE Linux Enterprise Server"}, "ubuntu": {"ubuntu", "Ubuntu"},
}

// SystemOfRelease returns the system that an os-release describes by its ID, VERSION_ID and PRETTY_NAME
// (https://www.freedesktop.org/software/systemd/man/latest/os-release.html).
func SystemOfRelease(id, version, pretty string) System {
	known := releaseProducts[id]
	s := System{Product: known[0], Cycle: version, Name: cmp.Or(known[1], id)}
	parts := strings.Split(version, ".")
	switch id {
	case "almalinux", "rhel", "rocky", "ol", "debian":
		s.Cycle = parts[0]
	case "centos":
		s.Cycle = parts[0]
		if strings.Contains(pretty, "Stream") {
			s.Product, s.Name = "centos-stream", "CentOS Stream"
		}
	case "alpine":
		s.Cycle = strings.Join(parts[:min(2, len(parts))], ".")
	}
	s.Name = strings.TrimSpace(s.Name + " " + s.Cycle)
	return s
}

// windowsCycle returns a release of Windows Server as end-of-life data calls it. Images of 2008 and before have their last service
// pack.
func windowsCycle(year, text string) string {
	r2 := strings.Contains(strings.ToUpper(text), year+"-R2") || strings.Contains(strings.ToUpper(text), year+"_R2") || strings.Contains(strings.ToUpper(text), year+"R2")
	switch {
	case year == "2003":
		return "2003-sp2"
	case year == "2008" && r2:
		return "2008-r2-sp1"
	case year == "2008":
		return "2008-sp2"
	case year == "2012" && r2:
		return "2012-r2"
	case slices.Contains([]string{"1709", "1803", "1809", "1903", "1909", "2004", "20H2", "20h2"}, year):
		return strings.ToLower(year) + "-sac"
	}
	return year
}

var (
	dayInName = lazy.Regexp(`(?:^|[^0-9])((?:20[0-4])\d)[-.]?(0[1-9]|1[0-2])[-.]?(0[1-9]|[12]\d|3[01])(?:[^0-9]|$)`)
)

// builtDay returns the day that the name of an image carries.
func builtDay(name string) string {
	if m := dayInName().FindStringSubmatch(name); m != nil {
		return m[1] + "-" + m[2] + "-" + m[3]
	}
	return ""
}
