// SPDX-License-Identifier: Apache-2.0
// What the map is drawn of: cards, lines with their walls and gates, and what is written on them.  Pure: from places to elements.
import { s } from "./dom.js";
import { plain } from "./layout.js";
import { bytes, count, line, micros, rate } from "./words.js";

const ruler = document.createElement("canvas").getContext("2d"), widths = new Map(), MEASURED = 5000, LABELS = 80;
let family = "";

export function width(text, bold, size = 11) {
	const key = `${bold ? "b" : ""}${size} ${text}`;
	if (widths.has(key))
		return widths.get(key);
	if (widths.size > MEASURED)
		widths.clear();
	family ||= getComputedStyle(document.body).fontFamily;
	ruler.font = `${bold ? "600 " : ""}${size}px ${family}`;
	widths.set(key, ruler.measureText(text).width);
	return widths.get(key);
}

// As much of a name as there is room for.
export function cut(text, room, bold, size) {
	if (width(text, bold, size) <= room)
		return text;
	let low = 1, high = text.length;
	while (low < high) {
		const mid = (low + high + 1) >> 1;
		if (width(`${text.slice(0, mid)}…`, bold, size) <= room)
			low = mid;
		else
			high = mid - 1;
	}
	return `${text.slice(0, low)}…`;
}

export const thick = (r) => 1 + 1.15 * Math.log10(1 + r * 0.8);
export const times = (n) => `×${n < 10000 ? count(n) : `${Math.round(n / 1000)}k`}`;

// What a pointer over it is told.
function told(l) {
	const ports = l.parts.slice(0, 3).map((p) => (p.port ? `${p.port}/${p.proto}` : p.proto)).join(", ");
	const much = l.verdict === "denied" ? `denied ${times(l.denied)}, ${l.side}` : l.verdict === "audit" ? `${rate(l.rate)}, would be denied` : rate(l.rate);
	const carried = l.parts.reduce((n, p) => n + p.bytes, 0);
	return `${plain(l.s)} → ${plain(l.t)} ${ports}${l.parts.length > 3 ? " …" : ""}: ${much}${carried ? `, ${bytes(carried)}/s` : ""}${l.measured ? `, ${micros(l.latency / l.measured)}` : ""}`;
}

export function drawLine(l, small, fresh) {
	const w = l.verdict === "denied" ? 2 : l.verdict === "audit" ? 1.75 : thick(l.rate) * (small ? 0.65 : 1), [x, y] = l.end, f = l.face ?? 1;
	const a = 2.6 + w * 0.6, denied = l.verdict === "denied";
	return s("g", { class: `edge ${l.verdict} ${l.minor ? "minor" : ""} ${fresh ? "fresh" : ""}`, "data-line": l.key }, s("title", {}, told(l)),
		s("path", { class: "case", d: l.d, "stroke-width": w + 3.5 }), s("path", { class: "ln", d: l.d, "stroke-width": w.toFixed(2) }),
		!denied && s("path", { class: "tipA", d: `M${x} ${y - a}l${6.5 * f} ${a}l${-6.5 * f} ${a}z` }),
		denied && s("path", { class: "wall", d: l.stub ? (l.mid ? `M${x} ${y - 6}v12` : `M${x - 7} ${y}h14`) : `M${x + 1.5 * f} ${y - 8}v16` }),
		l.verdict === "audit" && s("rect", { class: "gate", x: x - (f < 0 ? -4 : 8), y: y - 8, width: 4, height: 16 }),
		s("path", { class: "hit", d: l.d }));
}

export const spoken = (v, calls, denied) => `${plain(v.id).replace(/^(\w+):/, (_, k) => ({ node: "node ", ns: "namespace ", out: "outside, " })[k] ?? "")}${v.mark.ports.length ? `, ${v.mark.ports.join(" ")}` : ""}, ${calls} in, ${denied} denied`;
export const nameOf = (m) => (m.id === "rest:namespaces" ? "others" : m.id.startsWith("rest:") ? `+${count(m.count)} ${m.id.slice(5)}` :
	m.kind === "namespace" ? m.name || "other namespaces" : m.name || m.id);

// What a folded namespace denies within itself is on no line: its marks' denials, less those across its border, each told at both ends.
export function hidden(m, id, L) {
	const across = L.filter((l) => l.s === id || l.t === id).reduce((n, l) => n + l.denied, 0);
	return m.kind === "namespace" ? Math.max(0, Math.round((m.denies - across) / 2)) : 0;
}

const bad = (text) => s("tspan", { class: "d" }, text);
const portsOf = (m) => m.ports.slice(0, 2).map((p) => `:${p.replace("/tcp", "")}`).join(" ");

function below(m, denies, small, inside, within) {
	const n = denies.reduce((sum, l) => sum + l.denied, 0) + within;
	if (n && small)
		return bad(times(n));
	if (within)
		return bad(`${times(within)} denied within`);
	if (denies.length)
		return bad(`${denies.length} ${denies.length > 1 ? "ways" : "way"} denied`);
	if (small)
		return m.count > 1 && !inside ? count(m.count) : "";
	if (inside || m.kind === "namespace")
		return inside ? "folded" : `${count(m.count)} workloads`;
	return portsOf(m) || (m.kind === "node" || m.workload_kind === "Node" ? "node" : "");
}

// Lines that are not drawn show as up to three ticks at their side.
const ticks = (n, x, to, h) => [...Array(Math.min(3, n)).keys()].map((i) => `M${x} ${h / 2 + (i - (Math.min(3, n) - 1) / 2) * 3}h${to}`).join("");

function sparkline(m, v) {
	const d = line(m.spark, 36, 11);
	return s("g", { transform: `translate(${v.w - 46} 19)` }, s("path", { class: "sp", d }),
		s("circle", { class: "tip", cx: 36, cy: d.split(" ").at(-1), r: 1.7 }));
}

export function drawCard(v, L, z, fresh) {
	const m = v.mark, calls = L.filter((l) => l.t === v.id && l.verdict !== "denied"), denies = L.filter((l) => l.s === v.id && l.verdict === "denied");
	const inside = m.kind === "namespace" && v.inside, within = hidden(m, v.id, L), sub = below(m, denies, z.small, inside, within);
	const hot = denies.length || within, said = z.small ? width(sub.textContent ?? sub, hot > 0) : 0;
	const px = v.out ? 4 : 10, quiet = m.spark.every((n) => !n), more = v.more ?? [0, 0];
	const name = cut(inside ? `+${count(m.count)} more` : nameOf(m), v.w - px - 6 - (said && !v.out ? said + 6 : 0), true, z.small ? 11 : 12.5);
	return s("g", { class: `node ${v.out ? "out" : ""} ${hot ? "hot" : ""} ${fresh ? "enter" : ""}`, "data-node": v.id, tabindex: -1, role: "button",
		"aria-label": spoken(v, calls.length, denies.length), transform: `translate(${v.x} ${v.y})` },
	s("title", {}, plain(v.id)),
	more[0] + more[1] > 0 && s("path", { class: "tk", d: ticks(more[0], v.w, 5, v.h) + ticks(more[1], 0, -5, v.h) }),
	m.count > 1 && !v.out && [s("rect", { class: "box", x: 4, y: -4, width: v.w, height: v.h, rx: 4, opacity: 0.6 }),
		s("rect", { class: "box", x: 2, y: -2, width: v.w, height: v.h, rx: 4, opacity: 0.8 })],
	s("rect", { class: "box", width: v.w, height: v.h, rx: 4 }),
	s("text", { class: "nm", x: px, y: z.small ? 13 : 15.5 }, name),
	z.small ? !v.out && s("text", { class: "sub", x: v.w - 6, y: 13, "text-anchor": "end" }, sub) : s("text", { class: "sub", x: px, y: 29 }, sub),
	!z.small && !quiet && !v.out && !within && sparkline(m, v));
}

// A label interrupts its line; denials first, then by rate; what finds no room waits for focus.
function words(l) {
	const denied = l.verdict === "denied", audit = l.verdict === "audit", port = l.parts[0].port ? `:${l.parts[0].port} ` : "";
	const target = l.stub ? plain(l.t).replace(/^\w+:/, "").replace(`${l.s.split("/")[0]}/`, "") : "";
	return [denied ? `${cut(target, 150, true)}${port}${times(l.denied)}` : audit ? `${rate(l.rate)} would be denied` : rate(l.rate),
		!denied && !audit && l.measured && l.latency / l.measured > 5000 ? ` ${micros(l.latency / l.measured)}` : ""];
}

function spots(l, w) {
	if (l.stub)
		return l.mid ? [[l.mid[0] + w / 2, l.mid[1]]] : [];
	return [...l.levels, ...[...Array(27).keys()].map((i) => l.at(Math.min(0.96, Math.max(0.04,
		(l.verdict === "denied" ? 0.62 : 0.5) + (i % 2 ? 1 : -1) * Math.ceil(i / 2) * 0.034))))];
}

const apart = (a, b) => b[2] < a[0] || b[0] > a[2] || b[3] < a[1] || b[1] > a[3];
const within = (b, f) => b[0] + 3 > f.x && b[2] < f.x + f.w && b[1] > f.y && b[3] < f.y + f.h;

// Points of the lines, to keep labels off those of others; where there are very many lines that is not to be had.
const POINTS = 40, CROWD = 90;
function points(L) {
	const drawn = L.filter((l) => !l.stub);
	return drawn.length > CROWD ? [] : drawn.flatMap((l) => Array.from({ length: POINTS }, (_, i) => [...l.at(i / (POINTS - 1)), l]));
}

// Where nothing is taken already, best where no other line runs below and both ends of its own stay in sight.
function place(l, w, taken, all) {
	const free = spots(l, w).map(([x, y]) => [x - w / 2 - 3, y - 7, x + w / 2 + 3, y + 7]).filter((b) => taken.every((k) => apart(k, b)));
	const over = (b, gap) => all.some(([x, y, other]) => other !== l && x > b[0] - gap && x < b[2] + gap && y > b[1] && y < b[3]);
	return free.find((b) => !over(b, 6)) ?? free[0];
}

export function drawLabels(L, V, frames, chosen) {
	const taken = [...V.values()].map((v) => [v.x - 9, v.y - 1, v.x + v.w + 9, v.y + v.h + 1]);
	for (const f of frames)
		taken.push([f.x, f.y, f.x + 20 + width(f.ns, true), f.y + 18]);
	for (const l of L)
		if (l.verdict !== "allowed")
			taken.push(l.stub ? [l.end[0] - 14, l.end[1] - 5, l.end[0] + 3, l.end[1] + 5] : [l.end[0] - 6, l.end[1] - 9, l.end[0] + 6, l.end[1] + 9]);
	const weight = (l) => (l.key === chosen ? 1e12 : l.verdict === "denied" ? 1e9 + l.denied : l.verdict === "audit" ? 1e8 : l.rate);
	const out = [], all = points(L);
	for (const l of [...L].sort((a, b) => weight(b) - weight(a)).slice(0, LABELS)) {
		const bold = l.verdict !== "allowed", [first, second] = words(l), w = width(first, bold) + (second ? width(second) : 0);
		const spot = place(l, w, taken, all);
		if (!spot)
			continue;
		taken.push(spot);
		const ground = frames.some((f) => within(spot, f)) ? "on-land" : "on-paper";
		out.push(s("g", { class: `lab ${l.verdict}`, "data-line": l.key,
			transform: `translate(${(spot[0] + 3).toFixed(1)} ${(spot[3] - 3.5).toFixed(1)})` },
			s("rect", { x: -3, y: -10, width: w + 6, height: 13, rx: 2, class: ground }), s("text", {}, first,
				second && s("tspan", { class: "lat" }, second))));
	}
	return out;
}
