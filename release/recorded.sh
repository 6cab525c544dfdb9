#!/usr/bin/env bash
# recorded.sh TAG: prints version, commit and go (the toolchain) that checksums.txt says, as the outputs of a step. Fails
# where the tag is that of another version, or where more than what a release records was changed since that commit.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
read -r _ _ version _ commit _ _ toolchain < <(head -n 1 "$root/release/checksums.txt" | tr -d ,)
stop() { echo "release: $*" >&2; exit 1; }

[ "v$version" = "$1" ] || stop "the tag is $1, and release/checksums.txt is of $version"
[ "$(git -C "$root" rev-parse HEAD^)" = "$commit" ] || stop "the release was built from $commit, which is not the commit before the tagged one"
changed=$(git -C "$root" diff --name-only "$commit" HEAD | sort | tr '\n' ' ')
[ "$changed" = 'action.yml release/checksums.txt ' ] || stop "the tagged commit changes more than a release does: $changed"
printf 'version=%s\ncommit=%s\ngo=%s\n' "$version" "$commit" "${toolchain#go}"
