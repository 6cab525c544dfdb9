package inventory

import "strings"

// secretNames are parts of names of attributes, environment variables and parameters that hold what must not be shown.
var secretNames = []string{
	"password", "passwd", "passphrase", "secret", "token", "private_key", "privatekey", "preshared_key", "presharedkey", "pre_shared_key", "access_key", "accesskey",
	"api_key", "apikey", "credential", "user_data", "userdata", "connection_string", "connectionstring", "auth_string", "client_key",
}

// harmlessNames look like secrets by their names and are references to them, or settings about them.
var harmlessNames = []string{
	"secret_name", "secretname", "secret_arn", "secretarn", "secretkeyref", "secret_id", "secretid", "automountserviceaccounttoken", "http_tokens", "httptokens", "manage_master_user_password",
	"managemasteruserpassword", "password_reuse_prevention", "max_password_age", "minimum_password_length", "token_key", "secretref", "secrets", "imagepullsecrets", "token_endpoint", "user_data_replace_on_change",
	"serviceaccounttoken", "password_policy", "allow_users_to_change_password", "secretkey",
}

// secretName reports whether what goes by a name must not be shown.
func secretName(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	for _, h := range harmlessNames {
		if name == h {
			return false
		}
	}
	for _, s := range secretNames {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}

// Redacted returns the resource as reports may show it: with what its attributes call a secret hidden, also where the code
// writes it in plain text, and with the content of a Kubernetes Secret hidden as a whole. The resource itself stays as it is.
func (r *Resource) Redacted() *Resource {
	shown := *r
	if r.Language == Kubernetes && strings.HasSuffix(r.Type, "/Secret") || r.Type == "Secret" || strings.HasPrefix(r.Type, "kubernetes_secret") {
		shown.Values = redactFields(r.Values, func(name string) bool {
			return name == "data" || name == "stringData" || name == "binary_data" || secretName(name)
		}, 0)
		return &shown
	}
	shown.Values = redactFields(r.Values, secretName, 0)
	return &shown
}

// maxRedactDepth is deeper than evaluators go; what lies below is hidden.
const maxRedactDepth = 300

func redactFields(v Value, secret func(string) bool, depth int) Value {
	if depth > maxRedactDepth {
		return v.AsSensitive()
	}
	switch v.kind {
	case List:
		list := make([]Value, len(v.list))
		for i, e := range v.list {
			list[i] = redactFields(e, secret, depth+1)
		}
		v.list = list
	case Map:
		fields := make([]Field, len(v.fields))
		for i, f := range v.fields {
			switch {
			case secret(f.Name) && !f.Value.IsUnknown() && !f.Value.IsNull():
				f.Value = f.Value.AsSensitive()
			case (f.Name == "value" || f.Name == "Value" || f.Name == "ParameterValue") && named(v, secret):
				f.Value = f.Value.AsSensitive()
			default:
				f.Value = redactFields(f.Value, secret, depth+1)
			}
			fields[i] = f
		}
		v.fields = fields
	case String:
		// A text that is JSON, such as the containers of a task, holds names and values of its own.
		if inner, ok := v.Encoded(); ok {
			if !inner.sameShown(redactFields(inner, secret, depth+1)) {
				return v.AsSensitive()
			}
		} else if mentionsSecret(v.text) {
			return v.AsSensitive()
		}
	case Null, Bool, Number, Unknown:
	}
	return v
}

// named reports whether a pair of name and value is that of a secret, as environment variables are written.
func named(v Value, secret func(string) bool) bool {
	for _, key := range []string{"name", "Name", "key", "Key", "ParameterKey"} {
		if text, ok := v.Get(key).Text(); ok && secret(text) {
			return true
		}
	}
	return false
}

// mentionsSecret reports whether a text is a document in which a pair is that of a secret.
func mentionsSecret(text string) bool {
	trimmed := strings.TrimSpace(text)
	if len(trimmed) < 2 || (trimmed[0] != '{' && trimmed[0] != '[') {
		return false
	}
	lower := strings.ToLower(trimmed)
	for _, s := range secretNames {
		if strings.Contains(lower, s) {
			return true
		}
	}
	return false
}

// sameShown reports whether two values show the same, as far as redaction goes.
func (v Value) sameShown(w Value) bool {
	if v.flags != w.flags || len(v.list) != len(w.list) || len(v.fields) != len(w.fields) {
		return false
	}
	for i := range v.list {
		if !v.list[i].sameShown(w.list[i]) {
			return false
		}
	}
	for i := range v.fields {
		if !v.fields[i].Value.sameShown(w.fields[i].Value) {
			return false
		}
	}
	return true
}
