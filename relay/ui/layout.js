// SPDX-License-Identifier: Apache-2.0
// Where things stand: a layer is a column, a namespace is a band over its columns, bands are packed on a skyline.  What stood
// somewhere stays there while it lives: memory keeps columns, order of bands and of rows, and newcomers go behind.
import { router } from "./route.js";

const COLUMNS = 7, STUBS = 5, STUB = 15, REMEMBERED = 4000, DRAWN = 45, STAYS = 70, LANES = 6;
const heads = ["outside, calling", "entry", "services", "", "", "data", "outside, called"];

export const newMemory = () => ({ column: new Map(), bands: [], rows: new Map(), lane: new Map(), shore: new Map(), top: new Map(), lanes: [],
	rowsAt: 0, small: false, next: 0, ways: new Map(), major: new Set() });

// Cards, or chips where there are many.
function sizes(n, memory) {
	const small = n > (memory.small ? 44 : 56);
	if (small !== memory.small)
		memory.shore.clear(), memory.top.clear();
	memory.small = small;
	return memory.small ? { w: 122, h: 18, pitch: 22, gap: 78, out: 120, head: 18, pad: 7, top: 24, between: 9, lane: 30, shore: 0, small: true } :
		{ w: 148, h: 37, pitch: 48, gap: 88, out: 124, head: 21, pad: 10, top: 26, between: 14, lane: 40, shore: 28, small: false };
}

// Services in up to three columns, by who calls whom; a circle does not matter.
function depths(map, layer) {
	const depth = new Map();
	for (let round = 0; round < 2; round++)
		for (const e of map.edges)
			if (layer.get(e.from) === 2 && layer.get(e.to) === 2 && e.from !== e.to && e.opened > 0)
				depth.set(e.to, Math.min(2, Math.max(depth.get(e.to) ?? 0, (depth.get(e.from) ?? 0) + 1)));
	return depth;
}

function columns(map, memory) {
	const layer = new Map(map.marks.map((m) => [m.id, m.layer])), depth = depths(map, layer);
	const seen = new Map();
	for (const m of map.marks) {
		const now = m.layer < 2 ? m.layer : m.layer === 2 ? 2 + (depth.get(m.id) ?? 0) : m.layer + 2;
		seen.set(m.id, memory.column.get(m.id) ?? now);
	}
	memory.column = memory.column.size > REMEMBERED ? seen : new Map([...memory.column, ...seen]);	// who is out of focus comes back to its place
	return seen;
}

function bands(map, column, memory) {
	const all = new Map();
	for (const m of map.marks) {
		if (m.layer === 0 || m.layer === 4 || column.get(m.id) === 0 || column.get(m.id) === 6)
			continue;
		const key = m.ns || m.id;		// a stack becomes a frame where it stands
		const b = all.get(key) ?? { key, ns: m.ns, framed: false, marks: [] };
		b.marks.push(m);
		b.framed ||= m.kind === "workload";
		all.set(key, b);
	}
	const fresh = [...all.values()].filter((b) => !memory.bands.includes(b.key))
		.sort((a, b) => b.marks.length - a.marks.length || (a.key < b.key ? -1 : 1));
	memory.bands = [...memory.bands.filter((k) => all.has(k)), ...fresh.map((b) => b.key)];
	return memory.bands.map((k) => all.get(k));
}

function rows(list, memory) {
	for (const m of [...list].sort((a, b) => b.spark.reduce((x, y) => x + y, 0) - a.spark.reduce((x, y) => x + y, 0) || (a.id < b.id ? -1 : 1)))
		if (!memory.rows.has(m.id))
			memory.rows.set(m.id, memory.next++);
	return list.sort((a, b) => memory.rows.get(a.id) - memory.rows.get(b.id));
}

// A layer of many is several lanes beside each other: the map is about as wide for its height as a screen is.  The lanes stay while
// they are nearly right.
function lanesOf(column, z, memory, aspect) {
	const n = Array(COLUMNS).fill(0), good = (lanes, r, k) => k <= lanes * r * 1.25 && k > (lanes - 1) * r * 0.6;
	for (const c of column.values())
		n[c] += c > 0 && c < COLUMNS - 1;
	const lanes = (r) => n.map((k) => Math.max(1, Math.min(LANES, Math.ceil(k / r)))), used = n.filter(Boolean).length;
	const wide = (r) => lanes(r).reduce((x, l, c) => x + (n[c] ? l * (z.w + z.lane) : 0), 0) + used * (z.gap - z.lane) + 2 * z.out;
	let r = 4;
	while (r < 40 && wide(r) > aspect * (z.top + r * z.pitch * 1.3))
		r++;
	if (!memory.rowsAt || Math.abs(r - memory.rowsAt) > Math.max(2, memory.rowsAt * 0.4) ||
		!n.every((k, c) => !k || good(memory.lanes[c], memory.rowsAt, k))) {
		Object.assign(memory, { rowsAt: r, lanes: lanes(r) });
		memory.lane.clear();
		memory.shore.clear();
		memory.top.clear();
	}
	return memory.lanes;
}

// What may not leave hangs below its card, a row each.
function below(map, z) {
	const stubs = new Map();
	for (const e of map.edges)
		if (e.denied > 0 && e.side === "egress")
			stubs.set(e.from, (stubs.get(e.from) ?? new Set()).add(e.to));
	return (id) => (stubs.has(id) ? (z.small ? 8 : Math.min(stubs.get(id).size, STUBS) * STUB) : 0);
}

// A namespace's marks by column; a cell of many is as many lanes wide as it fills, as far as there are.
function cellsOf(b, column, lanes, memory) {
	const cells = new Map();
	for (const m of b.marks) {
		const cell = cells.get(column.get(m.id)) ?? { marks: [] };
		cell.marks.push(m);
		cells.set(column.get(m.id), cell);
	}
	for (const [c, cell] of cells)
		cell.wide = Math.max(1, Math.min(lanes[c], Math.ceil(cell.marks.length / memory.rowsAt)));
	const cs = [...cells.keys()].sort((a, c) => a - c);
	return { cells, lo: cs[0], hi: cs.at(-1) };
}

// Columns and their lanes, from left to right; a slot is one lane of one column.
function gridOf(used, lanes, z) {
	const base = lanes.map((_, c) => lanes.slice(0, c).reduce((x, y) => x + y, 0)), slot = (c, lane) => base[c] + lane, x = {};
	let at = 0;
	for (const c of used)
		if (c === 0 || c === 6) {
			x[slot(c, 0)] = at + (c ? z.shore : 0);
			at += z.out + z.gap + z.shore;
		} else {
			for (let lane = 0; lane < lanes[c]; lane++)
				x[slot(c, lane)] = at + lane * (z.w + z.lane);
			at += lanes[c] * z.w + (lanes[c] - 1) * z.lane + z.gap;
		}
	return { x, slot, lanes, width: at - z.gap, sky: Array(slot(COLUMNS - 1, 0) + 1).fill(z.top) };
}

// A band lies where the skyline is lowest: in lanes of its own, or from the last ones of its first column to the first ones of its last.
function lay(b, column, g, z, memory, room, V) {
	const { cells, lo, hi } = cellsOf(b, column, g.lanes, memory), one = cells.get(lo).wide, end = (start) => g.slot(hi,
		(lo === hi ? start + one : cells.get(hi).wide) - 1);
	const floor = (start) => Math.max(...g.sky.slice(g.slot(lo, start), end(start) + 1));
	const free = lo === hi ? [...Array(g.lanes[lo] - one + 1).keys()] : [g.lanes[lo] - one], kept = memory.lane.get(b.key);
	const start = free.includes(kept) ? kept : free.reduce((best, k) => (floor(k) < floor(best) ? k : best)), first = g.slot(lo, start),
		last = end(start);
	const y = Math.max(floor(start), memory.top.get(b.key) ?? 0), head = b.framed ? z.head : 0;
	let foot = y + head + z.h;
	memory.lane.set(b.key, start);
	memory.top.set(b.key, y);
	for (const [c, cell] of cells) {
		const tops = Array(cell.wide).fill(y + head);
		for (const [i, m] of rows(cell.marks, memory).entries()) {
			const lane = i % cell.wide, under = room(m.id);
			V.set(m.id, { id: m.id, mark: m, inside: b.framed, column: c, x: g.x[g.slot(c, (c === lo ? start : 0) + lane)], y: tops[lane], w: z.w, h: z.h,
				under });
			foot = Math.max(foot, tops[lane] + z.h + under);
			tops[lane] += z.pitch + under;
		}
	}
	foot += b.framed ? z.pad : 0;
	g.sky.fill(foot + z.between, first, last + 1);
	return b.framed ? [{ ns: b.ns, x: g.x[first] - 12, y, w: g.x[last] + z.w + 24 - g.x[first], h: foot - y }] : [];
}

// Bands stay where they are, and who leaves leaves a gap; until the gaps are more than a fifth of all.
function settle(list, column, used, lanes, z, memory, room) {
	const put = (remembered) => {
		const g = gridOf(used, lanes, z), V = new Map(), frames = list.flatMap((b) => lay(b, column, g, z, remembered, room, V));
		return { g, V, frames, tall: Math.max(...g.sky), remembered };
	};
	const stays = put(memory), tight = put({ ...memory, lane: new Map(memory.lane), top: new Map() });
	if (stays.tall <= tight.tall * 1.2)
		return stays;
	Object.assign(memory, { lane: tight.remembered.lane, top: tight.remembered.top });
	memory.shore.clear();
	return tight;
}

export function layout(map, memory, aspect = 2.4) {
	const z = sizes(map.marks.length, memory), column = columns(map, memory), list = bands(map, column, memory);
	const { out, edges } = sides(map, column);
	const left = edges.some((e) => out.has(e.from)), right = edges.some((e) => e.to.startsWith(called) &&
		!(e.verdict === "denied" && e.side === "egress"));
	const used = [...Array(COLUMNS).keys()].filter((c) => (c === 0 ? left || !right : c === 6 ? right : [...column.values()].includes(c)));
	const room = below(map, z), { g, V, frames } = settle(list, column, used, lanesOf(column, z, memory, aspect), z, memory, room);
	shores(edges, out, V, { 0: g.x[0], 6: g.x[g.slot(6, 0)] }, z, room, memory);
	const { L, take, floor } = route(edges, V, frames, z, memory);
	const H = Math.max(z.top + z.h, floor + 8, ...[...V.values()].map((v) => v.y + v.h + (v.under ?? 0) + z.pad), ...frames.map((f) => f.y + f.h));
	return { V, frames, L, take, W: g.width, H, z, heads: used.filter((c) => heads[c]).map((c) => ({ x: g.x[g.slot(c, 0)], text: heads[c] })) };
}

// Who is outside and calls stands on the left shore, who is called on the right one; who does both, on both.
const called = "called:";
export const plain = (id) => (id.startsWith(called) ? id.slice(called.length) : id);

function sides(map, column) {
	const out = new Map(map.marks.filter((m) => column.get(m.id) === 0 || column.get(m.id) === 6).map((m) => [m.id, m]));
	const edges = map.edges.filter((e) => e.from !== e.to).map((e) => (out.has(e.to) && !out.has(e.from) ? { ...e, to: called + e.to } : e));
	return { out, edges };
}

// Beside those they speak with; who stood somewhere stays.
function shores(edges, out, V, x, z, room, memory) {
	for (const [c, key] of [[0, "from"], [6, "to"]]) {
		const ids = [...new Set(edges.map((e) => e[key]))].filter((id) => out.has(plain(id)) && (c === 0) === !id.startsWith(called));
		if (c === 0)
			ids.push(...[...out.keys()].filter((id) => !edges.some((e) => e.from === id || e.to === called + id || e.to === id)));
		const list = ids.map((id) => {
			const ys = edges.filter((e) => e.from === id || e.to === id).map((e) => V.get(e.from === id ? e.to : e.from)?.y).filter((y) => y !== undefined);
			return { id, y: ys.length ? ys.reduce((a, b) => a + b) / ys.length : z.top };
		}).sort((a, b) => a.y - b.y || (a.id < b.id ? -1 : 1));
		const taken = [], step = (id) => (z.small ? z.pitch : z.h + 12) + room(id), hit = (y, id) => taken.find((t) => y < t[1] && y + step(id) > t[0]);
		const stand = (id, y) => {
			taken.push([y, y + step(id)]);
			memory.shore.set(id, y);
			V.set(id, { id, mark: out.get(plain(id)), column: c, x: x[c], y, w: z.out, h: z.h, out: true, under: room(id) });
		};
		const fresh = x[c] === undefined ? [] : list.filter((o) => !memory.shore.has(o.id) || hit(memory.shore.get(o.id), o.id) ||
			stand(o.id, memory.shore.get(o.id)));
		for (const o of fresh) {
			let y = Math.max(z.top, o.y);
			for (let t; (t = hit(y, o.id)); y = t[1]);
			stand(o.id, y);
		}
	}
	if (memory.shore.size > REMEMBERED)
		memory.shore.clear();
	if (memory.top.size > REMEMBERED)
		memory.top.clear();
}

// One line for each pair and verdict; the port is that of the busiest.
function merge(edges, V) {
	const all = new Map();
	for (const e of edges) {
		if (!V.has(e.from) || (!V.has(e.to) && !(e.verdict === "denied" && e.side === "egress")))
			continue;
		for (const verdict of e.verdict === "mixed" ? ["allowed", "denied"] : [e.verdict]) {
			const key = `${e.from}>${e.to}>${verdict}`, side = verdict === "denied" ? e.side : "";
			const l = all.get(key) ?? { key, s: e.from, t: e.to, verdict, side, parts: [], rate: 0, denied: 0, latency: 0, measured: 0 };
			const part = e.verdict !== "mixed" ? e : verdict === "denied" ? { ...e, verdict, rate: 0, opened: 0 } : { ...e, verdict, denied: 0 };
			l.parts.push(part);
			l.rate += part.rate;
			l.denied += part.denied;
			l.side = side || l.side;
			if (e.latency_us) {
				l.latency += e.latency_us * e.opened;
				l.measured += e.opened;
			}
			all.set(key, l);
		}
	}
	const L = [...all.values()];
	for (const l of L)
		l.parts.sort((a, b) => b.rate - a.rate || b.denied - a.denied);
	return L;
}

// The busiest are drawn, and whatever is denied or would be; a line that was drawn stays until it is far behind.
function rank(L, memory) {
	const major = new Set();
	L.filter((l) => l.verdict === "allowed").sort((a, b) => b.rate - a.rate || (a.key < b.key ? -1 : 1)).forEach((l, i) => {
		l.minor = i >= (memory.major.has(l.key) ? STAYS : DRAWN);
		if (!l.minor)
			major.add(l.key);
	});
	memory.major = major;
}

// Which sides a line joins: 0 with the layers, 1 against them, 2 within one lane; and at which height of the card.
function doors(L, V, z) {
	for (const l of L) {
		const a = V.get(l.s), b = V.get(l.t);
		l.stub = l.verdict === "denied" && l.side === "egress";
		l.flip = !b || b.x > a.x ? 0 : b.x < a.x ? 1 : 2;
	}
	const mine = new Map([...V.keys()].map((id) => [id, []]));
	for (const l of L)
		if (!l.stub)
			mine.get(l.s).push(l), l.s !== l.t && mine.get(l.t).push(l);
	for (const v of V.values()) {
		const far = (l) => V.get(l.s === v.id ? l.t : l.s), right = (l) => l.flip === 2 || (l.s === v.id) !== (l.flip === 1);
		const spread = (list) => {
			list.sort((p, q) => far(p).y - far(q).y || far(p).x - far(q).x || (p.key < q.key ? -1 : 1));
			const step = Math.min(9, (z.h - 8) / Math.max(1, list.length - 1));
			list.forEach((l, k) => (l[l.s === v.id ? "y0" : "y1"] = v.y + z.h / 2 + (k - (list.length - 1) / 2) * step));
		};
		for (const minor of [false, true])
			for (const side of [true, false])
				spread(mine.get(v.id).filter((l) => !!l.minor === minor && right(l) === side));
		v.more = [true, false].map((side) => mine.get(v.id).filter((l) => l.minor && right(l) === side).length);
	}
}

// A wall below the source: what may not leave reaches nobody.
function hang(l, n, a, z) {
	const px = a.x + 14, y = a.y + z.h + 10 + Math.min(n, STUBS - 1) * STUB, at = px + Math.min(n, 4) * 22;
	l.d = z.small ? `M${at} ${a.y + z.h}v6` : `M${px} ${a.y + z.h}V${y}h12`;
	l.end = z.small ? [at, a.y + z.h + 7] : [px + 13, y];
	l.mid = z.small ? null : [px + 20, y];
}

function route(edges, V, frames, z, memory) {
	const L = merge(edges, V), stubs = new Map(), ways = router(V, frames, z, memory);
	rank(L, memory);
	doors(L, V, z);
	for (const l of L.filter((l) => l.stub)) {
		const n = stubs.get(l.s) ?? 0;
		stubs.set(l.s, n + 1);
		hang(l, n, V.get(l.s), z);
	}
	ways.settle(L.filter((l) => !l.stub && !l.minor));
	return { L, take: ways.take, floor: ways.floor() };
}
