#!/usr/bin/env bash
# install.sh FOLDER VERSION: puts the released program trifecta into a folder. The archive is compared with the checksum
# that stands beside this script, in the same commit; where there is none, or it does not match, nothing is unpacked and
# the exit code is 3. TRIFECTA_RELEASES is where the releases are, for companies with a copy of their own.
set -euo pipefail

folder=$1 version=$2
here=$(cd "$(dirname "$0")" && pwd)
releases=${TRIFECTA_RELEASES:-https://github.com/trifecta-scanner/trifecta/releases/download}

stop() {
  echo "::error title=trifecta::$*"
  exit 3
}

case $version in
  *[!0-9A-Za-z.-]* | -* | "") stop "the input version is neither a version nor source" ;;
esac
case ${RUNNER_OS:-$(uname -s)} in
  Linux) system=linux ;;
  macOS | Darwin) system=darwin ;;
  Windows | MINGW* | MSYS*) system=windows ;;
  *) stop "there is no release for ${RUNNER_OS:-$(uname -s)}; the version source builds one with Go" ;;
esac
case ${RUNNER_ARCH:-$(uname -m)} in
  X64 | x86_64 | amd64) machine=amd64 ;;
  ARM64 | aarch64 | arm64) machine=arm64 ;;
  *) stop "there is no release for ${RUNNER_ARCH:-$(uname -m)}; the version source builds one with Go" ;;
esac
archive=trifecta_${version}_${system}_${machine}.tar.gz

want=$(awk -v name="$archive" '$2 == name && $1 ~ /^[0-9a-f]+$/ && length($1) == 64 { print $1 }' "$here/checksums.txt" 2>/dev/null || true)
[ -n "$want" ] || stop "this commit of the action has no checksum of $archive; pin the commit of that release, or take the version source"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
curl --fail --silent --show-error --location --proto '=http,https' --proto-redir '=https' --retry 4 --connect-timeout 20 --max-time 300 \
  --max-filesize 300000000 --output "$work/$archive" "$releases/v$version/$archive" || stop "$archive can't be fetched from $releases"
if command -v sha256sum >/dev/null; then
  got=$(sha256sum <"$work/$archive" | cut -d' ' -f1)
else
  got=$(shasum -a 256 <"$work/$archive" | cut -d' ' -f1)
fi
[ "$got" = "$want" ] || stop "$archive has the checksum $got, and this commit of the action wants $want"
mkdir -p "$folder"
program=trifecta
[ "$system" != windows ] || program=trifecta.exe
tar -C "$work" -xzf "$work/$archive" "$program"
mv -f "$work/$program" "$folder/$program"
