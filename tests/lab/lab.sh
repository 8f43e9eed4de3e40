#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The lab, the agent and the command line together, with real connections: up, what passes and what does not, why,
# observe, a policy changed while it runs, a crash, and down without a trace.
weir=${B:-build}/weir
lab=t$$
dir=$(mktemp -d) || exit 1
passed=0 failed=0
if [ "$(id -u)" != 0 ]; then
	echo "skipped: needs root"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
unset WEIR_SERVER
server=unix:/run/weir-lab/$lab/n1.sock
observer=unix:///run/weir-lab/$lab/n1.observer.sock
cleanup() {
	for l in "$lab" "$lab-two" "$lab-bad" "$lab-demo" "$lab-half"; do
		[ ! -d "/run/weir-lab/$l" ] || "$weir" lab down "$l" >/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

ok() {
	what=$1
	shift
	if "$@" >"$dir/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$what: '$*' failed: $(cat "$dir/said")"
	fi
}
# what, exit code, pattern, command
row() {
	what=$1 code=$2 pattern=$3
	shift 3
	"$@" >"$dir/said" 2>&1
	got=$?
	if [ "$got" = "$code" ] && grep -qE -- "$pattern" "$dir/said"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$what: exit $got, not $code; no '$pattern' in: $(cat "$dir/said")"
	fi
}
# until a command ends with a code, or a minute: the machine may have much else to do
becomes() {
	what=$1 code=$2
	shift 2
	i=0
	while [ $i -lt 600 ]; do
		"$@" >"$dir/said" 2>&1
		[ $? = "$code" ] && break
		sleep 0.1
		i=$((i + 1))
	done
	[ $i -lt 600 ] && passed=$((passed + 1)) || {
		failed=$((failed + 1))
		echo "$what: did not become $code: $(cat "$dir/said")"
	}
}
# What of ours is on the machine: names hold this test's number, so others may run beside it.  Links are counted in
# this namespace, where none of ours may ever be.
traces() {
	{
		ls /run/netns 2>/dev/null
		grep -o '/run/[^ ]*' /proc/mounts
		ls -d /run/weir-lab/* /sys/fs/bpf/* 2>/dev/null
		for p in /proc/[0-9]*; do
			tr '\0' ' ' <"$p/cmdline" 2>/dev/null | grep -a "weir-lab/$lab"
		done
	} 2>/dev/null | grep -F "$lab"
	ip -o link | sed 's/^[0-9]*: //; s/:.*//' | sort
}

# nothing is left, once the kernel has got to it
traceless() {
	i=0
	while [ "$(traces)" != "$before" ] && [ $i -lt 300 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	[ $i -lt 300 ] && passed=$((passed + 1)) || {
		failed=$((failed + 1))
		echo "$1: $(traces)"
	}
}

before=$(traces)
row "an unknown directory" 4 "cannot read manifests from '$dir/none'" "$weir" lab up "$dir/none" --name "$lab-bad"
mkdir "$dir/empty"
row "a directory without pods" 4 'no pods in the manifests' "$weir" lab up "$dir/empty" --name "$lab-bad"
row "an agent that cannot run" 4 "cannot run '$dir/agent'" "$weir" lab up demo --agent "$dir/agent" --name "$lab-bad"
row "an agent that refuses" 4 "the agent of node 'n1' ended: .*--nonsense" "$weir" lab up demo -A --nonsense --name "$lab-bad"
traceless "a lab that failed left something"

row "up" 0 "lab '$lab' is up" "$weir" lab up demo --name "$lab"
[ $failed = 0 ] || { cat "/run/weir-lab/$lab/n1.log" 2>/dev/null; echo "$passed passed, $failed failed"; exit 1; }
row "a name once" 4 "a lab '$lab' is there already" "$weir" lab up demo --name "$lab"
row "status" 0 '^n1 +running' "$weir" lab status "$lab"
row "status as JSON" 0 '"netns": "weir-'"$lab"'\+shop\+rogue"' "$weir" lab status "$lab" -o json
row "ip netns sees it" 0 "weir-$lab\+shop\+cart" ip netns
row "endpoints are armed" 0 'shop/rogue .* armed' "$weir" endpoints -s $server
row "the agent is well" 0 '^node n1 ' "$weir" status -s $server
row "its policies are listed" 0 '^shop/database ' "$weir" policy list -s $server

probe() { "$weir" lab probe -l "$lab" "$@"; }
row "allowed" 0 'refused after' probe shop/cart shop/database:5432
row "allowed, IPv6" 0 'refused after' probe -6 shop/cart shop/database:5432
row "denied" 1 'no answer within' probe shop/rogue shop/database:5432
row "denied, IPv6" 1 'no answer within' probe -6 shop/rogue shop/database:5432
row "the wrong port" 1 'no answer' probe shop/cart shop/database:5433
row "the wrong protocol" 1 'no answer' probe shop/cart shop/database:5432/udp
row "from outside, a customer" 0 'refused' probe outside shop/frontend:8080
row "from outside, not to the database" 1 'no answer' probe outside shop/database:5432
row "the node itself is let in" 0 'refused' probe node/n1 shop/database:5432
row "an outside client by a masqueraded NodePort is not" 1 'no answer' probe outside 192.0.2.1:30080
row "exec is in the pod" 0 '10\.244\.1\.66' "$weir" lab exec -l "$lab" rogue -- ip -br addr
row "exec hands on the exit code" 7 still "$weir" lab exec -l "$lab" shop/rogue -- sh -c 'echo still; exit 7'
row "exec knows its agent" 0 "^unix:.*/$lab/n1.sock\$" "$weir" lab exec -l "$lab" node/n1 -- sh -c 'echo $WEIR_SERVER'
row "a command that is not there" 127 "cannot run 'nosuch'" "$weir" lab exec -l "$lab" shop/rogue -- nosuch
row "a pod that is not there" 1 "has no pod 'shop/nobody'" "$weir" lab exec -l "$lab" shop/nobody -- true

"$weir" lab exec -l "$lab" shop/database -- timeout 60 "$weir" lab serve 5432 &
served=$!
becomes "a server answers" 0 sh -c "$weir lab probe -l $lab shop/cart shop/database:5432 | grep -q answered"
kill $served 2>/dev/null

row "why: denied" 1 '^DENIED  shop/rogue -> shop/database:5432/tcp  at egress of shop/rogue' \
	"$weir" why -s $server shop/rogue shop/database:5432
row "why: who isolates" 1 'isolated by +shop/default-deny' "$weir" why -s $server shop/rogue shop/database:5432
row "why: the nearest rule" 1 'nearest rule +.*shop/database' "$weir" why -s $server shop/rogue shop/database:5432
row "why: the last packets" 1 '  DENIED +shop/rogue -> shop/database:5432/tcp' "$weir" why -s $server shop/rogue shop/database:5432
row "why: allowed, by which rule" 0 'policy +shop/cart, rule 2' "$weir" why -s $server shop/cart shop/database:5432
row "why as JSON" 1 '"verdict": "deny' "$weir" why -s $server -o json shop/rogue shop/database:5432
row "why: a pod nobody knows" 4 'nobody' "$weir" why -s $server shop/nobody shop/database:5432
row "observe: the denial, who isolates" 0 \
	': shop/rogue:[0-9]+ \(ID:[0-9]+\) <> shop/database:5432 \(ID:[0-9]+\) policy-verdict:[^ ]+ EGRESS DENIED \(TCP Flags: SYN\) by egress shop/default-deny' \
	"$weir" observe --lab "$lab" --all --denied --pod shop/rogue
row "observe: allowed, policy and rule of both sides" 0 \
	'shop/database:5432 .* ALLOWED \(TCP Flags: SYN\) by egress shop/cart#2, ingress shop/database#1' \
	"$weir" observe --server $observer --all --pod shop/cart
row "observe: nothing matches, and why" 1 'none of the [0-9]+ flows kept matches' "$weir" observe --lab "$lab" --pod shop/nobody
row "observe: an agent's other socket will do" 0 ' shown, 0 lost, 1/1 nodes' "$weir" observe --server $server --last 1
row "observe as JSON lines" 0 '^\{"flow":\{"time":"20' "$weir" observe --lab "$lab" -o json --last 1
timeout 120 "$weir" observe --lab "$lab" -f --denied --pod shop/rogue >"$dir/follow" 2>&1 &
follower=$!
seen() {	# each probe is another flow: one comes when it already follows
	probe -w 100ms shop/rogue shop/payments:9000
	grep -q 'shop/rogue:.* <> shop/payments:9000 .* DENIED' "$dir/follow"
}
becomes "observe -f prints it as it comes" 0 seen
kill -INT $follower 2>/dev/null
becomes "and says at the end how much that was" 0 grep -q ' shown, 0 lost, 1/1 nodes' "$dir/follow"
wait $follower 2>/dev/null

# a file changes, and what is enforced changes
cat >"/run/weir-lab/$lab/state/more.yaml" <<'END'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: rogue-may, namespace: shop}
spec:
  podSelector: {matchLabels: {app: rogue}}
  policyTypes: [Egress]
  egress: [{ports: [{port: 9000}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: payments-may, namespace: shop}
spec:
  podSelector: {matchLabels: {app: payments}}
  ingress: [{from: [{podSelector: {}}], ports: [{port: 9000}]}]
END
becomes "a new policy opens" 0 probe -w 100ms shop/rogue shop/payments:9000
printf 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: rogue-may, namespace: shop}\nspec: {podSelector: 7}\n' \
	>"/run/weir-lab/$lab/state/wrong.yaml"
becomes "a broken manifest is reported" 1 "$weir" status -s $server
row "with its file and line" 1 'wrong.yaml:4:' "$weir" status -s $server
rm "/run/weir-lab/$lab/state/wrong.yaml" "/run/weir-lab/$lab/state/more.yaml"
becomes "a policy taken away closes" 1 probe -w 100ms shop/rogue shop/payments:9000

# the agent is killed: what was in force stays, down works all the same
pid=$("$weir" lab status "$lab" -o json | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
kill -9 "$pid"
row "without its agent the wall stands" 1 'no answer' probe shop/rogue shop/database:5432
row "and lets pass what it let pass" 0 'refused' probe shop/cart shop/database:5432
row "status says that the agent is gone" 1 '^n1 +gone' "$weir" lab status "$lab"
row "down" 0 "lab '$lab' is gone" "$weir" lab down "$lab"
row "twice is once" 1 "no lab '$lab' is up" "$weir" lab down "$lab"

# killed half-way up: while its agent loads, and nobody else will ever take it down
"$weir" lab up demo --name "$lab-half" &
half=$!
becomes "half-way up" 0 test -e "/run/weir-lab/$lab-half/n1.log"
kill -9 $half
wait $half 2>/dev/null
row "half a lab" 0 '"name": "n1"' "$weir" lab status "$lab-half" -o json
row "half a lab goes, too" 0 "lab '$lab-half' is gone" "$weir" lab down "$lab-half"

# interrupted half-way up: nothing to take down; where it was quicker than we, once more
for try in 1 2 3 4 5; do
	"$weir" lab up demo --name "$lab-half" >"$dir/half" 2>&1 &
	half=$!
	becomes "half-way up" 0 test -e "/run/weir-lab/$lab-half/n1.log"
	kill -TERM $half
	wait $half
	code=$?
	[ $code = 0 ] || break
	"$weir" lab down "$lab-half" >/dev/null
done
[ $code = 4 ] && [ ! -e "/run/weir-lab/$lab-half" ] && passed=$((passed + 1)) || {
	failed=$((failed + 1))
	echo "interrupted while going up: exit $code: $(cat "$dir/half")"
}

# two nodes
row "two nodes" 0 'is up' "$weir" lab up policies/tenants --name "$lab-two"
row "across nodes, own tenant" 0 'refused' "$weir" lab probe -l "$lab-two" shop-dev/web shop-dev/db:5432
row "across nodes, own tenant, IPv6" 0 'refused' "$weir" lab probe -6 -l "$lab-two" shop-dev/web shop-dev/db:5432
row "across nodes, another tenant" 1 'no answer' "$weir" lab probe -l "$lab-two" shop-dev/web casino-prod/db:5432
row "the same, the packet forged around its own egress" 1 'no answer' "$weir" lab probe -l "$lab-two" node/n1 casino-prod/db:5432
two=/run/weir-lab/$lab-two
row "each node says what it judges" 1 'ingress of casino-prod/db: (denied|not judged here)' \
	"$weir" why -s unix:"$two"/n1.sock shop-dev/web casino-prod/db:5432
row "and whose word is missing in a yes" 0 'as far as this node judges: ingress of shop-dev/db is judged elsewhere' \
	"$weir" why -s unix:"$two"/n1.sock shop-dev/web shop-dev/db:5432
if [ "$(ls /run/weir-lab | wc -l)" = 1 ] && [ ! -e /run/weir/agent.sock ]; then
	row "and why asks both by itself" 1 'at egress of shop-dev/web and ingress of casino-prod/db' \
		"$weir" why shop-dev/web casino-prod/db:5432
fi
row "the relay speaks for both: status" 0 '^nodes 2/2 connected' "$weir" status -s unix:"$two"/relay.sock
row "nodes" 0 '^n2 +Connected' "$weir" list nodes --lab "$lab-two"
becomes "flows of both, in one stream" 0 sh -c "$weir observe --lab $lab-two --all --print-node-name 2>&1 |
	awk '/\\[n1\\]/ { a = 1 } /\\[n2\\]/ { b = 1 } / 2\\/2 nodes/ { c = 1 } END { exit !(a && b && c) }'"
row "why, both sides" 1 'at egress of shop-dev/web and ingress of casino-prod/db' \
	"$weir" why -s unix:"$two"/relay.sock shop-dev/web casino-prod/db:5432
becomes "who talks to whom" 0 sh -c "$weir top --once --lab $lab-two | grep -qE '^shop-dev/web +shop-dev/db +5432/tcp'"
ok "down" "$weir" lab down "$lab-two"

# the demo, shown for a few seconds, by itself and interrupted
row "the demo ends by itself" 0 'connections allowed, [1-9]' "$weir" lab demo --name "$lab-demo" --seconds 8
grep -qE '  DENIED   shop/rogue -> shop/database:5432/tcp .*isolated by shop/default-deny' "$dir/said" &&
	grep -qE '  allowed  shop/cart -> shop/database:5432/tcp  egress shop/cart rule 2' "$dir/said" &&
	passed=$((passed + 1)) || { failed=$((failed + 1)); echo "the demo does not show who decides: $(cat "$dir/said")"; }
"$weir" lab demo --name "$lab-demo" >"$dir/demo" 2>&1 &
demo=$!
becomes "the demo runs" 0 grep -q DENIED "$dir/demo"
# what the README shows, as it stands there; ports are the relay's if nobody else has them
becomes "a flow to the database" 0 "$weir" observe --lab "$lab-demo" --from-pod shop/cart --to-port 5432
sed -n '/^## See flows/,/^## By hand/s/^    \(build\|curl\)/\1/p' README.md | sed 's/  *#.*//' >"$dir/readme"
[ -s "$dir/readme" ] || echo false >"$dir/readme"
export WEIR_SERVER="unix:/run/weir-lab/$lab-demo/relay.sock"
goes_on() {	# what does not end by itself is ended when it has said something
	: >"$dir/goes-on"
	sh -c "exec $1" >"$dir/goes-on" &
	one=$! n=0
	while [ ! -s "$dir/goes-on" ] && [ $n -lt 300 ]; do
		sleep 0.1
		n=$((n + 1))
	done
	kill -INT $one
	wait $one
	code=$?
	cat "$dir/goes-on"
	return $code
}
while read -r line; do
	case $line in
	*localhost*) grep -q 'port 4245' "/run/weir-lab/$lab-demo/relay.log" || continue ;;
	esac
	command=$(echo "$line" | sed "s#lab exec#& -l $lab-demo#; s#build/weir#$weir#g")
	case $line in
	*top*|*' -f'*) row "README: $line" 0 . goes_on "$command" ;;
	*) row "README: $line" 0 . sh -c "$command" ;;
	esac
done <"$dir/readme"
unset WEIR_SERVER
kill -INT $demo
wait $demo
code=$?
[ $code = 0 ] && grep -q 'the shop is gone' "$dir/demo" && passed=$((passed + 1)) || {
	failed=$((failed + 1))
	echo "Ctrl-C: exit $code: $(tail -n 3 "$dir/demo")"
}
# killed: the next one sweeps up
"$weir" lab demo --name "$lab-demo" >"$dir/demo" 2>&1 &
demo=$!
becomes "the demo runs" 0 grep -q DENIED "$dir/demo"
kill -9 $demo
wait $demo 2>/dev/null
row "after a demo that was killed" 0 'the shop is gone' "$weir" lab demo --name "$lab-demo" --seconds 2

traceless "left behind"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
