#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A copy of the kernel programs with one rule of the flow table's protocol broken: break.sh NAME DIRECTORY
set -eu
name=$1 to=$2
rm -rf "$to" && mkdir -p "$to/bpf" && cp bpf/*.h bpf/*.c "$to/bpf"
change() {	# file, sed script: it must change something
	sed -i.was "$2" "$to/bpf/$1"
	if cmp -s "$to/bpf/$1" "$to/bpf/$1.was"; then
		echo "break.sh: '$name' changes nothing in bpf/$1" >&2
		exit 1
	fi
	rm "$to/bpf/$1.was"
}
case $name in
no-incarnation)	# a count does not ask whose slot it is
	change table.h '/^inline_fn enum counted count(/,/^}/ s/if (WEIR_COUNT_INC(c) != WEIR_TAG_INC(f->t))/if (!c \&\& f->t == 1)/' ;;
plain-counters)	# load, add, store
	change table.h '/^inline_fn enum counted count(/,/^}/ s/was = __sync_val_compare_and_swap(w, c, \(.*\));/was = c; *(volatile __u64 *)w = \1;/' ;;
no-lock)	# whoever wants to rewrite gate or counts does
	change table.h '/^inline_fn int slot_lock(/,/^}/ s/return same_hands.*/return same_hands(t, f->t);/' ;;
no-settle)	# nobody looks for a twin
	change retire.h '/^__noinline int settle(/,/^}/ s/if (!(m & (m - 1)))/if (m != ~0U)/' ;;
no-second-look)	# a hook that does not count trusts the gate it read; the gap before that is made wide
	change known.h 's/gate = ONCE(slot_hot(&f)->gate);/PAUSE_LONG(); &/'
	change table.h '/^inline_fn int slot_still(/,/^}/ s/return same_hands(.*;/return f->t || gate;/' ;;
quota-kept)	# a slot's end gives nothing back
	change retire.h '/^__noinline int slot_empty(/,/^}/ s/usage_add(payer_of(h->gate, t), -1,/usage_add(payer_of(h->gate, t), 0,/' ;;
*)
	echo "break.sh: no fault '$name'" >&2
	exit 2 ;;
esac
