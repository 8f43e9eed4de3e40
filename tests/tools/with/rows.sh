# SPDX-License-Identifier: Apache-2.0
# Rows of tests that are shells: sourced by those that have a directory for themselves in $dir; `sum` is their last line.
passed=0 failed=0

good() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	printf '%s\n' "$1"
}
sum() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
# what was said has the pattern; ^$: nothing was; none: whatever it is
fits() {
	case $1 in
	'') true ;;
	'^$') [ ! -s "$dir/said" ] ;;
	*) grep -qE -- "$1" "$dir/said" ;;
	esac
}
# what, exit code, pattern in stdout and stderr, command
row() {
	what=$1 code=$2 pattern=$3
	shift 3
	"$@" >"$dir/said" 2>&1
	got=$?
	if [ "$got" = "$code" ] && fits "$pattern"; then good; else
		bad "$what: exit $got, not $code; no '$pattern' in: $(head -n 8 "$dir/said")"
	fi
}
# what, pattern, file
has() { if grep -qE -- "$2" "$3"; then good; else bad "$1: no '$2' in: $(head -n 8 "$3")"; fi; }
has_not() { if grep -qE -- "$2" "$3"; then bad "$1: '$2' in: $(head -n 8 "$3")"; else good; fi; }
# until a command succeeds, or 30 s: the machine may have much else to do
becomes() {
	what=$1 i=0
	shift
	while ! "$@" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 600 ] || break
		sleep 0.05
	done
	if [ $i -lt 600 ]; then good; else bad "$what: did not become so"; fi
}
