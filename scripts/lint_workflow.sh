#!/usr/bin/env bash
# `snakemake --lint` with the exceptions listed here, and no others; needs snakemake in PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

accepted=(
    # The interpreter of a run comes from the configuration (`software:`), and the steps of a tick run in the workflow
    # environment, which `make envs` locks: there is no conda environment or container that a rule could name.
    "Specify a conda environment or container for each rule."
)

# snakemake --lint exits with 1 whether it complains or breaks down; only complaints have this heading.
if said=$(snakemake --lint 2>&1); then
    echo "snakemake --lint: nothing to complain about"
    exit 0
elif ! grep --quiet '^Lints for ' <<< "$said"; then
    echo "$said" >&2
    exit 1
fi

rest=$(ACCEPTED=$(printf '%s\n' "${accepted[@]}") awk '
    BEGIN { count = split(ENVIRON["ACCEPTED"], lines, "\n"); for (i = 1; i <= count; i++) accepted[lines[i] ":"] = 1 }
    # The rule `outcome` only refuses to run, so it has no log.
    /^Lints for / { place = $0; refuses = /^Lints for rule outcome /; next }
    /^    \* / { shown = !(substr($0, 7) in accepted || refuses && /No log directive/); if (shown) print place }
    shown
' <<< "$said")

if [[ -n $rest ]]; then
    echo "$rest" >&2
    exit 1
fi
echo "snakemake --lint: nothing but the accepted exceptions (${#accepted[@]})"
