#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Completion in a real bash, zsh and fish, and the manual pages through man and mandoc, without a warning.
b=${B:-build}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0
PATH=$(cd "$b" && pwd):$PATH
export HOME="$dir" XDG_CONFIG_HOME="$dir"
unset WEIR_SERVER

# what, expected words (joined by blanks), got
is() {
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$1: '$3', not '$2'"
	fi
}
skip() {
	skipped=$((skipped + 1))
	echo "skipped: $1"
}
joined() { sort | tr '\n' ' ' | sed 's/ $//'; }

# bash takes words apart at = and :, as COMP_WORDBREAKS says; so does this
in_bash() {
	bash --norc -c '
		source "$1"; shift
		COMP_WORDS=(weir "$@"); COMP_CWORD=$#
		compopt() { :; }
		_weir
		printf "%s\n" "${COMPREPLY[@]}"' bash "$b/completion/weir.bash" "$@" | joined
}
# fish completes a line
in_fish() { fish --no-config -c "source $b/completion/weir.fish; complete -C '$1'" | cut -f1 | joined; }
# zsh with what it hands to _describe and _files taken down
in_zsh() {
	zsh -f -c '
		compdef() { :; }
		_describe() { local -a a; a=("${(@P)2}"); print -rl -- "${(@)a%%:*}"; }
		_files() { print -r FILES; }
		source "$1"; shift
		words=(weir "$@"); CURRENT=$(($# + 1))
		_weir' zsh "$b/completion/weir.zsh" "$@" | joined
}
touch "$dir/one.yaml"

is "bash: verbs" "observe" "$(in_bash ob)"
is "bash: words of a verb" "agent-events debug-events flows" "$(in_bash observe "")"
is "bash: verbs of a verb" "namespaces nodes" "$(in_bash list n)"
is "bash: options" "--from-fqdn" "$(in_bash observe --from-f)"
is "bash: an option's values" "json jsonpb" "$(in_bash observe -o j)"
is "bash: the same behind =" "dict" "$(in_bash observe --output = d)"
is "bash: all of them behind =" "compact dict json jsonpb tab table" "$(in_bash observe --output =)"
is "bash: a flag's values" "true" "$(in_bash observe --print-rules = t)"
is "bash: names that no table lists" "world world-ipv4 world-ipv6" "$(in_bash observe --identity wor)"
is "bash: reasons of drops" "POLICY_DENIED POLICY_DENY" "$(in_bash observe --drop-reason-desc POLICY_)"
is "bash: files" "$dir/one.yaml" "$(in_bash policy check "$dir/on")"
is "bash: files of an option" "$dir/one.yaml" "$(in_bash observe --input-file "$dir/on")"
is "bash: nothing where nothing fits" "" "$(in_bash observe --server x)"
is "bash: no verb, no words" "" "$(in_bash nosuch --x)"
is "bash: what is hidden stays so" "" "$(in_bash observe --colour)"
if command -v fish >/dev/null 2>&1; then
	is "fish: verbs" "observe" "$(in_fish 'weir ob')"
	is "fish: options" "--from-fqdn" "$(in_fish 'weir observe --from-f')"
	is "fish: an option's values" "json jsonpb" "$(in_fish 'weir observe -o j')"
	is "fish: the same behind =" "--output=dict" "$(in_fish 'weir observe --output=d')"
	is "fish: files" "$dir/one.yaml" "$(in_fish "weir policy check $dir/on")"
else
	skip "fish is not installed"
fi
if command -v zsh >/dev/null 2>&1; then
	is "zsh: verbs" "observe" "$(in_zsh ob)"
	is "zsh: options" "--from-fqdn" "$(in_zsh observe --from-f)"
	is "zsh: an option's values" "json jsonpb" "$(in_zsh observe -o j)"
	is "zsh: a value behind =" "--output=dict" "$(in_zsh observe --output=d)"
	is "zsh: files" "FILES" "$(in_zsh policy check "")"
else
	skip "zsh is not installed"
fi

# every verb has a page, and no page a warning
for verb in $(weir help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	is "a page for $verb" "yes" "$([ -s "$b/man/weir-$verb.1" ] && echo yes)"
done
for page in "$b"/man/*; do
	if command -v man >/dev/null 2>&1; then
		is "man: $page" "" "$(LC_ALL=C.UTF-8 MANROFFSEQ='' man -l --warnings -E UTF-8 -Tutf8 "$page" 2>&1 >/dev/null)"
	fi
	if command -v mandoc >/dev/null 2>&1; then
		# a date would make two builds of one source differ
		is "mandoc: $page" "" "$(mandoc -T lint -W warning "$page" | grep -v 'missing date')"
	fi
done
command -v man >/dev/null 2>&1 || skip "man is not installed"
command -v mandoc >/dev/null 2>&1 || skip "mandoc is not installed"
# what --help tells stands in the page, too
weir observe --help | sed -n 's/^ *\(-., \)*--\([a-z-]*\).*/\2/p' | while read -r o; do
	mandoc -T utf8 "$b/man/weir-observe.1" 2>/dev/null | col -b 2>/dev/null | grep -q -- "--$o" || echo "$o"
done >"$dir/missing"
command -v mandoc >/dev/null 2>&1 && is "every option is in the page" "" "$(cat "$dir/missing")"
[ "$skipped" = 0 ] && echo "$passed passed, $failed failed" || echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
