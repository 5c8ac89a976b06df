# shellcheck shell=bash
# Sourced by make.sh and wheelhouse.sh in the project's folder, with the work folder as $1.
# Sets `python` (an interpreter), `version` (3.12) and `home` (its folder), `envs`, and makes `uv`.
#
# PYTHON       an interpreter; without it that of the environments that are there, else python3
# WHEELHOUSE   a folder that `make wheelhouse` filled; then nothing is asked of the network
source scripts/lively.sh
unset PYTHONHOME PYTHONPATH # of another project, perhaps

fail() { echo "$1" >&2; exit 2; }

# Print version, home and path of the interpreter that is behind $1; "unusable" and the version where XOM cannot use it.
examine() {
    "$1" -c '
import os, sys, sysconfig
version = "%d.%d" % sys.version_info[:2]
if version not in ("3.11", "3.12", "3.13"):
    print("unusable\nPython " + version)
elif sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("unusable\nanother Python than the usual CPython")
else:
    print("%s\n%s\n%s" % (version, os.path.realpath(sys.base_prefix), os.path.realpath(sys._base_executable)))
' 2> /dev/null
}

# Print what to type instead: another interpreter of this machine, or how to get one.
way_out() {
    local other
    for other in python3.12 python3.11 python3.13; do
        if "$other" -c "" &> /dev/null; then
            echo "type: make ${GOALS:-envs} PYTHON=$other"
            return
        fi
    done
    echo "install one of them (Debian: apt-get install python3 python3-venv) and type: make ${GOALS:-envs} PYTHON=<its path>"
}

choose_interpreter() {
    local wanted=${PYTHON:-} found
    if [ -z "$wanted" ]; then
        wanted=$envs/workflow/bin/python
        "$wanted" -c "" &> /dev/null || wanted=python3
    fi
    found=$(examine "$wanted") || fail "XOM needs Python 3.11, 3.12 or 3.13, and $wanted does not start: $(way_out)"
    { read -r version; read -r home; read -r python || true; } <<< "$found"
    [ "$version" != unusable ] || fail "XOM needs Python 3.11, 3.12 or 3.13, and $wanted is $home: $(way_out)"
}

locked_uv() { sed -n 's/^uv==\([^ ]*\).*/\1/p' envs/uv.txt; }

# uv installs the environments. It comes from the package index, like everything else, with the interpreter's own pip.
make_uv() {
    uv=$envs/uv/bin/uv
    if [ "$("$uv" --version 2> /dev/null | cut -d " " -f 2)" != "$(locked_uv)" ] || ! "$envs/uv/bin/python" -c "" &> /dev/null; then
        "$python" -c "import ensurepip, venv" &> /dev/null ||
            fail "Python $version at $python has no venv module: install it (Debian: apt-get install python$version-venv), then type make ${GOALS:-envs} again"
        echo "installing uv $(locked_uv)"
        rm -rf "$envs/uv"
        lively "$python" -m venv "$envs/uv"
        lively "$envs/uv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
            "${pip_sources[@]}" -r envs/uv.txt || fail "uv could not be installed: $(no_packages)"
    fi
    # A home folder that cannot be written is no reason to stop.
    local cache
    cache=$("$uv" cache dir --no-config 2> /dev/null) && mkdir -p "$cache" 2> /dev/null && [ -w "$cache" ] || export UV_CACHE_DIR=$envs/cache
}

# Print what to do where packages are missing.
no_packages() {
    if [ -n "${WHEELHOUSE:-}" ]; then
        echo "the wheelhouse $WHEELHOUSE lacks packages for Python $version; make it with: make wheelhouse PYTHON=<a Python $version>"
    else
        echo "type the command again when the package index answers; without the internet: docs/operator.md, \"Without the internet\""
    fi
}

envs=$1/envs
pip_sources=() uv_sources=()
if [ -n "${WHEELHOUSE:-}" ]; then
    [ -d "$WHEELHOUSE" ] || fail "there is no wheelhouse $WHEELHOUSE: make it where there is internet, with: make wheelhouse"
    pip_sources=(--no-index --find-links "$WHEELHOUSE")
    uv_sources=(--offline --no-index --find-links "$WHEELHOUSE")
fi
choose_interpreter
mkdir -p "$envs"
envs=$(cd -P "$envs" && pwd)
rm -f "$envs"/*.done # version 1 would take them for its own
make_uv
