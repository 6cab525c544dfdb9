#!/usr/bin/env bash
# Runs the pipeline of examples/pipeline as it stands, on GitHub with act and on GitLab with gitlab-ci-local. docker and
# terraform are programs that write down how they were called. As shipped, the gate in front of staging stops it; once
# that is fixed, the one in front of production; once that is too, production is deployed.
# Needs git, Go and act; for the half of GitLab rsync and npm.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=e2e/act.sh
. "$root/e2e/act.sh"
client_version=4.61.1

for tool in go git tar; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done
find_act
work=$(mktemp -d)
trap '[ -z "$github" ] || kill "$github"; rm -rf "$work"' EXIT
our_action
mkdir -p "$work/artifacts" "$work/bin"
GOCACHE=$(go env GOCACHE) GOMODCACHE=$(go env GOMODCACHE)
export GOCACHE GOMODCACHE
(cd "$root" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$work/bin/trifecta" ./cmd/trifecta)

calls=$work/calls
for program in docker terraform; do
  printf '#!/bin/sh\necho "%s $*" >>%s\n' "$program" "$calls" >"$work/bin/$program"
  chmod +x "$work/bin/$program"
done
export PATH=$work/bin:$PATH

repository=$work/shop
fresh() { # the example as a repository of its own
  rm -rf "$repository" "$work/artifacts" "$calls"
  mkdir -p "$work/artifacts"
  cp -R "$root/examples/pipeline" "$repository"
  rm -f "$repository/app/web"
  : >"$calls"
  git -C "$repository" init -q -b main
  git -C "$repository" remote add origin "$1"
  printf '.gitlab-ci-local\ngl-*\ntrifecta-re*\napp/web\n' >>"$repository/.git/info/exclude"
  commit 'the shop'
}
commit() { git -C "$repository" add -A && git -C "$repository" -c user.name=e2e -c user.email=e2e@registry.example commit -q -m "$1"; }
fix_staging() {
  sed 's|"0.0.0.0/0"|"198.51.100.0/24"|' "$root/examples/pipeline/infra/env/staging.tfvars" >"$repository/infra/env/staging.tfvars"
  commit 'the office alone'
}
fix_production() { # what the README says
  (cd "$repository/app" && GOFLAGS=-mod=mod go get golang.org/x/net@v0.23.0 && go mod tidy) >"$work/get.log" 2>&1 || return 1
  commit 'a newer net'
}
deployed() { # ENVIRONMENTS: these and no others were deployed since the last time, in this order
  local want got
  want=$(printf '%s\n' "$@")
  got=$(sed -n 's|^terraform -chdir=infra apply .*-var-file=env/\([a-z]*\).tfvars .*|\1|p' "$calls")
  [ "$want" = "$got" ] || { cat "$calls"; fail "deployed were: $(echo $got); want: $*"; }
  grep -q "^docker push registry.example/shop/web:$(git -C "$repository" rev-parse HEAD)\$" "$calls" || { cat "$calls"; fail "the image was not pushed"; }
  : >"$calls"
}

if [ "${1:-}" != gitlab ]; then # for who works on the other half
fresh https://github.com/acme/shop.git
usual_stand_ins "$repository/.github/workflows"
echo '{"ref": "refs/heads/main", "repository": {"default_branch": "main"}}' >"$work/push.json"
start_github
pipeline() { run_workflow "$1" "$repository" push .github/workflows/pipeline.yml; }
pipeline 1
expect "$log" 'aws_instance\.jump answers on port 22'
deployed dev
echo 'ok: GitHub, the gate in front of staging stops what dev let through'
fix_staging
pipeline 1
expect "$log" 'aws_ecs_service\.web is open to any address'
deployed dev staging
echo 'ok: GitHub, the gate in front of production'
if fix_production; then
  pipeline 0
  deployed dev staging production
  echo 'ok: GitHub, through to production'
else
  echo 'left out: the last fix, because golang.org/x/net can not be fetched here'
fi
stop_github
fi

# GitLab
for tool in rsync node npm; do
  command -v "$tool" >/dev/null || { echo "left out: GitLab, because $tool is missing"; exit; }
done
tools=${XDG_CACHE_HOME:-$HOME/.cache}/trifecta-e2e/gitlab-ci-local-$client_version
if [ ! -e "$tools/node_modules/.bin/gitlab-ci-local" ]; then
  mkdir -p "$tools"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools" "gitlab-ci-local@$client_version" >&2 ||
    { echo "left out: GitLab, because gitlab-ci-local $client_version can't be installed"; exit; }
fi
fresh https://gitlab.example/acme/shop.git
pipeline() {
  local status=0
  log=$work/gitlab.log
  # Images can't be pulled here: the jobs run in the shell of this machine.
  (cd "$repository" && "$tools/node_modules/.bin/gitlab-ci-local" --home "$work/home" --force-shell-executor --variable GITLAB_CI=true \
    --variable "CI_PROJECT_DIR=$repository" --variable CI_DEFAULT_BRANCH=main --variable TRIFECTA_IMAGE=none --variable "CI_API_V4_URL=http://127.0.0.1:9/api/v4") >"$log" 2>&1 || status=$?
  [ "$status" = "$1" ] || { cat "$log"; fail "gitlab-ci-local ended with $status, want $1"; }
}
pipeline 1
expect "$log" 'aws_instance\.jump answers on port 22'
deployed dev
fix_staging
pipeline 1
expect "$log" 'aws_ecs_service\.web is open to any address'
deployed dev staging
if fix_production; then
  pipeline 0
  deployed dev staging production
fi
echo 'ok: GitLab, the same'
