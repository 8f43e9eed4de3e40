/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The order of a commit (DESIGN: compiler), for spin: one agent, killed at any point and followed by another, against
 * one packet after another.  Every map read and every map write is a step.
 *
 * One endpoint with a set per direction; two addresses, each with one word that holds its class for either direction;
 * labels a and b (0: the address is nobody's, judged as outside).  A direction denies all, allows all (both tell no
 * label from another), allows a only, or denies b only; a policy gives one of these to each direction.  A commit goes
 * to any other policy and any other labels: tightened, loosened, split, joined, set changed in one direction or both,
 * pod gone, address taken over, several at once.
 *
 * The packet must get the verdict of a state that was in force, or being brought into force, while it travelled; it
 * never finds a row or table missing; with no commit in flight that leaves the new verdict only, for known flows too.
 *
 * Rules, each with the variant that breaks it:
 *	AS_WRITTEN	no row that a packet can reach is rewritten: an edited policy makes a new set
 *	B_GEN_FIRST	the generation rises after all stores ...
 *	B_GEN_LATE	... and the program reads it before its first look-up
 *	B_CLASS_FIRST	the program reads the set before the word
 *	B_SET_FIRST	the agent stores words before sets
 *	B_TIMER		a grace is proved, not timed
 *	B_JOIN_SAME	within one commit classes only split
 *	B_DIRECT	an address whose set changes with it moves to a class of its own
 *	B_REUSE		no number is used again before a grace that began when it became unreachable
 *	B_GROW_SOON	(GROW) a set that moved to where there is room has been read by all before a class beyond its old limit
 *	B_ADD_SILENT	an address that was judged as outside raises the generation
 *	B_ADOPT_SILENT	(KILLS) so does every adoption
 *	B_ADOPT_NUMBERS	(KILLS) which takes every number in the maps as used
 *	WEAK		loads in any order need a grace before sets and before the generation (FENCED),
 *			or barriers in the program (BARRIER)
 *
 * Size: -DCOMMITS=n, -DKILLS=n deaths of the agent after any write, -DDIE_SWEEPING in a removal too, -DONE_WAY; -DGROW: a set
 * may have no room for a new class, and moves first.
 */
#ifndef COMMITS
#define COMMITS 2
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifdef ONE_WAY
#define WAYS 1
#else
#define WAYS 2
#endif
#define NC 6
#ifdef GROW
#define NS 5
#else
#define NS 4
#endif
#define NT 6
#define CLS(d, i)	cls[(d) * 2 + (i)]
#define ROW(d, s, c)	row[((d) * NS + (s)) * NC + (c)]
/* what policy k does in direction d: 0 denies, 1 allows, 2 allows a only, 3 denies b only */
#ifdef ONE_WAY
#define DOES(k, d)	(k)
#else
#define DOES(k, d)	((d) == 0 -> (k) : ((k) < 2 -> 1 : ((k) == 2 -> 0 : 2)))
#endif
#define VERDICT(k, d, l) ((DOES(k, d) == 1 || (DOES(k, d) == 2 && (l) == 1) || (DOES(k, d) == 3 && (l) != 2)) -> 1 : 2)
/* what its selectors tell about label l */
#define SIG(k, d, l)	(DOES(k, d) < 2 -> 0 : (DOES(k, d) == 2 -> ((l) == 1) : ((l) == 2)))

byte cls[4], eset[2], row[2 * NS * NC], tab[NT];	/* the maps; tab: 0 free, 1 allow, 2 deny */
/* A generation matters only as "the current one" or "an older one": raising it ages what was current. */
byte flow[4];		/* the flow table, a model of its own elsewhere: 0 none, 1 allowed under the current one, 2 under an older */
byte pg;		/* what the packet read: 0 nothing yet, 1 the current one, 2 one that is older by now */
byte was[4], will[4];	/* verdicts of the state in force and of the one coming */
byte K, L[2], nK, nL[2], kills = KILLS;
byte pmask, pa, pnum, busy;	/* the packet on its way: pa is direction * 2 + address */

inline begin() { atomic {
	i = 0;
	do :: i < 2 * WAYS -> will[i] = VERDICT(nK, i / 2, nL[i % 2]); i++ :: else -> break od;
	i = 0;
	if :: busy -> pmask = pmask | will[pa] :: else fi } }
inline over() { atomic {
	i = 0;
	do :: i < 2 * WAYS -> was[i] = will[i]; i++ :: else -> break od;
	i = 0; K = nK; L[0] = nL[0]; L[1] = nL[1] } }
inline raise() { atomic {
	if :: pg == 1 -> pg = 2 :: else fi;
	i = 0;
	do :: i < 2 * WAYS -> if :: flow[i] == 1 -> flow[i] = 2 :: else fi; i++ :: else -> break od;
	i = 0 } }
/* every packet that was on its way is through; a timer would not know */
inline grace() {
#ifndef B_TIMER
	atomic { pn = pnum; bz = busy }
	if :: bz -> (pnum != pn || !busy) :: else fi;
	atomic { pn = 0; bz = 0 }
#else
	skip
#endif
}
inline may_die() { if :: kills > 0 -> kills--; goto dead :: true fi }
#ifdef DIE_SWEEPING
inline may_die_here() { may_die() }
#else
inline may_die_here() { skip }
#endif
/* numbers that nobody has; within an atomic step */
inline fresh_class(d, to) { to = 1; do :: to < NC && cused[d * NC + to] -> to++ :: else -> break od; assert(to < NC); cused[d * NC + to] = 1 }
inline fresh_set(d, to) { to = 1; do :: to < NS && sused[d * NS + to] -> to++ :: else -> break od; assert(to < NS); sused[d * NS + to] = 1 }
inline fresh_table(to) { to = 1; do :: to < NT && tused[to] -> to++ :: else -> break od; assert(to < NT); tused[to] = 1 }
/* a table that says v: shared if there is one, else a new one is written */
inline table(v, to) {
	atomic { to = 1; do :: to < NT && !(tused[to] && tab[to] == v) -> to++ :: else -> break od }
	if
	:: to == NT -> atomic { fresh_table(to) } tab[to] = v
	:: else
	fi
}
inline write_row(d, s, c, t) { if :: ROW(d, s, c) != t -> ROW(d, s, c) = t :: else fi }
inline write_word(i) {
	if
	:: CLS(0, i) != to[i] || (WAYS > 1 && CLS(1, i) != to[2 + i]) -> atomic { CLS(0, i) = to[i]; CLS(1, i) = to[2 + i] } may_die()
	:: else
	fi
}
inline forget() { atomic { t = 0; s = 0; c = 0; i = 0; d = 0; v = 0; pn = 0; bz = 0; silent = 0; ns[0] = 0; ns[1] = 0;
	gs[0] = 0; gs[1] = 0; os[0] = 0; os[1] = 0; to[0] = 0; to[1] = 0; to[2] = 0; to[3] = 0; oc[0] = 0; oc[1] = 0; oc[2] = 0; oc[3] = 0 } }

inline numbers() { atomic {	/* what the maps hold is in use */
	d = 0;
	do
	:: d < WAYS ->
		c = 0; do :: c < NC -> cused[d * NC + c] = (c == 0 || c == CLS(d, 0) || c == CLS(d, 1)); c++ :: else -> break od;
		s = 0; do :: s < NS -> sused[d * NS + s] = (s == 0 || s == eset[d]); s++ :: else -> break od;
		d++
	:: else -> break
	od;
	t = 0; do :: t < NT -> tused[t] = (t == 0 || tab[t] != 0); t++ :: else -> break od;
	d = 0; s = 0; c = 0; t = 0 } }
/* rows and tables that nothing reaches any more go; after a grace */
inline sweep() {
	d = 0;
	do
	:: d < WAYS ->
		s = 1;
		do
		:: s < NS ->
			c = 1;
			do
			:: c < NC ->
				if
				:: ROW(d, s, c) && (s != eset[d] || (c != CLS(d, 0) && c != CLS(d, 1))) -> ROW(d, s, c) = 0; may_die_here()
				:: else
				fi;
				c++
			:: else -> break
			od;
			s++
		:: else -> break
		od;
		d++
	:: else -> break
	od;
	t = 1;
	do
	:: t < NT ->
		if
		:: tab[t] && ROW(0, eset[0], CLS(0, 0)) != t && ROW(0, eset[0], CLS(0, 1)) != t &&
		   (WAYS == 1 || (ROW(1, eset[1], CLS(1, 0)) != t && ROW(1, eset[1], CLS(1, 1)) != t)) -> tab[t] = 0; may_die_here()
		:: else
		fi;
		t++
	:: else -> break
	od;
	numbers()
}

/* Classes of direction d after the commit: an address leaves its class if what is told about it changes, or if its
 * class would have to part.  Within an atomic step. */
inline classes(d) {
	i = 0;
	do
	:: i < 2 ->
		to[d * 2 + i] = oc[d * 2 + i];
		if
		:: adopting ->		/* whatever the class meant: a fresh one */
			if
			:: i == 1 && oc[d * 2 + 1] == oc[d * 2] && SIG(nK, d, nL[1]) == SIG(nK, d, nL[0]) -> to[d * 2 + 1] = to[d * 2]
			:: else -> fresh_class(d, to[d * 2 + i])
			fi
		:: !adopting && DOES(nK, d) != DOES(K, d) ->	/* the set changes (AS_WRITTEN: its rows do): who moves takes a class that no other is in or comes to */
			if
			:: SIG(K, d, nL[i]) != SIG(K, d, L[i]) || (oc[d * 2] == oc[d * 2 + 1] && i == 1 &&
			   (SIG(nK, d, nL[0]) != SIG(nK, d, nL[1]) || to[d * 2] != oc[d * 2])) ->
#ifdef B_DIRECT
				if :: i == 1 && SIG(K, d, nL[1]) == SIG(K, d, L[0]) && SIG(nK, d, nL[1]) == SIG(nK, d, nL[0]) -> to[d * 2 + 1] = to[d * 2]
				   :: i == 0 && SIG(K, d, nL[0]) == SIG(K, d, L[1]) && nL[1] == L[1] && oc[d * 2] != oc[d * 2 + 1] -> to[d * 2] = oc[d * 2 + 1]
				   :: else -> fresh_class(d, to[d * 2 + i]) fi
#else
				fresh_class(d, to[d * 2 + i])
#endif
			:: else
			fi
		:: else ->		/* the set stays: one write moves an address, to a class that may be there already */
			if
			:: SIG(K, d, nL[i]) == SIG(K, d, L[i]) -> skip
			:: SIG(K, d, nL[i]) != SIG(K, d, L[i]) && i == 1 && SIG(K, d, nL[0]) == SIG(K, d, nL[1]) && to[d * 2] != oc[d * 2 + 1] ->
				to[d * 2 + 1] = to[d * 2]
			:: SIG(K, d, nL[i]) != SIG(K, d, L[i]) && i == 0 && SIG(K, d, nL[0]) == SIG(K, d, L[1]) &&
			   oc[d * 2] != oc[d * 2 + 1] && SIG(K, d, nL[1]) == SIG(K, d, L[1]) -> to[d * 2] = oc[d * 2 + 1]
			:: else -> fresh_class(d, to[d * 2 + i])
			fi
		fi;
#ifdef B_REUSE
		if :: to[d * 2 + i] != oc[d * 2 + i] && i == 0 && oc[d * 2] != oc[d * 2 + 1] -> cused[d * NC + oc[d * 2 + i]] = 0 :: else fi;
#endif
		i++
	:: else -> break
	od;
	i = 0
}
/* The old set has no room for a new class: it moves, saying the same, to where there is; within an atomic step. */
inline may_grow(d) {
#ifdef GROW
	if
	:: os[d] && (to[d * 2] != oc[d * 2] || to[d * 2 + 1] != oc[d * 2 + 1]) -> fresh_set(d, gs[d])
	:: true -> gs[d] = os[d]
	fi
#else
	gs[d] = os[d]
#endif
}
inline grow() {
#ifdef GROW
	d = 0;
	do
	:: d < WAYS && gs[d] != os[d] ->
		t = ROW(d, os[d], oc[d * 2]); write_row(d, gs[d], oc[d * 2], t); may_die();
		t = ROW(d, os[d], oc[d * 2 + 1]); write_row(d, gs[d], oc[d * 2 + 1], t); may_die();
		d++
	:: d < WAYS && gs[d] == os[d] -> d++
	:: else -> break
	od;
	atomic { d = 0; t = 0 }
#else
	skip
#endif
}
inline take_grown() {
#ifdef GROW
	d = 0;
	do :: d < WAYS -> if :: gs[d] != os[d] -> eset[d] = gs[d]; v = 1; may_die() :: else fi; d++ :: else -> break od;
	d = 0;
#ifndef B_GROW_SOON
	if :: v -> grace() :: else fi;
#endif
	v = 0
#else
	skip
#endif
}
/* Tables and rows of direction d: the old set with the new classes says the old; the new set says the new, of classes
 * that stay too. */
inline rows(d) {
	i = 0;
	do
	:: i < 2 ->
		if
		:: os[d] && to[d * 2 + i] != oc[d * 2 + i] ->
			if
			:: ns[d] != os[d] -> t = ROW(d, os[d], oc[d * 2 + i]); if :: t -> write_row(d, gs[d], to[d * 2 + i], t) :: else fi	/* as it stands in the map */
			:: else ->
				v = VERDICT(nK, d, nL[i]); table(v, t); may_die();
				if
				:: to[d * 2 + i] != oc[d * 2 + 1 - i] || to[d * 2 + i] == to[d * 2 + 1 - i] && oc[d * 2 + 1 - i] != to[d * 2 + 1 - i] ->
					write_row(d, gs[d], to[d * 2 + i], t)
				:: else
				fi
			fi;
			may_die()
		:: else
		fi;
		if
		:: ns[d] != os[d] -> v = VERDICT(nK, d, nL[i]); table(v, t); may_die(); write_row(d, ns[d], to[d * 2 + i], t); may_die()
		:: else
		fi;
		i++
	:: else -> break
	od;
	atomic { i = 0; t = 0; v = 0 }
}
inline sets() {
	d = 0;
	do :: d < WAYS -> if :: ns[d] != os[d] -> eset[d] = ns[d]; may_die() :: else fi; d++ :: else -> break od;
	d = 0
}

proctype agent()
{
	byte left = COMMITS, cused[2 * NC], sused[2 * NS], tused[NT], to[4], ns[2], gs[2], os[2], oc[4], d, t, s, c, i, pn, bz, v, adopting, silent;

again:	/* whoever starts takes what the maps hold for the old state, whatever it means */
	grace();
#ifdef B_ADOPT_NUMBERS
	numbers();
	atomic { if :: adopting -> c = 1; do :: c < NC -> cused[c] = 0; cused[NC + c] = 0; c++ :: else -> break od; c = 0 :: else fi }
#else
	sweep();
#endif
	if :: adopting -> goto commit :: else fi;
next:	forget();
	if
	:: left == 0 -> goto out
	:: left > 0 -> left--
	fi;
	atomic {
		if :: nK = 0 :: nK = 1 :: nK = 2 :: nK = 3 fi;
		if :: nL[0] = 0 :: nL[0] = 1 :: nL[0] = 2 fi;
		if :: nL[1] = 1 :: nL[1] = 2 fi
	}
	begin();
commit:	atomic {
		silent = 0;
#ifdef B_ADD_SILENT
		if :: !adopting && nK == K && nL[1] == L[1] && L[0] == 0 -> silent = 1 :: else fi;
#endif
		d = 0;
		do
		:: d < WAYS ->
			os[d] = eset[d]; ns[d] = os[d]; oc[d * 2] = CLS(d, 0); oc[d * 2 + 1] = CLS(d, 1);
#ifdef AS_WRITTEN	/* the set keeps its number, and rows of pairs that stay are rewritten after the addresses */
			if :: adopting -> fresh_set(d, ns[d]) :: else fi;
#else
			if :: adopting || DOES(nK, d) != DOES(K, d) -> fresh_set(d, ns[d]) :: else fi;
#endif
			classes(d);
			may_grow(d);
			d++
		:: else -> break
		od;
		d = 0
	}
	grow();
	d = 0;
	do :: d < WAYS -> rows(d); d++ :: else -> break od;
	d = 0;
	take_grown();
#ifdef B_GEN_FIRST
	raise(); may_die();
#endif
#ifdef B_SET_FIRST
	sets();
#endif
#ifdef B_JOIN_SAME	/* classes that the new policy does not tell apart join at once */
	if :: ns[0] != os[0] && SIG(nK, 0, nL[0]) == SIG(nK, 0, nL[1]) -> to[1] = to[0] :: else fi;
#endif
	write_word(0);
	write_word(1);
#ifdef FENCED
	grace();
#endif
	sets();
#ifdef AS_WRITTEN
	d = 0;
	do
	:: d < WAYS ->
		i = 0;
		do :: i < 2 -> v = VERDICT(nK, d, nL[i]); table(v, t); may_die(); write_row(d, eset[d], to[d * 2 + i], t); may_die(); i++ :: else -> break od;
		d++
	:: else -> break
	od;
	atomic { d = 0; i = 0; v = 0; t = 0 }
#endif
#ifdef FENCED
	grace();
#endif
#ifndef B_GEN_FIRST
#ifdef B_ADOPT_SILENT
	if :: !silent && !adopting -> raise() :: else fi;
#else
	if :: !silent -> raise() :: else fi;
#endif
#endif
	over();
	adopting = 0;
	may_die();
	grace();
	sweep();
	may_die();
	/* a later commit: classes that nothing tells apart join */
	atomic {
		to[0] = CLS(0, 0); to[1] = CLS(0, 1); to[2] = CLS(1, 0); to[3] = CLS(1, 1);
		if :: SIG(K, 0, L[0]) == SIG(K, 0, L[1]) -> to[1] = to[0] :: else fi;
		if :: WAYS > 1 && SIG(K, 1, L[0]) == SIG(K, 1, L[1]) -> to[3] = to[2] :: else fi
	}
	if
	:: to[1] != CLS(0, 1) || to[3] != CLS(1, 1) -> write_word(1); grace(); sweep()
	:: else
	fi;
	goto next;
dead:	/* the next agent knows the objects, and of the kernel only the maps */
	forget();
	adopting = 1;
	begin();
	goto again;
out:	skip
}

proctype packet()
{
	byte s, c, t, v, d;

	do
	:: atomic {
			busy == 0; pg = 0; s = 0; c = 0; t = 0; v = 0; d = 0;
			if :: pa = 0 :: pa = 1 :: WAYS > 1 -> pa = 2 :: WAYS > 1 -> pa = 3 fi;
			busy = 1; d = pa / 2; pmask = was[pa] | will[pa]
		}
#if defined(WEAK) && !defined(BARRIER)
		if :: pg = 1 :: true fi;		/* or that load is late */
#else
		pg = 1;
#endif
		if
		:: pg == 1 && flow[pa] == 1 -> v = 1; goto judged
		:: else
		fi;
#if defined(B_CLASS_FIRST)
		c = cls[pa]; s = eset[d];
#elif defined(WEAK) && !defined(BARRIER)
		if :: s = eset[d]; c = cls[pa] :: c = cls[pa]; s = eset[d] fi;
#else
		s = eset[d];
		c = cls[pa];
#endif
		t = ROW(d, s, c);
		assert(t != 0);				/* never a missing row */
		v = tab[t];
		assert(v != 0);				/* never a table that was freed */
#ifdef B_GEN_LATE
		pg = 1;
#else
		if :: !pg -> pg = 1 :: else fi;
#endif
		if
		:: v == 1 -> flow[pa] = pg
		:: else -> flow[pa] = 0			/* cut */
		fi;
judged:		atomic { assert(v & pmask); busy = 0; pnum = 1 - pnum; pmask = 0; pg = 0; s = 0; c = 0; t = 0; v = 0; d = 0 }
	od
}

init {
	byte i;
	atomic {
		K = 0; L[0] = 1; L[1] = 1; nL[0] = 1; nL[1] = 1;
		cls[0] = 1; cls[1] = 1; eset[0] = 1; tab[1] = 2; ROW(0, 1, 1) = 1;
#ifndef ONE_WAY
		cls[2] = 1; cls[3] = 1; eset[1] = 1; tab[2] = 1; ROW(1, 1, 1) = 2;
#endif
		i = 0;
		do :: i < 2 * WAYS -> was[i] = VERDICT(0, i / 2, 1); will[i] = was[i]; i++ :: else -> break od;
		i = 0;
		run agent(); run packet()
	}
}
