#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The verbs that speak gRPC, against a server that answers from files: what they ask, what they print, how they end.
b=${B:-build}
weir=$b/weir
dir=$(mktemp -d) || exit 1
unset WEIR_SERVER NO_COLOR
export HOME="$dir" XDG_CONFIG_HOME="$dir" TERM=xterm
server=unix:$dir/s.sock
pids=
cleanup() {
	[ -z "$pids" ] || kill $pids 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

. tests/tools/with/rows.sh
# a server of the files in a directory; further words are fake's
serve() {
	mkdir -p "$dir/$1"
	"$b/tests/tools/fake" "unix:$dir/$1.sock" "$dir/$@" >"$dir/$1/ready" &
	last=$!
	pids="$pids $last"
	becomes "the server listens" grep -q ready "$dir/$1/ready"
}
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)

mkdir "$dir/s"
head -n 2 tests/tools/flows.jsonl >"$dir/s/observer.Observer.GetFlows"
echo '{"num_flows":"812","max_flows":"4096","seen_flows":"900","uptime_ns":"60000000000","version":"weir v9","flows_rate":15}' \
	>"$dir/s/observer.Observer.ServerStatus"
echo '{"status":"SERVING"}' >"$dir/s/grpc.health.v1.Health.Check"
echo '{"namespaces":[{"cluster":"default","namespace":"pay"},{"namespace":"shop"}]}' >"$dir/s/observer.Observer.GetNamespaces"
cat >"$dir/s/peer.Peer.Notify" <<'END'
{"name":"default/n1","address":"10.0.0.1:4244","type":"PEER_ADDED","tls":{"server_name":"n1.default.hubble-grpc.cilium.io"}}
{"name":"default/n2","address":"10.0.0.2:4244","type":"PEER_DELETED"}
END
cat >"$dir/s/observer.Observer.GetAgentEvents" <<'END'
{"agent_event":{"type":"POLICY_UPDATED","policy_update":{"labels":["a=b","c=d"],"revision":"7","rule_count":"2"}},"node_name":"n1","time":"2026-11-21T17:05:09Z"}
END
serve s
asked=$dir/s/observer.Observer.GetFlows.asked

# what is asked
row "observe" 0 '^2 shown, 0 lost, 1/1 nodes$' "$weir" observe --server "$server"
has "the last 20, if nothing else is said" '^\{"number":"20",' "$asked"
for field in trafficDirection policyMatchType sourceNames destinationNames authType extensions time isReply; do
	has "what compact prints is asked for" "[\",]$field[\",]" "$asked"
done
has_not "what it does not print is not" 'egressAllowedBy|nodeName|source\.labels' "$asked"
"$weir" observe --server "$server" --print-policy-names --print-node-name --print-rules=false >/dev/null 2>&1
has "names of policies" 'egressAllowedBy.*ingressAllowedBy.*egressDeniedBy.*ingressDeniedBy' "$asked"
has "the node" 'nodeName' "$asked"
has_not "and not the rules" ',extensions' "$asked"
"$weir" observe --server "$server" -o json >/dev/null 2>&1
has_not "JSON has all fields" 'field_mask' "$asked"
"$weir" observe --server "$server" -o json --field-mask time,source.pod_name >/dev/null 2>&1
has "or those that are wanted" '"field_mask":"time,source.pod_?[nN]ame"' "$asked"
"$weir" observe --server "$server" --use-default-field-masks=false >/dev/null 2>&1
has_not "no mask where none is wanted" 'field_mask' "$asked"
"$weir" observe --server "$server" --verdict DROPPED --since 5m --last 3 >/dev/null 2>&1
has "filters, numbers and times" '"number":"3",.*"whitelist":\[\{"verdict":\["DROPPED"\]\}\],"since":"20' "$asked"

# other verbs
row "list namespaces" 0 '^shop$' "$weir" list namespaces --server "$server"
row "with clusters" 0 '^pay +default$' "$weir" list namespaces -o wide --server "$server"
row "list nodes of an agent" 4 'is an agent, which knows its own node alone' "$weir" list nodes --server "$server"
row "peers" 0 '^PEER_ADDED +10.0.0.1:4244 default/n1 \(TLS.ServerName: n1.default' "$weir" watch peers --server "$server"
row "peers as JSON" 0 '"type":"PEER_DELETED"' "$weir" watch peers -o json --server "$server"
row "health" 0 '^SERVING$' "$weir" health --server "$server"
row "the server's version" 0 "server $server: weir v9" "$weir" version --server "$server"
row "status of a server that knows Hubble's API alone" 0 '^Current/Max Flows: 812/4096 \(19.82%\)$' "$weir" status --server "$server"
has "its health" '^Healthcheck \(via .*\): Ok$' "$dir/said"
row "events" 0 '^Nov 21 17:05:09.000: POLICY_UPDATED \(labels: a=b c=d, revision: 7, rule_count: 2\)$' "$weir" observe agent-events --server "$server"
row "events by key" 0 '^    DETAILS: labels: a=b c=d' "$weir" observe agent-events -o dict --server "$server"
row "events of an unknown kind" 4 'says: unknown method .*GetDebugEvents|does not know' "$weir" observe debug-events --server "$server"
row "events have no filters" 2 'events have no filters' "$weir" observe agent-events --pod a --server "$server"
row "as hubble has it" 0 '^Current/Max Flows: 812/4096' "$weir" status -o compact --server "$server"
row "key by key" 0 '^ +MAX FLOWS: 4096$' "$weir" status -o dict -s "$server"
row "as a table" 0 '^812 +4096 +900 +15.00 +60s +N/A +N/A +weir v9$' "$weir" status -o table -s "$server"
row "top of a server without edges" 4 'tells no sums' "$weir" top --once --server "$server"
row "TLS where there is none" 3 "cannot reach '$server': .*TLS" "$weir" health --server "$server" --tls --tls-allow-insecure

# an empty answer says why, and what to do
mkdir "$dir/empty"
: >"$dir/empty/observer.Observer.GetFlows"
echo '{"num_flows":"812","max_flows":"4096"}' >"$dir/empty/observer.Observer.ServerStatus"
serve empty
row "nothing matches" 1 'none of the 812 flows kept matches' "$weir" observe --server "unix:$dir/empty.sock" --pod x
has "a pod of no namespace" "a pod named without a namespace is one of 'default'" "$dir/said"
row "of one" 1 "kept matches \(--explain" "$weir" observe --server "unix:$dir/empty.sock" --pod shop/x
row "nothing of that time" 1 '812 flows are kept, none from that time' "$weir" observe --server "unix:$dir/empty.sock" --since 1s
row "no namespaces" 4 'does not know this question' "$weir" list namespaces --server "unix:$dir/empty.sock"

# a relay: nodes, losses, an end in the middle
mkdir "$dir/relay"
{
	echo '{"node_status":{"state_change":"NODE_CONNECTED","node_names":["n1","n2"]},"time":"2026-11-21T17:05:00Z"}'
	echo '{"node_status":{"state_change":"NODE_UNAVAILABLE","node_names":["n3"],"message":"connection refused"},"time":"2026-11-21T17:05:00Z"}'
	head -n 2 tests/tools/flows.jsonl
	echo '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"5"},"node_name":"n2","time":"2026-11-21T17:05:11Z"}'
} >"$dir/relay/observer.Observer.GetFlows"
cat >"$dir/relay/observer.Observer.GetNodes" <<'END'
{"nodes":[{"name":"n1","version":"weir v9","address":"10.0.0.1:4244","state":"NODE_CONNECTED","tls":{"enabled":true},"uptime_ns":"3600000000000","num_flows":"4095","max_flows":"4095","seen_flows":"7200"},{"name":"n3","address":"10.0.0.3:4244","state":"NODE_UNAVAILABLE"}]}
END
cat >"$dir/relay/weir.v1.Relay.ClusterStatus" <<'END'
{"version":"9","uptime_ms":"3600000","connected":1,"unavailable":1,"node":[{"name":"n1","state":"connected","version":"9","flows_rate":12.5,"num_flows":"10","max_flows":"100","lost":"3","status":{"local_pods":4,"policies":2,"gauges":[{"name":"flows","used":"50","size":"100"},{"name":"pods","used":"1","size":"100"}],"rejected":[{"object":"NetworkPolicy shop/x","why":"port 70000","last_good":true}]}},{"name":"n3","state":"unavailable","why":"connection refused\u001b[2J"}],"lost":[{"where":"ring","events":"3"}]}
END
cat >"$dir/relay/weir.v1.Relay.Edges" <<'END'
{"instance":"1","since":"2026-11-21T17:00:00Z","now":"2026-11-21T17:05:00Z","whole":true,"last":true,"author":[{"namespace":"shop","policy":"default-deny","rule":2},{"isolating":["shop/lock","shop/quiet"],"isolating_more":3}],"edge":[{"source":{"namespace":"shop","workload":"web"},"destination":{"namespace":"shop","workload":"database"},"protocol":6,"port":5432,"denied":"4","denied_rule":2},{"source":{"namespace":"shop","workload":"cart"},"destination":{"namespace":"shop","workload":"database"},"protocol":6,"port":5432,"opened":"30","bytes":"1024","reply_bytes":"1024","live":3,"handshakes":"30","handshake_us":"6000"},{"source":{"namespace":"shop","workload":"rogue"},"destination":{"namespace":"shop","workload":"database"},"protocol":6,"port":5432,"denied":"9","denied_rule":1},{"source":{"namespace":"pay","workload":"api"},"destination":{"workload":"world"},"protocol":17,"port":53,"opened":"2","bytes":"100"}],"lost":[{"where":"ring","events":"4"}]}
@300
{"instance":"1","since":"2026-11-21T17:00:00Z","now":"2026-11-21T17:05:06Z","last":true,"edge":[{"source":{"namespace":"pay","workload":"api"},"destination":{"workload":"world"},"protocol":17,"port":53,"opened":"8","bytes":"6244"}]}
END
echo '{"policy":[{"policy":{"name":"shop/cart","tier":"networkpolicy","pods":3,"rules":2,"hits":"11","denied":"4","last_used":"1000000000","state":"in-force"},"nodes":2}],"node":[{"node":"n3","error":"connection refused"}]}' \
	>"$dir/relay/weir.v1.Relay.Policies"
echo '{"node":[{"node":"n1","endpoint":[{"number":1,"pod":"shop/cart","state":"armed"}]},{"node":"n2","endpoint":[{"number":1,"pod":"shop/database","state":"armed"}]}]}' \
	>"$dir/relay/weir.v1.Relay.Endpoints"
cat >"$dir/relay/weir.v1.Relay.Why" <<'END'
{"node":[{"node":"n1","why":{"verdict":"allow","reason":"allowed","source":"shop/rogue","destination":"shop/database","source_address":"10.0.0.1","destination_address":"10.0.0.2","side":[{"direction":"egress","judged_here":true,"verdict":"allow","reason":"allowed"},{"direction":"ingress"}]}},{"node":"n2","why":{"verdict":"deny","reason":"no-rule","source":"shop/rogue","destination":"shop/database","source_address":"10.0.0.1","destination_address":"10.0.0.2","side":[{"direction":"egress"},{"direction":"ingress","judged_here":true,"verdict":"deny","reason":"no-rule"}]}}]}
END
serve relay
relay=unix:$dir/relay.sock
row "losses and nodes are counted" 0 '^2 shown, 5 lost, 2/3 nodes; no answer from n3 \(connection refused\)$' "$weir" observe --server "$relay"
has "the loss is told" 'EVENTS LOST: HUBBLE_RING_BUFFER 5$' "$dir/said"
has "the node is told" 'node unavailable: n3: connection refused' "$dir/said"
row "incomplete" 5 '' "$weir" observe --server "$relay" --require-complete
row "list nodes" 1 '^n1 +Connected +1h 00m +2.00 +4095/4095 \(100.00%\)$' "$weir" list nodes --server "$relay"
row "in full" 1 '^n3 +Unavailable +N/A +N/A +N/A +N/A +10.0.0.3:4244 +Disabled$' "$weir" list nodes -o wide --server "$relay"
row "as JSON" 1 '"state": "NODE_UNAVAILABLE"' "$weir" list nodes -o json --server "$relay"
row "the cluster's status" 1 '^nodes 1/2 connected +flows/s 12.5 +kept 10 of 100 +events lost 3$' "$weir" status --server "$relay"
has "a node that is away, and why, in words that move no cursor" '^n3 +unavailable .*connection refused\^\[\[2J$' "$dir/said"
has "what is fullest" '50 % flows' "$dir/said"
has "what is rejected" '^rejected by n1: NetworkPolicy shop/x: port 70000' "$dir/said"
row "policies of all nodes" 0 '^shop/cart +networkpolicy .* 11 +4 +[0-9]+d [0-9]+h +in-force' "$weir" policy list --server "$relay"
has "and which did not answer" 'node n3 did not answer: connection refused' "$dir/said"
row "why, of both nodes as one answer" 1 '^  ingress of shop/database: denied' "$weir" why --server "$relay" shop/rogue shop/database:5432
has "the other side" '^  egress of shop/rogue: allowed' "$dir/said"
row "endpoints of all nodes" 0 '^n2 +1 +shop/database ' "$weir" endpoints --server "$relay"

# top
row "top, once" 0 '^shop/cart +shop/database +5432/tcp +2.0 KiB +30 +3 +0 +0 +0.20 ms' "$weir" top --once --server "$relay"
has "sums of how long" 'cluster, sums of 5m 00s, by bytes: 4 edges, 4 events lost' "$dir/said"
row "by denials, with their author" 0 '^shop/rogue +shop/database +5432/tcp .* 9 +0 +- +shop/default-deny#2$' "$weir" top --once --by denials --server "$relay"
has_not "and nobody else" 'shop/cart' "$dir/said"
row "who isolates, where no rule decided" 0 '^shop/web +shop/database .* 4 +0 +- +shop/lock, shop/quiet and 3 more$' "$weir" top --once --by denials --server "$relay"
row "the head counts what is shown" 0 'by denials: 2 edges, ' "$weir" top --once --by denials --server "$relay"
row "of what there is" 0 'by bytes: 1 of [2-9] edges, ' "$weir" top --once --limit 1 --server "$relay"
row "of a namespace" 0 '^pay/api +world +53/udp' "$weir" top --once -n pay --server "$relay"
has_not "and no other" 'shop/' "$dir/said"
row "then rates" 0 '^pay/api +world +53/udp +1.0 KiB/s +1.0 ' "$weir" top --server "$relay"
row "as JSON" 0 '"source":"shop/rogue".*"denied":9.*"denied_by":"shop/default-deny#2"' "$weir" top --once -o json --server "$relay"
row "a map" 0 '^  rogue +--x database 5432/tcp +.*9 denied by shop/default-deny#2' "$weir" map --server "$relay"
row "a map of a namespace" 0 '^pay$' "$weir" map -n pay --server "$relay"
row "a map as a graph" 0 '^digraph weir' "$weir" map -o dot --server "$relay"
row "a map for Markdown" 0 '^flowchart LR' "$weir" map --denied -o mermaid --server "$relay"
row "a map as JSON" 0 '"id":"shop/rogue","namespace":"shop","name":"rogue"' "$weir" map -o json --server "$relay"
row "a map with no edges" 2 'a limit is' "$weir" map --limit 0 --server "$relay"
row "an interval too short" 2 'at least 1s' "$weir" top -i 10ms --server "$relay"
if timeout --foreground 60 script -qec true /dev/null >/dev/null 2>&1; then
	timeout --foreground 60 script -qec "stty cols 40 rows 10; $weir top --server $relay" /dev/null >"$dir/screen" 2>&1
	sed 's/\r//g; s/\x1b\[[0-9;?]*[A-Za-z]//g' "$dir/screen" >"$dir/plain"
	if [ "$(awk '{ if (length($0) > 40) print }' "$dir/plain" | wc -l)" = 0 ]; then good; else bad "narrow: $(cat "$dir/plain")"; fi
	has "a screen shows rows" '^shop/cart' "$dir/plain"
	esc=$(printf '\033')
	has "the cursor comes back" "$esc\[\?25h" "$dir/screen"
else
	echo "skipped: no terminal to be had"
fi

# following
head -n 2 tests/tools/flows.jsonl >"$dir/follow.lines"
mkdir "$dir/follow"
{ sed -n 1p "$dir/follow.lines"; echo @3000; sed -n 2p "$dir/follow.lines"; } >"$dir/follow/observer.Observer.GetFlows"
serve follow 1 hold
"$weir" observe -f --server "unix:$dir/follow.sock" >"$dir/lines" 2>"$dir/talk" &
follower=$!
becomes "a line is there at once" grep -q 'shop/cart' "$dir/lines"
has_not "before the next is" 'shop/rogue' "$dir/lines"
becomes "and the next when it comes" grep -q 'shop/rogue' "$dir/lines"
kill -INT $follower
wait $follower
code=$?
if [ $code = 0 ]; then good; else bad "Ctrl-C: exit $code"; fi
has "and the closing line" '^2 shown, 0 lost, 1/1 nodes$' "$dir/talk"
cat >"$dir/away.jsonl" <<'END'
{"node_status":{"state_change":"NODE_CONNECTED","node_names":["n1","n2"]},"time":"2026-11-21T17:05:00Z"}
{"node_status":{"state_change":"NODE_UNAVAILABLE","node_names":["n2"],"message":"gone"},"time":"2026-11-21T17:05:01Z"}
{"node_status":{"state_change":"NODE_CONNECTED","node_names":["n2"]},"time":"2026-11-21T17:05:02Z"}
END
row "a node that was away is told when it is back" 1 '^Nov 21 17:05:02.000: node connected: n2$' "$weir" observe --input-file "$dir/away.jsonl"
row "and the answer is not called whole" 5 '^0 shown, 0 lost, 2/2 nodes; away for a time: n2$' \
	"$weir" observe --input-file "$dir/away.jsonl" --require-complete
mkdir "$dir/both"
cp "$dir/follow.lines" "$dir/both/observer.Observer.GetFlows"
serve both 1 hold
row "an end by itself" 0 '^2 shown, ' "$weir" observe -f --for 2500ms --server "unix:$dir/both.sock"
mkdir "$dir/quiet"
: >"$dir/quiet/observer.Observer.GetFlows"
serve quiet 1 hold
row "who waits is told so" 1 'nothing yet: waiting for flows that match' "$weir" observe -f --for 2500ms --server "unix:$dir/quiet.sock"
"$weir" observe -f --server "unix:$dir/follow.sock" >"$dir/lines" 2>"$dir/talk" &
follower=$!
becomes "a follower follows" grep -q 'shop/cart' "$dir/lines"
kill $last 2>/dev/null
for pid in $pids; do kill "$pid" 2>/dev/null; done
wait $follower
code=$?
if [ $code = 3 ]; then good; else bad "the server goes: exit $code: $(cat "$dir/talk")"; fi
has "and it is said" "has gone|cannot reach" "$dir/talk"
pids=

# an end with words
mkdir "$dir/bad"
{ sed -n 1p "$dir/follow.lines"; echo '!3 whitelist[0].source_ip: no address'; } >"$dir/bad/observer.Observer.GetFlows"
serve bad
row "the server's words" 4 "says: whitelist\[0\].source_ip: no address \(INVALID_ARGUMENT\)" "$weir" observe --server "unix:$dir/bad.sock"
has "and what came before" '^1 shown, ' "$dir/said"
# mutual TLS: what is wrong is said
pki=$dir/pki
mkdir "$pki" "$dir/tls"
cp "$dir/s/observer.Observer.GetFlows" "$dir/tls"
if openssl version >/dev/null 2>&1; then
	cert() {	# name, days, who signs, more of openssl's options
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$pki/$1.key" -out "$pki/$1.csr" -subj "/CN=$1" 2>/dev/null
		printf 'subjectAltName=DNS:%s\n' "$1" >"$pki/$1.ext"
		openssl x509 -req -in "$pki/$1.csr" -CA "$pki/$3.crt" -CAkey "$pki/$3.key" -CAcreateserial -days "$2" -extfile "$pki/$1.ext" \
			-out "$pki/$1.crt" 2>/dev/null
	}
	authority() {
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$pki/$1.key" -out "$pki/$1.crt" \
			-subj "/CN=$1" 2>/dev/null
	}
	authority ca && authority other && cert relay.example 1 ca && cert me 1 ca && cert stranger 1 other
	cp "$pki/relay.example.crt" "$pki/tls.crt"
	cp "$pki/relay.example.key" "$pki/tls.key"
	FAKE_TLS=$pki "$b/tests/tools/fake" 127.0.0.1:0 "$dir/tls" >"$dir/tls/ready" 2>"$dir/tls/log" &
	pids="$pids $!"
	becomes "a server by TLS listens" grep -q ready "$dir/tls/ready"
	at=tls://127.0.0.1:$(sed -n 's/^port //p' "$dir/tls/ready")
	ca="--tls-ca-cert-files $pki/ca.crt" me="--tls-client-cert-file $pki/me.crt --tls-client-key-file $pki/me.key"
	name="--tls-server-name relay.example"
	row "by mutual TLS" 0 '^2 shown' "$weir" observe --server "$at" $ca $me $name
	row "by settings" 0 '^2 shown' env WEIR_TLS_CA_CERT_FILES="$pki/other.crt,$pki/ca.crt" WEIR_TLS_SERVER_NAME=relay.example \
		"$weir" observe --server "$at" $me
	row "another name" 3 "cannot reach .*(relay.example|name)" "$weir" observe --server "$at" $ca $me
	row "another authority" 3 "cannot reach .*(authority|signed|issuer|unknown)" "$weir" observe --server "$at" $me $name --tls-ca-cert-files "$pki/other.crt"
	row "no certificate of ours" 3 "cannot reach .*certificate" "$weir" observe --server "$at" $ca $name
	row "one that a stranger signed" 3 "cannot reach .*certificate" "$weir" observe --server "$at" $ca $name \
		--tls-client-cert-file "$pki/stranger.crt" --tls-client-key-file "$pki/stranger.key"
	row "a key of another" 2 "" "$weir" observe --server "$at" $ca $name \
		--tls-client-cert-file "$pki/me.crt" --tls-client-key-file "$pki/stranger.key"
	row "plain text where TLS is spoken" 3 "cannot reach .*TLS" "$weir" observe --server "${at#tls://}"
	row "an authority that is not there" 2 "$pki/gone.crt" "$weir" observe --server "$at" --tls-ca-cert-files "$pki/gone.crt"
else
	echo "skipped: openssl is not installed"
fi
sum
