#!/bin/sh
# cargo calls this instead of the compiler, whose name comes first.
compiler=$1
shift
exec "$compiler" "$@" --cap-lints allow
