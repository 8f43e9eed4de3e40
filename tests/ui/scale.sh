#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A cluster of 3,000 workloads and 20,000 edges on the whole way, from twenty agents (false ones: tests/relay/fake_edges.h) through a
# real relay's sums, past and folding to a browser: tests/ui/scale.mjs.
. tests/ui/with/tools.sh
dir=$(mktemp -d /tmp/weir-scale.XXXXXX)
"$build/tests/relay/fake_agent" --at="$dir/a" --agents=20 --rate=20 --past=200 --workloads=3000 --edges=20000 >"$dir/agents.log" 2>&1 &
agents=$!
relay=
cleanup() {
	kill $agents $relay 2>/dev/null
	wait $agents $relay 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
for i in $(seq 0 19); do echo "node-$i=unix:$dir/a.$i.sock"; done >"$dir/nodes"
"$build/weir-relay" --peers="$dir/nodes" --listen=127.0.0.1:0 --socket="$dir/relay.sock" --metrics= --data="$dir" --page=127.0.0.1:0 >"$dir/relay.log" 2>&1 &
relay=$!
i=0
while ! grep -q 'the page is at' "$dir/relay.log" 2>/dev/null && [ $i -lt 600 ]; do
	sleep 0.1
	i=$((i + 1))
done
url=$(sed -n 's/.*the page is at //p' "$dir/relay.log")
[ -n "$url" ] || { echo "no page: $(cat "$dir/relay.log")"; echo "0 passed, 1 failed"; exit 1; }
node tests/ui/scale.mjs "$url"
