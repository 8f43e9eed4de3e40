/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every header of this folder stands on: the kernel's contracts, libbpf's helpers, a few words of our own. */
#ifndef WEIR_BPF_PRELUDE_H
#define WEIR_BPF_PRELUDE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define inline_fn static __always_inline

/* A load that happens once, here. */
#define ONCE(x) (*(volatile typeof(x) *)&(x))

/* Full barriers on every CPU (BPF_CMPXCHG and BPF_XCHG are ordered as the kernel's cmpxchg and xchg). */
#define swap_if(word, old, new) (__sync_val_compare_and_swap(word, old, new) == (old))
#define exchange(word, new) __sync_lock_test_and_set(word, new)

/*
 * 0, made of a value that was loaded: an address to which it is added is not loaded from before that value is.
 * x86 keeps loads in order and is better off when it need not wait, so there it is a plain 0.
 */
#ifdef __TARGET_ARCH_x86
#define after(value) 0
#else
#define after(value) ({							\
	__u64 after_zero = (value);					\
	asm volatile("%0 &= 0" : "+r"(after_zero));			\
	after_zero;							\
})
#endif

/* A store that is seen after all before it.  x86 keeps stores in order, and a swap costs it more than the rest. */
#ifdef __TARGET_ARCH_x86
#define publish(word, value) ({ asm volatile("" ::: "memory"); ONCE(*(word)) = (value); })
#else
#define publish(word, value) exchange(word, value)
#endif

/* Which of the two hooks of an interface runs. */
enum hook { FROM_POD, TO_POD };

#endif
