#!/usr/bin/env bash
# Fills a folder with all that `make envs` needs, for machines without the internet; `make wheelhouse` calls it.
#   bash envs/wheelhouse.sh <work> <folder>
# The packages are those of this machine's kind and of the chosen Python. Several Pythons may share a folder.
set -euo pipefail
cd -P "$(dirname "$0")/.."
unset WHEELHOUSE
source envs/common.sh
mkdir -p "$2"

# development.txt has all of workflow.txt. What packages say about the newest Python is ignored, as uv does: rframe 0.2 names none
# above 3.12, and works.
for lock in uv build development analysis; do
    echo "fetching the packages of envs/$lock.txt for Python $version"
    lively "$envs/uv/bin/python" -m pip --python "$python" download --quiet --disable-pip-version-check --no-deps \
        --ignore-requires-python --require-hashes --dest "$2" -r envs/sources.txt -r "envs/$lock.txt" || fail "the wheelhouse $2 is not complete: $(no_packages)"
done
echo "the wheelhouse $2 has everything for Python $version; elsewhere, in this project's folder: make envs WHEELHOUSE=<its path>"
