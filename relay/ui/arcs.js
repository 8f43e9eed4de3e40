// SPDX-License-Identifier: Apache-2.0
// The map of a narrow screen: a row for each mark, by layers and namespaces from top to bottom, lines as arcs in the left margin with the same
// walls.
import { h, s } from "./dom.js";
import { cut, hidden, nameOf, spoken, thick, times, width } from "./marks.js";
import { line, rate } from "./words.js";

const ROW = 36, HEAD = 26, EDGE = 104;

function ordered(V) {
	const by = (a, b) => a.column - b.column || a.y - b.y, all = [...V.values()].sort(by), groups = new Map();
	for (const v of all) {
		const key = v.column === 0 ? "outside, calling" : v.column === 6 ? "outside, called" : v.mark.ns || "nodes";
		groups.set(key, [...(groups.get(key) ?? []), v]);
	}
	const last = groups.get("outside, called");
	groups.delete("outside, called");
	return [...groups, ...(last ? [["outside, called", last]] : [])];
}

// The wall stands at the side that denied; who was never on the map is a stub.
function arc(l, y) {
	const a = y.get(l.s), denied = l.verdict === "denied", hook = { class: `edge ${l.verdict}`, "data-line": l.key };
	if (!y.has(l.t))
		return s("g", hook, s("path", { class: "ln", d: `M${EDGE} ${a}h-16`, "stroke-width": 1.6 }),
			s("path", { class: "wall", d: `M${EDGE - 17} ${a - 6}v12` }), s("path", { class: "hit", d: `M${EDGE} ${a}h-16` }));
	const b = y.get(l.t), off = a < b ? 4 : -4, bow = Math.min(EDGE - 8, 10 + 4.1 * Math.sqrt(Math.abs(b - a))) * 1.3;
	const d = `M${EDGE - (l.stub ? 8 : 0)} ${a + off}C${EDGE - bow} ${a + off} ${EDGE - bow} ${b - off} ${EDGE - (denied ? 8 : 4)} ${b - off}`;
	return s("g", hook, s("path", { class: "ln", d, "stroke-width": (l.verdict === "allowed" ? thick(l.rate) * 0.8 : 1.6).toFixed(2) }),
		denied ? s("path", { class: "wall", d: `M${EDGE - 6.5} ${(l.stub ? a + off : b - off) - 6}v12` }) : s("path",
			{ class: "tipA", d: `M${EDGE - 5} ${b - off - 3.4}l6 3.4l-6 3.4z` }),
		l.verdict === "audit" && s("rect", { class: "gate", x: EDGE - 13, y: b - off - 6, width: 3.5, height: 12 }), s("path", { class: "hit", d }));
}

function row(v, L, mid, wide) {
	const calls = L.filter((l) => l.t === v.id && l.verdict !== "denied").reduce((n, l) => n + l.rate, 0);
	const denied = L.filter((l) => l.s === v.id && l.verdict === "denied").reduce((n, l) => n + l.denied, hidden(v.mark, v.id, L));
	const sub = denied ? `${times(denied)} denied` : calls ? rate(calls) : v.column === 0 ? "" : "no callers",
		spark = !denied && v.mark.spark.some(Boolean), said = spark ? 128 : width(sub, denied > 0, 11.5) + 22;
	return s("g", { class: `node ${denied ? "hot" : ""}`, "data-node": v.id, role: "button", tabindex: 0,
		"aria-label": spoken(v, Math.round(calls), denied) },
		s("rect", { class: "touch", x: EDGE - 6, y: mid - ROW / 2 + 1, width: wide - EDGE, height: ROW - 2, rx: 5 }),
			s("circle", { cx: EDGE + 4, cy: mid, r: 2.6, class: "dot" }),
		s("text", { class: "nm", x: EDGE + 14, y: mid + 4.5 }, cut(nameOf(v.mark), wide - EDGE - 20 - said, true, 13.5)),
		spark && s("g", { transform: `translate(${wide - 128} ${mid - 5})` }, s("path", { class: "sp", d: line(v.mark.spark, 44, 11) })),
		s("text", { class: denied ? "sub bad" : "sub", x: wide - 14, y: mid + 4, "text-anchor": "end" }, sub));
}

export function drawArcs(at, wide) {
	const y = new Map(), heads = [];
	let top = 6;
	for (const [name, list] of ordered(at.V)) {
		heads.push([name, top + HEAD - 9]);
		top += HEAD;
		for (const v of list) {
			y.set(v.id, top + ROW / 2);
			top += ROW;
		}
	}
	const L = at.L.filter((l) => !l.minor && y.has(l.s) && (l.stub || y.has(l.t))).sort((a, b) => (a.verdict === "denied") - (b.verdict === "denied"));
	return h("div", { id: "arcs" }, s("svg", { width: "100%", height: top + 330, role: "group", "aria-label": `Service map, ${y.size} marks` },
		heads.map(([text, at]) => [s("text", { class: "col", x: EDGE + 10, y: at }, cut(text, wide - EDGE - 60, false, 11)),
			s("path", { class: "hair", d: `M${EDGE + 22 + cut(text, wide - EDGE - 60, false, 11).length * 7.4} ${at - 3.5}H${wide - 14}` })]),
		L.map((l) => arc(l, y)), [...at.V.values()].map((v) => row(v, at.L, y.get(v.id), wide))));
}
