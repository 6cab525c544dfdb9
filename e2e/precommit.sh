#!/usr/bin/env bash
# Commits with the hook trifecta-system under the real pre-commit: a commit that adds a vulnerable package is stopped, one that
# adds nothing is not. With E2E_PRECOMMIT=golang the hook trifecta, for which pre-commit builds this repository itself.
# Needs git, Go, python3, and pip, which installs pre-commit into a cache where it is missing.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
version=4.3.0

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }

for tool in git go python3 tar; do
  command -v "$tool" >/dev/null || skip "$tool is missing"
done
tools=${XDG_CACHE_HOME:-$HOME/.cache}/trifecta-e2e/pre-commit-$version
if [ ! -x "$tools/bin/pre-commit" ]; then
  echo "installing pre-commit $version"
  { python3 -m venv "$tools" && "$tools/bin/pip" install -q --disable-pip-version-check "pre-commit==$version"; } >&2 || skip "pre-commit $version can't be installed"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
(cd "$root" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$work/bin/trifecta" ./cmd/trifecta)
export PATH=$work/bin:$tools/bin:$PATH PRE_COMMIT_HOME=$work/home

# This repository as pre-commit fetches it, with the changes that are not committed yet.
mkdir "$work/trifecta"
git -C "$root" ls-files -z --cached --others --exclude-standard |
  (cd "$root" && while IFS= read -r -d '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done) |
  tar -C "$root" --null --files-from=- -cf - | tar -C "$work/trifecta" -xf -
git() { command git -c user.name=e2e -c user.email=e2e@registry.example -c init.defaultBranch=main -c protocol.file.allow=always "$@"; }
git -C "$work/trifecta" init -q
git -C "$work/trifecta" add -A
git -C "$work/trifecta" commit -q -m 'this commit'

hook=trifecta-system
[ "${E2E_PRECOMMIT:-}" != golang ] || hook=trifecta
repository=$work/shop
mkdir "$repository"
cp -R "$root/e2e/sample/advisories" "$repository/"
cat >"$repository/.pre-commit-config.yaml" <<YAML
repos:
  - repo: $work/trifecta
    rev: $(command git -C "$work/trifecta" rev-parse HEAD)
    hooks:
      - id: $hook
        args: [--offline, --db, advisories, --fail-on, low]
YAML
cd "$repository"
git init -q
git add -A
git commit -q -m 'before the shop'
pre-commit install >"$work/install.log" || { cat "$work/install.log"; fail "pre-commit install"; }

echo 'a shop' >README.md
git add README.md
git commit -q -m 'words' >"$work/words.log" 2>&1 || { cat "$work/words.log"; fail "a commit of words was stopped"; }
grep -q 'Skipped' "$work/words.log" || { cat "$work/words.log"; fail "the hook ran for words"; }

cp -R "$root/e2e/sample/shop" shop
git add -A
if git commit -q -m 'a shop' >"$work/shop.log" 2>&1; then
  cat "$work/shop.log"
  fail "a commit with a vulnerable package went through"
fi
grep -q 'coin-words 0\.4\.1' "$work/shop.log" || { cat "$work/shop.log"; fail "nobody says why"; }

# What is there is no reason to stop the next one.
git commit -q --no-verify -m 'a shop all the same'
echo '{"name": "other"}' >package.json
git add -A
git commit -q -m 'another package.json' >"$work/other.log" 2>&1 || { cat "$work/other.log"; fail "what was there before stops a commit"; }
grep -q 'Passed' "$work/other.log" || { cat "$work/other.log"; fail "the hook did not run"; }
echo "ok: the hook $hook"
