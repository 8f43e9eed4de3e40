// SPDX-License-Identifier: Apache-2.0
// Where things stand: a layer is a column, a namespace is a band over its columns, bands are packed on a skyline.  What stood
// somewhere stays there while it lives: memory keeps columns, order of bands and of rows, and newcomers go behind.
const COLUMNS = 7, STUBS = 5, STUB = 15, REMEMBERED = 4000;
const heads = ["outside, calling", "entry", "services", "", "", "data", "outside, called"];

export const newMemory = () => ({ column: new Map(), bands: [], rows: new Map(), lane: new Map(), lanes: 0, next: 0 });

export function sizes(n) {
	return n > 60 ? { w: 122, h: 18, pitch: 22, gap: 78, out: 120, head: 18, pad: 7, top: 24, between: 9, lane: 30, small: true } :
		{ w: 148, h: 37, pitch: 48, gap: 88, out: 124, head: 21, pad: 10, top: 26, between: 14, lane: 40, small: false };
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
		const key = m.kind === "workload" ? m.ns : m.id;
		const b = all.get(key) ?? { key, ns: m.ns, framed: m.kind === "workload", marks: [], denies: 0 };
		b.marks.push(m);
		b.denies += m.denies;
		all.set(key, b);
	}
	const fresh = [...all.values()].filter((b) => !memory.bands.includes(b.key)).sort((a, b) => b.marks.length - a.marks.length || (a.key < b.key ? -1 : 1));
	memory.bands = [...memory.bands.filter((k) => all.has(k)), ...fresh.map((b) => b.key)];
	return memory.bands.map((k) => all.get(k));
}

function rows(list, memory) {
	for (const m of [...list].sort((a, b) => b.spark.reduce((x, y) => x + y, 0) - a.spark.reduce((x, y) => x + y, 0) || (a.id < b.id ? -1 : 1)))
		if (!memory.rows.has(m.id))
			memory.rows.set(m.id, memory.next++);
	return list.sort((a, b) => memory.rows.get(a.id) - memory.rows.get(b.id));
}

// A layer of many is several lanes beside each other: the map is as wide as it is tall, about.
function lanesOf(map, column, memory) {
	const n = [...column.values()].filter((c) => c > 0 && c < 6), used = new Set(n).size || 1;
	const now = Math.max(1, Math.min(4, Math.ceil(n.length / used / 18)));
	if (now !== memory.lanes) {
		memory.lanes = now;
		memory.lane.clear();
	}
	return now;
}

// What may not leave hangs below its card, a row each.
function below(map, z) {
	const stubs = new Map();
	for (const e of map.edges)
		if (e.denied > 0 && e.side === "egress")
			stubs.set(e.from, (stubs.get(e.from) ?? new Set()).add(e.to));
	return (id) => (stubs.has(id) ? (z.small ? 8 : Math.min(stubs.get(id).size, STUBS) * STUB) : 0);
}

export function layout(map, memory) {
	const z = sizes(map.marks.length), column = columns(map, memory), list = bands(map, column, memory);
	const { out, edges } = sides(map, column);
	const left = edges.some((e) => out.has(e.from)), right = edges.some((e) => e.to.startsWith(called) && !(e.verdict === "denied" && e.side === "egress"));
	const used = [...Array(COLUMNS).keys()].filter((c) => (c === 0 ? left || !right : c === 6 ? right : [...column.values()].includes(c)));
	const lanes = lanesOf(map, column, memory), slot = (c, lane) => c * lanes + lane;
	const x = {};
	let at = 0;
	for (const c of used)
		if (c === 0 || c === 6) {
			x[slot(c, 0)] = at;
			at += z.out + z.gap;
		} else {
			for (let lane = 0; lane < lanes; lane++)
				x[slot(c, lane)] = at + lane * (z.w + z.lane);
			at += lanes * z.w + (lanes - 1) * z.lane + z.gap;
		}
	const room = below(map, z);
	const V = new Map(), frames = [], sky = Array(COLUMNS * lanes).fill(z.top);
	for (const b of list) {
		const by = new Map();
		for (const m of b.marks)
			by.set(column.get(m.id), [...(by.get(column.get(m.id)) ?? []), m]);
		const cs = [...by.keys()].sort((a, c) => a - c), lo = cs[0], hi = cs.at(-1);
		const tall = Math.max(...[...by.values()].map((l) => l.reduce((y, m) => y + z.pitch + room(m.id), 0)));
		const head = b.framed ? z.head : 0, height = head + tall - z.pitch + z.h + (b.framed ? z.pad : 0);
		const floor = (lane) => Math.max(...sky.slice(slot(lo, lane), slot(hi, lane) + 1));
		const lane = memory.lane.get(b.key) ?? [...Array(lanes).keys()].reduce((best, k) => (floor(k) < floor(best) ? k : best), 0), y = floor(lane);
		memory.lane.set(b.key, lane);
		sky.fill(y + height + z.between, slot(lo, lane), slot(hi, lane) + 1);
		for (const [c, l] of by)
			rows(l, memory).reduce((top, m) => {
				V.set(m.id, { id: m.id, mark: m, column: c, x: x[slot(c, lane)], y: top, w: z.w, h: z.h });
				return top + z.pitch + room(m.id);
			}, y + head);
		if (b.framed)
			frames.push({ ns: b.ns, x: x[slot(lo, lane)] - 12, y, w: x[slot(hi, lane)] + z.w + 24 - x[slot(lo, lane)], h: height });
	}
	shores(edges, out, V, { 0: x[0], 6: x[slot(6, 0)] }, z);
	const H = Math.max(z.top + z.h, ...[...V.values()].map((v) => v.y + v.h + z.pad), ...frames.map((f) => f.y + f.h));
	return { V, frames, L: route(edges, V, z), W: at - z.gap, H, z, heads: used.filter((c) => heads[c]).map((c) => ({ x: x[slot(c, 0)], text: heads[c] })) };
}

// Who is outside and calls stands on the left shore, who is called on the right one; who does both, on both.
const called = "called:";
export const plain = (id) => (id.startsWith(called) ? id.slice(called.length) : id);

function sides(map, column) {
	const out = new Map(map.marks.filter((m) => column.get(m.id) === 0 || column.get(m.id) === 6).map((m) => [m.id, m]));
	const edges = map.edges.filter((e) => e.from !== e.to).map((e) => (out.has(e.to) && !out.has(e.from) ? { ...e, to: called + e.to } : e));
	return { out, edges };
}

// Beside those they speak with.
function shores(edges, out, V, x, z) {
	for (const [c, key] of [[0, "from"], [6, "to"]]) {
		const ids = [...new Set(edges.map((e) => e[key]))].filter((id) => out.has(plain(id)) && (c === 0) === !id.startsWith(called));
		if (c === 0)
			ids.push(...[...out.keys()].filter((id) => !edges.some((e) => e.from === id || e.to === called + id || e.to === id)));
		const list = ids.map((id) => {
			const ys = edges.filter((e) => e.from === id || e.to === id).map((e) => V.get(e.from === id ? e.to : e.from)?.y).filter((y) => y !== undefined);
			return { id, y: ys.length ? ys.reduce((a, b) => a + b) / ys.length : z.top };
		}).sort((a, b) => a.y - b.y || (a.id < b.id ? -1 : 1));
		let y = z.top;
		for (const o of list) {
			y = Math.max(y, o.y);
			if (x[c] === undefined)
				continue;
			V.set(o.id, { id: o.id, mark: out.get(plain(o.id)), column: c, x: x[c], y, w: z.out, h: z.h, out: true });
			y += z.h + 12;
		}
	}
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
			l.parts.push(e);
			l.rate += e.rate;
			l.denied += e.denied;
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
	[...L].sort((a, b) => b.rate - a.rate).forEach((l, i) => (l.minor = i > 44 && l.verdict === "allowed"));
	return L;
}

function route(edges, V, z) {
	const L = merge(edges, V);
	for (const l of L) {
		const a = V.get(l.s), b = V.get(l.t);
		l.stub = l.verdict === "denied" && l.side === "egress";
		l.flip = !b || b.column > a.column ? 0 : b.column < a.column ? 1 : 2;	// 1: against the layers; 2: within one
	}
	for (const v of V.values()) {
		const far = (l) => V.get(l.s === v.id ? l.t : l.s);
		const spread = (list) => {
			list.sort((p, q) => far(p).y - far(q).y || far(p).column - far(q).column || (p.key < q.key ? -1 : 1));
			const step = Math.min(9, (z.h - 8) / Math.max(1, list.length - 1));
			list.forEach((l, k) => (l[l.s === v.id ? "y0" : "y1"] = v.y + z.h / 2 + (k - (list.length - 1) / 2) * step));
		};
		const mine = L.filter((l) => !l.stub && (l.s === v.id || l.t === v.id)), right = (l) => l.flip === 2 || (l.s === v.id) !== (l.flip === 1);
		spread(mine.filter(right));
		spread(mine.filter((l) => !right(l)));
	}
	const stubs = new Map();
	for (const l of L) {
		const a = V.get(l.s), b = V.get(l.t);
		if (l.stub) {
			const n = stubs.get(l.s) ?? 0, px = a.x + 14, y = a.y + z.h + 10 + Math.min(n, STUBS - 1) * STUB;
			stubs.set(l.s, n + 1);
			l.d = z.small ? `M${px + Math.min(n, 4) * 22} ${a.y + z.h}v6` : `M${px} ${a.y + z.h}V${y}h12`;
			l.end = z.small ? [px + Math.min(n, 4) * 22, a.y + z.h + 7] : [px + 13, y];
			l.mid = z.small ? null : [px + 20, y];
			continue;
		}
		const side = l.flip ? 1 : -1, x0 = l.flip === 1 ? a.x : a.x + a.w, face = l.flip ? b.x + b.w : b.x;
		const x1 = face + side * 7, far = Math.abs(x1 - x0), k = l.flip === 2 ? 46 : Math.max(26, far * 0.45);
		const c0 = l.flip === 1 ? x0 - k : x0 + k, c1 = x1 + side * k;
		l.face = -side;
		l.end = [x1, l.y1];
		l.d = `M${x0} ${l.y0}C${c0} ${l.y0} ${c1} ${l.y1} ${x1} ${l.y1}`;
		l.at = (t) => {
			const u = 1 - t, w = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
			return [w[0] * x0 + w[1] * c0 + w[2] * c1 + w[3] * x1, (w[0] + w[1]) * l.y0 + (w[2] + w[3]) * l.y1];
		};
	}
	return L;
}
