package machine

import (
	"regexp"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
)

// Successor returns the name of the same image of another release of its system: same architecture, same edition, same way in
// which newer images come. It is empty where the publisher's names do not tell it: a name that carries a day, an edition that the
// other release does not have under such a name, a regular expression.
func (r *Reference) Successor(cycle string) string {
	name := string(r.ID)
	if cycle == "" || r.Regexp {
		return ""
	}
	switch {
	case r.Form == Parameter:
		return successor(parameters, name, r.System, cycle)
	case r.Form == Family:
		return successor(families, name, r.System, cycle)
	case strings.Contains(name, "*") && builtDay(name) == "":
		return successor(names, name, r.System, cycle)
	}
	return ""
}

// move writes a name of one product for another release.
type move struct {
	product string
	match   func() *regexp.Regexp
	to      func(m []string, s System, cycle string) string
}

func successor(moves []move, name string, s System, cycle string) string {
	for _, m := range moves {
		if m.product != s.Product {
			continue
		}
		if found := m.match().FindStringSubmatch(name); found != nil {
			return m.to(found, s, cycle)
		}
	}
	return ""
}

// only2023 writes for Amazon Linux 2023 alone: what follows it will have names of its own.
func only2023(to func(m []string) string) func([]string, System, string) string {
	return func(m []string, _ System, cycle string) string {
		if cycle != "2023" {
			return ""
		}
		return to(m)
	}
}

// volume is the kind of volume in Canonical's names and paths, which is gp3 from 23.10 on
// (https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/).
func volume(cycle, gp2, gp3 string) string {
	if cycle >= "23.10" {
		return gp3
	}
	return gp2
}

// codename returns the name of a release of Ubuntu or Debian; empty where it is not known.
func codename(cycle string) string {
	for name, c := range codenames {
		if c == cycle {
			return name
		}
	}
	return ""
}

// written returns a release in the way in which another one was written: by number or by name.
func written(before, cycle string) string {
	if strings.Trim(before, "0123456789.") == "" {
		return cycle
	}
	return codename(cycle)
}

// parameters are the moves of public parameters
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html,
// https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html,
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/retrieve-ecs-optimized_AMI.html).
var parameters = []move{
	{"amazon-linux", lazy.Regexp(`^/aws/service/ami-amazon-linux-latest/amzn2?-ami-(minimal-)?[a-z0-9.-]*?(x86_64|arm64)[a-z0-9-]*$`), only2023(func(m []string) string {
		return "/aws/service/ami-amazon-linux-latest/al2023-ami-" + m[1] + "kernel-default-" + m[2]
	})},
	{"amazon-linux", lazy.Regexp(`^(/aws/service/eks/optimized-ami/[0-9.]+/)amazon-linux-2(|-arm64|-gpu)/recommended(|/image_id|/image_name|/release_version)$`), only2023(func(m []string) string {
		kind := map[string]string{"": "x86_64/standard", "-arm64": "arm64/standard", "-gpu": "x86_64/nvidia"}[m[2]]
		return m[1] + "amazon-linux-2023/" + kind + "/recommended" + m[3]
	})},
	{"amazon-linux", lazy.Regexp(`^(/aws/service/ecs/optimized-ami/)amazon-linux-2(/arm64|/gpu)?(/recommended(?:/image_id|/image_name)?)$`), only2023(func(m []string) string {
		return m[1] + "amazon-linux-2023" + m[2] + m[3]
	})},
	{"ubuntu", lazy.Regexp(`^(/aws/service/canonical/ubuntu/server(?:-minimal)?/)([a-z]+|[0-9.]+)(/stable/current/(?:amd64|arm64)/hvm/ebs-)gp[23]/ami-id$`), func(m []string, _ System, cycle string) string {
		release := written(m[2], cycle)
		if release == "" {
			return ""
		}
		return m[1] + release + m[3] + volume(cycle, "gp2", "gp3") + "/ami-id"
	}},
	{"debian", lazy.Regexp(`^(/aws/service/debian/release/)(\d+)(/latest/(?:amd64|arm64))$`), func(m []string, _ System, cycle string) string { return m[1] + cycle + m[3] }},
	{"windows-server", lazy.Regexp(`^(/aws/service/ami-windows-latest/(?:TPM-)?Windows_Server-)\d{4}(-[A-Za-z_]+-(?:Full|Core)-Base)$`), windows},
}

// windows writes another year. Editions with more than Windows in them, such as SQL Server, do not exist for every year.
func windows(m []string, _ System, cycle string) string {
	if len(cycle) != 4 {
		return ""
	}
	return m[1] + cycle + m[2]
}

// names are the moves of name patterns.
var names = []move{
	{"amazon-linux", lazy.Regexp(`^(amazon-eks-)(arm64-)?node-([\d.]+-v\*)$`), only2023(func(m []string) string {
		arch := "x86_64"
		if m[2] != "" {
			arch = "arm64"
		}
		return m[1] + "node-al2023-" + arch + "-standard-" + m[3]
	})},
	{"amazon-linux", lazy.Regexp(`^amzn2?-ami-ecs-(?:kernel-[\d.*]+-)?hvm-[\d.*-]*?(?:-(x86_64|arm64)-ebs\*?)?$`), only2023(func(m []string) string { return pattern2023("al2023-ami-ecs-hvm-2023.*", m[1]) })},
	{"amazon-linux", lazy.Regexp(`^amzn2?-ami-(minimal-)?(?:kernel-[\d.*]+-)?hvm[-\d.*]*?(?:-?(x86_64|arm64)[-*](?:gp2|ebs|\*)?\*?)?$`), only2023(func(m []string) string {
		return pattern2023("al2023-ami-"+m[1]+"2023.*", m[2])
	})},
	{"ubuntu", lazy.Regexp(`^(.*?ubuntu-(?:minimal-|pro-server-|pro-minimal-)?)(?:(trusty|xenial|bionic|focal|jammy|noble)-)?(\d\d\.\d\d|\*)?(-?(?:amd64|arm64)(?:-(?:server|minimal))?-\*|-?\*)$`), func(m []string, _ System, cycle string) string {
		release := []string{}
		if m[2] != "" {
			release = append(release, codename(cycle))
		}
		switch m[3] {
		case "":
		case "*":
			release = append(release, "*")
		default:
			release = append(release, cycle)
		}
		if len(release) == 0 || release[0] == "" || release[0] == "*" {
			return ""
		}
		rest := m[4]
		if m[3] == "" { // the dash behind the codename was taken
			rest = "-" + strings.TrimPrefix(rest, "-")
		}
		return strings.Replace(m[1], "/hvm-ssd/", "/"+volume(cycle, "hvm-ssd", "hvm-ssd-gp3")+"/", 1) + strings.Join(release, "-") + rest
	}},
	{"debian", lazy.Regexp(`^(debian-)1[0-9](-(?:backports-)?(?:amd64|arm64)-\*)$`), func(m []string, _ System, cycle string) string { return m[1] + cycle + m[2] }},
	{"windows-server", lazy.Regexp(`^((?:TPM-)?Windows_Server-)\d{4}(-[A-Za-z_]+-(?:Full|Core)-Base-\*)$`), windows},
}

// pattern2023 completes a pattern of Amazon Linux 2023, whose kernel stands between day and architecture.
func pattern2023(begin, architecture string) string {
	if architecture == "" {
		return begin
	}
	return begin + "-kernel-*-" + architecture
}

// families are the moves of the families of EKS, eksctl and Karpenter
// (https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html#AmazonEKS-Type-Nodegroup-amiType).
var families = []move{
	{"amazon-linux", lazy.Regexp(`^AL2_(x86_64|ARM_64|x86_64_GPU)$`), only2023(func(m []string) string {
		return map[string]string{"x86_64": "AL2023_x86_64_STANDARD", "ARM_64": "AL2023_ARM_64_STANDARD", "x86_64_GPU": "AL2023_x86_64_NVIDIA"}[m[1]]
	})},
	{"amazon-linux", lazy.Regexp(`^(AmazonLinux|AL)2$`), only2023(func(m []string) string { return m[1] + "2023" })},
	{"amazon-linux", lazy.Regexp(`^al2@latest$`), only2023(func([]string) string { return "al2023@latest" })},
	{"ubuntu", lazy.Regexp(`^(Ubuntu(?:Pro)?)\d{4}$`), func(m []string, _ System, cycle string) string { return m[1] + strings.ReplaceAll(cycle, ".", "") }},
	{"windows-server", lazy.Regexp(`^(WindowsServer)\d{4}((?:Full|Core)Container)$`), windows},
	{"windows-server", lazy.Regexp(`^(WINDOWS_(?:CORE|FULL)_)\d{4}(_x86_64)$`), windows},
	{"windows-server", lazy.Regexp(`^(windows)\d{4}(@latest)$`), windows},
}

// current are the public parameters that lead to the newest of the images that are called so.
var current = []move{
	{"amazon-linux", lazy.Regexp(`^(amzn2?-ami-)(?:kernel-[\d.]+-)?(minimal-)?(?:kernel-[\d.]+-)?(hvm-)[\d.]+-((?:x86_64|arm64)-(?:gp2|ebs))$`), func(m []string, _ System, _ string) string {
		return "/aws/service/ami-amazon-linux-latest/" + m[1] + m[2] + m[3] + m[4]
	}},
	{"amazon-linux", lazy.Regexp(`^amazon-eks-(arm64-)?node-([\d.]+)-v\d+$`), func(m []string, _ System, _ string) string {
		arch := ""
		if m[1] != "" {
			arch = "-arm64"
		}
		return "/aws/service/eks/optimized-ami/" + m[2] + "/amazon-linux-2" + arch + "/recommended/image_id"
	}},
	{"ubuntu", lazy.Regexp(`^ubuntu/images/hvm-ssd(?:-gp3)?/ubuntu-[a-z]+-(\d\d\.\d\d)-(amd64|arm64)-server-[\d.]+$`), func(m []string, _ System, _ string) string {
		return "/aws/service/canonical/ubuntu/server/" + m[1] + "/stable/current/" + m[2] + "/hvm/ebs-" + volume(m[1], "gp2", "gp3") + "/ami-id"
	}},
	{"debian", lazy.Regexp(`^debian-(\d+)-(amd64|arm64)-[\d-]+$`), func(m []string, _ System, _ string) string {
		return "/aws/service/debian/release/" + m[1] + "/latest/" + m[2]
	}},
	{"windows-server", lazy.Regexp(`^(Windows_Server-\d{4}-[A-Za-z_]+-(?:Full|Core)-Base)-[\d.]+$`), func(m []string, _ System, _ string) string { return "/aws/service/ami-windows-latest/" + m[1] }},
}

// later are the releases that machines are built on, the oldest first, of publishers that have public parameters.
var later = map[string][]string{
	"amazon-linux": {"2023"}, "ubuntu": {"20.04", "22.04", "24.04", "26.04"}, "debian": {"11", "12", "13"}, "windows-server": {"2016", "2019", "2022", "2025"},
}

// Successors returns the public parameters that lead to the same image of later releases, by release. name is an image's own, as
// its publisher gives it; where no parameter leads to such images there are none.
func Successors(name string) map[string]string {
	system := SystemOf(name)
	own := successor(current, name, system, "")
	if own == "" {
		return nil
	}
	all := map[string]string{}
	for _, cycle := range later[system.Product] {
		if cycle > system.Cycle || system.Product == "amazon-linux" && cycle != system.Cycle {
			if path := successor(parameters, own, system, cycle); path != "" {
				all[cycle] = path
			}
		}
	}
	return all
}
