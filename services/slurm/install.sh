#!/usr/bin/env bash
# Installs the programs of Slurm, munge and MariaDB (for Slurm's accounts) from Debian's packages, if one is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/../../scripts/lively.sh"

is_complete() {
    for program in slurmctld slurmd slurmdbd munged mariadbd mariadb-install-db my_print_defaults sbatch srun scontrol squeue sacctmgr; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$program" > /dev/null || return 1
    done
}

is_complete && exit 0
command -v apt-get > /dev/null ||
    { echo "Slurm is missing, and this machine has no apt-get to install it: slurmctld, slurmd, slurmdbd, munged, mariadbd are needed" >&2; exit 1; }
mapfile -t packages < <(grep -v '^#' "$here/packages.txt")
[ "$(id -u)" = 0 ] ||
    { echo "Slurm or a part of it is missing; ask the administrator to run: apt-get install ${packages[*]}" >&2; exit 1; }
echo "installing ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
install_packages() { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null; }
lively install_packages ||
    { echo "Slurm could not be installed; the package manager's words are above" >&2; exit 1; }
is_complete || { echo "the packages of Slurm are installed, but some of its programs are not there" >&2; exit 1; }
