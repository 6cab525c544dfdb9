package aws

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/awstest"
)

// commandLine returns AWS's own command line (https://aws.amazon.com/cli/), asking a stand-in. It skips the test where the
// machine has none.
func commandLine(t *testing.T, endpoint string) func(t *testing.T, answer any, args ...string) {
	t.Helper()
	program, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("aws is not installed: pip install awscli")
	}
	if testing.Short() {
		t.Skip("aws takes a second for each question")
	}
	settings := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(settings, []byte("[default]\ncli_timestamp_format = iso8601\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "HOME=") }),
		"AWS_ACCESS_KEY_ID="+awstest.Key, "AWS_SECRET_ACCESS_KEY="+awstest.Secret, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_CONFIG_FILE="+settings, "HOME="+t.TempDir())
	if root, ok := os.LookupEnv("PYENV_ROOT"); ok { // a version manager finds its versions by HOME otherwise
		environ = append(environ, "PYENV_ROOT="+root)
	} else if home, err := os.UserHomeDir(); err == nil {
		environ = append(environ, "PYENV_ROOT="+home+"/.pyenv")
	}
	return func(t *testing.T, answer any, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append(args, "--endpoint-url", endpoint, "--region", "eu-west-1", "--output", "json")...)
		cmd.Env = environ
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		switch {
		case err != nil && (strings.Contains(errs.String(), "Unknown parameter in filterCriteria") || strings.Contains(errs.String(), "argument operation: Invalid choice") || strings.Contains(errs.String(), "argument operation: Found invalid choice")):
			t.Skipf("this version of aws does not know %s yet", args[1])
		case err != nil:
			t.Fatalf("aws %s: %v: %s", strings.Join(args, " "), err, errs.String())
		}
		if err := json.Unmarshal(out, answer); err != nil {
			t.Fatalf("aws %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
}

// TestCommandLine has AWS's own command line ask the stand-in what our client asks: both read the same answers, so that what
// the stand-in says is what AWS's descriptions of its services say.
func TestCommandLine(t *testing.T) {
	world := awstest.World()
	world.Page = 2
	server := httptest.NewServer(world)
	t.Cleanup(server.Close)
	ask := commandLine(t, server.URL)
	c, _ := client(t, world)
	got, err := c.Ask(t.Context(), question())
	if err != nil {
		t.Fatal(err)
	}
	r := got.Region("eu-west-1")
	same := func(t *testing.T, theirs, ours any) {
		t.Helper()
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("(-aws +trifecta):\n%s", diff)
		}
	}

	t.Run("describe-images", func(t *testing.T) {
		var answer struct {
			Images []struct{ ImageID, Name, State, CreationDate, DeprecationTime, ImageOwnerAlias, Architecture string }
		}
		ask(t, &answer, "ec2", "describe-images", "--include-deprecated", "--filters", "Name=image-id,Values="+awstest.Old+","+awstest.Private)
		var theirs, ours []Image
		for _, i := range answer.Images {
			theirs = append(theirs, Image{ID: i.ImageID, Name: i.Name, State: i.State, CreatedAt: day(i.CreationDate), DeprecatedAt: day(i.DeprecationTime), Owner: i.ImageOwnerAlias})
		}
		for _, id := range []string{awstest.Old, awstest.Private} {
			i := *r.Image(id)
			i.Newest, i.NewestName, i.Findings = "", "", nil
			ours = append(ours, i)
		}
		same(t, theirs, ours)
	})
	t.Run("search", func(t *testing.T) {
		var answer struct {
			Images []struct{ ImageID, CreationDate string }
		}
		ask(t, &answer, "ec2", "describe-images", "--owners", "099720109477", "--filters", "Name=name,Values=ubuntu/images/hvm-ssd/ubuntu-*-amd64-server-*")
		found := r.Search(question()["eu-west-1"].Searches[0])
		if len(answer.Images) != found.Count {
			t.Fatalf("aws finds %d, trifecta %d", len(answer.Images), found.Count)
		}
		newest := slices.MaxFunc(answer.Images, func(a, b struct{ ImageID, CreationDate string }) int {
			return strings.Compare(a.CreationDate, b.CreationDate)
		})
		same(t, newest.ImageID, found.Image)
	})
	t.Run("get-image-findings", func(t *testing.T) {
		var answer struct {
			ImageFindings []struct {
				Title, SeverityLabel string
				Score                float64
				FixAvailable         bool
			}
		}
		ask(t, &answer, "ec2", "get-image-findings", "--image-id", awstest.Old)
		theirs, ours := map[string]any{}, map[string]any{}
		for _, f := range answer.ImageFindings {
			id, _, _ := strings.Cut(f.Title, " ")
			theirs[id] = []any{f.SeverityLabel, f.Score, f.FixAvailable}
		}
		for _, f := range r.Image(awstest.Old).Findings {
			ours[f.ID] = []any{f.Severity, f.Score, f.Fixable}
		}
		same(t, theirs, ours)
	})
	t.Run("list-findings", func(t *testing.T) {
		var answer struct {
			Findings []struct {
				PackageVulnerabilityDetails struct {
					VulnerabilityID    string
					VulnerablePackages []struct{ Name, FixedInVersion string }
				}
			}
		}
		ask(t, &answer, "inspector2", "list-findings", "--filter-criteria", `{"machineImageId":[{"comparison":"EQUALS","value":"`+awstest.Old+`"}]}`)
		theirs, ours := map[string]string{}, map[string]string{}
		for _, f := range answer.Findings {
			for _, p := range f.PackageVulnerabilityDetails.VulnerablePackages {
				theirs[f.PackageVulnerabilityDetails.VulnerabilityID+" "+p.Name] = p.FixedInVersion
			}
		}
		for _, f := range r.Image(awstest.Old).Findings {
			for _, p := range f.Packages {
				ours[f.ID+" "+p.Name] = p.Fixed
			}
		}
		same(t, theirs, ours)
	})
	t.Run("get-parameters", func(t *testing.T) {
		var answer struct {
			Parameters        []struct{ Name, Value string }
			InvalidParameters []string
		}
		ask(t, &answer, append([]string{"ssm", "get-parameters", "--names"}, question()["eu-west-1"].Parameters[:4]...)...)
		theirs := map[string]string{}
		for _, p := range answer.Parameters {
			theirs[p.Name] = p.Value
		}
		ours := map[string]string{}
		for _, p := range r.Parameters {
			if p.Image+p.Release != "" {
				ours[p.Name] = p.Image + p.Release
			}
		}
		same(t, theirs, ours)
		same(t, []string{"/aws/service/none"}, answer.InvalidParameters)
	})
	t.Run("patches", func(t *testing.T) {
		var machines struct {
			Reservations []struct{ Instances []struct{ InstanceID string } }
		}
		ask(t, &machines, "ec2", "describe-instances", "--filters", "Name=tag:aws:autoscaling:groupName,Values=workers", "Name=instance-state-name,Values=running")
		args := []string{"ssm", "describe-instance-patch-states", "--instance-ids"}
		for _, reservation := range machines.Reservations {
			for _, i := range reservation.Instances {
				args = append(args, i.InstanceID)
			}
		}
		theirs := patchesOf(t, ask, args...)
		theirs.Filters, theirs.Machines = question()["eu-west-1"].Machines[1].Filters, len(args)-3
		same(t, &theirs, r.Patching(question()["eu-west-1"].Machines[1]))
	})
	t.Run("patch groups", func(t *testing.T) {
		theirs := patchesOf(t, ask, "ssm", "describe-instance-patch-states-for-patch-group", "--patch-group", "databases")
		var groups struct{ Mappings []struct{ PatchGroup string } }
		ask(t, &groups, "ssm", "describe-patch-groups")
		registered := slices.ContainsFunc(groups.Mappings, func(m struct{ PatchGroup string }) bool { return m.PatchGroup == "databases" })
		theirs.Group, theirs.Registered, theirs.Machines = "databases", &registered, theirs.Reporting
		same(t, &theirs, r.Group("databases"))
	})
	t.Run("describe-cluster-versions", func(t *testing.T) {
		var answer struct {
			ClusterVersions []struct {
				ClusterVersion                                     string
				EndOfStandardSupportDate, EndOfExtendedSupportDate time.Time
			}
		}
		ask(t, &answer, "eks", "describe-cluster-versions", "--cluster-versions", "1.29", "1.33", "--include-all")
		theirs := map[string]Kubernetes{}
		for _, v := range answer.ClusterVersions {
			theirs[v.ClusterVersion] = Kubernetes{v.ClusterVersion, v.EndOfStandardSupportDate.UTC().Format(time.DateOnly), v.EndOfExtendedSupportDate.UTC().Format(time.DateOnly)}
		}
		ours := map[string]Kubernetes{}
		for _, v := range r.Kubernetes {
			ours[v.Version] = v
		}
		same(t, theirs, ours)
	})
}

// patchesOf sums up what the command line says of the patches of machines.
func patchesOf(t *testing.T, ask func(t *testing.T, answer any, args ...string), args ...string) Patching {
	t.Helper()
	var answer struct {
		InstancePatchStates []struct {
			MissingCount, FailedCount, InstalledPendingRebootCount, CriticalNonCompliantCount, SecurityNonCompliantCount int
			Operation                                                                                                    string
			OperationEndTime                                                                                             time.Time
		}
	}
	ask(t, &answer, args...)
	var p Patching
	for _, s := range answer.InstancePatchStates {
		p.Reporting++
		if s.MissingCount+s.FailedCount+s.CriticalNonCompliantCount+s.SecurityNonCompliantCount > 0 {
			p.Behind++
		}
		p.Missing += s.MissingCount
		p.Failed += s.FailedCount
		p.Reboot += s.InstalledPendingRebootCount
		p.Critical += s.CriticalNonCompliantCount
		p.Security += s.SecurityNonCompliantCount
		if s.Operation == "Install" {
			p.Installs++
		}
		p.Since = s.OperationEndTime.UTC().Format(time.DateOnly)
	}
	return p
}
