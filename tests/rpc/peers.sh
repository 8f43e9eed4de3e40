#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lib/rpc against gRPCs that we did not write: python3-grpcio (the core again) and grpc-js (not a line in common).
#	B=build tests/rpc/peers.sh grpcio|js|hostile
cd "$(dirname "$0")/../.." || exit 1
export B="${B:-build}"
skip() {
	echo "skipped: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
python=
for p in python3 /usr/bin/python3; do
	"$p" -c 'import grpc, google.protobuf' 2>/dev/null && python=$p && break
done
[ -n "$python" ] || skip "needs python3-grpcio"
if [ "$1" = js ]; then
	modules=$B/tests/rpc/node
	command -v node >/dev/null && command -v npm >/dev/null || skip "grpc-js needs node and npm"
	mkdir -p "$modules" && cp tests/rpc/package.json tests/rpc/package-lock.json "$modules/"
	[ -d "$modules/node_modules/@grpc/grpc-js" ] ||
		(cd "$modules" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
		skip "grpc-js: the registry of npm cannot be reached"
	modules=$(cd "$modules/node_modules" && pwd)
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
sh tests/rpc/certs.sh "$dir"
"$python" "tests/rpc/$1.py" "$dir" $modules
