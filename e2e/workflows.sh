#!/usr/bin/env bash
# Runs with act what people copy: each workflow of examples/workflows, the one that trifecta init writes, and those that the
# README and docs show whole; with an argument the one of that name alone. The two for the pull requests of forks are run by action.sh, the pipeline by pipeline.sh.
# Needs git, Go, jq and act.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=e2e/act.sh
. "$root/e2e/act.sh"

for tool in go git tar jq; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done
find_act
work=$(mktemp -d)
trap '[ -z "$github" ] || kill "$github"; rm -rf "$work"' EXIT
our_action
mkdir -p "$work/bin" "$work/artifacts"
GOCACHE=$(go env GOCACHE) GOMODCACHE=$(go env GOMODCACHE)
export GOCACHE GOMODCACHE TRIFECTA_DB=$root/e2e/sample/advisories
(cd "$root" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$work/bin/trifecta" ./cmd/trifecta)

# The repository of a user: a shop, and beside what the documents show the workflow that trifecta init writes.
repository=$work/shop
mkdir "$repository"
workflows=$repository/.github/workflows
git -C "$repository" init -q -b main
git -C "$repository" remote add origin https://github.com/acme/shop.git
commit() { git -C "$repository" add -A && git -C "$repository" -c user.name=e2e -c user.email=e2e@registry.example commit -q -m "$1"; }
"$work/bin/trifecta" init "$repository" --quiet
rm "$repository/.trifecta.yaml" # fail_on is that of the workflow
mv "$workflows/trifecta.yml" "$workflows/init.yml"
cp "$root"/examples/workflows/*.yml "$workflows/"
for document in "$root"/README.md "$root"/docs/*.md; do
  awk -v to="$workflows/$(basename "$document" .md)" '
    /^```yaml$/ { block = ""; inside = 1; next }
    /^```$/ && inside { inside = 0; if (block ~ /\njobs:/ && block ~ /(^|\n)on:/) { n++; printf "%s", block > (to "-" n ".yml") } }
    inside { block = block $0 "\n" }' "$document"
done
commit 'before the shop'
before=$(git -C "$repository" rev-parse HEAD)
cp -R "$root/e2e/sample/shop" "$repository/shop"
commit 'a shop'
usual_stand_ins "$workflows"

main='"ref": "refs/heads/main", "repository": {"default_branch": "main"}'
echo "{$main}" >"$work/push.json"
echo "{$main, \"schedule\": \"17 3 * * *\"}" >"$work/schedule.json"
echo "{$main}" >"$work/workflow_dispatch.json"
printf '{"number": 7, "pull_request": {"number": 7, "base": {"ref": "main", "sha": "%s"}}}\n' "$before" >"$work/pull_request.json"

ran=0
for file in "$workflows"/*.yml; do
  name=$(basename "$file" .yml)
  case $name in
    fork-*) continue ;; # action.sh
    organisation) continue ;; # below
  esac
  [ -z "${1:-}" ] || [ "$1" = "$name" ] || continue
  for event in push pull_request schedule; do
    # The events of a workflow, as it lists them: on one line, or as keys.
    awk '/^on:/ { on = 1; print; next } /^[a-z]/ { on = 0 } on' "$file" | grep -Eq "(\[|[ ,]|^  )$event(\]|,|:|\$)" || continue
    want=0
    ! grep -Eq 'fail-on:.*(critical|high)' "$file" || want=1 # as the finding of the sample is
    rm -rf "$work/artifacts" && mkdir "$work/artifacts"
    start_github
    run_workflow "$want" "$repository" "$event" ".github/workflows/$name.yml"
    expect "$log" '::(error|warning|notice) file=shop/package-lock\.json,line=[0-9]+,title=trifecta [a-z*]+%3A TRI-E2E-0001::'
    stop_github
    case $name-$event in
      code-scanning-* | init-*) expect "$work/github.json" '"Ref": "refs/' ;;
      nightly-schedule)
        expect "$work/artifacts/trifecta/result.json" 'TRI-E2E-0001'
        expect "$log" 'tracking issue'
        ;;
    esac
    ran=$((ran + 1))
    echo "ok: $name on $event"
  done
done
[ -n "${1:-}" ] || [ "$ran" -ge 8 ] || fail "only $ran workflows were run"
[ -z "${1:-}" ] || [ "$1" = organisation ] || exit 0

# The organisation's: a list, one job for each repository, one report.
repositories=$work/repositories
mkdir -p "$repositories/acme" "$repositories/trifecta-scanner"
for name in web api; do
  cp -R "$root/e2e/sample/shop" "$repositories/acme/$name"
done
cp -R "$work/action" "$repositories/trifecta-scanner/trifecta"
for folder in "$repositories"/*/*; do
  git -C "$folder" init -q -b main
  git -C "$folder" add -A
  git -C "$folder" -c user.name=e2e -c user.email=e2e@registry.example commit -q -m 'all of it'
done
printf '#!/bin/sh\nprintf "acme/web\\nacme/api\\n"\n' >"$work/bin/gh"
chmod +x "$work/bin/gh"
rm -rf "$work/artifacts" && mkdir "$work/artifacts"
start_github
PATH=$work/bin:$PATH run_workflow 0 "$repository" workflow_dispatch .github/workflows/organisation.yml --secret ORGANISATION_TOKEN=ghp_READER
stop_github
expect "$work/artifacts/organisation/organisation.md" 'api/package-lock\.json'
expect "$work/artifacts/organisation/organisation.md" 'web/package-lock\.json'
[ ! -s "$work/artifacts/organisation/not-scanned.txt" ] || fail "a repository was not scanned"
echo 'ok: organisation on workflow_dispatch'
