package awstest

import (
	"strings"
	"time"
)

// The images of World. All are in eu-west-1.
const (
	Old     = "ami-0aaaaaaaaaaaaaaa1" // Amazon Linux 2023 of January 2024, deprecated
	Gone    = "ami-0aaaaaaaaaaaaaaa2" // nobody has it
	Newest  = "ami-0aaaaaaaaaaaaaaa3" // of the series of Old
	Private = "ami-0aaaaaaaaaaaaaaa4" // of the account
	Arm     = "ami-0aaaaaaaaaaaaaaa6" // newer, and of another architecture
	Jammy   = "ami-0bbbbbbbbbbbbbbb1" // Ubuntu 22.04
	Trusty  = "ami-0bbbbbbbbbbbbbbb2" // Ubuntu 14.04, the last one
	Node    = "ami-0ccccccccccccccc1" // of EKS
)

// Latest is the parameter that leads to Newest.
const Latest = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func linux(id, day, architecture string) Image {
	return Image{
		ID: id, Name: "al2023-ami-2023.3." + strings.ReplaceAll(day, "-", "") + ".0-kernel-6.1-" + architecture, OwnerID: "137112412989", OwnerAlias: "amazon",
		Public: true, State: "available", Created: day + "T10:00:00.000Z", Architecture: architecture, RootDevice: "ebs", Virtualization: "hvm",
	}
}

func ubuntu(id, release, day string) Image {
	return Image{
		ID: id, Name: "ubuntu/images/hvm-ssd/ubuntu-" + release + "-amd64-server-" + strings.ReplaceAll(day, "-", ""), OwnerID: "099720109477",
		Public: true, State: "available", Created: day + "T10:00:00.000Z", Architecture: "x86_64", RootDevice: "ebs", Virtualization: "hvm",
	}
}

// World returns a server with one region that has some of everything, and one that has nothing. The day is 2026-06-01.
func World() *Server {
	old := linux(Old, "2024-01-10", "x86_64")
	old.Deprecated = "2024-04-10T00:00:00.000Z"
	node := linux(Node, "2026-05-12", "x86_64")
	node.Name = "amazon-eks-node-al2023-x86_64-standard-1.33-v20260512"
	west := &Region{
		Images: []Image{
			old, linux("ami-0aaaaaaaaaaaaaaa5", "2025-01-10", "x86_64"), linux(Newest, "2026-05-10", "x86_64"), linux(Arm, "2026-05-20", "arm64"),
			{ID: Private, Name: "app-1700000000", OwnerID: Account, State: "available", Created: "2023-11-14T00:00:00.000Z", Architecture: "x86_64", RootDevice: "ebs", Virtualization: "hvm"},
			ubuntu(Jammy, "jammy-22.04", "2026-05-06"), ubuntu(Trusty, "trusty-14.04", "2019-05-14"), node,
		},
		Parameters: map[string]string{
			Latest: Newest,
			"/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended":                                            `{"image_id":"` + Newest + `"}`,
			"/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id":                      Jammy,
			"/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/image_id":              Node,
			"/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/release_version":       "1.33.0-20260512",
			"/aws/service/bottlerocket/aws-k8s-1.33/x86_64/latest/image_version":                                      "1.41.0-a1b2c3d4",
			"/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.33/release_version":     "1.33-2026.05.13",
			"/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/not/a/release_version": "rm -rf /",
		},
		Findings: map[string][]Finding{Old: {
			{
				ID: "CVE-2024-3094", Severity: "critical", Score: 10, Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Fixed: true,
				Packages: []Package{{Name: "xz-libs", Version: "5.6.0", Release: "1.amzn2023", Fixed: "0:5.6.1-2.amzn2023"}, {Name: "xz", Version: "5.6.0", Release: "1.amzn2023", Fixed: "0:5.6.1-2.amzn2023"}},
			},
			{
				ID: "CVE-2024-0727", Severity: "medium", Score: 5.5, Vector: "CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H", Fixed: true,
				Packages: []Package{{Name: "openssl-libs", Version: "3.0.8", Release: "1.amzn2023.0.9", Epoch: 1, Fixed: "1:3.0.8-1.amzn2023.0.11"}},
			},
			{ID: "CVE-2023-0001", Severity: "low", Score: 3.1, Packages: []Package{{Name: "curl"}}},
		}},
		Machines: []Machine{
			{ID: "i-0aaaaaaaaaaaaaaa1", State: "running", Tags: map[string]string{"Name": "web", "env": "prod"}, Patches: &Patches{Operation: "Scan", Ended: date(2026, 5, 30), Installed: 100, Missing: 7, CriticalNonCompliant: 2, SecurityNonCompliant: 3}},
			{ID: "i-0aaaaaaaaaaaaaaa2", State: "stopped", Tags: map[string]string{"Name": "web", "env": "prod"}},
			{ID: "i-0aaaaaaaaaaaaaaa3", State: "running", Tags: map[string]string{"Name": "db", "PatchGroup": "databases"}, Patches: &Patches{Group: "databases", Operation: "Install", Ended: date(2026, 5, 31), Installed: 120}},
			{ID: "i-0aaaaaaaaaaaaaaa4", State: "running", Tags: map[string]string{"aws:autoscaling:groupName": "workers"}, Patches: &Patches{Operation: "Install", Ended: date(2026, 5, 20), Failed: 1, Reboot: 4}},
			{ID: "i-0aaaaaaaaaaaaaaa5", State: "running", Tags: map[string]string{"aws:autoscaling:groupName": "workers"}},
			{ID: "i-0aaaaaaaaaaaaaaa6", State: "running", Tags: map[string]string{"Name": "twin"}},
			{ID: "i-0aaaaaaaaaaaaaaa7", State: "running", Tags: map[string]string{"Name": "twin"}},
		},
		Groups: []string{"databases", "others"},
		Kubernetes: []Version{
			{Version: "1.33", Status: "STANDARD_SUPPORT", Standard: date(2026, 7, 29), Extended: date(2027, 7, 29)},
			{Version: "1.29", Status: "EXTENDED_SUPPORT", Standard: date(2025, 3, 23), Extended: date(2026, 3, 23)},
		},
	}
	return &Server{Regions: map[string]*Region{"eu-west-1": west, "us-east-1": {}}, Refuse: map[string]string{}, Today: "2026-06-01"}
}
