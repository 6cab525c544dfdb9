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
  "$multitool" validate "$2" --rule-kind 'Sarif;Ghas' --level 'Error;Warning' --max-file-size-in-kb 1000000 \
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

# A result of 60,000 findings: the worst 5,000 are kept, one result says so, and the file is one that code scanning takes.
"$work/trifecta" scan "$root/examples/three-tier" "${options[@]}" -o "json=$work/example.json"
node - "$work/example.json" "$work/many.json" <<'JS'
const fs = require('fs');
const [from, to] = process.argv.slice(2);
const result = JSON.parse(fs.readFileSync(from, 'utf8'));
const some = result.findings.filter((f) => f.status === 'new');
result.findings = Array.from({ length: 60000 }, (_, i) => {
  const f = structuredClone(some[i % some.length]);
  const folder = `services/s${Math.floor(i / some.length)}/`;
  f.location.path = folder + f.location.path;
  for (const r of f.related) r.location.path = folder + r.location.path;
  f.fingerprint = i.toString(16).padStart(32, '0');
  f.score = (i * 7919) % 100;
  return f;
});
const tiers = ['act', 'attend', 'track*', 'track']; // a result is in order
result.findings.sort((a, b) => tiers.indexOf(a.tier) - tiers.indexOf(b.tier) || b.score - a.score);
fs.writeFileSync(to, JSON.stringify(result));
JS
"$work/trifecta" report "$work/many.json" -o "sarif=$work/many.sarif" --quiet
judge '60,000 findings' "$work/many.sarif" || failed=1
node - "$work/many.json" "$work/many.sarif" <<'JS' || failed=1
const fs = require('fs'), zlib = require('zlib');
const [json, sarif] = process.argv.slice(2);
const text = fs.readFileSync(sarif);
const kept = JSON.parse(text).runs[0].results;
const tiers = ['act', 'attend', 'track*', 'track'];
const order = (f) => [tiers.indexOf(f.tier), -f.score];
const worst = JSON.parse(fs.readFileSync(json, 'utf8')).findings.sort((a, b) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1]);
const prints = new Set(kept.map((r) => r.partialFingerprints?.primaryLocationLineHash));
const fail = (why) => { console.error('FAIL: ' + why); process.exitCode = 1; };
if (kept.length > 5000 || kept.length < 4990) fail(`${kept.length} results were kept`);
if (!kept.some((r) => /of 60.?000/.test(r.message.text) || /of '60.?000'/.test(r.message.text))) fail('no result says that findings were left out');
// Those of the last score that fits can be any of several; all that are worse must be there.
const edge = order(worst[4998]);
for (const f of worst) {
  const at = order(f);
  if ((at[0] < edge[0] || (at[0] === edge[0] && at[1] < edge[1])) && !prints.has(f.fingerprint)) { fail(`a worse finding is missing: ${f.tier} ${f.score}`); break; }
}
const packed = zlib.gzipSync(text).length;
console.log(`${kept.length} results, ${(packed / 1e6).toFixed(1)} MB packed`);
if (packed > 10e6) fail('the file is larger than code scanning takes');
JS

# A judge that never complains proves nothing: a file without a region must not pass.
grep -q startLine "$work/sample.sarif" || { echo "FAIL: the sample has no result" >&2; exit 1; }
sed 's/"startLine"/"startLime"/' "$work/sample.sarif" >"$work/broken.sarif"
if judge 'broken on purpose' "$work/broken.sarif"; then
  echo 'FAIL: the multitool takes a file without lines' >&2
  failed=1
fi
exit "$failed"
