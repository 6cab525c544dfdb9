#!/usr/bin/env bash
# Opens the HTML report in Chromium and does what a reader does, by mouse and by keyboard: e2e/page/check.mjs. The page is
# looked at in three widths, light and dark, by axe's rules for accessibility, on paper, without scripts, and with 5,000
# findings. With --images it takes the pictures of docs/images instead.
# Needs Go, node, npm and Chromium; npm installs puppeteer-core and the others into a cache where they are missing.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
packages=(puppeteer-core@24.43.1 axe-core@4.14.1)
images=${1:-}
if [ "$images" = --images ]; then
  packages+=(marked@16.4.1 mermaid@11.12.1 github-markdown-css@5.8.1)
fi

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }

for tool in go git node npm; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done
browser=
for name in chromium chromium-browser google-chrome; do
  browser=${browser:-$(command -v "$name" || true)}
done
[ -n "$browser" ] || skip "no Chromium is installed"

tools=${XDG_CACHE_HOME:-$HOME/.cache}/trifecta-e2e/page-$(printf '%s\n' "${packages[@]}" | git hash-object --stdin | cut -c 1-12)
if [ ! -e "$tools/complete" ]; then
  echo "installing ${packages[*]}"
  mkdir -p "$tools"
  PUPPETEER_SKIP_DOWNLOAD=1 npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools" "${packages[@]}" >&2 ||
    skip "the packages can't be installed"
  touch "$tools/complete"
fi

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
(cd "$root" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$work/trifecta" ./cmd/trifecta)
export SOURCE_DATE_EPOCH=1795305600 BROWSER=$browser
# A module finds its packages from where it lies.
cp "$root"/e2e/page/*.mjs "$tools/"

if [ "$images" != --images ]; then
  "$work/trifecta" scan "$root/examples/three-tier" --offline --quiet --fail-on none -o json="$work/result.json" -o html="$work/report.html"
  node "$tools/many.mjs" "$work/result.json" 5000 >"$work/many.json"
  "$work/trifecta" report "$work/many.json" -o html="$work/many.html"
  node "$tools/check.mjs" "$work/report.html" "$work/many.html" || fail "the page is not as it should be, see above"
  exit
fi

# The pictures. The comment is the one of a pull request that opens the example to the internet, as a host gets it.
repository=$work/repository
cp -R "$root/examples/three-tier" "$repository"
git -C "$repository" init -q -b main
commit() { git -C "$repository" add -A && git -C "$repository" -c user.name=e2e -c user.email=e2e@registry.example commit -q -m "$1"; }
sed -i 's/^\( *cidr_ipv4 *= *\)"0.0.0.0\/0"/\1"10.20.0.0\/16"/' "$repository/terraform/security.tf"
commit 'before'
before=$(git -C "$repository" rev-parse HEAD)
cp "$root/examples/three-tier/terraform/security.tf" "$repository/terraform/security.tf"
commit 'open to the world'
git -C "$repository" remote add origin https://github.com/acme/shop.git
(cd "$repository" && "$work/trifecta" scan --offline --quiet --fail-on none -o html="$work/report.html")

(cd "$root" && go build -trimpath -buildvcs=false -o "$work/github" ./e2e/github)
"$work/github" -address "$work/address" >"$work/github.json" &
server=$!
for _ in $(seq 100); do
  [ ! -s "$work/address" ] || break
  sleep 0.1
done
printf '{"number": 7, "pull_request": {"number": 7, "base": {"ref": "main", "sha": "%s"}}}\n' "$before" >"$work/event.json"
mkdir "$work/runner"
(cd "$repository" && env GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_EVENT_PATH="$work/event.json" GITHUB_REPOSITORY=acme/shop \
  GITHUB_REF=refs/pull/7/merge GITHUB_SHA="$(git rev-parse HEAD)" GITHUB_API_URL="$(cat "$work/address")/api/v3" GITHUB_SERVER_URL=https://github.com \
  GITHUB_WORKSPACE="$repository" RUNNER_TEMP="$work/runner" INPUT_TOKEN=ghp_READER INPUT_UPLOAD_SARIF=false INPUT_SUGGESTIONS=false \
  TRIFECTA_DB=advisories "$work/trifecta" ci) >"$work/ci.log" 2>&1 || { cat "$work/ci.log"; fail "trifecta ci"; }
kill "$server"
wait "$server" || { cat "$work/github.json"; fail "the GitHub of the test is not content"; }
server=
mkdir -p "$root/docs/images"
node "$tools/images.mjs" "$work/report.html" "$work/github.json" "$root/docs/images"
ls -l "$root/docs/images"
