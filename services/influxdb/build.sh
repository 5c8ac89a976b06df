#!/usr/bin/env bash
# Builds InfluxDB without its web page: some minutes the first time, seconds when Go's and cargo's own caches have the parts.
#   bash services/influxdb/build.sh <folder>      leaves <folder>/influxdb/influxd
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/influxdb"
target=$(cd "$1/influxdb" && pwd)

for tool in go:Go cargo:Rust pkg-config:pkg-config cc:"C compiler"; do
    command -v "${tool%%:*}" > /dev/null ||
        { echo "InfluxDB cannot be built: there is no ${tool#*:} (the command ${tool%%:*}) on this machine" >&2; exit 1; }
done

cd "$here"
export GOFLAGS=-mod=readonly
go build -o "$target/tools/pkg-config" github.com/influxdata/pkg-config

# Its Rust part, libflux, names an old toolchain and forbids warnings that newer ones have added.
export RUSTUP_TOOLCHAIN=${RUSTUP_TOOLCHAIN:-stable} RUSTC_WRAPPER=$here/rustc_without_lints.sh PKG_CONFIG=$target/tools/pkg-config
log=${LOG:-$target/build.log}
go build -o "$target/influxd.new" github.com/influxdata/influxdb/v2/cmd/influxd > "$log" 2>&1 ||
    { tail -n 20 "$log" >&2; echo "InfluxDB could not be built; the whole log is $log" >&2; exit 1; }
mv "$target/influxd.new" "$target/influxd"
