// SPDX-License-Identifier: Apache-2.0
// Where lines run: between cards, never behind one.  A slot is a lane of a column; in every slot that a line crosses it takes a free
// height, and it bends only in the gutters between slots.  What it took it keeps as long as that stays free, so that a picture does
// not jump when numbers change.
//
//	const ways = router(V, frames, z, memory);	cards and titles stand in the way
//	ways.settle(lines);				the first ones choose first
//	ways.take(line);				one more: gives it d, end, face, at(t) and levels: where it may be written on
const ROOF = 16, FLOOR = 4000, NEAR = 7, SHARED = 60, BEND = 8, EASE = 5;

// What cards leave free of a slot, from top to bottom.
function gaps(walls, roof) {
	const free = [];
	let top = roof;
	for (const [from, to] of walls.sort((a, b) => a[0] - b[0])) {
		if (from >= top)
			free.push([top, from]);
		top = Math.max(top, to);
	}
	return [...free, [top, FLOOR]];
}

function slotsOf(V, frames, z) {
	const by = new Map(), clear = z.small ? 4 : 5;
	for (const v of V.values()) {
		const s = by.get(v.x) ?? { x: v.x, w: 0, walls: [], used: [] };
		s.w = Math.max(s.w, v.w);
		s.walls.push([v.y - (v.mark.count > 1 ? 4 : 0) - clear, v.y + v.h + (v.under ?? 0) + clear]);
		by.set(v.x, s);
	}
	for (const f of frames)
		by.get(f.x + 12)?.walls.push([f.y + 2, f.y + z.head - 2]);
	const list = [...by.values()].sort((a, b) => a.x - b.x);
	for (const [i, s] of list.entries())
		Object.assign(s, { n: i, gaps: gaps(s.walls, ROOF), gutter: (list[i + 1]?.x ?? s.x + s.w + 80) - s.x - s.w });
	return list;
}

const taken = (s, y, pitch) => s.used.some((u) => Math.abs(u - y) < pitch);

// The free height of a gap that is nearest to the one wanted; where there is room, not close to a card.
function near(gap, s, want, pitch) {
	const off = Math.min(EASE, Math.max(0, (gap[1] - gap[0] - 4) / 2)), top = gap[0] + (gap[0] > ROOF ? off : 0), bottom = gap[1] - off;
	const y = Math.min(bottom, Math.max(top, want));
	for (let d = 0; d <= 24 * pitch; d += pitch / 2)
		for (const t of d ? [y - d, y + d] : [y])
			if (t >= top && t <= bottom && !taken(s, t, pitch))
				return { y: t, extra: 0 };
	return { y, extra: SHARED };	// it runs with another one
}

function candidates(s, want, ends, pitch) {
	const off = (g, y) => Math.max(0, g[0] - y, y - g[1]);
	const list = new Set([...s.gaps].sort((a, b) => off(a, want) - off(b, want)).slice(0, NEAR));
	for (const y of ends)
		list.add(s.gaps.reduce((best, g) => (off(g, y) < off(best, y) ? g : best)));
	return [...list].flatMap((g) => [want, ...ends].map((y) => near(g, s, y, pitch)));
}

const bend = (a, b) => (Math.abs(a - b) < 1 ? 0 : BEND + Math.abs(a - b));

// The cheapest heights through all slots between: short, with few bends.
function choose(between, y0, y1, pitch) {
	let heads = [{ y: y0, cost: 0, back: null }];
	for (const [i, s] of between.entries()) {
		const want = y0 + ((y1 - y0) * (i + 1)) / (between.length + 1);
		heads = candidates(s, want, [y0, y1], pitch).map((c) => {
			const back = heads.reduce((best, p) => (p.cost + bend(p.y, c.y) < best.cost + bend(best.y, c.y) ? p : best));
			return { y: c.y, cost: back.cost + bend(back.y, c.y) + c.extra, back };
		});
	}
	const ys = [];
	for (let at = heads.reduce((best, p) => (p.cost + bend(p.y, y1) < best.cost + bend(best.y, y1) ? p : best)); at.back; at = at.back)
		ys.unshift(at.y);
	return ys;
}

const point = ([p, a, b, q], t) => {
	const u = 1 - t, w = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
	return [0, 1].map((i) => w[0] * p[i] + w[1] * a[i] + w[2] * b[i] + w[3] * q[i]);
};

// Where something may be written on a line: in the middle of its longest level pieces, before all else.
const levels = (pieces, straight) => pieces.filter((p, i) => straight[i] && Math.abs(p[3][0] - p[0][0]) > 40).sort((p,
	q) => Math.abs(q[3][0] - q[0][0]) - Math.abs(p[3][0] - p[0][0]))
	.slice(0, 6).flatMap((p) => [0.5, 0.3, 0.7].map((t) => point(p, t)));

// Pieces are cubics; straight ones, too.  t goes by length.
function measure(pieces) {
	const long = pieces.map(([p, , , q]) => Math.hypot(q[0] - p[0], q[1] - p[1]) || 1), all = long.reduce((a, b) => a + b);
	return (t) => {
		let rest = t * all, i = 0;
		while (i < pieces.length - 1 && rest > long[i])
			rest -= long[i++];
		return point(pieces[i], Math.min(1, rest / long[i]));
	};
}

const r1 = (n) => Math.round(n * 10) / 10;
const write = (pieces, straight) => `M${pieces[0][0].map(r1).join(" ")}` + pieces.map(([, a, b, q], i) => (straight[i] ? `L${q.map(r1).join(" ")}` :
	`C${[...a, ...b, ...q].map(r1).join(" ")}`)).join("");

// A curve from p to q that leaves and arrives level.
const curve = (p, q) => {
	const k = (q[0] - p[0]) / 2;
	return [p, [p[0] + k, p[1]], [q[0] - k, q[1]], q];
};

function through(between, ys, from, to, right) {
	const pieces = [], straight = [];
	let at = from;
	for (const [i, s] of between.entries()) {
		const a = [right ? s.x - 6 : s.x + s.w + 6, ys[i]], b = [right ? s.x + s.w + 6 : s.x - 6, ys[i]];
		pieces.push(curve(at, a), [a, a, b, b]);
		straight.push(Math.abs(at[1] - a[1]) < 0.5, true);
		at = b;
	}
	return { pieces: [...pieces, curve(at, to)], straight: [...straight, Math.abs(at[1] - to[1]) < 0.5] };
}

// Out of the right side and back into it, within the gutter.
function loop(from, to, gutter) {
	const k = Math.min(46, (gutter - 8) / 0.75);
	return { pieces: [[from, [from[0] + k, from[1]], [to[0] + k, to[1]], to]], straight: [false] };
}

export function router(V, frames, z, memory) {
	const slots = slotsOf(V, frames, z), by = new Map(slots.map((s) => [s.x, s])), pitch = z.small ? 5 : 7;
	const slot = (id) => by.get(V.get(id).x);
	const before = memory.ways, fresh = (memory.ways = new Map());

	function between(l) {
		const a = slot(l.s).n, b = slot(l.t).n;
		return a < b ? slots.slice(a + 1, b) : slots.slice(b + 1, Math.max(a, b + 1)).reverse();
	}

	// As last time, if nothing stands there now.
	function again(l, list) {
		const ys = before.get(l.key);
		return ys?.length === list.length && list.every((s, i) => ys[i] && ys[i][0] === s.x && s.gaps.some((g) => g[0] <= ys[i][1] && ys[i][1] <= g[1])) &&
			list.every((s, i) => ys[i][2] || !taken(s, ys[i][1], pitch)) ? ys.map((y) => y[1]) : null;
	}

	function draw(l, list, ys) {
		const a = V.get(l.s), b = V.get(l.t), side = l.flip ? 1 : -1, x1 = (l.flip ? b.x + b.w : b.x) + side * 7;
		const from = [l.flip === 1 ? a.x : a.x + a.w, l.y0], to = [x1, l.y1];
		const { pieces, straight } = l.flip === 2 ? loop(from, to, slot(l.s).gutter) : through(list, ys, from, to, !l.flip);
		fresh.set(l.key, list.map((s, i) => [s.x, ys[i], taken(s, ys[i], pitch)]));
		list.forEach((s, i) => s.used.push(ys[i]));
		Object.assign(l, { face: -side, end: to, d: write(pieces, straight), at: measure(pieces), levels: levels(pieces, straight) });
	}

	function take(l) {
		if (l.d)
			return;
		const list = l.flip === 2 ? [] : between(l);
		draw(l, list, again(l, list) ?? choose(list, l.y0, l.y1, pitch));
	}

	return {
		take,
		settle(lines) {
			for (const l of lines) {
				const list = l.flip === 2 ? [] : between(l), ys = before.has(l.key) && again(l, list);
				if (ys)
					draw(l, list, ys);
			}
			for (const l of [...lines].sort((p, q) => Math.abs(slot(p.s).n - slot(p.t).n) - Math.abs(slot(q.s).n - slot(q.t).n)))
				take(l);
		},
		floor: () => Math.max(0, ...slots.flatMap((s) => s.used)),
	};
}
