#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line without an agent: help, usage, exit codes, `policy check`.
weir=${B:-build}/weir
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

. tests/tools/with/rows.sh

unset WEIR_SERVER
none=unix:$dir/none
row "no verb lists them" 2 '^  observe ' "$weir"
row "help lists them" 0 '^  why ' "$weir" help
row "help of a verb" 0 'usage: weir why ' "$weir" help why
row "help of a verb's verb" 0 'usage: weir policy check ' "$weir" policy help check
for verb in status endpoints why observe "policy list" "policy check"; do
	row "$verb --help says its exit codes" 0 'exit codes: 0 .*, 1 .*, 2 ' "$weir" $verb --help
done
row "an unknown verb" 2 "no verb 'obsreve'" "$weir" obsreve
row "an unknown option names the closest" 2 "did you mean '--follow'" "$weir" observe --folow
row "an output there is not" 2 "output is text or json, not 'yaml'" "$weir" why a/b c/d:1 -o yaml
row "nor here" 2 "output is text or json, or as hubble has it compact.dict.table, not 'dic'" "$weir" status -o dic
for verb in "list nodes" "list namespaces" "watch peers" top map health reflect; do
	row "$verb -s -D" 3 "^asking '$none'\$" "$weir" $verb -s "$none" -D
done
row "a word too many" 2 "'now' is not understood" "$weir" status now
row "why wants two words" 2 'two words are wanted' "$weir" why shop/a
row "why wants a port" 2 "'shop/b' is no destination" "$weir" why shop/a shop/b
for verb in status endpoints "policy list" "why a/b c/d:1"; do
	row "$verb without an agent" 3 'is weir-agent running' "$weir" $verb --server "$none"
done
row "options behind words" 3 'cannot reach an agent' "$weir" why a/b c/d:80 -s "$none"
row "the server from the environment" 3 "at '$none'" env WEIR_SERVER="$none" "$weir" status

row "samples are right" 0 '0 wrong' "$weir" policy check policies/shop policies/chain/policies.yaml
cat >"$dir/bad.yaml" <<'END'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {}
  ingress:
  - ports: [{port: 70000}]
END
row "what is wrong has file, line and column" 1 "^$dir/bad.yaml:7:[0-9]+: .*70000" "$weir" policy check "$dir/bad.yaml"
row "the rest is read all the same" 1 'objects, .*NetworkPolicy; 1 wrong' "$weir" policy check "$dir" policies/shop
row "as JSON" 1 '"line": 7,' "$weir" policy check -o json "$dir"
row "a file that is not there" 4 "cannot read '$dir/none.yaml'" "$weir" policy check "$dir/none.yaml"
cat >"$dir/idle.yaml" <<'END'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: idle, namespace: shop}
spec: {podSelector: {matchLabels: {app: nobody}}}
END
row "a policy that selects nobody is mentioned" 0 '^shop/idle: selects none of the 5 pods given' \
	"$weir" policy check "$dir/idle.yaml" policies/shop
cp "$dir/idle.yaml" "$dir/idle2.yaml"
row "one name in two files" 1 "^$dir/idle2.yaml:1: NetworkPolicy shop/idle stands in line 1 of '$dir/idle.yaml', too" \
	"$weir" policy check "$dir/idle.yaml" "$dir/idle2.yaml"
mkdir "$dir/folder" "$dir/folder/deep"
cp "$dir/bad.yaml" "$dir/folder"
cp "$dir/bad.yaml" "$dir/folder/deep"
ln -s nowhere "$dir/folder/link.yaml"
mkfifo "$dir/folder/fifo.yaml"
rm "$dir/bad.yaml" "$dir/idle2.yaml"
row "folders of a directory are read, and theirs not" 1 '; 1 wrong' timeout 60 "$weir" policy check "$dir"
row "a pipe" 1 "^/dev/stdin:7:[0-9]+: .*70000" sh -c "cat $dir/folder/bad.yaml | $weir policy check /dev/stdin"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n' >"$dir/map.yaml"
row "a file of other kinds" 0 "map.yaml: holds nothing that weir reads" "$weir" policy check "$dir/map.yaml"

# what hubble's verbs all take, these do: known, or refused in a sentence of its own
knows() {
	flag=$1
	shift
	! timeout 60 env PATH="$dir" WEIR_SERVER="$none" "$weir" "$@" "$flag" --zz </dev/null 2>&1 | grep -q "no option '$flag'"
}
for verb in observe status "list nodes" "list namespaces" "watch peers" version reflect; do
	for flag in --config --debug --server --timeout --request-timeout --tls --tls-allow-insecure --tls-ca-cert-files \
		--tls-client-cert-file --tls-client-key-file --tls-server-name --basic-auth-username --basic-auth-password --port-forward \
		--port-forward-port --kube-namespace --kube-context --kubeconfig; do
		row "$verb knows $flag" 0 '^$' knows $flag $verb
	done
	row "$verb does not know another" 1 '^$' knows --frobnicate $verb
done

relay=${B:-build}/weir-relay
row "two nodes of one name" 2 "'--peer a=1.1.1.1:1' and '--peer a=1.1.1.2:1' are both called 'a': each node has a name of its own" \
	"$relay" --check-config --peer a=1.1.1.1:1 --peer b=1.1.1.3:1 --peer a=1.1.1.2:1
row "one node by two names" 2 "'--peer a=1.1.1.1:1' and '--peer b=1.1.1.1:1' are one agent" \
	"$relay" --check-config --peer a=1.1.1.1:1 --peer b=1.1.1.1:1
row "nodes without names" 0 '^$' "$relay" --check-config --peer 1.1.1.1:1 --peer 1.1.1.2:1
printf 'a=1.1.1.1:1\n# another\nb=1.1.1.2:1\na=unix:/x\n' >"$dir/nodes"
row "one name twice in a file" 2 "^weir-relay: $dir/nodes:4: 'a' is another node's name in this file" "$relay" --check-config --peers "$dir/nodes"
sum
