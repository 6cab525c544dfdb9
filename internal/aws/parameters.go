package aws

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
)

// parameters asks GetParameters for at most ten names
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html).
func (s *service) parameters(ctx context.Context, names []string) ([]Parameter, error) {
	var answer json.RawMessage
	if err := s.post(ctx, getParameters, map[string]any{"Names": names}, &answer); err != nil {
		return nil, err
	}
	return parseParameters(answer, names)
}

// versionValue is what the value of a parameter looks like that names a release: 1.31.2-20241121, 1.20.3-5d9ac849.
var versionValue = lazy.Regexp(`^\d[0-9A-Za-z.+-]{0,63}$`)

// release reports whether a parameter names the release of an image, not the image: those of EKS and Bottlerocket do.
func release(name string) bool {
	return strings.HasSuffix(name, "/release_version") || strings.HasSuffix(name, "/image_version")
}

// parseParameters returns each of the names with the image that it leads to. The value is an id, JSON with one, or a
// release.
func parseParameters(data []byte, names []string) ([]Parameter, error) {
	var answer struct {
		Parameters []struct{ Name, Value string }
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, err
	}
	out := make([]Parameter, 0, len(names))
	for _, name := range names {
		p := Parameter{Name: name}
		for _, a := range answer.Parameters {
			if a.Name == name {
				p.Exists, p.Image = true, imageIn().FindString(a.Value)
				if release(name) && versionValue().MatchString(a.Value) {
					p.Release = a.Value
				}
			}
		}
		out = append(out, p)
	}
	return out, nil
}
