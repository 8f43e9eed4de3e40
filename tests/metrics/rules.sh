#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The alert rules: well formed, each with a text for people, each tested (tests/metrics/alerts.yaml).  Dashboards: JSON
# that names no metric which the agent's or the relay's table (docs/metrics.md) lacks.
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
rules=deploy/alerts/weir.rules.yaml
command -v promtool >/dev/null || {
	echo "skipped: needs promtool (package prometheus)"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

ok() {	# what, command...
	what=$1
	shift
	if "$@" >"$dir/out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$what:"
		head -n 40 "$dir/out"
	fi
}

ok "promtool check rules" promtool check rules "$rules"

# texts are no part of what is tested: promtool would compare them letter by letter
awk '/^        annotations:/ { skip = 1; next } skip && /^          / { next } { skip = 0; print }' "$rules" >"$dir/rules.yaml"
cp tests/metrics/alerts.yaml "$dir/alerts.yaml"
ok "promtool test rules" promtool test rules "$dir/alerts.yaml"

for alert in $(sed -n 's/^ *- alert: //p' "$rules"); do
	ok "$alert is tested to fire" sh -c "grep -A1 'alertname: $alert\$' '$dir/alerts.yaml' | grep -q exp_alerts"
	ok "$alert is tested to be silent" grep -q "alertname: $alert }" "$dir/alerts.yaml"
	awk -v a="$alert" '$0 ~ "- alert: " a "$" { on = 1; next } /- alert:/ { on = 0 } on' "$rules" >"$dir/one"
	ok "$alert has a summary" grep -q 'summary: ' "$dir/one"
	ok "$alert has a runbook" grep -q 'runbook: ' "$dir/one"
	ok "$alert says how urgent it is" grep -qE 'severity: (page|ticket|info) ' "$dir/one"
done

for board in deploy/grafana/*.json; do
	ok "$board is JSON" python3 -m json.tool "$board"
done
for metric in $(cat "$rules" deploy/grafana/*.json | grep -oE '\b(weir|hubble)_[a-z0-9_]+' | sed -E 's/_(bucket|sum|count)$//' | sort -u); do
	case $metric in weir_relay_*) [ -e relay/metrics.c ] || continue ;; esac
	ok "$metric is in docs/metrics.md" grep -qE "^\| \`$metric\` " docs/metrics.md
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
