#!/usr/bin/env bash
# Builds the servers that tests talk to, once for all checkouts of a user, and links them into a folder; `make services` calls it.
#   bash services/make.sh <folder>      leaves <folder>/mongo and <folder>/influxdb; Slurm is the system's
set -euo pipefail
cd -P "$(dirname "$0")/.."
source scripts/lively.sh
mkdir -p "$1"
folder=$(cd -P "$1" && pwd)

builds=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/xom/services
if ! mkdir -p "$builds" 2> /dev/null || [ ! -w "$builds" ]; then
    # The compilers' own caches lie in the home folder as well.
    builds=$folder/builds
    export GOCACHE=$builds/go-build GOPATH=$builds/go CARGO_HOME=$builds/cargo MAVEN_OPTS="-Dmaven.repo.local=$builds/maven"
    mkdir -p "$builds"
fi
attempt=
trap '[ -z "$attempt" ] || rm -rf "$attempt"' EXIT
find "$builds" -maxdepth 1 -name "*.building-*" -mtime +1 -exec rm -rf {} + # of killed builds

# Print what the build of a service depends on, in short: its files and the kind of machine.
digest() {
    (cd "services/$1" && uname -sm && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c 1-16
}

# A build gets its name when it is finished, so that an interrupted one never counts.
build() {
    local place
    place=$builds/$1-$(digest "$1")
    if [ ! -d "$place" ]; then
        echo "building $1$2; log: $folder/$1.log"
        attempt=$place.building-$$
        LOG=$folder/$1.log lively bash "services/$1/build.sh" "$attempt"
        mv -T "$attempt/$1" "$place" 2> /dev/null || [ -d "$place" ] # another build may have been faster
        rm -rf "$attempt"
    fi
    if [ "$(readlink "$folder/$1")" != "$place" ]; then
        rm -rf "${folder:?}/$1"
        ln -s "$place" "$folder/$1"
    fi
}

build mongo ""
build influxdb " (about five minutes, seconds where Go and cargo have built it before)"
bash services/slurm/install.sh
echo "the servers for the tests are there: MongoDB and InfluxDB in $1, Slurm from the system"
