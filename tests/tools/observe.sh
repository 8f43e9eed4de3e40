#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `weir observe` prints of stored flows, layout by layout: as the Hubble tools would, and what weir adds.
weir=${B:-build}/weir
flows=tests/tools/flows.jsonl
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
unset WEIR_SERVER NO_COLOR
export HOME="$dir" XDG_CONFIG_HOME="$dir" TZ=Pacific/Chatham

. tests/tools/with/rows.sh
# what, expected stdout on stdin, options
same() {
	what=$1
	shift
	cat >"$dir/want"
	"$weir" observe --input-file "$flows" "$@" >"$dir/got" 2>"$dir/talk"
	if cmp -s "$dir/want" "$dir/got"; then good; else
		bad "$what: $(diff "$dir/want" "$dir/got" | head -n 12; cat "$dir/talk")"
	fi
}

same "compact, as Hubble" --all --print-rules=false <<'END'
Nov 21 17:05:09.123: shop/cart:40312 (ID:70001) -> shop/database:5432 (ID:70002) policy-verdict:L3-L4 EGRESS ALLOWED (TCP Flags: SYN)
Nov 21 17:05:10.000: shop/rogue:50001 (ID:70003) <> shop/database:5432 (ID:70002) policy-verdict:none INGRESS DENIED (TCP Flags: SYN)
Nov 21 17:05:11.500: shop/cart:40312 (ID:70001) <- shop/database:5432 (ID:70002) to-stack FORWARDED (TCP Flags: FIN, ACK)
Nov 21 17:05:12.040: shop/cart:5353 (ID:70001) -> one.example.com,two.example.com:53 (world) to-endpoint FORWARDED (UDP)
Nov 21 17:05:13.000: shop/cart:41000 (ID:70001) -> kube-system/dns:53 (world) policy-verdict:all EGRESS AUDITED (UDP)
Nov 21 17:05:14.000: 10.0.0.9 (host) <> shop/database (ID:70002) Invalid source ip DROPPED (ICMPv4 EchoRequest)
Nov 21 17:05:15.000: 02:00:00:00:00:01 (unknown) <> 02:00:00:00:00:02 (unknown) Policy denied by denylist DROPPED ()
Nov 21 17:05:16.000: shop/cart:40313 (ID:70001) -> shop/web:80 (ID:70004) http-request FORWARDED (IP Trace ID: 99; HTTP/1.1 GET http://web/x; Auth: SPIRE)
Nov 21 17:05:17.000: 10.0.0.1 (kube-apiserver) -> 10.0.0.4 (ID:70004) pre-xlate-fwd TRACED (TCP)
N/A: evil/a^[[31mred\r\nx (ID:70001) -> 10.0.0.4 (ID:70004) UNKNOWN FORWARDED (tab\there)
END
same "compact, who decided" --all <<'END'
Nov 21 17:05:09.123: shop/cart:40312 (ID:70001) -> shop/database:5432 (ID:70002) policy-verdict:L3-L4 EGRESS ALLOWED (TCP Flags: SYN) by egress shop/cart#2, ingress shop/database#1
Nov 21 17:05:10.000: shop/rogue:50001 (ID:70003) <> shop/database:5432 (ID:70002) policy-verdict:none INGRESS DENIED (TCP Flags: SYN) by ingress shop/default-deny; nearest: rule 1 of shop/database: app is rogue, not cart [3 more]
Nov 21 17:05:11.500: shop/cart:40312 (ID:70001) <- shop/database:5432 (ID:70002) to-stack FORWARDED (TCP Flags: FIN, ACK)
Nov 21 17:05:12.040: shop/cart:5353 (ID:70001) -> one.example.com,two.example.com:53 (world) to-endpoint FORWARDED (UDP)
Nov 21 17:05:13.000: shop/cart:41000 (ID:70001) -> kube-system/dns:53 (world) policy-verdict:all EGRESS AUDITED (UDP) no policy isolates the pod; would be denied by egress shop/trial#1
Nov 21 17:05:14.000: 10.0.0.9 (host) <> shop/database (ID:70002) Invalid source ip DROPPED (ICMPv4 EchoRequest) the source address is not the sender's own
Nov 21 17:05:15.000: 02:00:00:00:00:01 (unknown) <> 02:00:00:00:00:02 (unknown) Policy denied by denylist DROPPED ()
Nov 21 17:05:16.000: shop/cart:40313 (ID:70001) -> shop/web:80 (ID:70004) http-request FORWARDED (IP Trace ID: 99; HTTP/1.1 GET http://web/x; Auth: SPIRE)
Nov 21 17:05:17.000: 10.0.0.1 (kube-apiserver) -> 10.0.0.4 (ID:70004) pre-xlate-fwd TRACED (TCP)
N/A: evil/a^[[31mred\r\nx (ID:70001) -> 10.0.0.4 (ID:70004) UNKNOWN FORWARDED (tab\there)
END
sed -n 1,2p "$flows" >"$dir/two.jsonl"
sed -n 3,4p "$flows" >"$dir/more.jsonl"
flows=$dir/more.jsonl
same "addresses alone; policies are named behind a policy's verdict alone" --all --numeric --print-policy-names <<'END'
Nov 21 17:05:11.500: 10.0.0.1:40312 (ID:70001) <- 10.0.0.2:5432 (ID:70002) to-stack FORWARDED (TCP Flags: FIN, ACK)
Nov 21 17:05:12.040: [fd00::1]:5353 (ID:70001) -> [2001:db8::7]:53 (world) to-endpoint FORWARDED (UDP)
END
same "the same by the other name, and the node" --all --ip-translation=false --print-node-name --last 1 --all=false <<'END'
Nov 21 17:05:12.040 [n1]: [fd00::1]:5353 (ID:70001) -> [2001:db8::7]:53 (world) to-endpoint FORWARDED (UDP)
END
flows=$dir/two.jsonl
same "key by key; ends of an answer are not turned round" --all --print-node-name -o dict <<'END'
  TIMESTAMP: Nov 21 17:05:09.123
       NODE: n1
     SOURCE: shop/cart:40312
DESTINATION: shop/database:5432
       TYPE: policy-verdict:L3-L4 EGRESS
    VERDICT: ALLOWED
    SUMMARY: TCP Flags: SYN
       RULE: egress shop/cart#2, ingress shop/database#1
------------
  TIMESTAMP: Nov 21 17:05:10.000
       NODE: n1
     SOURCE: shop/rogue:50001
DESTINATION: shop/database:5432
       TYPE: policy-verdict:none INGRESS
    VERDICT: DENIED
    SUMMARY: TCP Flags: SYN
       RULE: ingress shop/default-deny; nearest: rule 1 of shop/database: app is rogue, not cart [3 more]
END
same "a table" --all --print-rules=false -o table <<'END'
TIMESTAMP             SOURCE             DESTINATION          TYPE                          VERDICT   SUMMARY
Nov 21 17:05:09.123   shop/cart:40312    shop/database:5432   policy-verdict:L3-L4 EGRESS   ALLOWED   TCP Flags: SYN
Nov 21 17:05:10.000   shop/rogue:50001   shop/database:5432   policy-verdict:none INGRESS   DENIED    TCP Flags: SYN
END
same "policies behind the verdict" --all --print-rules=false --print-policy-names <<'END'
Nov 21 17:05:09.123: shop/cart:40312 (ID:70001) -> shop/database:5432 (ID:70002) policy-verdict:L3-L4 EGRESS ALLOWED BY cart (NetworkPolicy), all (ClusterNetworkPolicy) (TCP Flags: SYN)
Nov 21 17:05:10.000: shop/rogue:50001 (ID:70003) <> shop/database:5432 (ID:70002) policy-verdict:none INGRESS DENIED BY default-deny (NetworkPolicy) (TCP Flags: SYN)
END
"$weir" observe --input-file "$flows" --all -o jsonpb >"$dir/got" 2>/dev/null
if cmp -s "$flows" "$dir/got"; then good; else bad "JSON comes out as it went in: $(diff "$flows" "$dir/got")"; fi
flows=tests/tools/flows.jsonl

stamp() {
	got=$("$weir" observe --input-file "$flows" --first 1 --time-format "$1" --print-rules=false 2>/dev/null | sed 's/: shop.*//')
	if [ "$got" = "$2" ]; then good; else bad "time $1: '$got', not '$2'"; fi
}
stamp StampMilli 'Nov 21 17:05:09.123'
stamp YearMonthDay 2026-11-21
stamp YearMonthDayHour 2026-11-21T17Z
stamp YearMonthDayHourMinute 2026-11-21T17:05Z
stamp RFC3339 2026-11-21T17:05:09Z
stamp RFC3339Milli 2026-11-21T17:05:09.123Z
stamp RFC3339Micro 2026-11-21T17:05:09.123456Z
stamp RFC3339Nano 2026-11-21T17:05:09.123456789Z
stamp RFC1123Z 'Sat, 21 Nov 2026 17:05:09 +0000'

# talk is apart from flows
"$weir" observe --input-file "$flows" --all >/dev/null 2>"$dir/talk"
for line in '^Nov 21 17:05:18.500 \[n2\] EVENTS LOST: PERF_EVENT_RING_BUFFER CPU\(3\) 12 \(first: Nov 21 17:05:01.000, last: Nov 21 17:05:02.000\)$' \
	'^Nov 21 17:05:18.000: node unavailable: n3: connection refused$' \
	'^10 shown, 12 lost, 2/3 nodes; no answer from n3 \(connection refused\)$'; do
	if grep -qE "$line" "$dir/talk"; then good; else bad "on stderr no '$line': $(cat "$dir/talk")"; fi
done
if grep -q connected: "$dir/talk"; then bad "nodes that are well are talked of"; else good; fi
row "with --debug they are" 0 '^Nov 21 17:05:18.000: nodes connected: n1, n2$' "$weir" observe --input-file "$flows" --all -D
"$weir" observe --input-file "$flows" --all -s >/dev/null 2>"$dir/talk"
if [ -s "$dir/talk" ]; then bad "-s talks: $(cat "$dir/talk")"; else good; fi
row "losses are lines of JSON" 0 '^\{"lost_events":\{"source":"PERF_EVENT_RING_BUFFER","num_events_lost":"12"' \
	"$weir" observe --input-file "$flows" --all -o json -s

# exit codes
row "some" 0 '^1 shown, 0 lost, 1/1 nodes' "$weir" observe --input-file "$dir/two.jsonl" --verdict DROPPED
row "none" 1 '^0 shown, ' "$weir" observe --input-file "$dir/two.jsonl" --verdict AUDIT
row "incomplete" 5 '12 lost' "$weir" observe --input-file "$flows" --all --require-complete
row "complete" 0 ' 0 lost' "$weir" observe --input-file "$dir/two.jsonl" --all --require-complete
row "no such file" 4 'none.jsonl' "$weir" observe --input-file "$dir/none.jsonl"
row "no server" 3 "cannot reach 'unix:$dir/none'.*weir-agent makes that socket" "$weir" observe --server "unix:$dir/none"
row "no server by address" 3 "cannot reach '127.0.0.1:1'.*refused" "$weir" observe --server 127.0.0.1:1

# usage: one line that says what is close
row "an option's slip" 2 "did you mean '--follow'" "$weir" observe --folow
row "an output's slip" 2 "output is compact, dict, json, jsonpb, table or tab, not 'jsno' \(did you mean 'json'\?\)" "$weir" observe -o jsno
row "a time format's slip" 2 "did you mean 'RFC3339Nano'" "$weir" observe --time-format RFC3339nano
row "a verb's slip" 2 "no verb 'obsreve' \(did you mean 'observe'\?\)" "$weir" obsreve
row "a word's slip" 2 "did you mean 'agent-events'" "$weir" observe agent-event
row "a table does not follow" 2 'cannot follow' "$weir" observe -f -o table
row "a mask is for JSON" 2 'field-mask is for -o json' "$weir" observe --field-mask time
row "passwords" 2 "knows its callers by certificate" "$weir" observe --basic-auth-username me
row "half of a certificate" 2 'the key is missing' "$weir" observe --server tls://localhost:1 --tls-client-cert-file x

# settings
row "a setting is written" 0 '' "$weir" config set server "unix:$dir/from-file"
row "and read" 0 "^unix:$dir/from-file$" "$weir" config get server
row "and used" 3 "cannot reach 'unix:$dir/from-file'" "$weir" observe
row "a variable goes before the file" 3 "cannot reach 'unix:$dir/from-env'" env WEIR_SERVER="unix:$dir/from-env" "$weir" observe
row "an option before both" 3 "cannot reach 'unix:$dir/from-arg'" env WEIR_SERVER="unix:$dir/from-env" "$weir" observe --server "unix:$dir/from-arg"
row "a lab before both" 3 "no lab 'none-$$' is up" env WEIR_SERVER="unix:$dir/from-env" "$weir" observe --lab "none-$$"
row "for the agent's verbs, too" 3 "no lab 'none-$$' is up" env WEIR_SERVER="unix:$dir/from-env" "$weir" status --lab "none-$$"
row "which take one of both" 2 "both say whom" "$weir" why --lab x --server y a/b c/d:1
row "a lab and a server" 2 "both say whom" "$weir" observe --lab x --server y
row "who says what" 0 "^server +unix:$dir/from-env +WEIR_SERVER " env WEIR_SERVER="unix:$dir/from-env" "$weir" config view
row "a setting's slip" 2 "no setting 'sever' \(did you mean 'server'\?\)" "$weir" config set sever x
row "a value that is none" 2 "wants a time" "$weir" config set timeout soon
echo 'timeout: soon' >"$dir/bad.yaml"
row "a file's fault has its line" 2 "bad.yaml:1: option '--timeout' wants a time" "$weir" observe --config "$dir/bad.yaml"
echo 'sever: x' >"$dir/bad.yaml"
row "an unknown one too" 2 "bad.yaml:1: no setting 'sever'" "$weir" observe --config "$dir/bad.yaml"
row "a named file must be there" 2 "cannot read '$dir/gone.yaml'" "$weir" observe --config "$dir/gone.yaml"
row "all are forgotten" 0 '' "$weir" config reset
row "so none is set" 1 '' "$weir" config get server

# colours: only where asked for, and never in JSON
esc=$(printf '\033')
row "colours when always" 0 "$esc\[36mshop/cart$esc\[0m:$esc\[33m40312$esc\[0m" "$weir" observe --input-file "$dir/two.jsonl" --color always
"$weir" observe --input-file "$flows" --all --color auto >"$dir/got" 2>/dev/null
if grep -q "$esc" "$dir/got"; then bad "colours in a file"; else good; fi
"$weir" observe --input-file "$flows" --all --color always -o json >"$dir/got" 2>/dev/null
if grep -q "$esc" "$dir/got"; then bad "colours in JSON"; else good; fi

# whoever reads us goes
yes "$(sed -n 1p "$flows")" | head -n 20000 >"$dir/many.jsonl"
"$weir" observe --input-file "$dir/many.jsonl" --all 2>"$dir/talk" | head -n 1 >"$dir/got"
if [ "$(wc -l <"$dir/got")" = 1 ] && ! grep -qi 'broken\|error' "$dir/talk"; then good; else bad "head: $(cat "$dir/talk")"; fi
sum
