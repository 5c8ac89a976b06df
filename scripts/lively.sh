# shellcheck shell=bash
# Sourced. `lively COMMAND...` runs the command and, as long as it runs, prints a line every eight seconds: no step of an
# installation is silent for longer than ten.
lively() {
    local started=$SECONDS ticker status=0
    # sleep gets no output to hold open, and the loop ends with this script even if that is killed.
    (while sleep 8 &> /dev/null && kill -0 $$ 2> /dev/null; do echo "  ... $((SECONDS - started)) s"; done) &
    ticker=$!
    "$@" || status=$?
    kill "$ticker" 2> /dev/null || true
    wait "$ticker" 2> /dev/null || true
    return "$status"
}
