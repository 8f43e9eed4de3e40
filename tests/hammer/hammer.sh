#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The hammer on sound builds, which must hold, and on broken ones, which must be caught.
#	hammer.sh [SECONDS]	of each sound run, 2 unless told; a broken one gets ten tries of 2 s
seconds=${1:-2}
B=${B:-build}
dir=$B/tests/hammer
passed=0 failed=0

told() {
	if [ "$1" = ok ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
}
sound() {	# what, object, options
	what=$1 object=$2
	shift 2
	if out=$("$dir/hammer" "$dir/$object.bpf.o" --seconds "$seconds" "$@" 2>&1); then
		told ok
		echo "sound:  $what: $(echo "$out" | sed -n 's/ passed;.*/ passed/p')"
	else
		told failed
		echo "FAILED: $what"
		echo "$out" | sed 's/^/    /'
	fi
}
broken() {	# what, object, options
	what=$1 object=$2
	shift 2
	for try in 1 2 3 4 5 6 7 8 9 10; do
		out=$("$dir/hammer" "$dir/$object.bpf.o" --seconds 2 "$@" 2>&1) || break
	done
	if echo "$out" | grep -q '^BROKEN'; then
		told ok
		echo "caught: $what, in run $try: $(echo "$out" | grep -E 'difference|left|^[0-9]+ packets (passed|dropped|through)' |
			grep -vE 'difference 0; flows and sides that differ 0$' | tr '\n' ' ' | cut -c1-180)"
	else
		told failed
		echo "NOT CAUGHT: $what"
		echo "$out" | tail -n 4 | sed 's/^/    /'
	fi
}

[ "$(id -u)" = 0 ] || { echo "hammer.sh: needs root"; exit 1; }
sound "28 slots, both sides judged at once" sound --buckets 4
sound "14 slots, both hooks on two CPUs" sound --buckets 2 --stack
sound "28 slots, counts moved every 8 packets" moving --buckets 4
sound "28 slots, both hooks, quotas of 6 slots, counts moved" moving --buckets 4 --stack --quota 6
sound "7 slots, silent ends" sound --buckets 1 --silent
broken "no incarnation in a count" no-incarnation --buckets 2
broken "plain counters" plain-counters --buckets 4
broken "no lock" no-lock --buckets 4
broken "no look for a twin" no-settle --buckets 16
broken "no second look at the tag where nothing is counted" no-second-look --buckets 2 --stack
broken "quota kept at a slot's end" quota-kept --buckets 4 --quota 20
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
