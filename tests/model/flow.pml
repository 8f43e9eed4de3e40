/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow table's protocol (bpf/table.h and its users), for spin: one bucket of two slots, two flows, two packet
 * CPUs, a reclaimer that also raises the generation, and a reader of the mapped memory.  Every memory access is a step
 * of its own; only compare-and-swap, exchange and atomic add are indivisible.  Sequentially consistent.
 *
 * A tag is (key, incarnation, opener, lock, phase); a count is (incarnation, packets); a gate is one word (owner,
 * generation, judged under it per side, counts moved), the owner standing for the endpoints it would let through.
 * Flow 1 is denied by its side 1 under generation 2 and allowed before and after; flow 2 is always allowed.
 *
 * Rules that the runs below hold, each with the variant that breaks it:
 *	NO_INC		a packet counts only while the slot is the incarnation whose gate it read
 *	BLIND_GATE	a gate is stored only under lock
 *	CUT_BLIND	so is the mark "cut", and the closed gate that goes before it
 *	NO_SETTLE	whoever inserts looks for a twin afterwards ...
 *	SETTLE_ONCE	... and so does whoever changes any published tag
 *	CUT_OPEN	a cut slot's gate has no side judged: the tag may have been read before the cut
 *	CUT_LOST	an advance that lost its swap looks at the phase again
 *	UNCUT_SAME	a flow cut under a generation stays cut under it, whatever its other side says
 *	GIVE_TWICE	what a slot costs its payer is given back by the one swap that ends it
 *	PAYER_LATE	and the payer is read before that swap, not from a slot that may be another's
 *	HALF_KEPT	what is no longer half-open is given back as such, by whoever advances or cuts
 *	NO_REREAD	(STACK) a hook that does not count reads the tag again: nothing else proves whose gate it was
 *	BITS_BLIND	(STACK) a side's bit counts under the generation it was judged under, and no other
 *	COUNT_BOTH	(STACK) a packet that both hooks see is counted by its sender's, also where the other one inserts
 *
 * Size: -DPACKETS=n of each CPU, -DTIMES=n of the reclaimer, -DMOVES (counts move to totals), -DREADER,
 * -DONE_HOOK: each CPU sees packets of one side only; -DSTART: flow 1 is there at the beginning, half-open, judged under generation 1;
 * -DSTACK: a packet is judged for one side, that of the pod whose hook sees it, on any CPU; else for both at once.
 */
#ifndef PACKETS
#define PACKETS 1
#endif
#ifndef TIMES
#define TIMES 1
#endif
#define SLOTS 2
#define FREE 0
#define BUSY 1
#define HALF 2
#define EST 3
#define CUT 4
#define LOCK 8
#define TAG(k, i, o, p)	((k) * 1024 + (i) * 32 + (o) * 16 + (p))
#define KEY(t)		((t) / 1024)
#define INC(t)		(((t) / 32) % 32)
#define OPENER(t)	(((t) / 16) % 2)
#define PHASE(t)	((t) & 7)
#define LOCKED(t)	((t) & LOCK)
#define SAME(t, u)	(KEY(t) == KEY(u) && INC(t) == INC(u))
#define CNT(i, n)	((i) * 64 + (n))
#define CINC(c)		((c) / 64)
#define CNUM(c)		((c) % 64)
#define MOVED		64
#define GATE(f, g, ok)	((f) + 4 * (g) + 16 * (ok))
#define OWNER(x)	((x) & 3)
#define GEN(x)		(((x) / 4) & 3)
#define OK(x)		(((x) / 16) & 3)
#define PAYER(f, o)	(((f) - 1) * 2 + (o))
#define SAYS(f, g, ok)	(!((f) == 1 && (g) == 2 && ((ok) & 2)))		/* would these sides let the flow through */
#ifdef STACK
#define MINE		(1 + hook)
#else
#define MINE		3
#endif

short tag[SLOTS], cnt[SLOTS];
byte key[SLOTS], gate[SLOTS], tot[SLOTS], moves[SLOTS];
byte used[4], half[4];		/* by payer: slots, and of those the half-open ones */
byte sent[3], gone[3];		/* packets per flow: counted by a CPU; told by records of slots that changed hands */
byte gen = 1, done;

inline cas(w, old, new, ok) { atomic { if :: w == old -> w = new; ok = 1 :: else -> ok = 0 fi } }
inline add(w) { w++ }
inline sub(w) { atomic { assert(w > 0); w-- } }

/* The slot is ours (BUSY) and had tag t: its counts leave, the new incarnation comes in by one exchange, its payer is
 * paid back.  x is its gate. */
inline harvest(s, t) {
	atomic { c = cnt[s]; cnt[s] = CNT(INC(t) + 1, 0) }
	x = gate[s];
	n = CNUM(c);
	if :: x & MOVED -> n = n + tot[s] :: else fi;
	atomic { gone[OWNER(x)] = gone[OWNER(x)] + n; n = 0; c = 0 }
	sub(used[PAYER(OWNER(x), OPENER(t))]);
	if :: PHASE(t) == HALF -> sub(half[PAYER(OWNER(x), OPENER(t))]) :: else fi;
	x = 0
}

/* s, t: a published slot and the tag it had.  ok: it was ours to take, and is free now. */
inline retire(s, t) {
	ok = 0;
	if
	:: !LOCKED(t) && PHASE(t) >= HALF ->
#ifdef GIVE_TWICE
		x = gate[s];
		if :: x && tag[s] == t -> sub(used[PAYER(OWNER(x), OPENER(t))]) :: else fi;	/* gives back, then takes */
		x = 0;
#endif
		cas(tag[s], t, TAG(0, INC(t) + 1, 0, BUSY), ok)
	:: else
	fi;
	if
	:: ok ->
#ifdef GIVE_TWICE
		add(used[PAYER(OWNER(gate[s]), OPENER(t))]);
#endif
		harvest(s, t); tag[s] = TAG(0, INC(t) + 1, 0, FREE)
	:: else
	fi
}

/* Of two slots with one flow the later one goes.  Whoever has just changed a published tag looks: then a retire that
 * fails, fails because of somebody who will look after us. */
inline settle() {
#ifndef NO_SETTLE
	i = 0; seen = 0;
	do
	:: i < SLOTS -> t = tag[i];
		if
		:: KEY(t) == f ->
			if
			:: key[i] == f -> if :: seen -> s = i; retire(s, t) :: else -> seen = 1 fi
			:: else
			fi
		:: else
		fi;
		i++
	:: else -> break
	od;
	seen = 0
#else
	skip
#endif
}

/* Slot s still as in t: ours to rewrite.  u is the tag without the lock. */
inline lock(s, t) {
	u = tag[s]; ok = 0;
	if :: SAME(u, t) && !LOCKED(u) -> cas(tag[s], u, u + LOCK, ok) :: else fi
}

/* Locked: the lock and the phase change in one swap; others may advance meanwhile, but nobody takes, cuts or un-cuts.
 * A half-open flow that is no longer one is paid back. */
inline unlock(s, phase) {
	do
	:: u = tag[s];
		assert(LOCKED(u));
		cas(tag[s], u, u - LOCK - PHASE(u) + (phase -> phase : PHASE(u)), ok);
		if :: ok -> break :: else fi
	od;
	paid(u, phase)
}

inline paid(u, phase) {
#ifndef HALF_KEPT
	if :: PHASE(u) == HALF && phase > HALF -> sub(half[PAYER(f, OPENER(u))]) :: else fi
#else
	skip
#endif
}

/* Judged under an older generation, or never for this side: again, in place.  v: this packet may pass. */
inline judge_again() {
	v = SAYS(f, g, MINE);
#ifdef BLIND_GATE
	if :: v -> gate[s] = GATE(f, g, MINE) :: else fi;
#endif
#ifdef CUT_BLIND
	if :: !v -> gate[s] = GATE(f, g, 0); tag[s] = TAG(KEY(t), INC(t), OPENER(t), CUT) :: else fi;
#else
	lock(s, t);
	if
	:: ok ->
		x = gate[s];
		if
		:: GEN(x) > g -> unlock(s, 0)			/* somebody judged it under a newer one */
#ifndef UNCUT_SAME
		:: GEN(x) == g && PHASE(u) == CUT -> v = 0; unlock(s, 0)
#endif
		:: else ->
#ifdef BITS_BLIND
			n = MINE | OK(x);
#else
			n = (GEN(x) == g -> MINE | OK(x) : MINE);
#endif
#ifdef CUT_OPEN
			gate[s] = GATE(f, g, n) + (x & MOVED);
#else
			gate[s] = GATE(f, g, (v -> n : 0)) + (x & MOVED);
#endif
			n = 0;
			if
			:: v && PHASE(u) == CUT -> assert(GEN(x) != g); unlock(s, EST)
			:: v && PHASE(u) != CUT -> unlock(s, 0)
			:: else -> unlock(s, CUT)
			fi
		fi;
		x = 0; ok = 0; look = 1
	:: else
	fi
#endif
}

/* The packet tells that the flow lives.  The phase is looked at again whenever the swap was lost. */
inline advance() {
	u = t; ok = 0;
	do
	:: SAME(u, t) && PHASE(u) == HALF ->
		cas(tag[s], u, u + 1, ok);
		if
		:: ok ->
#ifdef PAYER_LATE
			if :: OWNER(gate[s]) -> sub(half[PAYER(OWNER(gate[s]), OPENER(u))]) :: else fi;
#else
			paid(u, EST);
#endif
			look = 1; ok = 0; break
		:: else ->
#ifdef CUT_LOST
			if :: SAME(tag[s], t) -> tag[s] = u + 1; look = 1 :: else fi; break
#else
			u = tag[s]
#endif
		fi
	:: else -> break
	od
}

#ifdef MOVES
inline move() {
	if
	:: CNUM(c) >= 1 ->
		lock(s, t);
		if
		:: ok ->
			moves[s]++;
			x = gate[s];
			if :: !(x & MOVED) -> tot[s] = 0; gate[s] = x + MOVED :: else fi;
			x = 0;
			atomic { n = CNUM(cnt[s]); cnt[s] = CNT(CINC(cnt[s]), 0) }
			tot[s] = tot[s] + n;
			moves[s]++;
			n = 0; unlock(s, 0); look = 1; ok = 0
		:: else
		fi
	:: else
	fi
}
#endif

proctype packets(byte me)
{
	byte f, i, s, n, left = PACKETS, g, x, tries, ok, seen, v, look, hook, from;
	short t, c, u;

next:	atomic { t = 0; c = 0; u = 0; i = 0; s = 0; n = 0; x = 0; g = 0; ok = 0; seen = 0; v = 0; f = 0; tries = 0; look = 0; hook = 0; from = 0 }
	if
	:: left == 0 -> goto out
	:: left > 0 -> left--; if :: f = 1 :: f = 2 fi
	fi;
#ifdef ONE_HOOK
	hook = me;
#else
	if :: hook = 0 :: hook = 1 fi;
#endif
	from = hook;
#ifdef STACK
	if :: from = 1 - hook :: true fi;	/* to_pod: the packet was counted by its sender's hook */
#endif
again:	atomic { tries++; t = 0; c = 0; u = 0; ok = 0; v = 0; x = 0; i = 0; s = SLOTS }
	g = gen;
	do				/* find: tag, key, gate, each by itself */
	:: i < SLOTS && s == SLOTS ->
		t = tag[i];
		if :: KEY(t) == f -> if :: key[i] == f -> s = i :: else fi :: else fi;
		i++
	:: else -> break
	od;
	if :: s == SLOTS -> goto miss :: else fi;
	x = gate[s];
	if
	:: GEN(x) == g && (OK(x) & MINE) == MINE -> v = 1	/* the gate decides, whatever the phase was */
	:: GEN(x) == g && OK(x) == 0 && PHASE(t) == CUT -> v = 0
	:: else -> judge_again()
	fi;
	x = 0;
	if
	:: from == hook ->		/* count: the proof that the slot is still that incarnation */
		c = cnt[s];
#ifdef NO_INC
		atomic { cnt[s] = cnt[s] + 1; ok = 1 }
#else
		if :: CINC(c) != INC(t) -> ok = 0 :: else -> cas(cnt[s], c, c + 1, ok) fi;
#endif
		if :: ok -> sent[f]++ :: else fi
	:: else ->
#ifdef NO_REREAD
		ok = 1
#else
		u = tag[s];
		ok = (SAME(u, t) && PHASE(u) != BUSY)
#endif
	fi;
	if
	:: !ok && tries < 3 -> goto again
	:: !ok -> goto after			/* the product drops it, or counts it apart */
	:: else -> assert(v -> SAYS(f, g, MINE) : !SAYS(f, g, 3)); ok = 0
	fi;
	if :: v -> advance() :: else fi;
#ifdef MOVES
	move();
#endif
after:
#ifndef SETTLE_ONCE
	if :: look -> settle() :: else fi;
#endif
	goto next;

miss:	if :: SAYS(f, g, MINE) -> skip :: else -> goto after fi;
	i = 0; s = SLOTS;			/* claim: free, else half-open; never established or cut */
	do
	:: i < SLOTS -> u = tag[i];
		if :: PHASE(u) == FREE && (s == SLOTS || PHASE(t) != FREE) -> s = i; t = u
		   :: s == SLOTS && PHASE(u) == HALF && !LOCKED(u) -> s = i; t = u
		   :: else fi;
		i++
	:: else -> break
	od;
	if :: s == SLOTS -> goto after :: else fi;	/* no room: dropped and counted */
	cas(tag[s], t, TAG(0, INC(t) + 1, 0, BUSY), ok);
	if :: !ok && tries < 3 -> goto again :: !ok -> goto after :: else fi;
	if :: PHASE(t) != FREE -> harvest(s, t) :: else fi;
	add(used[PAYER(f, from)]); add(half[PAYER(f, from)]);
	key[s] = f; gate[s] = GATE(f, g, MINE); moves[s] = 0;
#ifdef COUNT_BOTH
	n = 1;
#else
	n = (from == hook);
#endif
	cnt[s] = CNT(INC(t) + 1, n);
	atomic { tag[s] = TAG(f, INC(t) + 1, from, HALF); sent[f] = sent[f] + (from == hook); n = 0 }
	settle();
	goto next;
out:	done++
}

/* User space asks for idle slots to be freed; the agent raises the generation. */
proctype reclaimer()
{
	byte s, n, x, ok, times = TIMES; short t, c;
	do
	:: times == 0 -> break
	:: times > 0 -> atomic { times--; t = 0; c = 0; n = 0; x = 0; ok = 0 }
		if :: gen < 3 -> gen++ :: true fi;
		if :: s = 0 :: s = 1 :: goto on fi;
		t = tag[s];
		retire(s, t);
on:		s = 0
	od;
	done++
}

#ifdef READER
/* No torn key or gate under a published tag. */
proctype reader()
{
	byte s, k, g, m, x; short t, c;
	if :: s = 0 :: s = 1 fi;
	t = tag[s];
	m = moves[s];
	if :: KEY(t) == 0 || (m & 1) -> goto end :: else fi;
	k = key[s]; g = gate[s]; c = cnt[s]; x = tot[s];
	if
	:: SAME(tag[s], t) && moves[s] == m && CINC(c) == INC(t) -> assert(k == KEY(t)); assert(OWNER(g) == k)
	:: else
	fi;
end:	done++
}
#endif

/* At rest nothing is left held, nobody is twice in the table, every packet was counted once and for its own flow,
 * and the quotas say what the slots say. */
init {
	byte i, n, f, u[4], h[4];
	atomic {
#ifdef START
		tag[0] = TAG(1, 0, 0, HALF); key[0] = 1; gate[0] = GATE(1, 1, 3); cnt[0] = CNT(0, 1); sent[1] = 1;
		used[PAYER(1, 0)] = 1; half[PAYER(1, 0)] = 1;
#endif
		run packets(0); run packets(1); run reclaimer();
#ifdef READER
		run reader()
#else
		done++
#endif
	}
	done == 4;
	d_step {
		f = 1;
		do
		:: f <= 2 ->
			n = gone[f]; i = 0;
			do
			:: i < SLOTS ->
				assert(PHASE(tag[i]) != BUSY && !LOCKED(tag[i]));
				if
				:: KEY(tag[i]) == f ->
					n = n + CNUM(cnt[i]);
					if :: gate[i] & MOVED -> n = n + tot[i] :: else fi;
					u[PAYER(f, OPENER(tag[i]))]++;
					if :: PHASE(tag[i]) == HALF -> h[PAYER(f, OPENER(tag[i]))]++ :: else fi
				:: else
				fi;
				i++
			:: else -> break
			od;
			assert(n == sent[f]);
			f++
		:: else -> break
		od;
		assert(KEY(tag[0]) == 0 || KEY(tag[0]) != KEY(tag[1]));
		i = 0;
		do
		:: i < 4 -> assert(used[i] == u[i]); assert(half[i] == h[i]); i++
		:: else -> break
		od
	}
}
