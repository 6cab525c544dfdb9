package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// secretWords are names of variables whose values are secrets; what only names, finds or describes one is none.
var (
	secretWords  = lazy.Regexp(`(?i)(^|_)(password|passwd|passphrase|pwd|secret|token|api_?key|access_?key|private_?key|credentials?)($|_)|(PASSWORD|PASSWD|SECRET|TOKEN|APIKEY)$`)
	aboutSecrets = lazy.Regexp(`(?i)(_|^)(file|path|name|url|uri|host|port|user|username|dir|ttl|expir\w*|length|enabled|disabled|policy|type|id|arn|endpoint|issuer|algorithm|header|rotation|timeout|duration|location|provider|mount|prefix|backend)$`)
	placeholders = lazy.Regexp(`(?i)^(|true|false|yes|no|none|null|n/a|[0-9]+|<.*>|\$\{?.*|\(.*\)|x+|\*+|changeme|change[-_ ]me|example|todo|dummy.*|fake.*|mock.*|test|your[-_ ].*|replace[-_ ].*|.*placeholder.*|/.*|https?://.*)$`)
)

var secretInEnvironment = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-secret-in-environment", Title: "Secret in the environment of a container, in plain text", Severity: scanner.Medium, URL: hardeningGuide, Tags: []string{"kubernetes", "nsa"},
		Help: "A secret in a manifest is read by everyone who reads the repository, and stays in its history. Refer to a Secret with `valueFrom.secretKeyRef`, and change the secret.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		for _, variable := range c.Values.Get("env").Elements() {
			name, _ := variable.Get("name").Text()
			v := variable.Get("value")
			value, known := v.Text()
			if !known || !secretWords().MatchString(name) || aboutSecrets().MatchString(name) || placeholder(name, value) {
				continue
			}
			p.report(&w.Object, kube.Yes, v, "has the secret "+name+" of "+named(c)+" in plain text; refer to a Secret with valueFrom.secretKeyRef, and change it")
		}
	},
}

// placeholder reports whether a value stands for one that is put in later: it says so, or says its own name.
func placeholder(name, value string) bool {
	return placeholders().MatchString(strings.TrimSpace(value)) || strings.Contains(strings.ToUpper(value), strings.ToUpper(name))
}
