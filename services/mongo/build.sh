#!/usr/bin/env bash
# Builds the MongoDB-protocol server of the tests.
#   bash services/mongo/build.sh <folder>      leaves <folder>/mongo/{lib,classes}
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/mongo"
target=$(cd "$1/mongo" && pwd)

for tool in java:"Java 17" javac:"Java compiler" mvn:Maven; do
    command -v "${tool%%:*}" > /dev/null ||
        { echo "the MongoDB server cannot be built: there is no ${tool#*:} (the command ${tool%%:*}) on this machine" >&2; exit 1; }
done

rm -rf "$target/lib" "$target/classes"
log=${LOG:-$target/build.log}
mvn --batch-mode --file "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$target/lib" -DincludeScope=runtime > "$log" 2>&1 ||
    { tail -n 20 "$log" >&2; echo "the MongoDB server cannot be built: Maven could not fetch what services/mongo/pom.xml names" >&2; exit 1; }
javac -Xlint:all -Werror --release 17 -cp "$target/lib/*" -d "$target/classes" "$here"/src/*.java
