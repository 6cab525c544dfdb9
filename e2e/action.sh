#!/usr/bin/env bash
# Runs action.yml in a workflow of the repository in e2e/sample, with act in host mode, and checks what a user sees:
# the annotation on its line, the step summary, the outputs, the files. Needs git, Go and act, which is installed into
# a cache where it is missing. Where gh is there, it reads the comment back. Fix requests need curl and jq, too.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
act_version=v0.2.89

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }

for tool in git go tar; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done

act=$(command -v act || true)
if [ -z "$act" ]; then
  tools=${XDG_CACHE_HOME:-$HOME/.cache}/trifecta-e2e/act-$act_version
  act=$tools/act
  if [ ! -x "$act" ]; then
    echo "installing act $act_version"
    (cd / && GOFLAGS='' GOBIN=$tools go install "github.com/nektos/act@$act_version") || skip "act $act_version can't be installed"
  fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out
mkdir "$out"

# The action as a user gets it: the files of this commit and nothing else.
mkdir "$work/action"
git -C "$root" ls-files -z --cached --others --exclude-standard |
  (cd "$root" && while IFS= read -r -d '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done) |
  tar -C "$root" --null --files-from=- -cf - | tar -C "$work/action" -xf -

# act fetches actions in advance, also those that a condition leaves out. Go is here, so this one must not run.
mkdir "$work/setup-go"
cat >"$work/setup-go/action.yml" <<'YAML'
name: stand-in
description: fails when it runs
runs:
  using: composite
  steps:
    - shell: bash
      run: exit 1
YAML
setup_go=$(sed -n 's|.*uses: \(actions/setup-go@[0-9a-f]*\).*|\1|p' "$root/action.yml")

repository=$work/repository
cp -R "$root/e2e/sample" "$repository"
git -C "$repository" init -q -b main
commit() { git -C "$repository" -c user.name=e2e -c user.email=e2e@registry.example commit -q -m "$1"; }
git -C "$repository" add .github advisories
commit 'before the shop'
printf '{"number": 7, "pull_request": {"number": 7, "base": {"ref": "main", "sha": "%s"}}}\n' "$(git -C "$repository" rev-parse HEAD)" >"$work/pull_request.json"
echo '{}' >"$work/push.json"
git -C "$repository" add -A
commit 'a shop'
git -C "$repository" remote add origin https://github.com/acme/shop.git

canary=ghp_CANARY0000000000000000000000000000000
# The caches of Go stay where they are; that of act goes with the work folder.
GOCACHE=$(go env GOCACHE) GOMODCACHE=$(go env GOMODCACHE)
export GOCACHE GOMODCACHE E2E_OUT=$out

more=() # arguments of act
want=0  # whether the run is to fail
run_act() { # EVENT OFFLINE: runs the workflow, log in $log
  local status=0
  log=$work/act-$1.log
  rm -rf "${out:?}"/*
  (cd "$repository" && XDG_CACHE_HOME=$work/cache "$act" "$1" --eventpath "$work/$1.json" \
    --platform ubuntu-latest=-self-hosted --action-offline-mode \
    --local-repository "trifecta-scanner/trifecta@v0=$work/action" \
    --local-repository "$setup_go=$work/setup-go" \
    --env "GITHUB_API_URL=$api" --var "E2E_OFFLINE=$2" \
    --secret "GITHUB_TOKEN=$canary" "${more[@]}") >"$log" 2>&1 || status=1
  [ "$status" = "$want" ] || { cat "$log"; fail "act $1"; }
  if grep -rqF -- "$canary" "$log" "$out"; then
    fail "the token stands in the log or in a file of the result"
  fi
}

expect() { # FILE PATTERN: a line of the file matches the extended regular expression
  grep -Eq -- "$2" "$1" || { cat "$1"; fail "no line of $(basename "$1") matches $2"; }
}

refuse() { # FILE PATTERN: no line of the file does
  if grep -Eq -- "$2" "$1"; then
    cat "$1"
    fail "a line of $(basename "$1") matches $2"
  fi
}

line=$(grep -n '"node_modules/coin-words"' "$root/e2e/sample/shop/package-lock.json" | cut -d: -f1)
annotation="::(error|warning|notice) file=shop/package-lock\.json,line=$line,title=trifecta [a-z*]+%3A TRI-E2E-0001::"

# Offline: what the runner shows, without a host to publish on.
api=http://127.0.0.1:9
for event in push pull_request; do
  run_act "$event" true
  expect "$log" "$annotation"
  expect "$log" 'Job succeeded'
  refuse "$log" 'not everything went as asked'
  expect "$out/outputs.json" '"findings": *"1"'
  expect "$out/outputs.json" '"new-findings": *"1"'
  expect "$out/outputs.json" '"exposed-workloads": *"0"'
  expect "$out/outputs.json" '"sarif-file": *"reports/trifecta.sarif"'
  expect "$log" 'Summary - '
  expect "$log" '^\| .*coin-words 0\.4\.1' # the table of the summary
  expect "$out/result.json" '"path": "shop/package-lock\.json"'
  expect "$out/trifecta.sarif" '"uri": *"shop/package-lock\.json"'
  expect "$out/sbom.cdx.json" 'pkg:npm/coin-words@0\.4\.1'
  echo "ok: $event, offline"
done

# On a GitHub of our own: what is published, and that doing it twice changes nothing.
(cd "$root" && go build -o "$work/github" ./e2e/github)
github=
start_github() {
  rm -f "$work/address"
  mkdir -p "$work/tls"
  "$work/github" -address "$work/address" -tls "$work/tls" "$@" >"$work/github.json" &
  github=$!
  for _ in $(seq 100); do
    [ ! -s "$work/address" ] || break
    sleep 0.1
  done
  api=$(cat "$work/address")/api/v3
}
read_back() { # what GitHub's own client sees of the comment, over TLS as on GitHub Enterprise Server
  if ! command -v gh >/dev/null; then
    echo "left out: gh, which reads the comment back, is missing"
    return
  fi
  env -i PATH="$PATH" HOME="$work" GH_CONFIG_DIR="$work/gh" GH_NO_UPDATE_NOTIFIER=1 SSL_CERT_FILE="$work/tls/authority.pem" \
    GH_HOST="$(cat "$work/tls/address")" GH_ENTERPRISE_TOKEN=reader \
    gh api repos/acme/shop/issues/7/comments --jq '"comments: \(length)", .[].body' >"$work/gh.md" || fail "gh can't read the comment"
  expect "$work/gh.md" '^comments: 1$'
  expect "$work/gh.md" 'This change adds 1 finding and removes 0 findings'
  expect "$work/gh.md" 'coin-words 0\.4\.1'
  echo "ok: gh reads the comment back"
}
stop_github() {
  kill "$github"
  wait "$github" || { cat "$work/github.json"; fail "the GitHub of the test is not content"; }
  github=
}
trap '[ -z "$github" ] || kill "$github"; rm -rf "$work"' EXIT

start_github
run_act pull_request false
run_act pull_request false
expect "$log" "$annotation"
refuse "$log" 'not everything went as asked'
read_back
stop_github
expect "$work/github.json" 'This change adds 1 finding and removes 0 findings'
[ "$(grep -c '"Body":' "$work/github.json")" = 1 ] || { cat "$work/github.json"; fail "there is not one comment"; }
expect "$work/github.json" '"Ref": "refs/pull/7/merge"'
echo "ok: pull_request, twice"

start_github
echo '{"schedule": "17 3 * * *"}' >"$work/schedule.json"
run_act schedule false
expect "$log" "$annotation"
stop_github
refuse "$work/github.json" '"Body":'
expect "$work/github.json" '"Ref": "refs/heads/main"'
echo "ok: schedule"

# A release: the archive whose checksum stands in the action's commit, and no other.
system=$(go env GOOS) machine=$(go env GOARCH)
archive=trifecta_0.0.1_${system}_$machine.tar.gz
mkdir -p "$work/releases/v0.0.1" "$work/released"
(cd "$root" && go build -trimpath -buildvcs=false -ldflags '-X main.version=0.0.1' -o "$work/released/trifecta" ./cmd/trifecta)
tar -C "$work/released" -czf "$work/releases/v0.0.1/$archive" trifecta
sum=$(sha256sum <"$work/releases/v0.0.1/$archive" | cut -d' ' -f1)
start_github -releases "$work/releases"
more=(--var E2E_VERSION=0.0.1 --env "TRIFECTA_RELEASES=${api%/api/v3}/releases")
want=1
run_act push true
expect "$log" "this commit of the action has no checksum of $archive"
echo "$sum  $archive" >"$work/action/release/checksums.txt"
want=0
run_act push true
expect "$log" "$annotation"
expect "$out/result.json" '"version": "0\.0\.1"'
refuse "$log" 'Build trifecta'
echo x >>"$work/releases/v0.0.1/$archive"
want=1
run_act push true
expect "$log" "this commit of the action wants $sum"
expect "$log" 'exit status 3'
more=() want=0
stop_github
echo "ok: a release, and only that"

start_github -read-only
run_act pull_request false
expect "$log" "$annotation"
expect "$log" 'not everything went as asked.*pull-requests: write.*security-events: write'
expect "$log" 'Job succeeded'
stop_github
refuse "$work/github.json" '"Body":'
echo "ok: pull_request of a fork"

# The two workflows for the pull requests of forks, as users copy them. The actions of others are stand-ins that do what
# theirs do with files.
fork=$work/fork
cp -R "$root/e2e/sample" "$fork"
rm "$fork/.github/workflows/"*
cp "$root/examples/workflows/fork-scan.yml" "$root/examples/workflows/fork-comment.yml" "$fork/.github/workflows/"
git -C "$fork" init -q -b main
commit() { git -C "$fork" -c user.name=e2e -c user.email=e2e@registry.example commit -q -m "$1"; }
git -C "$fork" add .github advisories
commit 'before the shop'
before=$(git -C "$fork" rev-parse HEAD)
git -C "$fork" add -A
commit 'a shop'
head=$(git -C "$fork" rev-parse HEAD)
git -C "$fork" remote add origin https://github.com/acme/shop.git
cat >"$work/fork-pull_request.json" <<JSON
{"number": 7, "pull_request": {"number": 7, "base": {"ref": "main", "sha": "$before", "repo": {"full_name": "acme/shop"}},
  "head": {"ref": "shop", "sha": "$head", "repo": {"full_name": "stranger/shop"}}}}
JSON
cat >"$work/fork-workflow_run.json" <<JSON
{"action": "completed", "workflow_run": {"id": 12, "name": "trifecta scan", "event": "pull_request", "conclusion": "success",
  "head_sha": "$head", "head_branch": "shop", "head_repository": {"full_name": "stranger/shop"}}}
JSON
stand_in() { # NAME INPUTS SCRIPT: an action of others
  mkdir -p "$work/stand-in/$1"
  {
    printf 'name: stand-in\ndescription: of %s\ninputs:\n' "$1"
    for input in $2; do printf '  %s:\n    description: as there\n' "$input"; done
    printf 'runs:\n  using: composite\n  steps:\n    - shell: bash\n      env:\n        ARTIFACTS: %s\n' "$work/artifacts"
    for input in $2; do printf '        IN_%s: ${{ inputs.%s }}\n' "$(tr a-z- A-Z_ <<<"$input")" "$input"; done
    printf '      run: %s\n' "$3"
  } >"$work/stand-in/$1/action.yml"
  # The version that the workflow pins.
  pinned=$(sed -n "s|.*uses: \(actions/$1@[0-9a-f]*\).*|\1|p" "$fork/.github/workflows/"*.yml | awk "NR == 1")
  stand_ins+=(--local-repository "$pinned=$work/stand-in/$1")
}
stand_ins=()
stand_in checkout 'fetch-depth persist-credentials' 'true'
stand_in upload-artifact 'name path retention-days' 'mkdir -p "$ARTIFACTS/$IN_NAME" && cp "$IN_PATH" "$ARTIFACTS/$IN_NAME/"'
stand_in download-artifact 'name path run-id github-token' 'mkdir -p "$IN_PATH" && cp "$ARTIFACTS/$IN_NAME"/* "$IN_PATH/"'

run_fork() { # EVENT WORKFLOW: as run_act
  log=$work/act-fork-$1.log
  (cd "$fork" && XDG_CACHE_HOME=$work/cache "$act" "$1" --eventpath "$work/fork-$1.json" --workflows ".github/workflows/$2" \
    --platform ubuntu-latest=-self-hosted --action-offline-mode \
    --local-repository "trifecta-scanner/trifecta@main=$work/action" --local-repository "$setup_go=$work/setup-go" "${stand_ins[@]}" \
    --env "GITHUB_API_URL=$api" --env "TRIFECTA_DB=$root/e2e/sample/advisories" \
    --secret "GITHUB_TOKEN=$canary") >"$log" 2>&1 || { cat "$log"; fail "act $1 in the fork"; }
  if grep -rqF -- "$canary" "$log" "$work/artifacts"; then
    fail "the token stands in the log or in the artifact"
  fi
}

start_github -read-only
run_fork pull_request fork-scan.yml
expect "$log" "$annotation"
expect "$log" 'Job succeeded'
refuse "$log" 'not everything went as asked'
expect "$work/artifacts/trifecta-result/result.json" 'TRI-E2E-0001'
stop_github
refuse "$work/github.json" '"(POST|PATCH|PUT|DELETE) '
echo "ok: the scan of a fork's pull request"

start_github -pull "7,stranger/shop,shop,$head" -pull "8,other/shop,shop,$head"
run_fork workflow_run fork-comment.yml
run_fork workflow_run fork-comment.yml
expect "$log" 'Job succeeded'
refuse "$log" 'no comment'
read_back
stop_github
[ "$(grep -c '"Body":' "$work/github.json")" = 1 ] || { cat "$work/github.json"; fail "there is not one comment"; }
expect "$work/github.json" '"Number": 7'
expect "$work/github.json" 'From the run on the fork'
refuse "$work/github.json" '"Ref": '
echo "ok: the comment of the second workflow, twice"

# When the pull request has moved on, the result is about nothing that is open.
start_github -pull "7,stranger/shop,shop,$before"
run_fork workflow_run fork-comment.yml
expect "$log" 'no open pull request has the commit'
stop_github
refuse "$work/github.json" '"Body":'
echo "ok: no comment on a pull request that has moved on"

# Fix requests, from the first one to the last, on one GitHub with real git behind it. The registry of packages is a folder.
for tool in curl jq; do
  command -v "$tool" >/dev/null || { echo "left out: fix requests, $tool is missing"; exit 0; }
done
fixes=$work/fixes
cp -R "$root/e2e/sample" "$fixes"
cp -R "$root/e2e/sample/shop" "$fixes/shop/admin"
git -C "$fixes" init -q -b main
commit() { # MESSAGE: commits everything, and pushes it as its owner would
  git -C "$fixes" add -A
  git -C "$fixes" -c user.name=e2e -c user.email=e2e@registry.example commit -q -m "$1"
  git -C "$fixes" push -q "${server/:\/\//:\/\/owner:secret@}/acme/shop.git" main
}
git -C "$fixes" remote add origin https://github.com/acme/shop.git

packages=$work/packages
mkdir "$packages"
publish() { # VERSION...: what the registry has of coin-words
  local version
  for version in "$@"; do
    printf '{"%s": {"name": "coin-words", "version": "%s", "dist": {"tarball": "https://registry.example/coin-words/-/coin-words-%s.tgz", "integrity": "sha512-%s"}}}\n' \
      "$version" "$version" "$version" "$(printf %s "$version" | base64)"
  done | jq -s '{name: "coin-words", versions: add, time: (add | map_values("2020-01-01T00:00:00Z"))}' >"$packages/coin-words"
}
publish 0.4.1 0.4.2 0.4.3

run_fixes() { # EVENT [VARIABLE=VALUE]...: as run_act, with fix: pull-request
  local event=$1
  shift
  log=$work/act-fixes.log
  (cd "$fixes" && XDG_CACHE_HOME=$work/cache "$act" "$event" --eventpath "$work/$event.json" \
    --platform ubuntu-latest=-self-hosted --action-offline-mode \
    --local-repository "trifecta-scanner/trifecta@v0=$work/action" --local-repository "$setup_go=$work/setup-go" \
    --env "GITHUB_API_URL=$api" --env "GITHUB_SERVER_URL=$server" --env "NPM_CONFIG_REGISTRY=$server/releases" \
    --var E2E_OFFLINE=false --var E2E_FIX=pull-request "${@/#/--var=}" \
    --secret "GITHUB_TOKEN=$canary") >"$log" 2>&1 || { cat "$log"; fail "act $event with fixes"; }
  if grep -rqF -- "$canary" "$log" "$out" "$work/bare"; then
    fail "the token stands in the log, in a file of the result or in the repository"
  fi
  refuse "$log" 'not everything went as asked'
  curl -fsS "$server/state" >"$work/state.json"
}

holds() { # WHAT EXPRESSION: what jq says of the state of GitHub
  jq -e "$2" "$work/state.json" >/dev/null || { cat "$log"; jq 'del(.uploads)' "$work/state.json"; fail "not so: $1"; }
}
written='[.log[] | select(test("^(POST|PATCH|PUT|DELETE) .*/(git|pulls|labels|issues|shop.git/git-receive-pack)"))] | length'

start_github -git "$work/bare" -releases "$packages"
server=${api%/api/v3}
commit 'two shops'

run_fixes push E2E_FIX_LIMIT=1
holds 'one request is open, as the limit says' '[.pulls[] | select(.State != "closed")] | length == 1'
holds 'it carries its proof' '.pulls[0].Body | test("### Proof") and test("\\\\| Cleared \\\\| \\\\| 1 \\\\|") and test("TRI-E2E-0001") and test("Not wanted")'
expect "$log" 'opened #'
first=$(jq '.pulls[0].Number' "$work/state.json")
branch=$(jq -r '.pulls[0].Branch' "$work/state.json")
expect "$out/outputs.json" "\"pull-requests\": *\"\\[$first\\]\""
git -C "$fixes" fetch -q "$server/acme/shop.git" "$branch"
git -C "$fixes" diff main FETCH_HEAD >"$work/fixed.diff"
[ "$(grep -c '^diff .*package-lock.json$' "$work/fixed.diff")" = 1 ] || { cat "$work/fixed.diff"; fail "the branch does not change one file"; }
[ "$(grep -c '^[-+] ' "$work/fixed.diff")" = 4 ] || { cat "$work/fixed.diff"; fail "the branch does not change two lines"; }
expect "$work/fixed.diff" '^\+ .*coin-words-0\.4\.3\.tgz'
echo "ok: a fix request with its proof, and no more than the limit"

run_fixes push
holds 'the other request is open, too' '[.pulls[] | select(.State != "closed")] | length == 2'
expect "$log" "unchanged #$first"
second=$(jq '[.pulls[].Number] | max' "$work/state.json")
before=$(jq "$written" "$work/state.json")
run_fixes push
[ "$(jq "$written" "$work/state.json")" = "$before" ] || fail "running twice writes something"
holds 'there are two requests' '.pulls | length == 2'
echo "ok: running again opens nothing new"

# A person closes the first one.
curl -fsS -X PATCH -H 'Authorization: Bearer person' -H 'Content-Type: application/json' -d '{"state": "closed"}' "$api/repos/acme/shop/pulls/$first" >/dev/null
run_fixes push
holds 'a refusal holds' ".pulls | length == 2 and ([.[] | select(.State == \"closed\") | .Number] == [$first])"
expect "$log" 'refused'
echo "ok: what a person closed stays closed"

# At night: a new release is the fixed one now. What was refused was another version, what is open is brought up to date.
publish 0.4.1 0.4.2 0.4.3 0.4.4
sed -i.bak "s/\"fixed\": \"0.4.3\"/\"fixed\": \"0.4.4\"/; s/\"modified\": \"[0-9-]*T/\"modified\": \"$(date -u +%Y-%m-%d)T/" "$fixes/advisories/npm/TRI-E2E-0001.json" && rm "$fixes/advisories/npm/TRI-E2E-0001.json.bak"
commit 'the advisory says more'
run_fixes schedule E2E_ISSUE=true
holds 'the open request has the new version' ".pulls[] | select(.Number == $second) | .State != \"closed\" and (.Title | test(\"0.4.4\"))"
holds 'the other version is a new question' "[.pulls[] | select(.State != \"closed\") | .Title | test(\"0.4.4\")] == [true, true]"
holds 'there is one issue' '[.issues[] | select(.State == "open")] | length == 1'
before=$(jq '.pulls | length' "$work/state.json")
run_fixes schedule E2E_ISSUE=true
holds 'the next night opens nothing new' ".pulls | length == $before"
holds 'the issue is the same' '.issues | length == 1'
echo "ok: at night, with the issue"

# One request for all packages of npm takes the place of both.
printf 'fix:\n  grouping: ecosystem\n' >"$fixes/shop/.trifecta.yaml"
commit 'one request at a time'
run_fixes push
holds 'one request is open' '[.pulls[] | select(.State != "closed")] | length == 1'
expect "$log" "superseded by #"
holds 'the others are closed with the reason' '[.comments[] | select(.Body | test("uperseded by #"))] | length == 2'
holds 'their branches are gone' '.branches | length == 2'
echo "ok: superseded requests are closed"

# Somebody upgrades by hand: nothing is left to ask for.
for lock in shop shop/admin; do
  sed -i.bak 's/coin-words-0.4.1.tgz/coin-words-0.4.4.tgz/; s/"version": "0.4.1"/"version": "0.4.4"/' "$fixes/$lock/package-lock.json" && rm "$fixes/$lock/package-lock.json.bak"
done
commit 'upgraded by hand'
run_fixes schedule E2E_ISSUE=true
holds 'no request is open' '[.pulls[] | select(.State != "closed")] | length == 0'
holds 'no issue is open' '[.issues[] | select(.State == "open")] | length == 0'
holds 'main alone is left' '.branches == ["main"]'
expect "$log" 'withdrawn #'
stop_github
echo "ok: what is not needed any more is closed"
