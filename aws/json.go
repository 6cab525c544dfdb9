package aws

import (
	"encoding/json"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// limits of JSON texts inside of values.
const maxJSON = 4 << 20

// fromJSON reads a JSON text that stands at a place; what is none is unknown.
func fromJSON(text string, at inventory.Location) inventory.Value {
	var raw any
	if len(text) > maxJSON || json.Unmarshal([]byte(text), &raw) != nil {
		return inventory.UnknownValue(at, inventory.Reason{Code: inventory.NotEvaluated, Ref: "JSON text"})
	}
	return inventory.FromJSON(raw, at)
}
