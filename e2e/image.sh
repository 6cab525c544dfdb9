#!/usr/bin/env bash
# Builds the container image and runs a scan in it: no network, no right to write, an ordinary user. Uses the Docker
# engine that is there; as root on a machine without one it starts its own from the package docker.io and stops it.
#
# By default the program is compiled outside and handed in (BINARY=given), as releases do. With E2E_GO_IMAGE=NAME the
# whole Dockerfile is built with that image of Go; with E2E_GO_IMAGE=local such an image is made here by debootstrap
# and the Go of this machine, because nothing can be pulled.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
size_limit=${E2E_IMAGE_LIMIT:-150000000} # bytes

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }

[ "$(uname -s)" = Linux ] || skip "needs Linux"
for tool in go git tar; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done
certificates=/etc/ssl/certs/ca-certificates.crt
[ -s "$certificates" ] || skip "$certificates is missing"

work=$(mktemp -d)
engine=
image=
cleanup() {
  status=$?
  if [ -n "$image" ]; then
    docker image rm -f "$image" >/dev/null 2>&1 || true
  fi
  if [ -n "$engine" ]; then
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    umount "$work/exec/netns/default" 2>/dev/null || true
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
      tail -n 20 "$work/dockerd.log" >&2
    fi
  fi
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT

# install PACKAGE: from Debian, where this machine allows it
install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1"; } >"$work/apt.log" 2>&1
}

# client: the first docker on the PATH that can build with BuildKit: with the plugin buildx, or old enough to have it inside
client() {
  local c
  for c in $(type -ap docker); do
    if "$c" buildx version >/dev/null 2>&1 || "$c" --version | grep -Eq ' (19|20)\.'; then
      echo "$c"
      return
    fi
  done
  return 1
}

if ! { command -v docker >/dev/null && docker info >/dev/null 2>&1; }; then
  [ "$(id -u)" = 0 ] || skip "no Docker engine answers, and only root can start one"
  command -v dockerd >/dev/null || install docker.io || skip "no Docker engine, and docker.io can't be installed"
  dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/docker.pid" -H "unix://$work/docker.sock" \
    --bridge=none --iptables=false --ip6tables=false --ip-masq=false --ip-forward=false --storage-driver=overlay2 \
    >"$work/dockerd.log" 2>&1 &
  engine=$!
  export DOCKER_HOST=unix://$work/docker.sock
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && break
    kill -0 "$engine" 2>/dev/null || { tail -n 3 "$work/dockerd.log"; engine=; skip "the Docker engine does not start here"; }
    sleep 0.5
  done
  docker info >/dev/null 2>&1 || skip "the Docker engine does not answer"
fi
docker=$(client) || skip "no docker on the PATH can build with BuildKit"

image=trifecta-e2e:$$
commit=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
export DOCKER_BUILDKIT=1

case ${E2E_GO_IMAGE:-} in
  "")
    mkdir -p "$work/context/dist/image"
    cp "$root/Dockerfile" "$root/.dockerignore" "$work/context/"
    (cd "$root" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.commit=$commit" -o "$work/context/dist/image/trifecta" ./cmd/trifecta)
    cp "$certificates" "$work/context/dist/image/"
    "$docker" build -q --build-arg BINARY=given -t "$image" "$work/context"
    ;;
  *)
    go_image=$E2E_GO_IMAGE
    if [ "$go_image" = local ]; then
      command -v debootstrap >/dev/null || install debootstrap || skip "no debootstrap"
      debootstrap --variant=minbase --include=ca-certificates stable "$work/rootfs" >"$work/debootstrap.log" 2>&1 || skip "debootstrap has no mirror"
      cp -R "$(go env GOROOT)" "$work/rootfs/usr/local/go"
      cp "$certificates" "$work/rootfs$certificates" # modules may come from a mirror that only this machine trusts
      go_image=golang-e2e:$$
      tar -C "$work/rootfs" -c . | docker import --change 'ENV PATH=/usr/local/go/bin:/usr/bin:/bin' --change 'ENV GOPATH=/go' - "$go_image" >/dev/null
    fi
    "$docker" build -q --network host --build-arg "GO_IMAGE=$go_image" --build-arg "GOPROXY=$(go env GOPROXY)" --build-arg "COMMIT=$commit" -t "$image" "$root"
    ;;
esac

size=$(docker image inspect --format '{{.Size}}' "$image")
[ "$size" -le "$size_limit" ] || fail "the image has $size bytes, more than $size_limit"
user=$(docker image inspect --format '{{.Config.User}}' "$image")
[ "$user" = 65532:65532 ] || fail "the image runs as $user"

run() { docker run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges "$@"; }

run "$image" version | grep '^trifecta ' >/dev/null || fail "version says nothing"

chmod -R go+rX "$root/e2e/sample"
status=0
run --volume "$root/e2e/sample:/src:ro" "$image" scan --offline --db advisories --fail-on high -o json >"$work/result.json" 2>"$work/scan.log" || status=$?
[ "$status" = 1 ] || { cat "$work/scan.log"; fail "the scan of the sample ended with $status, want 1"; }
grep -q '"rule_id": "TRI-E2E-0001"' "$work/result.json" || { cat "$work/result.json"; fail "the result lacks the finding"; }

echo "ok: $size bytes, user $user"
