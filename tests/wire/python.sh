#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our encoders against Python's protobuf, on random flows.  Needs python3-protobuf.
#	B=build tests/wire/python.sh [flows [seed]]
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
python=
for p in python3 /usr/bin/python3; do
	"$p" -c 'import google.protobuf' 2>/dev/null && python=$p && break
done
if [ -z "$python" ]; then
	echo "skipped: needs python3-protobuf"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
"$B/tests/wire/emit" "$dir/flows" "${1:-20000}" "${2:-7}" && "$python" tests/wire/judge.py "$B/gen/python" "$dir/flows"
