#!/usr/bin/env bash
# Checks SARIF files of real scans with Microsoft's sarif-multitool and its rules for GitHub code scanning: no error, no
# warning. Arguments are further folders to scan; the archives of a folder of test data (TRIFECTA_SHARED, or shared beside
# the checkout) are scanned too. Needs Go, tar and npm, which installs the multitool into a cache where it is missing.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
multitool_version=5.7.0

skip() { echo "SKIP: $*"; exit 77; }

for tool in go node npm tar; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done

tools=${XDG_CACHE_HOME:-$HOME/.cache}/trifecta-e2e/sarif-multitool-$multitool_version
multitool=$tools/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
if [ ! -e "$multitool" ]; then
  echo "installing sarif-multitool $multitool_version"
  mkdir -p "$tools"
  # Its own install script only makes the program executable.
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools" "@microsoft/sarif-multitool@$multitool_version" >&2 ||
    skip "sarif-multitool $multitool_version can't be installed"
  [ -e "$multitool" ] || skip "sarif-multitool has no program for this machine"
fi
chmod u+x "$multitool"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -C "$root" -o "$work/trifecta" ./cmd/trifecta

shared=${TRIFECTA_SHARED:-$root/../shared}
options=(--offline --fail-on none --quiet)
folders=("$root/e2e/sample" "$root/examples/three-tier" "$@")
if [ -d "$shared/corpus" ]; then
  [ ! -d "$shared/osv" ] || database=(--db "$shared/osv" --intel "$shared/intel")
  for archive in "$shared"/corpus/*.tar.gz; do
    folder=$work/corpus/$(basename "$archive" .tar.gz)
    mkdir -p "$folder"
    tar -C "$folder" -xzf "$archive" --no-same-owner
    folders+=("$folder")
  done
else
  echo "no archives of test data in $shared/corpus: only the examples are checked"
fi

# judge NAME FILE lists what the multitool says about a file and fails if that is anything. It exits with 0 whatever it
# finds: what counts is the list in its own report.
judge() {
  "$multitool" validate "$2" --rule-kind 'Sarif;Ghas' --level 'Error;Warning' \
    -o "$work/judgement.sarif" --log ForceOverwrite >"$work/multitool.log" 2>&1 || { cat "$work/multitool.log" >&2; return 1; }
  node - "$1" "$2" "$work/judgement.sarif" <<'JS'
const fs = require('fs');
const [name, file, judgement] = process.argv.slice(2);
const read = (path) => JSON.parse(fs.readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
const found = read(judgement).runs.flatMap((run) => run.results ?? []);
console.log(`${name}: ${read(file).runs[0].results.length} results, ${found.length} complaints`);
for (const r of found.slice(0, 10)) console.log(`  ${r.level ?? 'warning'} ${r.ruleId}: ${JSON.stringify(r.message)}`);
process.exit(found.length ? 1 : 0);
JS
}

failed=0
for folder in "${folders[@]}"; do
  name=$(basename "$folder")
  case $folder in
    "$root/e2e/sample") with=(--db "$folder/advisories") ;;
    "$root"/*) with=() ;;
    *) with=("${database[@]:-}") ;;
  esac
  "$work/trifecta" scan "$folder" "${options[@]}" ${with[@]+"${with[@]}"} -o "sarif=$work/$name.sarif"
  judge "$name" "$work/$name.sarif" || failed=1
done

# A judge that never complains proves nothing: a file without a region must not pass.
grep -q startLine "$work/sample.sarif" || { echo "FAIL: the sample has no result" >&2; exit 1; }
sed 's/"startLine"/"startLime"/' "$work/sample.sarif" >"$work/broken.sarif"
if judge 'broken on purpose' "$work/broken.sarif"; then
  echo 'FAIL: the multitool takes a file without lines' >&2
  failed=1
fi
exit "$failed"
