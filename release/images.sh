#!/usr/bin/env bash
# images.sh build VERSION MACHINE: builds the three images of a version for amd64 or arm64 from the archive in
# dist/release and pushes each under a name with the machine at its end.
# images.sh publish VERSION: makes one image for both machines of each, under the version and, where it is no
# pre-release, under its shorter forms too.
# Names: 1.2.3 scans only, 1.2.3-ci has a shell, 1.2.3-fix has package managers. TRIFECTA_IMAGES is the repository.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
repository=${TRIFECTA_IMAGES:-ghcr.io/trifecta-scanner/trifecta}
version=$2
case $version in
  *[!0-9A-Za-z.-]* | "") echo "release: $version is no version" >&2; exit 1 ;;
esac

# suffix TARGET: what the name of an image ends in
suffix() { [ "$1" = scan ] || printf -- '-%s' "$1"; }

case $1 in
  build)
    machine=$3
    mkdir -p "$root/dist/image"
    tar -C "$root/dist/image" -xzf "$root/dist/release/trifecta_${version}_linux_${machine}.tar.gz" trifecta
    cp /etc/ssl/certs/ca-certificates.crt "$root/dist/image/ca-certificates.crt"
    for target in scan ci fix; do
      name=$repository:$version$(suffix "$target")-$machine
      docker build --platform "linux/$machine" --build-arg BINARY=given --target "$target" --tag "$name" "$root"
      docker push "$name"
    done
    ;;
  publish)
    versions=("$version")
    case $version in
      *-*) ;;
      *) versions+=("${version%.*}" "${version%%.*}") ;;
    esac
    for target in scan ci fix; do
      tags=()
      for v in "${versions[@]}"; do
        tags+=(--tag "$repository:$v$(suffix "$target")")
      done
      docker buildx imagetools create "${tags[@]}" "$repository:$version$(suffix "$target")-amd64" "$repository:$version$(suffix "$target")-arm64"
    done
    ;;
  *) echo "release: $1 is neither build nor publish" >&2; exit 1 ;;
esac
