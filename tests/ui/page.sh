#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of a lab's relay in a browser: tests/ui/page.mjs.
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
. tests/ui/with/tools.sh
lab=ui-$$
state=/run/weir-lab/$lab
"$build/weir" lab demo --name "$lab" --seconds 500 >"$build/ui-shots/demo.log" 2>&1 &
demo=$!
cleanup() {
	kill -INT "$demo" 2>/dev/null
	wait "$demo" 2>/dev/null
	[ ! -d "$state" ] || "$build/weir" lab down "$lab" >/dev/null
}
trap cleanup EXIT
trap 'exit 1' INT TERM
i=0
while ! grep -q 'the page is at' "$state/relay.log" 2>/dev/null && [ $i -lt 600 ]; do
	sleep 0.1
	i=$((i + 1))
done
url=$(sed -n 's/.*the page is at //p' "$state/relay.log")
relay=$("$build/weir" lab status "$lab" | sed -nE 's/^\(relay\) +running \(([0-9]+)\).*/\1/p')
[ -n "$url" ] && [ -n "$relay" ] || { echo "no page: $(cat "$state/relay.log")"; echo "0 passed, 1 failed"; exit 1; }
node tests/ui/page.mjs "$url" "$relay"
