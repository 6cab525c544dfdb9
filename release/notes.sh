#!/usr/bin/env bash
# notes.sh VERSION: prints the notes of a release from changelog/VERSION, security first, then what breaks.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/changelog/$1
[ -d "$folder" ] || { echo "release: there is no changelog/$1" >&2; exit 1; }
for kind in Security Breaking Fix Enhancement; do
  for note in "$folder"/*.md; do
    if head -n 1 "$note" | grep -q "^# $kind: "; then
      sed '1s/^# /### /' "$note"
      echo
    fi
  done
done
cat <<'TEXT'
### Verify

`sha256sum --check checksums.txt` compares the archives with the checksums of the tagged commit, and
`gh attestation verify FILE --repo trifecta-scanner/trifecta` tells which workflow built them. `sbom.cdx.json` and
`sbom.spdx.json` list what is inside.
TEXT
