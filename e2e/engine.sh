# To be sourced: a Docker engine for the scripts of this folder, and images to build on where nothing can be pulled.
# The caller sets work to a folder of its own and calls stop_engine at its end.

engine=

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }

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

# start_engine: the engine that answers; as root on a machine without one, an own one from the package docker.io. Sets
# docker to a client that can build.
start_engine() {
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
  export DOCKER_BUILDKIT=1
}

# stop_engine STATUS: ends the engine that start_engine has started
stop_engine() {
  [ -n "$engine" ] || return 0
  kill "$engine" 2>/dev/null || true
  wait "$engine" 2>/dev/null || true
  umount "$work/exec/netns/default" 2>/dev/null || true
  if [ "$1" -ne 0 ] && [ "$1" -ne 77 ]; then
    tail -n 20 "$work/dockerd.log" >&2
  fi
}

# shell_image NAME: an image with a shell and nothing else, of one static program. Fails where there is none to be had.
shell_image() {
  local folder=$work/shell box
  mkdir -p "$folder/bin" "$folder/etc" "$folder/tmp"
  chmod 1777 "$folder/tmp"
  box=$(command -v busybox || true)
  if [ -z "$box" ] || ! file -L "$box" 2>/dev/null | grep -q 'statically linked'; then
    command -v apt-get >/dev/null || return 1
    (cd "$work" && apt-get download -qq busybox-static >/dev/null 2>&1 && dpkg-deb -x busybox-static_*.deb "$work/busybox") || return 1
    box=$work/busybox/bin/busybox
  fi
  cp "$box" "$folder/bin/busybox"
  "$box" --list | while read -r name; do [ -e "$folder/bin/$name" ] || ln "$folder/bin/busybox" "$folder/bin/$name"; done
  echo 'root:x:0:0:root:/:/bin/sh' >"$folder/etc/passwd"
  tar -C "$folder" -c . | docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' - "$1" >/dev/null
}

# image_context FOLDER COMMIT: what `docker build --build-arg BINARY=given` needs, with the program of this commit
image_context() {
  mkdir -p "$1/dist/image"
  cp "$root/Dockerfile" "$root/.dockerignore" "$1/"
  (cd "$root" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.commit=$2" -o "$1/dist/image/trifecta" ./cmd/trifecta)
  cp "$certificates" "$1/dist/image/ca-certificates.crt"
}
