#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --port-forward: the verbs that speak gRPC, by a kubectl that really forwards, or does what a kubectl may do instead.
b=${B:-build}
weir=$(realpath "$b/weir")
dir=$(mktemp -d) || exit 1
unset WEIR_SERVER NO_COLOR KUBE_MOOD
export HOME="$dir" XDG_CONFIG_HOME="$dir" PATH="$PWD/tests/tools/with:$PATH" KUBE_TO="$dir/s.sock" KUBE_ASKED="$dir/asked"
pids=
cleanup() {
	[ -z "$pids" ] || kill $pids 2>/dev/null
	[ ! -s "$KUBE_ASKED" ] || for p in $(cut -d' ' -f1 "$KUBE_ASKED"); do
		! grep -qs "with/kubectl" "/proc/$p/cmdline" || kill -9 "$p"
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

. tests/tools/with/rows.sh
# every kubectl that was ever run has ended
over() {
	for p in $(cut -d' ' -f1 "$KUBE_ASKED"); do
		! grep -qs "with/kubectl" "/proc/$p/cmdline" || return 1
	done
}
# as a row, and no kubectl is left
gone() {
	row "$@"
	if over; then good; else bad "$1: kubectl runs on"; fi
}
asked() { if grep -qE -- "^[0-9]+ $2\$" "$KUBE_ASKED"; then good; else bad "$1: no '$2' in: $(cat "$KUBE_ASKED")"; fi; }

mkdir "$dir/s"
head -n 2 tests/tools/flows.jsonl >"$dir/s/observer.Observer.GetFlows"
echo '{"namespaces":[{"namespace":"shop"}]}' >"$dir/s/observer.Observer.GetNamespaces"
echo '{"node":[{"name":"n1","state":"connected"}],"connected":1}' >"$dir/s/weir.v1.Relay.Status"
"$b/tests/tools/fake" "unix:$KUBE_TO" "$dir/s" 1 hold >"$dir/ready" &
pids=$!
becomes "the server listens" grep -q ready "$dir/ready"
touch "$KUBE_ASKED"

# mood, signal, what kubectl was asked last before it is sent, the exit code
ended_by() {
	what=$1 signal=$2 last=$4 code=$5
	: >"$KUBE_ASKED"
	KUBE_MOOD=$3 "$weir" observe -f -P $any --timeout 20s >"$dir/said" 2>&1 &
	one=$!
	becomes "$what: it runs" grep -q "$last" "$KUBE_ASKED"
	[ -n "$3" ] || becomes "$what: flows come" grep -q shop/database:5432 "$dir/said"
	kill -"$signal" $one
	wait $one 2>/dev/null
	got=$?
	if [ $got = "$code" ]; then good; else bad "$what: exit $got, not $code: $(cat "$dir/said")"; fi
	becomes "$what: kubectl has ended" over
}

any="--port-forward-port 0"
ended_by "Ctrl-C while flows come" INT "" port-forward 0
asked "the Service's first port is asked for" '--namespace kube-system get service weir-relay --output jsonpath=.*'
asked "and forwarded to" '--namespace kube-system port-forward service/weir-relay :80'
gone "by another Service, namespace, context and file" 0 '^shop$' "$weir" list namespaces -P $any --port-forward-service hubble-relay \
	--kube-namespace mesh --kube-context east --kubeconfig "$dir/kc"
asked "all of it is handed on" "--kubeconfig $dir/kc --context east --namespace mesh port-forward service/hubble-relay :80"
# below those that the kernel gives by itself: one of these would be another's by the time that it is asked for
port=$(python3 -c 'import random, socket
while True:
    port, s = random.randrange(20000, 30000), socket.socket()
    if s.connect_ex(("127.0.0.1", port)):
        print(port)
        break')
gone "a port that was chosen" 0 '^shop$' "$weir" list namespaces --port-forward --port-forward-port "$port"
asked "is the one" "--namespace kube-system port-forward service/weir-relay $port:80"
gone "by the environment, over another server that is set" 0 '^shop$' env WEIR_PORT_FORWARD=true WEIR_PORT_FORWARD_PORT=0 \
	WEIR_SERVER=unix:/nonexistent "$weir" list namespaces
gone "a verb that else asks an agent by its socket" 4 "does not know this question .weir.v1.Relay.Endpoints" "$weir" endpoints -P $any
KUBE_MOOD=talks gone "a kubectl that talks" 0 '^shop$' "$weir" list namespaces -P $any

gone "and --server" 2 '--port-forward and --server both say whom to ask' "$weir" observe -P --server localhost:4245
gone "and --lab" 2 '--port-forward and --lab both say whom to ask' "$weir" status -P --lab x
gone "a port that is none" 2 '--port-forward-port is from 0 to 65535' "$weir" observe -P --port-forward-port 65536
gone "no kubectl" 4 "^weir list namespaces: no 'kubectl' in PATH, and --port-forward runs it" env PATH="$dir" "$weir" list namespaces -P
KUBE_MOOD='no service' gone "no Service" 3 'kubectl cannot find the Service .*services "weir-relay" not found$' "$weir" observe -P $any
KUBE_MOOD='no pod' gone "no pod" 3 'kubectl cannot forward the port: error: unable to forward .*Pending$' "$weir" observe -P $any
KUBE_MOOD=slow gone "an API server that does not answer" 3 'kubectl did not find the Service .* within 300 ms' "$weir" observe -P $any --timeout 300ms
KUBE_MOOD=silent gone "a kubectl that says nothing" 3 'kubectl did not forward the port within 4000 ms' "$weir" observe -P $any --timeout 4s
KUBE_MOOD=dies gone "one that dies midway" 3 "has gone.*\(kubectl has ended: error: lost connection to pod\)" "$weir" observe -f -P $any
KUBE_MOOD=stays gone "one that does not want to end" 0 '^shop$' "$weir" list namespaces -P $any

ended_by "Ctrl-C while kubectl is waited for" INT silent port-forward 130
ended_by "a kill" KILL "" port-forward 137

sum
