# shellcheck shell=bash
# Sourced. `lively COMMAND...` runs the command and, as long as it runs, prints a line every eight seconds: no step of an
# installation is silent for longer than ten. The clock ends when its input does, thus also when this script is killed.
lively() {
    local status=0
    exec 9> >(
        while read -r -t "${LIVELY_SECONDS:-8}" || [ $? -gt 128 ]; do
            echo "  ... $SECONDS s"
        done
    )
    "$@" 9>&- || status=$?
    exec 9>&-
    return "$status"
}
