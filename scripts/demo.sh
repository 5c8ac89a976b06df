#!/usr/bin/env bash
# The whole job on the embedded default, as `make demo` starts it: the mini-XENONnT, one tick, the page.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lively.sh

work=${1:-work}
if [[ $work != work ]]; then
    echo "the demo runs in the folder 'work', which config.yaml names, not in '$work'" >&2
    exit 2
fi
log=$work/demo.log

heading() { printf '\n== %s (after %s s)\n' "$1" "$SECONDS"; }

# One line for each finished or failed job of Snakemake's long output, then the tick's own closing words.
progress() {
    awk '
        /^analysis +waiting/ { closing = 1; print "" }
        closing && !/^Complete log|^Elapsed time/ { print; fflush() }
        closing { next }
        /^Job [0-9]+: / { job = $2; sub(/:$/, "", job); what[job] = substr($0, length($1 $2) + 3) }
        /^Finished jobid: / { finished = ($3 in what) ? what[$3] : "the tick itself" }
        /^[0-9]+ of [0-9]+ steps / { printf "[%*d/%d] %s\n", length($3), $1, $3, finished; fflush() }
        /^    jobid: / && ($2 in what) { print "FAILED " what[$2]; fflush() }
    '
}

heading "Making the mini-XENONnT"
lively "$work/envs/analysis/bin/python" -m mini_xenonnt make --output "$work/mini"

# The slow control is a server, here one of the mini-XENONnT on the loopback interface, for as long as the tick takes.
coproc slow_control { exec "$work/envs/analysis/bin/python" -m mini_xenonnt slow-control --output "$work/mini"; }
server=$slow_control_PID
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
read -r ready <&"${slow_control[0]}" || { echo "the slow control of the mini-XENONnT did not start" >&2; exit 1; }
echo "$ready"

heading "Running one tick of XOM; Snakemake's own output goes to $log"
export PATH="$PWD/$work/envs/workflow/bin:$PATH"
set +e
snakemake 2>&1 | tee "$log" | progress
status=${PIPESTATUS[0]}
set -e

if [[ $status -ne 0 ]]; then
    grep --quiet '^this tick: ' "$log" || { echo "the tick broke down; its last lines:"; tail -n 20 "$log"; } >&2
    echo "the tick ended with exit code $status; see $log" >&2
elif grep --quiet '^this tick: 0 of 0 ' "$log"; then
    echo "nothing was to do: every run whose data can be read had been analysed before"
fi
heading "End"
exit "$status"
