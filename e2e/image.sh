#!/usr/bin/env bash
# Builds the container images and runs scans in them: no network, no right to write, an ordinary user. Uses the Docker
# engine that is there; as root on a machine without one it starts its own from the package docker.io and stops it.
#
# By default the program is compiled outside and handed in (BINARY=given), as releases do, and the image with a shell is
# built on one static program, because nothing can be pulled; E2E_CI_IMAGE=NAME names another base. With
# E2E_GO_IMAGE=NAME the program is compiled by the Dockerfile with that image of Go; with E2E_GO_IMAGE=local such an
# image is made here by debootstrap and the Go of this machine. E2E_FIX_IMAGE=NAME is an image with node, npm, cargo,
# python3 and git, and E2E_UV_IMAGE=NAME one with /uv: with both, and an image of Go, the third image is built, too.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
size_limit=${E2E_IMAGE_LIMIT:-150000000} # bytes
# shellcheck source=e2e/engine.sh
. "$root/e2e/engine.sh"

[ "$(uname -s)" = Linux ] || skip "needs Linux"
for tool in go git tar; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done
certificates=/etc/ssl/certs/ca-certificates.crt
[ -s "$certificates" ] || skip "$certificates is missing"

work=$(mktemp -d)
images=()
cleanup() {
  status=$?
  for image in "${images[@]}"; do
    docker image rm -f "$image" >/dev/null 2>&1 || true
  done
  stop_engine "$status"
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
start_engine

commit=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
go_image=${E2E_GO_IMAGE:-}
if [ "$go_image" = local ]; then
  command -v debootstrap >/dev/null || install debootstrap || skip "no debootstrap"
  debootstrap --variant=minbase --include=ca-certificates stable "$work/rootfs" >"$work/debootstrap.log" 2>&1 || skip "debootstrap has no mirror"
  cp -R "$(go env GOROOT)" "$work/rootfs/usr/local/go"
  cp "$certificates" "$work/rootfs$certificates" # modules may come from a mirror that only this machine trusts
  go_image=golang-e2e:$$
  tar -C "$work/rootfs" -c . | docker import --change 'ENV PATH=/usr/local/go/bin:/usr/bin:/bin' --change 'ENV GOPATH=/go' - "$go_image" >/dev/null
fi
if [ -z "$go_image" ]; then
  context=$work/context
  image_context "$context" "$commit"
  arguments=(--network none --build-arg BINARY=given)
else
  context=$root
  arguments=(--network host --build-arg "GO_IMAGE=$go_image" --build-arg "GOPROXY=$(go env GOPROXY)" --build-arg "COMMIT=$commit")
fi

# build TARGET ARGUMENTS...: sets image
build() {
  image=trifecta-e2e:$1-$$
  images+=("$image")
  "$docker" build -q --target "$1" "${arguments[@]}" "${@:2}" -t "$image" "$context" >/dev/null
  user=$(docker image inspect --format '{{.Config.User}}' "$image")
  [ "$user" = 65532:65532 ] || fail "the image $1 runs as $user"
}

run() { docker run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges "$@"; }

# expect_finding COMMAND...: a scan of the sample that has to find what is there
expect_finding() {
  local status=0
  "$@" scan --offline --db advisories --fail-on high -o json >"$work/result.json" 2>"$work/scan.log" || status=$?
  [ "$status" = 1 ] || { cat "$work/scan.log"; fail "the scan of the sample ended with $status, want 1"; }
  grep -q '"rule_id": "TRI-E2E-0001"' "$work/result.json" || { cat "$work/result.json"; fail "the result lacks the finding"; }
}

# shell IMAGE ARGUMENTS...: trifecta, started by the image's shell
shell() {
  local image=$1
  shift
  echo "trifecta $*" | run --interactive "${sample[@]}" "$image" sh
}

chmod -R go+rX "$root/e2e/sample"
sample=(--volume "$root/e2e/sample:/src:ro")

build scan
last=trifecta-e2e:last-$$
images+=("$last")
"$docker" build -q "${arguments[@]}" -t "$last" "$context" >/dev/null
[ "$(docker image inspect --format '{{json .RootFS}}' "$last")" = "$(docker image inspect --format '{{json .RootFS}}' "$image")" ] ||
  fail "without a target another image is built"
size=$(docker image inspect --format '{{.Size}}' "$image")
[ "$size" -le "$size_limit" ] || fail "the image has $size bytes, more than $size_limit"
run "$image" version | grep -q '^trifecta ' || fail "version says nothing"
expect_finding run "${sample[@]}" "$image"
! run --entrypoint sh "$image" -c true 2>/dev/null || fail "the image that scans holds a shell"
echo "ok: scan, $size bytes, user $user"

ci_image=${E2E_CI_IMAGE:-}
if [ -z "$ci_image" ] && shell_image shell-e2e:$$; then
  ci_image=shell-e2e:$$
  images+=("$ci_image")
fi
if [ -n "$ci_image" ]; then
  build ci --build-arg "CI_IMAGE=$ci_image"
  # As a runner does: a shell as the command, and the script on its standard input.
  expect_finding shell "$image"
  echo 'trifecta version && id -u && touch "$HOME/x"' | docker run --rm --interactive --network none "$image" sh >"$work/shell.log" || fail "the shell ends with an error"
  grep -q '^65532$' "$work/shell.log" || { cat "$work/shell.log"; fail "the shell has another user"; }
  echo "ok: ci, $(docker image inspect --format '{{.Size}}' "$image") bytes, user $user"
else
  echo "left out: the image ci, because there is no image with a shell to build it on (E2E_CI_IMAGE)"
fi

if [ -n "${E2E_FIX_IMAGE:-}" ] && [ -n "${E2E_UV_IMAGE:-}" ] && [ -n "$go_image" ]; then
  build fix --build-arg "FIX_IMAGE=$E2E_FIX_IMAGE" --build-arg "UV_IMAGE=$E2E_UV_IMAGE" --build-arg FIX_PACKAGES=
  for program in 'npm --version' 'go version' 'uv --version' 'cargo --version' 'python3 --version' 'git --version'; do
    # The name of the program and its flag are two words.
    # shellcheck disable=SC2086
    run --tmpfs /home/trifecta:uid=65532 "$image" $program >/dev/null || fail "the image fix does not run $program"
  done
  expect_finding run "${sample[@]}" "$image" trifecta
  echo "ok: fix, $(docker image inspect --format '{{.Size}}' "$image") bytes, user $user"
else
  echo "left out: the image fix, which wants E2E_GO_IMAGE, E2E_FIX_IMAGE and E2E_UV_IMAGE"
fi
