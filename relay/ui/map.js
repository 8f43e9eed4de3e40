// SPDX-License-Identifier: Apache-2.0
// The map: cards, lines, walls and gates.  Numbers and widths change as they come; nothing moves unless a person moved it.
import { $, s, h, put } from "./dom.js";
import { layout, newMemory, plain } from "./layout.js";
import { lines } from "./filter.js";
import { expanded, set, state } from "./state.js";
import { count, glyph, line, micros, rate } from "./words.js";

let map = null, at = null, memory = newMemory(), moved = false, nodes = new Map(), groups = new Map();
const Z = { x: 0, y: 0, k: 1 };
const ruler = document.createElement("canvas").getContext("2d");
const width = (text, bold) => {
	ruler.font = `${bold ? "600 " : ""}11px ${getComputedStyle(document.body).fontFamily}`;
	return ruler.measureText(text).width;
};
const thick = (r) => 1 + 1.15 * Math.log10(1 + r * 0.8);
export const current = () => map;
export const places = () => at;

export function known() {
	const marks = map?.marks ?? [];
	return { namespaces: [...new Set(marks.map((m) => m.ns).filter(Boolean))], pods: marks.filter((m) => m.kind === "workload").map((m) => m.id),
		ports: [...new Set((map?.edges ?? []).map((e) => String(e.port)).filter((p) => p !== "0"))] };
}

function drawLine(l, small) {
	const w = l.verdict === "denied" ? 2 : l.verdict === "audit" ? 1.75 : thick(l.rate) * (small ? 0.65 : 1), [x, y] = l.end, f = l.face ?? 1;
	const a = 2.6 + w * 0.6, denied = l.verdict === "denied";
	const g = s("g", { class: `edge ${l.verdict} ${l.minor ? "minor" : ""}`, "data-line": l.key },
		s("path", { class: "case", d: l.d, "stroke-width": w + 3.5 }), s("path", { class: "ln", d: l.d, "stroke-width": w.toFixed(2) }),
		!denied && s("path", { class: "tipA", d: `M${x} ${y - a}l${6.5 * f} ${a}l${-6.5 * f} ${a}z` }),
		denied && s("path", { class: "wall", d: l.stub ? (l.mid ? `M${x} ${y - 6}v12` : `M${x - 7} ${y}h14`) : `M${x + 1.5 * f} ${y - 8}v16` }),
		l.verdict === "audit" && s("rect", { class: "gate", x: x - (f < 0 ? -4 : 8), y: y - 8, width: 4, height: 16 }),
		s("path", { class: "hit", d: l.d }));
	return g;
}

const spoken = (v, calls, denied) => `${plain(v.id)}${v.mark.ports.length ? `, ${v.mark.ports.join(" ")}` : ""}, ${calls} in, ${denied} denied`;

function drawCard(v, L, z) {
	const m = v.mark, calls = L.filter((l) => l.t === v.id && l.verdict !== "denied"), denies = L.filter((l) => l.s === v.id && l.verdict === "denied");
	const name = m.kind === "namespace" ? m.name || "other namespaces" : m.id.startsWith("rest:") ? `+${count(m.count)} ${m.id.slice(5)}` : m.name;
	const sub = denies.length ? s("tspan", { class: "d" }, z.small ? `×${count(denies.reduce((n, l) => n + l.denied, 0))}` : `${denies.length} ${denies.length > 1 ? "ways" : "way"} denied`) :
		m.kind === "namespace" ? `${count(m.count)} workloads` : m.ports.slice(0, 2).map((p) => `:${p.replace("/tcp", "")}`).join(" ") ||
		(m.kind === "workload" ? "no ports" : m.kind === "node" || m.workload_kind === "Node" ? "node" : "");
	const px = v.out ? 4 : 10, most = v.out ? 18 : z.small && denies.length ? 11 : m.count > 1 && !z.small ? 15 : 19, short = name.length > most ? `${name.slice(0, most - 1)}…` : name;
	const quiet = m.spark.every((n) => !n);
	return s("g", { class: `node ${v.out ? "out" : ""} ${denies.length ? "hot" : ""}`, "data-node": v.id, tabindex: -1, role: "button",
		"aria-label": spoken(v, calls.length, denies.length), transform: `translate(${v.x} ${v.y})` },
		s("title", {}, plain(v.id)),
		m.count > 1 && [s("rect", { class: "box", x: 4, y: -4, width: v.w, height: v.h, rx: 4, opacity: 0.6 }),
			s("rect", { class: "box", x: 2, y: -2, width: v.w, height: v.h, rx: 4, opacity: 0.8 })],
		s("rect", { class: "box", width: v.w, height: v.h, rx: 4 }),
		s("text", { class: "nm", x: px, y: z.small ? 13 : 15.5 }, short),
		z.small ? !v.out && s("text", { class: "sub", x: v.w - 6, y: 13, "text-anchor": "end" }, denies.length ? sub : m.count > 1 ? count(m.count) : "") :
			s("text", { class: "sub", x: px, y: 29 }, sub),
		!z.small && !quiet && !v.out && s("g", { transform: `translate(${v.w - 46} 19)` },
			s("path", { class: "sp", d: line(m.spark, 36, 11) }),
			s("circle", { class: "tip", cx: 36, cy: line(m.spark, 36, 11).split(" ").at(-1), r: 1.7 })));
}

// Labels interrupt their line; denials first, then by rate; what finds no room waits for focus.
function drawLabels(L, V, frames) {
	const taken = [...V.values()].map((v) => [v.x - 2, v.y - 1, v.x + v.w + 2, v.y + v.h + 1]);
	for (const f of frames)
		taken.push([f.x, f.y, f.x + 20 + width(f.ns, true), f.y + 18]);
	for (const l of L)
		if (l.verdict !== "allowed")
			taken.push(l.stub ? [l.end[0] - 14, l.end[1] - 5, l.end[0] + 3, l.end[1] + 5] : [l.end[0] - 6, l.end[1] - 9, l.end[0] + 6, l.end[1] + 9]);
	const weight = (l) => (l.key === selectedLine() ? 1e9 : l.verdict === "denied" ? 1e7 + l.denied : l.verdict === "audit" ? 1e6 : l.rate);
	const out = [];
	for (const l of [...L].sort((a, b) => weight(b) - weight(a)).slice(0, 80)) {
		const denied = l.verdict === "denied", bold = denied || l.verdict === "audit";
		const port = l.parts[0].port ? `:${l.parts[0].port} ` : "", target = l.stub ? plain(l.t).replace(/^\w+:/, "").replace(`${l.s.split("/")[0]}/`, "") : "";
		const first = denied ? `${target}${port}×${count(l.denied)}` : l.verdict === "audit" ? `${rate(l.rate)} would be denied` : rate(l.rate);
		const second = !bold && l.measured && l.latency / l.measured > 5000 ? ` ${micros(l.latency / l.measured)}` : "";
		const w = width(first, bold) + (second ? width(second) : 0);
		const tries = l.stub ? (l.mid ? [[l.mid[0] + w / 2, l.mid[1]]] : []) :
			[...Array(21).keys()].map((i) => l.at((denied ? 0.62 : 0.5) + (i % 2 ? 1 : -1) * Math.ceil(i / 2) * 0.034));
		const spot = tries.map(([x, y]) => [x - w / 2 - 3, y - 7, x + w / 2 + 3, y + 7])
			.find((b) => taken.every((k) => b[2] < k[0] || b[0] > k[2] || b[3] < k[1] || b[1] > k[3]));
		if (!spot)
			continue;
		taken.push(spot);
		const land = frames.some((f) => spot[0] + 3 > f.x && spot[2] < f.x + f.w && spot[1] > f.y && spot[3] < f.y + f.h);
		out.push(s("g", { class: `lab ${l.verdict}`, "data-line": l.key, transform: `translate(${(spot[0] + 3).toFixed(1)} ${(spot[3] - 3.5).toFixed(1)})` },
			s("rect", { x: -3, y: -10, width: w + 6, height: 13, rx: 2, class: land ? "on-land" : "on-paper" }),
			s("text", {}, first, second && s("tspan", { class: "lat" }, second))));
	}
	return out;
}

function move() {
	$("#world")?.setAttribute("transform", `translate(${Z.x.toFixed(1)} ${Z.y.toFixed(1)}) scale(${Z.k.toFixed(4)})`);
}

export function fit() {
	const r = $("#map").getBoundingClientRect();
	if (!at || !r.width)
		return;
	Z.k = Math.min((r.width - 32) / at.W, (r.height - 44) / at.H, 1.45);
	Z.k = Math.max(Z.k, 0.25);
	Z.x = Math.max(16, (r.width - at.W * Z.k) / 2);
	Z.y = Math.max(10, (r.height - 30 - at.H * Z.k) / 2);
	moved = false;
	move();
}

export function zoom(f, x = innerWidth / 2, y = 200) {
	const k = Math.max(0.2, Math.min(4, Z.k * f));
	Z.x = x - ((x - Z.x) * k) / Z.k;
	Z.y = y - ((y - Z.y) * k) / Z.k;
	Z.k = k;
	moved = true;
	move();
}

const selectedLine = () => (state.sel.startsWith("e:") ? state.sel.slice(2) : "");
const selectedNode = () => (state.sel.startsWith("n:") ? state.sel.slice(2) : "");

// Filter, focus and selection change opacity, and nothing else.
export function mark() {
	if (!at)
		return;
	const only = lines(state.q), id = selectedNode(), line = selectedLine();
	const on = (l) => (!only || l.parts.some(only)) && (!id || l.s === id || l.t === id);
	const kept = new Set(at.L.filter(on).map((l) => l.key)), any = only || id;
	const lit = new Set(at.L.filter(on).flatMap((l) => [l.s, l.t]));
	$("#map svg")?.classList.toggle("any", !!any);
	for (const [key, list] of groups)
		for (const g of list) {
			g.classList.toggle("fade", !!any && !kept.has(key));
			g.classList.toggle("sel", key === line);
		}
	const ends = line.split(">");
	for (const [key, g] of nodes) {
		g.classList.toggle("fade", !!any && key !== id && !lit.has(key));
		g.classList.toggle("sel", key === id || (line && (key === ends[0] || key === ends[1])));
		g.setAttribute("tabindex", key === (id || nodes.keys().next().value) ? 0 : -1);
	}
}

function empty(whole) {
	const silent = whole.nodes - whole.answering;
	return h("div", { class: "none" }, h("div", {}, h("h2", {}, whole.answering ? "Listening, and nothing has spoken yet" : "No node answers"),
		h("p", {}, whole.answering ? `${whole.answering} of ${whole.nodes} nodes answer and ${whole.lost ? `${count(whole.lost)} events were lost` : "no event was lost"}: ` +
			`the network is quiet, not unseen. The first flow appears here within seconds.` :
			`${silent} of ${whole.nodes} nodes are silent. Enforcement goes on without the relay; look at "weir status" on a node, and at the relay's log.`),
		h("pre", {}, whole.answering ? "weir lab probe shop/cart shop/database:5432" : "weir status")));
}

export function draw(next) {
	map = next;
	if (!map.marks.length) {
		at = null;
		put("#map", empty(map.complete));
		return;
	}
	const before = at && `${at.W} ${at.H}`, started = !at;
	at = layout(map, memory);
	nodes = new Map([...at.V.values()].map((v) => [v.id, drawCard(v, at.L, at.z)]));
	const frames = at.frames.map((f) => s("g", { class: "frame" }, s("rect", { x: f.x, y: f.y, width: f.w, height: f.h, rx: 7 }),
		s("text", { class: "n fold", x: f.x + 12, y: f.y + 15, "data-fold": f.ns }, f.ns)));
	const drawn = at.L.map((l) => [l.key, drawLine(l, at.z.small)]), labels = drawLabels(at.L, at.V, at.frames);
	groups = new Map(drawn.map(([key, g]) => [key, [g]]));
	for (const g of labels)
		groups.get(g.dataset.line)?.push(g);
	const focused = document.activeElement?.dataset?.node;
	put("#map", s("svg", { class: "m", role: "group", "aria-label": `Service map, ${map.marks.length} marks, ${at.L.length} lines` },
		s("g", { id: "world" }, at.heads.map((c) => s("text", { class: "col", x: c.x, y: 10 }, c.text)), frames, drawn.map(([, g]) => g),
			[...nodes.values()], labels)),
		arcs(), h("div", { class: "foot" }, h("div", { class: "zoom" }, ["fit", "+", "−", "svg", "png"].map((z) => h("button", { "data-zoom": z }, z))),
			map.folded.marks > 0 && h("span", {}, `${count(map.folded.marks)} workloads folded; a click on a stack opens it`),
			h("div", { class: "key" }, h("span", {}, glyph("allowed"), "allowed"), h("span", {}, glyph("denied"), "denied, at the side that denied it"),
				h("span", {}, glyph("audit"), "would be denied (audit)"))));
	document.body.classList.toggle("big", at.z.small);
	if (started || (!moved && before !== `${at.W} ${at.H}`))
		fit();
	else
		move();
	mark();
	if (focused)
		nodes.get(focused)?.focus({ preventScroll: true });
}

// On a phone: the same order top to bottom, one row a workload, lines as arcs in the margin.
function arcs() {
	const order = [...at.V.values()].sort((a, b) => a.column - b.column || a.y - b.y), y = new Map(), row = 36, edge = 112;
	order.forEach((v, i) => y.set(v.id, 12 + i * row + row / 2));
	const curve = (l) => {
		const a = y.get(l.s), b = y.get(l.t), bow = Math.min(edge - 10, 10 + 4.1 * Math.sqrt(Math.abs(b - a))) * 1.3;
		return `M${edge} ${a + (a < b ? 4 : -4)}C${edge - bow} ${a} ${edge - bow} ${b} ${edge - (l.verdict === "denied" ? 8 : 4)} ${b + (a < b ? -4 : 4)}`;
	};
	const drawn = at.L.slice().sort((a, b) => (a.verdict === "denied") - (b.verdict === "denied")).map((l) => {
		const b = y.get(l.t) + (y.get(l.s) < y.get(l.t) ? -4 : 4);
		return s("g", { class: `edge ${l.verdict}`, "data-line": l.key }, s("path", { class: "ln", d: curve(l), "stroke-width": l.verdict === "allowed" ? thick(l.rate) * 0.8 : 1.6 }),
			l.verdict === "denied" ? s("path", { class: "wall", d: `M${edge - 6.5} ${b - 6}v12` }) : s("path", { class: "tipA", d: `M${edge - 5} ${b - 3.4}l6 3.4l-6 3.4z` }),
			s("path", { class: "hit", d: curve(l) }));
	});
	const rows = order.map((v) => {
		const mid = y.get(v.id), calls = at.L.filter((l) => l.t === v.id && l.verdict !== "denied").reduce((n, l) => n + l.rate, 0);
		const denied = at.L.filter((l) => l.s === v.id && l.verdict === "denied").reduce((n, l) => n + l.denied, 0);
		return s("g", { class: "node", "data-node": v.id, role: "button", tabindex: 0, "aria-label": spoken(v, Math.round(calls), denied) },
			s("rect", { x: edge + 4, y: mid - row / 2 + 1, width: 600, height: row - 2, fill: "transparent" }), s("circle", { cx: edge + 4, cy: mid, r: 2.6, class: "dot" }),
			s("text", { class: "nm", x: edge + 14, y: mid - 1 }, v.mark.name || v.id), s("text", { class: denied ? "sub bad" : "sub", x: edge + 14, y: mid + 12 },
				`${v.mark.ns ? `${v.mark.ns} · ` : ""}${denied ? `${count(denied)} denied` : calls ? `${rate(calls)} in` : "no callers"}`));
	});
	return h("div", { id: "arcs" }, s("svg", { width: "100%", height: order.length * row + 320 }, drawn, rows));
}

// A namespace is opened or folded; what was clicked stays under the pointer as far as the new picture lets it.
export function fold(ns) {
	const open = expanded();
	set({ expand: (open.includes(ns) ? open.filter((n) => n !== ns) : [...open, ns]).join(",") });
}

export function neighbour(id, key) {
	const v = at?.V.get(id);
	if (!v)
		return null;
	const dx = { ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0, dy = { ArrowUp: -1, ArrowDown: 1 }[key] ?? 0;
	const far = (o) => Math.hypot((o.x - v.x) * (dx ? 1 : 3), (o.y - v.y) * (dy ? 1 : 3));
	return [...at.V.values()].filter((o) => o !== v && (dx ? (o.x - v.x) * dx > 4 : (o.y - v.y) * dy > 4)).sort((a, b) => far(a) - far(b))[0]?.id ?? null;
}
export const focusNode = (id) => nodes.get(id)?.focus();

async function asSvg() {
	const svg = $("#map svg.m").cloneNode(true), css = await (await fetch("/app.css")).text();
	svg.querySelector("#world").setAttribute("transform", "translate(20 14)");
	for (const [key, value] of Object.entries({ xmlns: "http://www.w3.org/2000/svg", width: at.W + 40, height: at.H + 28, "data-theme": document.documentElement.dataset.theme }))
		svg.setAttribute(key, value);
	svg.prepend(s("style", {}, css.replaceAll(":root", "svg")), s("rect", { width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor }));
	return new XMLSerializer().serializeToString(svg);
}

function save(blob, name) {
	const a = h("a", { href: URL.createObjectURL(blob), download: name });
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

export async function exportAs(kind) {
	const blob = new Blob([await asSvg()], { type: "image/svg+xml" });
	if (kind === "svg")
		return save(blob, "weir-map.svg");
	const image = new Image(), canvas = h("canvas", { width: 2 * (at.W + 40), height: 2 * (at.H + 28) });
	image.src = URL.createObjectURL(blob);
	await image.decode();
	canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
	URL.revokeObjectURL(image.src);
	return new Promise((done) => canvas.toBlob((b) => done(save(b, "weir-map.png")), "image/png"));
}

export function wire(pick) {
	const el = $("#map");
	let from = null, far = false;
	el.addEventListener("wheel", (e) => {
		if (e.target.closest("#arcs"))
			return;
		e.preventDefault();
		const r = el.getBoundingClientRect();
		zoom(Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0016)), e.clientX - r.left, e.clientY - r.top);
	}, { passive: false });
	el.addEventListener("pointerdown", (e) => {
		far = false;
		if (!e.target.closest("#arcs, .foot"))
			from = { x: e.clientX - Z.x, y: e.clientY - Z.y, sx: e.clientX, sy: e.clientY };
	});
	addEventListener("pointermove", (e) => {
		if (!from || (!far && Math.hypot(e.clientX - from.sx, e.clientY - from.sy) < 4))
			return;
		far = moved = true;
		Z.x = e.clientX - from.x;
		Z.y = e.clientY - from.y;
		move();
	});
	addEventListener("pointerup", () => (from = null));
	el.addEventListener("click", (e) => {
		const t = e.target.closest("[data-zoom],[data-fold],[data-node],[data-line]");
		if (far)
			return;
		if (!t)
			return e.target.closest(".foot") ? null : pick("");
		const { zoom: z, fold: ns, node, line } = t.dataset;
		if (z)
			return z === "fit" ? fit() : z === "+" ? zoom(1.25) : z === "−" ? zoom(0.8) : exportAs(z);
		if (ns)
			return fold(ns);
		pick(node ? `n:${node}` : `e:${line}`);
	});
	addEventListener("resize", () => !moved && fit());
}
