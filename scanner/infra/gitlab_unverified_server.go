package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

// unchecked are variables that switch off who is asked for code, and the values that do it.
var unchecked = map[string][]string{
	"GIT_SSL_NO_VERIFY": {"true", "1"}, "NODE_TLS_REJECT_UNAUTHORIZED": {"0"}, "NPM_CONFIG_STRICT_SSL": {"false"}, "PYTHONHTTPSVERIFY": {"0"}, "GOSUMDB": {"off"},
}

var gitlabUnverifiedServer = Check{
	Rule: scanner.Rule{
		ID: "gitlab-unverified-server", Title: "Pipeline that takes code from whoever answers", Severity: scanner.Medium, URL: pipelineSecurity, Tags: []string{"gitlab-ci"},
		Help: "Without a look at certificates or checksums, whoever is on the way to the server hands out what the job builds and gets its tokens. Give the runner the certificate of the server, and remove the variable.",
	},
	Pipeline: func(p *Pass, l *pipeline) {
		for _, f := range l.variables() {
			if values := unchecked[f.Name]; values != nil {
				p.say(l.Resource, isOneOf(f.Value, values...), f.Value, "sets "+f.Name+", so that nobody checks who hands out the code; remove it")
			}
		}
	},
}
