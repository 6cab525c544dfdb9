#!/usr/bin/env bash
# Runs the template and the component of templates/ with gitlab-ci-local in the repository of e2e/sample: as jobs of a
# shell, of a merge request and of a schedule, beside a GitLab of our own, and as a job in the container image ci. Each
# time the reports are what GitLab's schemas want. Needs git, Go, rsync and npm, which installs gitlab-ci-local into a
# cache where it is missing; for the container a Docker engine (see engine.sh) and something to build an image on.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
client_version=4.61.1
# shellcheck source=e2e/engine.sh
. "$root/e2e/engine.sh"

for tool in go git rsync node npm tar; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done
certificates=/etc/ssl/certs/ca-certificates.crt

tools=${XDG_CACHE_HOME:-$HOME/.cache}/trifecta-e2e/gitlab-ci-local-$client_version
gitlab_ci_local=$tools/node_modules/.bin/gitlab-ci-local
if [ ! -e "$gitlab_ci_local" ]; then
  echo "installing gitlab-ci-local $client_version"
  mkdir -p "$tools"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools" "gitlab-ci-local@$client_version" >&2 ||
    skip "gitlab-ci-local $client_version can't be installed"
fi

work=$(mktemp -d)
gitlab=
images=()
cleanup() {
  status=$?
  [ -z "$gitlab" ] || kill "$gitlab" 2>/dev/null || true
  for image in "${images[@]}"; do
    docker image rm -f "$image" >/dev/null 2>&1 || true
  done
  stop_engine "$status"
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT

mkdir "$work/bin"
(cd "$root" && go build -trimpath -o "$work/bin/trifecta" ./cmd/trifecta && go build -o "$work/gitlab" ./e2e/gitlab)
export TRIFECTA_SHARED=${TRIFECTA_SHARED:-$(cd "$root/../shared" 2>/dev/null && pwd || true)}

# The repository of a user, once with the include and once with the component.
repository=$work/shop
mkdir "$repository"
cp -R "$root/e2e/sample/shop" "$root/e2e/sample/advisories" "$repository/"
cp -R "$root/templates" "$repository/"
git -C "$repository" init -q -b main
git -C "$repository" remote add origin https://gitlab.example/acme/shop.git
printf '.gitlab-ci-local\ngl-*\ntrifecta-re*\n' >"$repository/.gitignore"
commit() { git -C "$repository" add -A && git -C "$repository" -c user.name=e2e -c user.email=e2e@registry.example commit -q -m "$1"; }
mv "$repository/shop" "$work/later"
commit 'before the shop'
before=$(git -C "$repository" rev-parse HEAD)
mv "$work/later" "$repository/shop"
cat >"$repository/.gitlab-ci.yml" <<'YAML'
include:
  - local: templates/trifecta.gitlab-ci.yml
variables:
  INPUT_PATH: shop
  INPUT_ISSUE: "true"
  INPUT_FIX: pull-request
YAML
cat >"$repository/component.yml" <<'YAML'
include:
  - local: templates/scan/template.yml
    inputs:
      path: shop
      fail-on: critical
      job-name: shop
YAML
commit 'a shop'

expect() { # FILE PATTERN: a line of the file matches the extended regular expression
  grep -Eq -- "$2" "$1" || { cat "$1"; fail "no line of $(basename "$1") matches $2"; }
}
refuse() { # FILE PATTERN: no line of the file does
  if grep -Eq -- "$2" "$1"; then
    cat "$1"
    fail "a line of $(basename "$1") matches $2"
  fi
}
canary=job-CANARY0000000000000000000000000000
# The examples are what GitLab reads, as far as its schema tells.
cp -R "$root/examples/gitlab" "$repository/examples"
for example in "$repository"/examples/*.yml; do
  (cd "$repository" && "$gitlab_ci_local" --home "$work/home" --variable CI_PIPELINE_SOURCE=schedule --file "examples/$(basename "$example")" --list) >"$work/example.log" 2>&1 ||
    { cat "$work/example.log"; fail "$(basename "$example") is no pipeline"; }
  expect "$work/example.log" '^(trifecta|scan)'
done
rm -r "$repository/examples"
echo "ok: the examples"

# run_job STATUS ARGUMENTS...: one pipeline, log in $log
run_job() {
  local want=$1 status=0
  shift
  log=$work/job.log
  (cd "$repository" && rm -f gl-* trifecta-re* && PATH=$work/bin:$PATH "$gitlab_ci_local" --home "$work/home" --variable GITLAB_CI=true \
    --variable "CI_JOB_TOKEN=$canary" --variable "CI_API_V4_URL=$api" --variable "TRIFECTA_DB=$database" "$@") >"$log" 2>&1 || status=$?
  [ "$status" = "$want" ] || { cat "$log"; fail "gitlab-ci-local ended with $status, want $want"; }
  refuse "$log" "$canary|glpat-secret"
}
reports() { # FOLDER: what the job has left is what GitLab takes
  expect "$1/gl-dependency-scanning-report.json" '"file": "shop/package-lock\.json"'
  expect "$1/trifecta-report.html" 'TRI-E2E-0001'
  if [ -d "$TRIFECTA_SHARED/schemas/gitlab" ]; then
    "$work/gitlab" -check "$1" >"$work/check.log" 2>&1 || { cat "$work/check.log"; fail "GitLab would not take the reports"; }
  else
    echo "left out: the reports are not checked, because GitLab's schemas are not here (TRIFECTA_SHARED)"
  fi
}
start_gitlab() {
  rm -f "$work/address"
  "$work/gitlab" -address "$work/address" >"$work/gitlab.json" &
  gitlab=$!
  for _ in $(seq 100); do
    [ ! -s "$work/address" ] || break
    sleep 0.1
  done
  api=$(cat "$work/address")
}
stop_gitlab() {
  kill "$gitlab"
  wait "$gitlab" || fail "the GitLab of the test is not content"
  gitlab=
}

shell=(--force-shell-executor --variable "CI_PROJECT_DIR=$repository")
database=$repository/advisories
api=http://127.0.0.1:9/api/v4

run_job 0 "${shell[@]}" --variable CI_COMMIT_BRANCH=topic --variable INPUT_OFFLINE=true
expect "$log" 'coin-words 0\.4\.1'
refuse "$log" 'not everything went as asked'
reports "$repository"
echo "ok: a branch, in a shell"

run_job 1 "${shell[@]}" --file component.yml --variable INPUT_OFFLINE=true
expect "$log" 'coin-words 0\.4\.1'
reports "$repository"
echo "ok: the component, which fails on what it finds"

request=(--variable CI_PIPELINE_SOURCE=merge_request_event --variable CI_MERGE_REQUEST_IID=7 --variable CI_PROJECT_ID=42
  --variable CI_MERGE_REQUEST_PROJECT_ID=42 --variable CI_MERGE_REQUEST_SOURCE_PROJECT_ID=42
  --variable "CI_MERGE_REQUEST_DIFF_BASE_SHA=$before")
start_gitlab
for _ in 1 2; do
  run_job 0 "${shell[@]}" "${request[@]}" --variable TRIFECTA_TOKEN=glpat-secret
  refuse "$log" 'not everything went as asked'
done
reports "$repository"
stop_gitlab
expect "$work/gitlab.json" 'This change adds 1 finding and removes 0 findings'
[ "$(grep -c '"Body":' "$work/gitlab.json")" = 1 ] || { cat "$work/gitlab.json"; fail "there is not one note"; }
echo "ok: a merge request, twice"

start_gitlab
run_job 0 "${shell[@]}" "${request[@]}"
expect "$log" 'it needs a project access token'
stop_gitlab
refuse "$work/gitlab.json" '"Body":'
echo "ok: a merge request without a token of its own"

night=(--variable CI_PIPELINE_SOURCE=schedule --variable CI_COMMIT_BRANCH=main --variable CI_DEFAULT_BRANCH=main --variable CI_PROJECT_ID=42
  --variable INPUT_FIX=none)
start_gitlab
run_job 0 "${shell[@]}" "${night[@]}" --variable TRIFECTA_TOKEN=glpat-secret
expect "$log" 'tracking issue opened'
stop_gitlab
expect "$work/gitlab.json" 'All findings of the default branch'
echo "ok: a schedule with the tracking issue"

[ "$(uname -s)" = Linux ] && [ -s "$certificates" ] || { echo "left out: the container, which needs Linux and $certificates"; exit 0; }
skip() { echo "left out: the container: $*"; exit 0; } # the rest has passed
start_engine
ci_image=${E2E_CI_IMAGE:-shell-e2e:$$}
if [ -z "${E2E_CI_IMAGE:-}" ]; then
  shell_image "$ci_image" || { echo "left out: the container, because there is no image with a shell to build it on (E2E_CI_IMAGE)"; exit 0; }
  images+=("$ci_image")
fi
image_context "$work/context" unknown
image=trifecta-e2e:gitlab-$$
images+=("$image")
"$docker" build -q --network none --target ci --build-arg BINARY=given --build-arg "CI_IMAGE=$ci_image" -t "$image" "$work/context" >/dev/null
# gitlab-ci-local copies files with bash and rsync, in an image that can't be pulled either: those of this machine.
helper=$work/helper
mkdir -p "$helper/usr/bin"
for tool in sh bash rsync mkdir cp rm chmod chown; do
  cp "$(command -v "$tool")" "$helper/usr/bin/"
  { ldd "$(command -v "$tool")" || true; } | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$helper$(dirname "$library")"
    cp -L "$library" "$helper$library"
  done
done
tar -C "$helper" -c . | docker import --change 'ENV PATH=/usr/bin' - "helper-e2e:$$" >/dev/null
images+=("helper-e2e:$$")
# gitlab-ci-local hands over only what stands under paths.
cat >>"$repository/.gitlab-ci.yml" <<'YAML'
trifecta:
  artifacts:
    paths: [trifecta-report.html, trifecta-result.json, gl-*.json]
YAML
database=/builds/acme/shop/advisories
run_job 0 --helper-image "helper-e2e:$$" --pull-policy if-not-present --network none --variable "TRIFECTA_IMAGE=$image" \
  --variable CI_COMMIT_BRANCH=topic --variable INPUT_OFFLINE=true
expect "$log" 'coin-words 0\.4\.1'
refuse "$log" 'not everything went as asked'
reports "$repository/.gitlab-ci-local/artifacts/trifecta"
echo "ok: a branch, in a container"
