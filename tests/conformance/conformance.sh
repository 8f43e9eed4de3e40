#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All suites by all judges, both fates of a pod's packets to itself, and the controls: runs over something broken, each
# of which must fail.  One table; last line "conformance: N passed, N failed".
#	B=build DATA=DIR tests/conformance/conformance.sh [quick]
B=${B:-build}
DATA=${DATA:-../shared/conformance}
weir=$B/weir
quick=${1:-}
passed=0 failed=0 skipped=0 began=$(date +%s)
out=$(mktemp)
trap 'rm -f "$out"' EXIT

suites=
for s in cyclonus-v4 cyclonus-v6 k8s-e2e-netpol cnp-v1alpha2 netpol-nasty; do
	if [ -r "$DATA/$s.json" ]; then
		suites="$suites $DATA/$s.json"
	else
		echo "skipped: $s: $DATA/$s.json is not there"
		skipped=$((skipped + 1))
	fi
done
samples=$(ls policies/*.flows 2>/dev/null)
own=$(ls tests/conformance/*.yaml 2>/dev/null)

# run LABEL ARGUMENTS...: one judge over some suites; its lines go to the table
run() {
	"$weir" policy test "$@" >"$out" 2>&1
	code=$?
	grep -vE '^suite |^[0-9]+ passed, ' "$out"
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -n 1)
	p=$(echo "$line" | sed -nE 's/^([0-9]+) passed.*/\1/p') f=$(echo "$line" | sed -nE 's/.* ([0-9]+) failed.*/\1/p')
	[ "$code" -le 1 ] && [ -n "$line" ] || { f=$((${f:-0} + 1)); echo "  ended with code $code"; }
	passed=$((passed + ${p:-0})) failed=$((failed + f))
}

# control JUDGE HOW SUITE...: each suite must fail
control() {
	judge=$1 how=$2
	shift 2
	for s in "$@"; do
		"$weir" policy test --judge "$judge" --hairpin deny --broken "$how" --show 0 "$s" >"$out" 2>&1
		code=$?
		f=$(grep -E '^[0-9]+ passed, ' "$out" | sed -nE 's/.* ([0-9]+) failed.*/\1/p')
		name=$(basename "$s"); name=${name%.*}
		if [ "$code" = 1 ] && [ "${f:-0}" -gt 0 ]; then
			printf 'control: %-18s %-8s %-10s fails in %s cells, as it must\n' "$name" "$judge" "$how" "$f"
			passed=$((passed + 1))
		else
			printf 'control: %-18s %-8s %-10s PASSES (code %s): the run proves nothing\n' "$name" "$judge" "$how" "$code"
			failed=$((failed + 1))
		fi
	done
}

judges="engine kernel packets"
[ "$(id -u)" = 0 ] || { judges=engine; skipped=$((skipped + 2)); echo "skipped: judges kernel and packets need root"; }
printf '%-18s %-8s %-6s %6s %8s %8s %7s %8s %10s\n' suite judge itself cases cells passed failed ignored time
small=$(echo $suites | tr ' ' '\n' | grep -v cyclonus)
v4=$(echo $suites | tr ' ' '\n' | grep cyclonus-v4) v6=$(echo $suites | tr ' ' '\n' | grep cyclonus-v6)
for judge in $judges; do
	for hairpin in allow deny; do
		# the large suites are one in two families: each takes turns where everything would take too long
		one=$v4 other=$v6
		[ $hairpin = allow ] || { one=$v6 other=$v4; }
		if [ "$judge" != engine ] && [ -n "$quick" ]; then
			run --judge "$judge" --hairpin "$hairpin" $one $small $samples $own
			continue
		fi
		run --judge "$judge" --hairpin "$hairpin" $suites $samples $own
		[ "$judge" != engine ] || continue
		echo "(through the host's stack:)"
		run --judge "$judge" --hairpin "$hairpin" --path stack $other $small $samples $own
	done
done
for how in allow-all deny-all one-rule; do
	control engine $how $suites
	for judge in $judges; do
		# one suite shows that a judge sees what is broken: quick takes another for each
		case $quick:$judge in
		*:engine) continue ;;
		:*) of=. ;;
		*:kernel) of=nasty ;;
		*) of=cnp ;;
		esac
		control "$judge" $how $(echo $small | tr ' ' '\n' | grep "$of")
	done
done
echo "$(uname -sr), weir $("$weir" --version | awk '{ print $2 }'), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(($(date +%s) - began)) seconds"
echo "a pod's packet to itself by a Service: allow (our default) and deny were both run; packets crossed real programs on one machine"
if [ "$skipped" = 0 ]; then
	echo "conformance: $passed passed, $failed failed"
else
	echo "conformance: $passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
