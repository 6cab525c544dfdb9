package fix

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/pelletier/go-toml/v2"
)

// poetryHashes returns the hashes by which a poetry.lock knows its manifest: that of Poetry 2.3 and later, that of the
// versions before it, which looked at no dependency groups, and that of Poetry 1, which knew no [project]. The hash is
// that of the JSON, as Python writes it, of the parts that say what is asked for (poetry/packages/locker.py).
func poetryHashes(manifest []byte) ([]string, error) {
	var all map[string]any
	if err := toml.Unmarshal(manifest, &all); err != nil {
		return nil, fmt.Errorf("pyproject.toml is no TOML that can be read: %w", err)
	}
	table := func(keys ...string) map[string]any {
		at := all
		for _, key := range keys {
			at, _ = at[key].(map[string]any)
		}
		return at
	}
	project := map[string]any{}
	for _, key := range []string{"requires-python", "dependencies", "optional-dependencies"} {
		if value, ok := table("project")[key]; ok {
			project[key] = value
		}
	}
	hash := func(project, groups map[string]any) string {
		poetry := map[string]any{}
		for _, key := range []string{"dependencies", "source", "extras", "dev-dependencies", "group"} {
			value, ok := table("tool", "poetry")[key]
			if !ok && (key == "group" || len(project) > 0 || len(groups) > 0) {
				continue
			}
			poetry[key] = value
		}
		relevant := map[string]any{}
		if len(project) > 0 {
			relevant["project"] = project
		}
		if len(groups) > 0 {
			relevant["dependency-groups"] = groups
		}
		if len(relevant) == 0 {
			relevant = poetry
		} else {
			relevant["tool"] = map[string]any{"poetry": poetry}
		}
		sum := sha256.Sum256([]byte(pythonJSON(relevant)))
		return hex.EncodeToString(sum[:])
	}
	return []string{hash(project, table("dependency-groups")), hash(project, nil), hash(nil, nil)}, nil
}

// pythonJSON writes a value as json.dumps(value, sort_keys=True) of Python does.
func pythonJSON(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if v == math.Trunc(v) && !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text
	case string:
		return pythonString(v)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = pythonJSON(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, pythonString(key)+": "+pythonJSON(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(value)
}

func pythonString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		case r < ' ' || r > '~':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
