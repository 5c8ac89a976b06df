#!/usr/bin/env bash
# Draw the boards with Grafana's own components, and compare with the kept pictures (tests/services/test_grafana_pictures.py).
# Needs node with npm, and Chromium. What tests/grafana/package-lock.json lists (458 MB, Apache-2.0 and MIT) is installed into
# work/node-boards. Grafana's server is AGPL and not needed.
set -euo pipefail
cd "$(dirname "$0")/.."
lists=tests/grafana
installed=work/node-boards

if ! cmp --silent $lists/package-lock.json $installed/done.json; then
    echo "installing Grafana's components into $installed"
    mkdir -p $installed
    cp $lists/package.json $lists/package-lock.json $installed/
    npm ci --prefix $installed --ignore-scripts --no-audit --no-fund --loglevel=error
    cp $lists/package-lock.json $installed/done.json
fi
exec "$@" tests/services/test_grafana_pictures.py
