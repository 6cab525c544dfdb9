# shellcheck shell=bash
# Sourced by the scripts that run workflows as users copy them, with act in host mode. They set root, the folder of this
# repository, and work, a folder that goes with them.
#
# The actions of others are stand-ins that do what theirs do with files; ours is the one of this commit.

act_version=v0.2.89

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }

expect() { # FILE PATTERN: a line of the file matches the extended regular expression
  grep -Eq -- "$2" "$1" || { cat "$1"; fail "no line of $(basename "$1") matches $2"; }
}
refuse() { # FILE PATTERN: no line of the file does
  if grep -Eq -- "$2" "$1"; then
    cat "$1"
    fail "a line of $(basename "$1") matches $2"
  fi
}

find_act() {
  act=$(command -v act || true)
  [ -z "$act" ] || return 0
  local tools=${XDG_CACHE_HOME:-$HOME/.cache}/trifecta-e2e/act-$act_version
  act=$tools/act
  if [ ! -x "$act" ]; then
    echo "installing act $act_version"
    (cd / && GOFLAGS='' GOBIN=$tools go install "github.com/nektos/act@$act_version") || skip "act $act_version can't be installed"
  fi
}

# our_action puts the action as a user gets it, the files of this commit and nothing else, into $work/action.
our_action() {
  mkdir -p "$work/action"
  git -C "$root" ls-files -z --cached --others --exclude-standard |
    (cd "$root" && while IFS= read -r -d '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done) |
    tar -C "$root" --null --files-from=- -cf - | tar -C "$work/action" -xf -
}

stand_ins=()
# stand_in WORKFLOWS NAME INPUTS SCRIPT: what the action NAME of others, as the workflows of a folder pin it, does here. The
# script finds inputs as IN_NAME.
stand_in() {
  local pinned input folder=$work/stand-in/$2
  mkdir -p "$folder"
  {
    printf 'name: stand-in\ndescription: of %s\ninputs:\n' "$2"
    for input in $3; do printf '  %s:\n    description: as there\n' "$input"; done
    printf 'runs:\n  using: composite\n  steps:\n    - shell: bash\n      env:\n        ARTIFACTS: %s\n        REPOSITORIES_OF_TEST: %s\n' "$work/artifacts" "$work/repositories"
    for input in $3; do printf '        IN_%s: ${{ inputs.%s }}\n' "$(tr a-z- A-Z_ <<<"$input")" "$input"; done
    printf '      run: |\n'
    sed 's/^/        /' <<<"$4"
  } >"$folder/action.yml"
  for pinned in $(sed -n "s|.*uses: \(actions/$2@[0-9a-f]*\).*|\1|p" "$1"/* "$root/action.yml" | sort -u); do
    stand_ins+=(--local-repository "$pinned=$folder")
  done
}

# usual_stand_ins WORKFLOWS: those of the actions that our examples use.
usual_stand_ins() {
  stand_ins=()
  stand_in "$1" checkout 'fetch-depth persist-credentials repository token ref path' '
if [ -n "$IN_REPOSITORY" ]; then
  to=${IN_PATH:-.}
  [ "$to" != . ] || find . -mindepth 1 -delete
  rm -rf "$to/.git"
  git clone -q "$REPOSITORIES_OF_TEST/$IN_REPOSITORY" "$to.clone" && mkdir -p "$to" && cp -R "$to.clone/." "$to/" && rm -rf "$to.clone"
  git -C "$to" remote set-url origin "https://github.com/$IN_REPOSITORY.git"
fi'
  stand_in "$1" setup-go 'go-version-file cache-dependency-path' 'go version'
  stand_in "$1" cache 'path key restore-keys' 'true'
  stand_in "$1" upload-artifact 'name path retention-days if-no-files-found' '
# act has no strategy.job-index: a name that ends with nothing in its place gets a number of its own.
case $IN_NAME in *-) IN_NAME=$IN_NAME$$ ;; esac
mkdir -p "$ARTIFACTS/$IN_NAME"
while IFS= read -r file; do
  if [ -d "$file" ]; then cp -R "$file/." "$ARTIFACTS/$IN_NAME/"; elif [ -n "$file" ]; then cp "$file" "$ARTIFACTS/$IN_NAME/"; fi
done <<<"$IN_PATH"'
  stand_in "$1" download-artifact 'name pattern path run-id github-token' '
mkdir -p "$IN_PATH"
if [ -n "$IN_NAME" ]; then cp -R "$ARTIFACTS/$IN_NAME/." "$IN_PATH/"; else cp -R "$ARTIFACTS/"$IN_PATTERN "$IN_PATH/"; fi'
}

canary=ghp_CANARY0000000000000000000000000000000

# run_workflow STATUS REPOSITORY EVENT WORKFLOW ARGUMENTS...: one run, log in $log. $work/EVENT.json is the event.
run_workflow() {
  local want=$1 repository=$2 event=$3 workflow=$4 status=0
  shift 4
  log=$work/act-$(basename "$workflow" .yml)-$event.log
  (cd "$repository" && XDG_CACHE_HOME=$work/cache "$act" "$event" --eventpath "$work/$event.json" --workflows "$workflow" \
    --platform ubuntu-latest=-self-hosted --action-offline-mode \
    --local-repository "trifecta-scanner/trifecta@main=$work/action" "${stand_ins[@]}" \
    --env "GITHUB_API_URL=$api" --secret "GITHUB_TOKEN=$canary" "$@") >"$log" 2>&1 || status=$?
  [ "$status" = "$want" ] || { cat "$log"; fail "act $event $workflow ended with $status, want $want"; }
  if grep -rqF -- "$canary" "$log" "$work/artifacts"; then
    fail "the token stands in the log or in an artifact"
  fi
}

github=
start_github() { # ARGUMENTS of e2e/github: the host that $api names
  [ -x "$work/github" ] || (cd "$root" && go build -trimpath -buildvcs=false -o "$work/github" ./e2e/github)
  rm -f "$work/address"
  "$work/github" -address "$work/address" "$@" >"$work/github.json" &
  github=$!
  for _ in $(seq 100); do
    [ ! -s "$work/address" ] || break
    sleep 0.1
  done
  api=$(cat "$work/address")/api/v3
}
stop_github() {
  kill "$github"
  wait "$github" || { cat "$work/github.json"; fail "the GitHub of the test is not content"; }
  github=
}
