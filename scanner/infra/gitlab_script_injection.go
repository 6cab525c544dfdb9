package infra

import (
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// said is a predefined variable whose text somebody outside chooses: a branch, a title, a message
// (https://docs.gitlab.com/ci/variables/predefined_variables/).
const said = `\$\{?(CI_COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|BRANCH|REF_NAME|TAG_MESSAGE|AUTHOR)|CI_MERGE_REQUEST_(?:TITLE|DESCRIPTION|LABELS|MILESTONE|SOURCE_BRANCH_NAME)|CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME|GITLAB_USER_NAME)\b`

// readAgain is such a variable in a text that a shell reads once more, here or on another machine. A shell does not read
// the values of variables again by itself, and in single quotes it leaves them to the shell that comes.
var readAgain = lazy.Regexp(`(?:(?:^|[\s;&|(])eval\s+(?:"[^"\n]*|[^'"\n]*)|(?:^|[\s;&|(/])(?:ba|z|da|k)?sh\s+(?:-\w+\s+)*-\w*c\s+"[^"\n]*|(?:^|[\s;&|(])ssh\s[^'"\n]*"[^"\n]*)` + said)

var gitlabScriptInjection = Check{
	Rule: scanner.Rule{
		ID: "gitlab-script-injection", Title: "Pipeline that runs what others write into a title or branch", Severity: scanner.High, URL: pipelineSecurity, Tags: []string{"gitlab-ci"},
		Help: "`eval`, `sh -c \"...\"` and `ssh host \"...\"` read the text of the variable as a program: a branch or title with `$(...)` in it runs with the tokens of the job. Hand it over as an argument (`sh -c 'echo \"$1\"' _ \"$NAME\"`), or in single quotes.",
	},
	Pipeline: func(p *Pass, l *pipeline) {
		for _, command := range l.commands() {
			written, _ := command.Text()
			if found := readAgain().FindStringSubmatchIndex(written); found != nil {
				name := written[found[2]:found[3]]
				p.say(l.Resource, kube.Yes, line(command, found[2]), "lets a shell read "+name+", which others write, as a program; hand it over as an argument")
			}
		}
	},
}
