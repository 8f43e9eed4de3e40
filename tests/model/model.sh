#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The models of the flow table's protocol and of the order of a commit: the sound ones must hold in every state, each
# variant that is broken on purpose must be caught.
#	model.sh		reduced instances, two at a time: a minute or two, 3 GB
#	model.sh whole		the largest that fit 9 GB: a quarter of an hour
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-model.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
command -v spin >/dev/null || { echo "model.sh: spin is missing (apt-get install spin)"; exit 1; }

# sound|broken, what, model, its definitions, the compiler's, pan's options
common() {
	cat <<'ROWS'
sound|flow, judged for both sides|flow||-DSAFETY|-m100000 -w25
sound|flow, counts move to totals|flow|-DMOVES -DSTART -DONE_HOOK|-DSAFETY|-m100000 -w25
broken|no incarnation in a count|flow|-DSTART -DNO_INC|-DSAFETY|-m100000 -w22
broken|gate stored without lock|flow|-DSTART -DBLIND_GATE|-DSAFETY|-m100000 -w22
broken|cut without lock|flow|-DSTART -DCUT_BLIND|-DSAFETY|-m100000 -w22
broken|no look for a twin|flow|-DSTART -DNO_SETTLE|-DSAFETY|-m100000 -w22
broken|a look for a twin at insertion only|flow|-DPACKETS=2 -DSETTLE_ONCE|-DSAFETY|-m100000 -w24
broken|a cut flow keeps its sides judged|flow|-DSTART -DCUT_OPEN|-DSAFETY|-m100000 -w22
broken|an advance goes over a cut|flow|-DSTART -DCUT_LOST|-DSAFETY|-m100000 -w22
broken|quota given back before the swap|flow|-DSTART -DGIVE_TWICE|-DSAFETY|-m100000 -w22
broken|payer read after the swap|flow|-DSTART -DPAYER_LATE|-DSAFETY|-m100000 -w24
broken|half-open quota kept|flow|-DSTART -DHALF_KEPT|-DSAFETY|-m100000 -w22
broken|two hooks: no second look at the tag|flow|-DSTACK -DSTART -DNO_REREAD|-DSAFETY|-m100000 -w25
broken|two hooks: a side's bit outlives its generation|flow|-DSTACK -DSTART -DBITS_BLIND|-DSAFETY|-m100000 -w24
broken|two hooks: un-cut under the same generation|flow|-DSTACK -DSTART -DUNCUT_SAME|-DSAFETY|-m100000 -w24
broken|two hooks: both count|flow|-DSTACK -DSTART -DCOUNT_BOTH|-DSAFETY|-m100000 -w22
sound|order, two commits|order|-DONE_WAY|-DSAFETY|-E -m400000 -w25
sound|order, one commit and a death, in removals too|order|-DONE_WAY -DCOMMITS=1 -DKILLS=1 -DDIE_SWEEPING|-DSAFETY|-E -m400000 -w24
sound|order, sets that must move first|order|-DONE_WAY -DGROW|-DSAFETY|-E -m400000 -w25
sound|order, a word for two directions, one commit|order|-DCOMMITS=1|-DSAFETY|-E -m400000 -w25
broken|rows of a set that stays are rewritten|order|-DONE_WAY -DAS_WRITTEN|-DSAFETY|-E -m400000 -w22
broken|the generation first|order|-DONE_WAY -DB_GEN_FIRST|-DSAFETY|-E -m400000 -w22
broken|the generation read after judging|order|-DONE_WAY -DB_GEN_LATE|-DSAFETY|-E -m400000 -w22
broken|the class read before the set|order|-DONE_WAY -DB_CLASS_FIRST|-DSAFETY|-E -m400000 -w22
broken|the set written before the classes|order|-DONE_WAY -DB_SET_FIRST|-DSAFETY|-E -m400000 -w22
broken|a timer for a grace|order|-DONE_WAY -DB_TIMER|-DSAFETY|-E -m400000 -w22
broken|classes join in the same commit|order|-DONE_WAY -DB_JOIN_SAME|-DSAFETY|-E -m400000 -w24
broken|straight into an existing class|order|-DONE_WAY -DB_DIRECT|-DSAFETY|-E -m400000 -w24
broken|a class number used again at once|order|-DONE_WAY -DB_REUSE|-DSAFETY|-E -m400000 -w24
broken|a set used where it has just moved|order|-DONE_WAY -DGROW -DB_GROW_SOON|-DSAFETY|-E -m400000 -w22
broken|a pod added where outside was, no raise|order|-DONE_WAY -DB_ADD_SILENT|-DSAFETY|-E -m400000 -w25
broken|the adopter does not raise|order|-DONE_WAY -DKILLS=1 -DB_ADOPT_SILENT|-DSAFETY|-E -m400000 -w25
broken|the adopter does not look at the maps|order|-DONE_WAY -DKILLS=1 -DB_ADOPT_NUMBERS|-DSAFETY -DT_RAND -DP_RAND|-E -m400000 -w25 -RS2
broken|loads in any order|order|-DONE_WAY -DWEAK|-DSAFETY|-E -m400000 -w24
ROWS
}
reduced() {
	cat <<'ROWS'
sound|flow, two hooks|flow|-DSTACK -DONE_HOOK|-DSAFETY|-m100000 -w25
ROWS
}
whole() {
	cat <<'ROWS'
sound|flow, two hooks|flow|-DSTACK|-DSAFETY|-m100000 -w26
sound|flow, two hooks, on a flow that is there|flow|-DSTACK -DSTART -DTIMES=2|-DSAFETY|-m100000 -w27
sound|flow, with the reader|flow|-DREADER -DSTART|-DSAFETY|-m100000 -w27
sound|flow, two packets each|flow|-DONE_HOOK -DPACKETS=2|-DSAFETY|-m100000 -w27
sound|order, two commits, both directions|order||-DSAFETY|-E -m400000 -w27
sound|order, two commits and a death|order|-DONE_WAY -DKILLS=1|-DSAFETY|-E -m400000 -w27
sound|order, one commit and two deaths|order|-DONE_WAY -DCOMMITS=1 -DKILLS=2|-DSAFETY|-E -m400000 -w26
sound|order, both directions, one commit and a death|order|-DCOMMITS=1 -DKILLS=1|-DSAFETY|-E -m400000 -w27
sound|order, loads in any order, with graces|order|-DONE_WAY -DWEAK -DFENCED|-DSAFETY|-E -m400000 -w26
sound|order, loads in any order, with barriers|order|-DONE_WAY -DWEAK -DBARRIER|-DSAFETY|-E -m400000 -w25
sound|order, rewritten rows behind graces|order|-DONE_WAY -DAS_WRITTEN -DFENCED|-DSAFETY|-E -m400000 -w26
ROWS
}

# One row: its verdict as a line in $work/N.
run_row() (
	n=$1 row=$2
	IFS='|' read -r kind what model defs flags options <<EOR
$row
EOR
	dir=$work/d$n
	mkdir "$dir" && cd "$dir" || exit 1
	began=$(date +%s)
	# shellcheck disable=SC2086 -- lists of words
	spin -a $defs "$here/$model.pml" >log 2>&1 && cc -O2 -DCOLLAPSE -DMEMLIM=9000 $flags -w -o pan pan.c >>log 2>&1 &&
		nice -n 15 ./pan $options >>log 2>&1
	errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' log)
	states=$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' log | awk '{ printf "%d", $1 }')
	cut=$(grep -cE 'max search depth too small|memory limit|out of memory|interrupted|resource limits' log)
	case $kind:${errors:-none}:$cut in
	sound:0:0) verdict=ok text="holds" ;;
	broken:[1-9]*:*) verdict=ok text="caught: $(sed -n 's/^pan:[0-9]*: \(assertion violated\|invalid end state\).*/\1/p' log | head -n 1)" ;;
	*) verdict=FAILED text="$(grep -E 'violated|error|depth' log | head -n 3 | tr '\n' ' ')" ;;
	esac
	printf '%s\t%-6s %-52s %11s states %4ds  %s\n' "$verdict" "$kind" "$what" "${states:-?}" $(($(date +%s) - began)) "$text" >"$work/$n"
	cat "$work/$n"
	rm -rf "$dir"
)

[ "$1" = whole ] && { jobs=1; rows=$(common; whole); } || { jobs=2; rows=$(common; reduced); }
n=0
while IFS= read -r row; do
	n=$((n + 1))
	run_row $n "$row" &
	[ $((n % jobs)) = 0 ] && wait
done <<EOF2
$rows
EOF2
wait
passed=$(cat "$work"/[0-9]* 2>/dev/null | grep -c '^ok')
echo "$passed passed, $((n - passed)) failed"
[ "$passed" = "$n" ]
