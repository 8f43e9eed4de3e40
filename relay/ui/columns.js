// SPDX-License-Identifier: Apache-2.0
// The columns of the flows: which there are, which are shown, and a row of them.  On a phone a row is two lines and has no columns.
import { h } from "./dom.js";
import { set, state } from "./state.js";
import { bytes, clock, glyph, micros, who } from "./words.js";

const phone = matchMedia("(max-width:720px)"), wide = matchMedia("(min-width:1181px)");

function by(r) {
	if (r.verdict === "denied")
		return r.by.length ? [r.by.join(", "), h("span", { class: "q" }, r.detail[r.egress ? "egress" : "ingress"]?.rule ?
			` rule ${r.detail[r.egress ? "egress" : "ingress"].rule}` : " isolates")] :
			h("span", { class: "q" }, r.detail.reason ?? "");
	const d = r.detail.ingress?.policy ? r.detail.ingress : r.detail.egress;
	return d?.policy ? [`${d.namespace ? `${d.namespace}/` : ""}${d.policy}`, h("span", { class: "q" }, ` rule ${d.rule}`)] :
		h("span", { class: "q" }, d ? "open: nobody isolates" : "");
}

const word = { denied: "deny", audit: "audit", allowed: "allow" };
const near = (r) => !r.from.out && !r.to.out && r.from.id.split("/")[0] === r.to.id.split("/")[0];
const end = (id) => (id.includes("/") ? who(id) : h("span", { class: "text" }, who(id)));
const time = (r) => {
	const t = clock(r.at, true);
	return [t.slice(0, 5), h("span", { class: "q2" }, t.slice(5, phone.matches ? 8 : 12))];
};

// name: width, class of its cells, what is in them, whether it is among those that are usual (1: where there is room).
const columns = {
	time: ["90px", "q", time, 2],
	node: ["minmax(64px,.5fr)", "q2", (r) => r.node, 0],
	from: ["minmax(98px,1.05fr)", "", (r) => who(r.from.id), 2],
	to: ["minmax(98px,1.05fr)", "", (r) => who(r.to.id), 2],
	protocol: ["58px", "q2", (r) => r.proto, 0],
	port: ["40px", "q2", (r) => r.port, 2],
	verdict: ["72px", "v", (r) => [glyph(r.verdict), word[r.verdict]], 2],
	by: ["minmax(108px,1.5fr)", "by", by, 2],
	event: ["minmax(56px,.5fr)", "q2", (r) => r.detail.kind ?? r.summary, 1],
	what: ["minmax(100px,1fr)", "q2", (r) => r.summary, 0],
	bytes: ["56px", "num q2", (r) => (r.bytes ? bytes(r.bytes) : ""), 1],
	lasted: ["56px", "num q2", (r) => (r.ns ? micros(r.ns / 1000) : ""), 1],
};

const usual = () => Object.keys(columns).filter((name) => columns[name][3] > (wide.matches ? 0 : 1));
export const shown = () => {
	const own = state.cols.split(",").filter((name) => columns[name]);
	return own.length ? Object.keys(columns).filter((name) => own.includes(name)) : usual();
};
export const template = () => shown().map((name) => columns[name][0]).join(" ");
export const heads = () => shown().map((name) => h("span", { class: columns[name][1] === "num q2" ? "num" : "", role: "columnheader" }, name));

export function cells(r) {
	const cell = (c, ...what) => h("span", { class: c, role: "cell" }, ...what);
	if (!phone.matches)
		return shown().map((name) => cell(columns[name][1], columns[name][2](r)));
	const to = near(r) ? r.to.id.slice(r.to.id.indexOf("/") + 1) : r.to.id;
	return [cell("pair", end(r.from.id), h("span", { class: "q" }, "→"), end(to), r.port !== "" && h("span", { class: "q port" }, `:${r.port}`)),
		cell("v", glyph(r.verdict), word[r.verdict]), cell("q", time(r)), cell("by", by(r))];
}

// What may be shown, to be ticked; open until it is clicked beside.
let open = false;
export function chooser() {
	const box = (name) => h("label", {}, h("input", { type: "checkbox", "data-col": name, checked: shown().includes(name) }), name);
	const el = h("details", { class: "cols", open }, h("summary", { "data-cols": "menu" }, "columns"),
		h("div", {}, Object.keys(columns).map(box), h("button", { "data-do": "columns" }, "the usual ones")));
	el.addEventListener("toggle", () => (open = el.open));
	el.addEventListener("keydown", (e) => {
		if (e.key !== "Escape" || !el.open)
			return;
		e.stopPropagation();
		el.open = open = false;
		el.querySelector("summary").focus();
	});
	el.addEventListener("change", (e) => {
		const name = e.target.dataset.col, now = shown(), next = now.includes(name) ? now.filter((n) => n !== name) : [...now, name];
		set({ cols: Object.keys(columns).filter((n) => next.includes(n)).join(",") });
	});
	return el;
}
addEventListener("pointerdown", (e) => {
	const el = document.querySelector(".cols[open]");
	if (el && !el.contains(e.target))
		el.open = open = false;
});
