#!/usr/bin/env bash
# Check the page's scripts: their form by prettier, eslint, their types by `tsc`; `--format` only brings them into form.
# Needs node with npm; what tests/page/js/package-lock.json lists is installed into work/node.
set -euo pipefail
cd "$(dirname "$0")/.."
lists=tests/page/js
installed=work/node

cannot() {
    echo "the page's scripts are not checked: $1" >&2
    if [[ ${CI:-} == true ]]; then exit 1; else exit 0; fi
}
command -v node > /dev/null && command -v npm > /dev/null ||
    cannot "node or npm is not on PATH (Debian: apt-get install nodejs npm)"
node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || major == 20 && minor >= 19 ? 0 : 1)' ||
    cannot "node is $(node --version), and eslint needs 20.19 or later"

if ! cmp --silent $lists/package-lock.json $installed/done.json; then
    echo "installing the linters of the page's scripts into $installed"
    mkdir -p $installed
    cp $lists/package.json $lists/package-lock.json $installed/
    npm ci --prefix $installed --no-audit --no-fund --loglevel=error
    cp $lists/package-lock.json $installed/done.json
fi

bin=$installed/node_modules/.bin
files=("src/xomflow/page/assets/**/*.js" "$lists/*.js" "$lists/*.ts" "tests/grafana/*.js" "tests/grafana/*.jsx" "!**/*.min.js")
form() { $bin/prettier --config $lists/prettier.json --log-level warn "$1" "${files[@]}"; }
if [[ ${1:-} == --format ]]; then
    form --write
    exit
fi
form --check
$bin/eslint --config $lists/eslint.config.js --max-warnings 0 src/xomflow/page/assets $lists
$bin/tsc --project $lists/tsconfig.json
echo "the page's scripts: nothing to complain about"
