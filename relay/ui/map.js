// SPDX-License-Identifier: Apache-2.0
// The map: what is shown of it, and where one looks at it.  Numbers and widths change as they come; nothing moves unless a person
// moved it.
import { $, s, h, put } from "./dom.js";
import { last } from "./api.js";
import { drawArcs } from "./arcs.js";
import { lines } from "./filter.js";
import { layout, newMemory } from "./layout.js";
import { drawCard, drawLabels, drawLine } from "./marks.js";
import { saveAs } from "./save.js";
import { expanded, folded, set, state, windowOf } from "./state.js";
import { watched } from "./strip.js";
import { clock, count, glyph, sliding } from "./words.js";

const SHOWN = 160;		// lines of a choice, the busiest
const narrow = matchMedia("(max-width:960px)");		// arcs: a map there could not be read
let map = null, at = null, memory = newMemory(), moved = false, dragging = false, late = null, anchor = null, nodes = new Map(),
	groups = new Map(), labelled = "";
const Z = { x: 0, y: 0, k: 1, W: 0, H: 0 };
export const current = () => map;
export const places = () => at;

export function known() {
	const marks = map?.marks ?? [];
	return { namespaces: [...new Set(marks.map((m) => m.ns).filter(Boolean))], pods: marks.filter((m) => m.kind === "workload").map((m) => m.id),
		ports: [...new Set((map?.edges ?? []).map((e) => String(e.port)).filter((p) => p !== "0"))] };
}

// What is shown, for the relay to keep where it folds: short names of marks (FNV-1a, as relay/map.h says).
const KEPT = 150;
const hash = (texts) => texts.reduce((h, text) => Math.imul([...text].reduce((g, c) => Math.imul(g ^ c.charCodeAt(0), 0x01000193), h) ^ 47,
	0x01000193), 0x811c9dc5) >>> 0;
export const shown = () => (map?.marks ?? []).filter((m) => !m.id.startsWith("rest:")).slice(0, KEPT)
	.map((m) => hash(m.kind === "namespace" ? [m.ns] : [m.ns, m.name]).toString(36)).join(",");

/* --- Where one looks. --- */

function move() {
	$("#world")?.setAttribute("transform", `translate(${Z.x.toFixed(1)} ${Z.y.toFixed(1)}) scale(${Z.k.toFixed(4)})`);
}

export function fit() {
	const r = $("#map").getBoundingClientRect();
	if (!at || !r.width)
		return;
	Z.k = Math.max(0.25, Math.min((r.width - 32) / at.W, (r.height - 44) / at.H, r.width < 1800 ? 1.45 : 1.75));
	Z.x = Math.max(16, (r.width - at.W * Z.k) / 2);
	Z.y = Math.max(10, (r.height - 30 - at.H * Z.k) / 2);
	Object.assign(Z, { W: at.W, H: at.H });
	moved = false;
	remember();
	move();
}

// What is looked at goes to the address: the middle of the window, in the map's units, and the scale.
let told = 0;
function remember() {
	clearTimeout(told);
	told = setTimeout(() => {
		const r = $("#map").getBoundingClientRect(), round = (n) => Math.round(n * 100) / 100;
		const view = moved ? [(r.width / 2 - Z.x) / Z.k, (r.height / 2 - Z.y) / Z.k].map(Math.round).concat(round(Z.k)).join(",") : "";
		if (view !== state.view)
			set({ view });
	}, 300);
}

function recall() {
	const [x, y, k] = state.view.split(",").map(Number), r = $("#map").getBoundingClientRect();
	if (!(k > 0) || !r.width || !Number.isFinite(x + y))
		return false;
	Object.assign(Z, { k: Math.max(0.2, Math.min(4, k)), W: at.W, H: at.H });
	Z.x = r.width / 2 - x * Z.k;
	Z.y = r.height / 2 - y * Z.k;
	moved = true;
	move();
	return true;
}

export function zoom(f, x = innerWidth / 2, y = 200) {
	const k = Math.max(0.2, Math.min(4, Z.k * f));
	Z.x = x - ((x - Z.x) * k) / Z.k;
	Z.y = y - ((y - Z.y) * k) / Z.k;
	Z.k = k;
	moved = true;
	remember();
	move();
}

export function pan(dx, dy) {
	Z.x += dx;
	Z.y += dy;
	moved = true;
	remember();
	move();
}

// Who is reached by the keyboard is in sight.
function reveal(id) {
	const v = at?.V.get(id), r = $("#map").getBoundingClientRect();
	if (!v)
		return;
	const x = Z.x + v.x * Z.k, y = Z.y + v.y * Z.k, w = v.w * Z.k, ht = v.h * Z.k;
	const dx = x < 8 ? 8 - x : x + w > r.width - 8 ? r.width - 8 - x - w : 0, dy = y < 8 ? 8 - y : y + ht > r.height - 34 ? r.height - 34 - y - ht : 0;
	if (dx || dy)
		pan(dx, dy);
}

// A namespace is opened or folded: what was clicked stays where it is.
export function fold(ns, open) {
	const was = placeOf(ns), inside = selectedNode().startsWith(`${ns}/`) || selectedNode() === `ns:${ns}`;
	const less = (list) => list.filter((n) => n !== ns), more = (list) => [...less(list), ns];
	anchor = was && { ns, x: Z.x + was.x * Z.k, y: Z.y + was.y * Z.k };
	set({ sel: !inside ? state.sel : open ? "" : `n:ns:${ns}`, expand: (open ? more : less)(expanded()).join(","),
		fold: (open ? less : more)(folded()).join(",") });
}

const placeOf = (ns) => at?.frames.find((f) => f.ns === ns) ?? at?.V.get(`ns:${ns}`);

function settle(started) {
	const was = anchor && placeOf(anchor.ns);
	if (was) {
		Z.x = anchor.x - was.x * Z.k;
		Z.y = anchor.y - was.y * Z.k;
		moved = true;
		remember();
	}
	anchor = null;
	if (started && state.view && recall())
		return;
	if (started || (!moved && (at.W > Z.W || at.H > Z.H || at.W < Z.W * 0.75 || at.H < Z.H * 0.6)))
		fit();
	else
		move();
}

/* --- What is shown. --- */

const selectedLine = () => (state.sel.startsWith("e:") ? state.sel.slice(2) : "");
const selectedNode = () => (state.sel.startsWith("n:") ? state.sel.slice(2) : "");

function label(L) {
	const key = L.map((l) => l.key).join() + selectedLine();
	if (key === labelled || !$("#labels"))
		return;
	labelled = key;
	for (const list of groups.values())
		list.length = 1;
	const labels = drawLabels(L, at.V, at.frames, selectedLine());
	for (const g of labels)
		groups.get(g.dataset.line)?.push(g);
	$("#labels").replaceChildren(...labels);
}

// Lines too quiet to be drawn are, once they are asked for.
function ensure(kept) {
	for (const l of kept.filter((l) => !groups.has(l.key)).sort((a, b) => b.rate - a.rate).slice(0, SHOWN)) {
		at.take(l);
		const g = drawLine(l, at.z.small);
		groups.set(l.key, [g]);
		$("#lines")?.append(g);
	}
}

// Filter, focus and selection change opacity, and nothing else.
export function mark() {
	if (!at)
		return;
	const only = map.narrowed === state.q ? null : lines(state.q), id = at.V.has(selectedNode()) ? selectedNode() : "", line = selectedLine();
	const on = (l) => (!only || l.parts.some(only)) && (!id || l.s === id || l.t === id);
	const any = !!(only || id), list = any ? at.L.filter(on) : at.L, chosen = at.L.find((l) => l.key === line);
	if (!narrow.matches)
		ensure([...(any ? list : []), ...(chosen ? [chosen] : [])]);
	const kept = new Set(list.map((l) => l.key)), lit = new Set(list.flatMap((l) => [l.s, l.t]));
	label((any ? list : [...at.L.filter((l) => !l.minor), ...(chosen?.minor ? [chosen] : [])]).filter((l) => groups.has(l.key)));
	for (const [key, g] of groups)
		for (const el of g) {
			el.classList.toggle("fade", any && !kept.has(key));
			el.classList.toggle("sel", key === line);
			el.classList.toggle("hid", el.classList.contains("minor") && key !== line && !(any && kept.has(key)));
		}
	const ends = line.split(">");
	for (const [key, g] of nodes) {
		g.classList.toggle("fade", any && key !== id && !lit.has(key));
		g.classList.toggle("sel", key === id || (!!line && (key === ends[0] || key === ends[1])));
		g.setAttribute("tabindex", narrow.matches || key === (nodes.has(id) ? id : nodes.keys().next().value) ? 0 : -1);
	}
}

const act = (name, text) => h("button", { "data-do": name }, text);
const says = (head, ...what) => h("div", { class: "none" }, h("div", {}, h("h2", {}, head), what, state.from && act("live", "back to live"),
	state.focus && act("unfocus", `leave ${state.focus}`)));

// A time without flows: quiet, or nobody watched.
function emptyWindow(whole) {
	const win = windowOf(), time = `${clock(win.from).slice(0, 5)} to ${clock(win.to).slice(0, 5)}`;
	if (!watched(win.from) && !watched(win.to - 1))
		return says(`Nobody watched from ${time}`, h("p", {}, "The relay keeps the last hour, from when it began: the strip above shows it. Of this time it has nothing."));
	return says(`Quiet from ${time}`, h("p", {}, `${whole.answering} of ${whole.nodes} nodes answer and ` +
		`${whole.lost ? `${count(whole.lost)} events were lost` : "no event was lost"}: nothing passed, and nothing was denied.`));
}

function empty(whole, narrowed) {
	const silent = whole.nodes - whole.answering;
	if (narrowed && whole.answering)
		return says("Nothing here fits the filter", h("p", {}, `${whole.answering} of ${whole.nodes} nodes answer, and none tells of such flows in this time.`),
			h("pre", {}, narrowed), act("clear", "clear the filter"));
	if (state.from)
		return emptyWindow(whole);
	if (!whole.nodes)
		return says("No node is known", h("p", {}, "The relay was told of no agent. It learns of them by --peer, --peers, --peer-dns or --peer-service."),
			h("pre", {}, "weir-relay --peer n1=10.0.0.1:4244 …"));
	if (!whole.answering)
		return says("No node answers", h("p", {}, `${silent} of ${whole.nodes} nodes are silent. Enforcement goes on without the relay; ` +
			`look at "weir status" on a node, and at the relay's log.`),
		last.silent.length > 0 && h("p", {}, last.silent.slice(0, 3).map((n) => h("span", { class: "deny line" }, `${n.name}: ${n.why || n.state}`))),
			h("pre", {}, "weir status"));
	return says("Listening, and nothing has spoken yet", h("p", {}, `${whole.answering} of ${whole.nodes} nodes answer and ` +
		`${whole.lost ? `${count(whole.lost)} events were lost` : "no event was lost"}: the network is quiet, not unseen. The first flow appears here within seconds.`),
	h("pre", {}, "weir lab probe shop/cart shop/database:5432"));
}

const zooms = { fit: "All of it (0)", "+": "Nearer (+)", "−": "Farther (-)", svg: "Save the map as SVG", png: "Save the map as PNG" };

function foot() {
	return h("div", { class: "foot" }, h("div", { class: "zoom" },
		Object.entries(zooms).map(([z, t]) => h("button", { "data-zoom": z, title: t, "aria-label": t }, z))),
		state.focus && h("button", { class: "chip", "data-do": "unfocus", title: "Show everybody again (f)" }, "only ", h("b", {}, state.focus),
			" and neighbours ✕"),
		map.folded.marks > 0 && h("span", { class: "folded" }, `${count(map.folded.marks)} of ${count(map.folded.workloads)} workloads folded: double-click a stack, or press c`),
		h("div", { class: "key" }, h("span", {}, glyph("allowed"), "allowed"), h("span", {}, glyph("denied"), "denied, at the side that denied"),
			h("span", {}, glyph("audit"), "would be denied")));
}

function frame(f) {
	return s("g", { class: "frame" }, s("rect", { x: f.x, y: f.y, width: f.w, height: f.h, rx: 7 }),
		s("text", { class: "n fold", x: f.x + 12, y: f.y + (at.z.small ? 12 : 15), "data-fold": f.ns }, s("title", {}, `Fold ${f.ns}`), f.ns));
}

function picture(before) {
	const fresh = (l) => before.lines && l.verdict === "denied" && !before.lines.has(l.key), drawn = at.L.filter((l) => !l.minor);
	nodes = new Map([...at.V.values()].map((v) => [v.id, drawCard(v, at.L, at.z, before.nodes.size && !before.nodes.has(v.id))]));
	groups = new Map(drawn.map((l) => [l.key, [drawLine(l, at.z.small, fresh(l))]]));
	return s("svg", { class: "m", role: "group", "aria-label": `Service map, ${map.marks.length} marks, ${at.L.length} lines; arrows go from card to card` },
		s("g", { id: "world" }, at.heads.map((c) => s("text", { class: "col", x: c.x, y: 10 }, c.text)), at.frames.map(frame),
			s("g", { id: "lines" }, drawn.map((l) => groups.get(l.key)[0])), [...nodes.values()], s("g", { id: "labels" })));
}

function small() {
	const arcs = drawArcs(at, $("#map").clientWidth || innerWidth);
	nodes = new Map([...arcs.querySelectorAll(".node")].map((g) => [g.dataset.node, g]));
	groups = new Map([...arcs.querySelectorAll(".edge")].map((g) => [g.dataset.line, [g]]));
	return arcs;
}

export function draw(next) {
	if (dragging)
		return (late = next);		// not under the hand
	map = next;
	for (const m of map.live ? map.marks : [])
		m.spark = sliding(m.spark, (Date.now() % 60000) / 60000);
	if (!map.marks.length) {
		at = null;
		return put("#map", empty(map.complete, map.narrowed));
	}
	const started = !at || !$("#world"), before = { nodes, lines: at && new Set(at.L.map((l) => l.key)) }, top = $("#arcs")?.scrollTop;
	const r = $("#map").getBoundingClientRect();
	at = layout(map, memory, Math.max(1.2, Math.min(3.2, (r.width - 32) / (r.height - 44) || 2.4)));
	labelled = "";
	const had = $("#map").contains(document.activeElement);
	document.body.classList.toggle("big", at.z.small);
	put("#map", narrow.matches ? small() : picture(before), !narrow.matches && foot());
	if (narrow.matches)
		$("#arcs").scrollTop = top ?? 0;
	else
		settle(started);
	mark();
	if (had && !$("#map").contains(document.activeElement))		// its card is folded, or gone
		(nodes.get(selectedNode()) ?? $("#map .node[tabindex='0']"))?.focus({ preventScroll: true });
}

export function neighbour(id, key) {
	const v = at?.V.get(id);
	if (!v)
		return null;
	const dx = { ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0, dy = { ArrowUp: -1, ArrowDown: 1 }[key] ?? 0;
	const far = (o) => Math.hypot((o.x - v.x) * (dx ? 1 : 3), (o.y - v.y) * (dy ? 1 : 3));
	return [...at.V.values()].filter((o) => o !== v && (dx ? (o.x - v.x) * dx > 4 : (o.y - v.y) * dy > 4))
		.sort((a, b) => far(a) - far(b))[0]?.id ?? null;
}

export function focusNode(id) {
	reveal(id);
	nodes.get(id)?.focus({ preventScroll: true });
}

/* --- Hands. --- */

function drags(el) {
	let from = null, far = false;
	const fingers = new Map(), spread = () => {
		const [a, b] = [...fingers.values()], r = el.getBoundingClientRect();
		return { far: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2 - r.left, y: (a.y + b.y) / 2 - r.top };
	};
	el.addEventListener("pointerdown", (e) => {
		far = false;
		if (e.button !== 0 || e.target.closest("#arcs, .foot"))
			return;
		fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
		if (fingers.size === 1)
			from = { x: e.clientX - Z.x, y: e.clientY - Z.y, sx: e.clientX, sy: e.clientY };
	});
	addEventListener("pointermove", (e) => {
		if (fingers.size === 2 && fingers.has(e.pointerId)) {		// two of them: nearer and farther, and along
			const before = spread();
			fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
			const now = spread();
			far = dragging = true;
			from = null;
			Z.x += now.x - before.x;
			Z.y += now.y - before.y;
			return zoom(now.far / (before.far || 1), now.x, now.y);
		}
		if (!from || (!far && Math.hypot(e.clientX - from.sx, e.clientY - from.sy) < 4))
			return;
		far = moved = dragging = true;
		Z.x = e.clientX - from.x;
		Z.y = e.clientY - from.y;
		move();
	});
	const end = (e) => {
		fingers.delete(e.pointerId);
		if (fingers.size)
			return;
		from = null;
		if (dragging)
			remember();
		dragging = false;
		if (late)
			draw(late);
		late = null;
	};
	addEventListener("pointerup", end);
	addEventListener("pointercancel", end);
	return () => far;
}

export function wire(pick) {
	const el = $("#map"), far = drags(el);
	el.addEventListener("wheel", (e) => {
		if (e.target.closest("#arcs"))
			return;
		e.preventDefault();
		const r = el.getBoundingClientRect();
		zoom(Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0016)), e.clientX - r.left, e.clientY - r.top);
	}, { passive: false });
	el.addEventListener("click", (e) => {
		const t = e.target.closest("[data-zoom],[data-fold],[data-node],[data-line],[data-do]");
		if (far() || t?.dataset.do)
			return;
		if (!t)
			return e.target.closest(".foot, .none") ? null : pick("");
		const { zoom: z, fold: ns, node, line } = t.dataset;
		if (z)
			return z === "fit" ? fit() : z === "+" ? zoom(1.25) : z === "−" ? zoom(0.8) : saveAs(z, $("#map svg.m"), at.W, at.H);
		if (ns)
			return fold(ns, false);
		pick(node ? `n:${node}` : `e:${line}`);
	});
	el.addEventListener("dblclick", (e) => {
		const m = at?.V.get(e.target.closest("[data-node]")?.dataset.node)?.mark;
		if (m?.kind === "namespace" && m.ns)
			fold(m.ns, true);
	});
	new ResizeObserver(() => (moved ? null : fit())).observe(el);
	narrow.addEventListener("change", () => map && draw(map));
}
