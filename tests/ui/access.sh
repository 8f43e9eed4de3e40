#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signing in to the page of a relay with false agents, over TLS, in a browser: tests/ui/access.mjs.
. tests/ui/with/tools.sh
dir=$(mktemp -d) || exit 1
agents='' relay=''
cleanup() {
	[ -z "$relay" ] || kill "$relay" 2>/dev/null
	[ -z "$agents" ] || kill "$agents" 2>/dev/null
	wait
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
mkdir "$dir/certs"
sh tests/rpc/certs.sh "$dir/certs"
(umask 077 && openssl rand -hex 32 >"$dir/token")
"$build/tests/relay/fake_agent" --at="$dir/a" --agents=2 --rate=50 --past=100 --edges=300 >/dev/null &
agents=$!
"$build/weir-relay" --peer="node-0=unix:$dir/a.0.sock" --peer="node-1=unix:$dir/a.1.sock" --listen=127.0.0.1:0 --socket="$dir/relay.sock" \
	--data="$dir/data" --metrics= --page=127.0.0.1:0 --page-cert="$dir/certs/server.crt" --page-key="$dir/certs/server.key" \
	--page-token-file="$dir/token" 2>"$dir/log" &
relay=$!
i=0
while ! grep -qs "the page is at" "$dir/log" && [ $i -lt 600 ]; do
	sleep 0.1
	i=$((i + 1))
done
url=$(sed -n 's/.*the page is at \([^,]*\).*/\1/p' "$dir/log")
[ -n "$url" ] || { echo "no page: $(cat "$dir/log")"; echo "0 passed, 1 failed"; exit 1; }
node tests/ui/access.mjs "$url" "$(cat "$dir/token")"
