package builds

import (
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxWord bounds a text with variables, in bytes: no name of an image or a folder is near.
const maxWord = 64 << 10

// interpolated returns a text with the variables of Compose and shells in place: $NAME, ${NAME}, ${NAME:-default},
// ${NAME-default}, ${NAME:?error}, ${NAME:+other}, $$ (https://docs.docker.com/reference/compose-file/interpolation/). One that
// is not set is a "*".
func interpolated(text string, env map[string]string, depth int) string {
	if !strings.Contains(text, "$") || depth > 10 || len(text) > maxWord {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if b.Len() > maxWord { // variables that multiply
			return "*"
		}
		if text[i] != '$' || i+1 >= len(text) {
			b.WriteByte(text[i])
			continue
		}
		rest := text[i+1:]
		switch {
		case rest[0] == '$':
			b.WriteByte('$')
			i++
		case rest[0] == '{':
			end := closing(rest)
			if end < 0 {
				b.WriteByte('*')
				return b.String()
			}
			b.WriteString(variable(rest[1:end], env, depth))
			i += end + 1
		case rest[0] == '(': // the output of a command, or a variable of make
			end := strings.IndexByte(rest, ')')
			if end < 0 {
				b.WriteByte('*')
				return b.String()
			}
			if value, ok := env[rest[1:end]]; ok {
				b.WriteString(value)
			} else {
				b.WriteByte('*')
			}
			i += end + 1
		default:
			n := 0
			for n < len(rest) && (rest[n] == '_' || rest[n] >= 'A' && rest[n] <= 'Z' || rest[n] >= 'a' && rest[n] <= 'z' || n > 0 && rest[n] >= '0' && rest[n] <= '9') {
				n++
			}
			if n == 0 {
				b.WriteByte('$')
				continue
			}
			b.WriteString(variable(rest[:n], env, depth))
			i += n
		}
	}
	return b.String()
}

// closing returns the index of the brace that closes the one at the start.
func closing(text string) int {
	open := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return -1
}

// variable returns what stands for the inside of ${...}.
func variable(inside string, env map[string]string, depth int) string {
	n := 0
	for n < len(inside) && (inside[n] == '_' || inside[n] >= 'A' && inside[n] <= 'Z' || inside[n] >= 'a' && inside[n] <= 'z' || inside[n] >= '0' && inside[n] <= '9') {
		n++
	}
	name, rest := inside[:n], inside[n:]
	value, set := env[name]
	if name == "" {
		return "*"
	}
	operator := strings.TrimPrefix(rest, ":")
	filled := set && (value != "" || operator == rest)
	switch {
	case rest == "":
		if set {
			return value
		}
	case strings.HasPrefix(operator, "-"), strings.HasPrefix(operator, "="):
		if filled {
			return value
		}
		return interpolated(operator[1:], env, depth+1)
	case strings.HasPrefix(operator, "+"):
		if filled {
			return interpolated(operator[1:], env, depth+1)
		}
		return ""
	case strings.HasPrefix(operator, "?"):
		if filled {
			return value
		}
	}
	return "*"
}

// withVariables returns a value whose texts are interpolated.
func withVariables(v inventory.Value, env map[string]string) inventory.Value {
	switch v.Kind() {
	case inventory.String:
		text, _ := v.Text()
		return inventory.StringValue(interpolated(text, env, 0), v.Location())
	case inventory.List:
		var elements []inventory.Value
		for _, e := range v.Elements() {
			elements = append(elements, withVariables(e, env))
		}
		return inventory.ListValue(elements, v.Location())
	case inventory.Map:
		var fields []inventory.Field
		for _, f := range v.Fields() {
			fields = append(fields, inventory.Field{Name: f.Name, Value: withVariables(f.Value, env)})
		}
		return inventory.MapValue(fields, v.Location())
	}
	return v
}

// environment returns the variables of a .env file in a folder
// (https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax).
func (r *reader) environment(dir string) map[string]string {
	env := map[string]string{}
	data, err := r.tree.ReadFile(path.Join(dir, ".env"))
	if err != nil || len(data) > maxFile {
		return env
	}
	for _, line := range strings.Split(string(data), "\n") {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		switch {
		case len(value) >= 2 && value[0] == '\'' && strings.IndexByte(value[1:], '\'') >= 0:
			value = value[1 : 1+strings.IndexByte(value[1:], '\'')]
		case len(value) >= 2 && value[0] == '"' && strings.IndexByte(value[1:], '"') >= 0:
			value = interpolated(value[1:1+strings.IndexByte(value[1:], '"')], env, 0)
		default:
			value, _, _ = strings.Cut(value, " #")
			value = interpolated(strings.TrimSpace(value), env, 0)
		}
		if len(value) <= 4096 {
			env[strings.TrimSpace(key)] = value
		}
	}
	return env
}
