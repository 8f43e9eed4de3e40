#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Settings: what is wrong is said in one line, with file and place; the argument outweighs the variable, and that the file.
agent=${B:-build}/weir-agent
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

# sentence, wanted exit code, wanted words of the answer ("" is silence); then the settings file's text, then arguments
row() {
	sentence=$1 code=$2 words=$3 file=$4
	shift 4
	printf '%s\n' "$file" >"$dir/c.yaml"
	got=$("$agent" --check-config --config "$dir/c.yaml" "$@" 2>&1)
	is=$?
	if [ "$is" = "$code" ] && { [ -z "$words" ] && [ -z "$got" ] || [ -n "$words" ] && echo "$got" | grep -qF -- "$words"; } &&
		[ "$(printf '%s' "$got" | grep -c '')" -le 1 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$sentence: exit $is, not $code, and: $got"
	fi
}

row "an empty file" 0 "" ""
row "good settings" 0 "" "mode: default-deny-audit
stack: true
buckets: 4096
log-format: json"
row "a key that is none" 2 "c.yaml:1:1: no option '--moode' (did you mean '--mode'?)" "moode: kubernetes"
row "a mode that is none" 2 "'--mode' is one of kubernetes, default-deny-audit, default-deny, not 'open'" "mode: open"
row "a number that is none" 2 "c.yaml:2:1: option '--records' wants a number" "mode: kubernetes
records: many"
row "a list for a value" 2 "c.yaml:1:1: 'mode' has one value" "mode: [kubernetes]"
row "no map at all" 2 "settings are a map" "- mode"
row "broken YAML" 2 "c.yaml:" "mode: [kubernetes"
row "a flag that is no flag" 2 "'stack' is true or false" "stack: perhaps"
row "a flag that is off" 0 "" "stack: false"
row "what only an argument may say" 2 "'uninstall' is no setting of a file" "uninstall: true"
row "buckets that are no power of two" 2 "'--buckets' is a power of two" "buckets: 1000"
row "a key twice" 2 "c.yaml:2" "mode: kubernetes
mode: default-deny"
row "the argument outweighs the file" 0 "" "mode: open" --mode kubernetes
row "a word that is no option" 2 "'cluster' is no option" "" cluster
row "an unknown option" 2 "no option '--stat' (did you mean '--state'?)" "" --stat /x
row "no such file" 2 "cannot read '/nonexistent/weir.yaml'" "" --config /nonexistent/weir.yaml
WEIR_MODE=open row "a variable" 2 "'--mode' is one of" ""
WEIR_MODE=default-deny row "a good variable" 0 "" ""
row "a port that is none" 2 "'--listen' is ADDRESS:PORT such as 127.0.0.1:4244 or [::]:4244, not '127.0.0.1'" "" --listen 127.0.0.1
row "a host name to listen on" 2 "'--listen' is ADDRESS:PORT" "" --listen example.org:4244
row "an IPv6 address without brackets" 2 "'--listen' is ADDRESS:PORT" "" --listen ::1:4244
row "a port beyond the last" 2 "'--listen' is ADDRESS:PORT" "" --listen 127.0.0.1:65536
row "loopback" 0 "" "listen: 127.0.0.1:4244"
row "loopback of IPv6" 0 "" "" --listen "[::1]:4244"
row "plain text for everybody" 2 "'--listen 0.0.0.0:4244' without TLS: plain text is for loopback only" "" --listen 0.0.0.0:4244
row "half of TLS" 2 "'--tls-cert' without '--tls-key'" "" --listen 0.0.0.0:4244 --tls-cert /dev/null
row "a key that is not there" 2 "cannot read '/nonexistent/key' (--tls-key): No such file" "" --listen 0.0.0.0:4244 \
	--tls-cert /dev/null --tls-key /nonexistent/key --tls-client-ca /dev/null
row "TLS for nobody" 2 "'--tls-cert' without '--listen'" "" --tls-cert /dev/null --tls-key /dev/null --tls-client-ca /dev/null
row "a cluster with a slash" 2 "'--cluster' is a name of small letters" "cluster: a/b"
row "a cluster" 0 "" "cluster: eu-west.1"
row "one path for two sockets" 2 "'--observer-socket' and '--socket' are the same" "" --socket /run/x --observer-socket /run/x
row "OTLP on this node" 0 "" "otlp: localhost:4317"
row "OTLP in plain text to another" 2 "'--otlp 10.0.0.1:4317' without TLS: plain text is for loopback only (tls://10.0.0.1:4317" "" --otlp 10.0.0.1:4317
row "OTLP by TLS, by the system's authorities" 0 "" "otlp: tls://collector.example:4317"
row "a receiver without a port" 2 "'--otlp' is HOST:PORT such as 127.0.0.1:4317, tls://HOST:PORT or unix:PATH, not 'tls://collector'" "" --otlp tls://collector
row "half of what a receiver is shown" 2 "'--otlp-cert' and '--otlp-key' go together" "" --otlp tls://a:1 --otlp-cert /dev/null
row "a name in plain text" 2 "'--otlp-name' is for TLS: '--otlp tls://127.0.0.1:1'" "" --otlp 127.0.0.1:1 --otlp-name a
row "a name of no receiver" 2 "'--otlp-name' without '--otlp': say who receives" "" --otlp-name a
row "an authority that is not there" 2 "cannot read '/nonexistent/ca': No such file" "" --otlp a:1 --otlp-ca /nonexistent/ca
row "no gRPC socket" 0 "" "observer-socket: ''"
for state in /nonexistent /etc/passwd; do
	got=$("$agent" --state $state --data "$dir/data" --bpffs "$dir/bpf" 2>&1)
	is=$?
	if [ "$is" = 2 ] && [ ! -e "$dir/data" ] && echo "$got" | grep -qF "cannot read the cluster from '$state'"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "a state directory that is none leaves nothing behind: exit $is, and: $got"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
