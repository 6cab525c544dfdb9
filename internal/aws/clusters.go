package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
)

var kubernetesVersion = lazy.Regexp(`^1\.\d{1,3}$`)

// kubernetes asks how long EKS supports versions of Kubernetes.
func (r *Region) kubernetes(ctx context.Context, eks *service, versions []string) {
	versions = known(versions, kubernetesVersion())
	if len(versions) == 0 {
		return
	}
	found, err := eks.versions(ctx, versions)
	if err != nil {
		r.refuse(clusterVersions, code(err))
		return
	}
	for _, f := range found {
		if slices.Contains(versions, f.Version) && r.Version(f.Version) == nil {
			r.Kubernetes = append(r.Kubernetes, f)
		}
	}
	slices.SortFunc(r.Kubernetes, func(a, b Kubernetes) int { return cmp.Compare(a.Version, b.Version) })
}

// versions asks DescribeClusterVersions (https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeClusterVersions.html).
func (s *service) versions(ctx context.Context, versions []string) ([]Kubernetes, error) {
	var all []Kubernetes
	question := url.Values{"clusterVersions": versions, "includeAll": {"true"}, "maxResults": {"100"}}
	for range maxPages {
		data, err := s.web.Do(ctx, http.MethodGet, s.address+"cluster-versions?"+question.Encode(), "", nil)
		if err != nil {
			return nil, err
		}
		page, next, err := parseVersions(data)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next == "" {
			return all, nil
		}
		question.Set("nextToken", next)
	}
	return nil, errPages
}

func parseVersions(data []byte) ([]Kubernetes, string, error) {
	var page struct {
		Next     string `json:"nextToken"`
		Versions []struct {
			Version  string `json:"clusterVersion"`
			Status   string `json:"versionStatus"`
			Standard moment `json:"endOfStandardSupportDate"`
			Extended moment `json:"endOfExtendedSupportDate"`
		} `json:"clusterVersions"`
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, "", fmt.Errorf("read the versions of clusters: %w", err)
	}
	all := make([]Kubernetes, 0, len(page.Versions))
	for _, v := range page.Versions {
		all = append(all, Kubernetes{Version: v.Version, StandardEnd: v.Standard.day(), ExtendedEnd: v.Extended.day()})
	}
	return all, page.Next, nil
}
