#!/usr/bin/env bash
# Makes the locked environments in <work>/envs, or brings them up to date; `make envs` calls it.
#   bash envs/make.sh <work> (workflow|development|analysis) ...
# There are two, because snakemake 9 needs pydantic 2 and straxen needs pydantic 1; `development` is the workflow environment
# with what tests and linters need besides.
set -euo pipefail
cd -P "$(dirname "$0")/.."
source envs/common.sh
work=$(cd -P "$1" && pwd)

# Whether the environment $1 is where it was made, and its interpreter is the wanted one.
is_usable() {
    [ "$(examine "$1/bin/python" | head -n 2)" = "$version"$'\n'"$home" ] &&
        [ -d "$1/lib/python$version/site-packages" ] && grep --quiet --fixed-strings "$1" "$1/bin/activate"
}

# Print all that an environment is made from: the lock $1 and the head of pyproject.toml, which has the project's commands.
ingredients() {
    pwd
    echo "compiled"
    sed '/^\[tool/,$d' pyproject.toml
    cat "envs/$1.txt" envs/build.txt envs/sources.txt
}

# Make the environment $1 from the lock $2. The file made-of is written last: an environment without it is not finished.
environment() {
    local place=$envs/$1
    if is_usable "$place"; then
        ! ingredients "$2" | cmp --silent - "$place/made-of" || return 0
        echo "bringing the $1 environment up to date"
    else
        [ ! -e "$place" ] || echo "the $1 environment is of another interpreter or of another folder"
        echo "making the $1 environment with Python $version"
        "$uv" venv --quiet --no-config --clear --python "$python" "$place"
    fi
    rm -f "$place/made-of"
    # Compiled once here: analyses write no bytecode, and straxen's import would cost 9 instead of 4 CPU seconds each time.
    lively "$uv" pip sync --no-config --compile-bytecode --python "$place/bin/python" --require-hashes --build-constraints envs/build.txt \
        "${uv_sources[@]}" envs/sources.txt "envs/$2.txt" || fail "the $1 environment could not be made: $(no_packages)"
    # Editable: rules, scripts and package are of one checkout and must be of one version. uv builds it without the network.
    "$uv" pip install --quiet --no-config --python "$place/bin/python" --offline --no-index --no-deps --editable .
    ingredients "$2" > "$place/made-of.new"
    mv "$place/made-of.new" "$place/made-of"
}

for name in "${@:2}"; do
    case $name in
        development) environment workflow development ;;
        workflow)
            # What tests and linters need stays once it is there.
            lock=workflow
            [ ! -x "$envs/workflow/bin/pytest" ] || lock=development
            environment workflow "$lock"
            ;;
        *) environment "$name" "$name" ;;
    esac
done

# The project's modules too: an environment variable, or a folder that is only read, may keep its programs from doing it.
for name in workflow analysis; do
    [ ! -x "$envs/$name/bin/python" ] || "$envs/$name/bin/python" -m compileall -q src
done

# All programs of the workflow environment begin with xomflow/start.py.
first="$envs/workflow/lib/python$version/site-packages/zz_xom.pth"
[ ! -d "${first%/*}" ] || [ -e "$first" ] || echo "import xomflow.start" > "$first"

activate="export PATH=\"$envs/workflow/bin:\$PATH\""
[ "$(cat "$work/activate" 2> /dev/null)" = "$activate" ] || echo "$activate" > "$work/activate"
