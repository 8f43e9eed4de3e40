// SPDX-License-Identifier: Apache-2.0
// One sentence, then the author, then how close it came.
import { $, h, put } from "./dom.js";
import { flows } from "./api.js";
import { lines } from "./filter.js";
import { current, places } from "./map.js";
import { hidden } from "./marks.js";
import { find, table } from "./table.js";
import { state } from "./state.js";
import { plain } from "./layout.js";
import { bytes, clock, command, count, flowRow, glyph, many, micros, quote, rate, who } from "./words.js";

const OVERVIEW = 7;
const close = () => h("button", { class: "close", "aria-label": "close", "data-do": "close" }, "✕");
const button = (act, text) => h("button", { "data-do": act }, text);
const kv = (pairs) => h("dl", { class: "kv" }, pairs.filter(([, v]) => v !== "" && v !== null &&
	v !== undefined).map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)]));
const short = (id) => plain(id).replace(/^\w+:/, "").split("/").pop();
const policy = (a) => h("b", {}, `${a.namespace || a.ns ? `${a.namespace || a.ns}/` : ""}${a.policy}`);

// The filter that shows just these.
export function filterOf() {
	if (state.sel.startsWith("n:"))
		return one("", plain(state.sel.slice(2)));
	if (table.chosen)
		return ends(table.chosen.from.id, table.chosen.to.id, table.chosen.port, table.chosen.verdict === "denied");
	const l = lineOf();
	return l ? ends(plain(l.s), plain(l.t), l.parts.length === 1 ? l.parts[0].port : "", l.verdict === "denied") : "";
}

// One end as options: way "from-", "to-", or "" for either.
function one(way, id) {
	const bare = id.replace(/^(out|node):/, ""), [ns, name] = bare.split("/");
	if (id.startsWith("ns:"))
		return `--${way}namespace ${quote(id.slice(3))}`;
	if (!bare || id.startsWith("rest:"))
		return "";
	if (/^[\da-f.:]+$/i.test(bare) && /[.:]/.test(bare))
		return `--${way}ip ${bare}`;
	return name === undefined ? `--${way}workload ${quote(bare)}` : `--${way}namespace ${quote(ns)} --${way}workload ${quote(name)}`;
}

function ends(from, to, port, denied) {
	return [one("from-", from), one("to-", to), port && `--to-port ${port}`, denied && "--denied"].filter(Boolean).join(" ");
}

// Whether a flow is one of a line's; of a folded namespace's, too.
function isEnd(end, id) {
	const bare = plain(id).replace(/^(out|node):/, "");
	return bare === "world" ? end.out : id.startsWith("ns:") ? end.id.startsWith(`${id.slice(3)}/`) : end.id === bare;
}
const isOf = (r, l) => isEnd(r.from, l.s) && isEnd(r.to, l.t) && r.verdict === l.verdict;

// The line of the map that the chosen flow belongs to.
export const lineOfFlow = () => table.chosen && places()?.L.find((l) => isOf(table.chosen, l));

// A flow of the line, which names the policies that a sum cannot: among those listed, or the relay is asked for the last ones, once.
const asked = new Map(), ASKED = 200;
function seenOf(l) {
	const listed = find((r) => isOf(r, l));
	if (listed || asked.has(l.key))
		return listed ?? asked.get(l.key);
	if (asked.size >= ASKED)
		asked.clear();
	asked.set(l.key, null);
	flows(`${filterOf()} --last 20`, (event, data) => {
		const r = event === "flow" && flowRow(data);
		if (r && isOf(r, l))
			asked.set(l.key, r);
	}).done.then(() => asked.get(l.key) && lineOf()?.key === l.key && draw(false));
	return null;
}
export const lineOf = () => places()?.L.find((l) => `e:${l.key}` === state.sel);

function author(d, side, isolating, denied) {
	if (!d?.policy)
		return isolating?.length ? h("p", {}, `${denied ? "Denied" : "Decided"} by default: `, isolating.map((n, i) => [i ? ", " : "", h("b", {}, n)]),
			` isolate${isolating.length > 1 ? "" : "s"} the pod, and no rule of ${isolating.length > 1 ? "theirs" : "its"} allows this.`) : h("p", {},
				d?.text ?? "");
	return h("p", {}, denied ? "Denied by " : "Allowed by ", policy(d), d.rule ? [" rule ", h("b", {}, d.rule)] : "", d.text ? `: ${d.text}.` : ".");
}

const fullName = (e) => (e.pod === e.ip ? e.ip : `${e.pod}  ${e.ip}`);

function flow(r) {
	const d = r.detail, denied = r.verdict === "denied", side = r.egress ? "egress" : "ingress";
	const would = d.would_ingress ?? d.would_egress;
	return [close(), h("h2", {}, denied ? `${short(r.from.id)} may not reach ${short(r.to.id)}:${r.port}` : r.verdict === "audit" ?
		`${short(r.from.id)} reaches ${short(r.to.id)}:${r.port}; the audited policy would stop it` : `${short(r.from.id)} reaches ${short(r.to.id)}:${r.port}`),
	h("div", { class: "when" }, h("span", { class: `v ${denied ? "deny" : r.verdict === "audit" ? "audit" : ""}` }, glyph(r.verdict),
		h("b", {}, denied ? "denied" : r.verdict === "audit" ? "allowed, would be denied" : "allowed")),
		` at ${short(r.egress ? r.from.id : r.to.id)}, ${side} · ${clock(r.at, true)} · ${r.node}`),
	author(d[side], side, denied ? d.isolating : null, denied),
	!denied && d.egress && d.ingress && side === "ingress" && author(d.egress, "egress", null, false),
	d.nearest_miss && h("p", {}, "Nearest: ", h("b", {}, d.nearest_miss), "."),
	would && h("p", { class: "audit" }, "Would be denied by ", policy(would), would.rule ? ` rule ${would.rule}` : "", "."),
	kv([["from", fullName(r.from)], ["to", fullName(r.to)], ["what", r.summary || r.proto],
		["event", [d.kind, d.end && `ended: ${d.end}`].filter(Boolean).join(", ")],
		["carried", r.bytes ? `${bytes(r.bytes)} in ${many(+(d.packets ?? 0) + +(d.reply_packets ?? 0), "packet")}` : ""],
		["lasted", r.ns ? `${d.at_least ? "at least " : ""}${micros(r.ns / 1000)}` : ""],
		["then idle for", !d.ended && +(d.idle_ns ?? 0) >= 2e9 ? micros(d.idle_ns / 1000) : ""],
		["handshake", d.handshake_us ? micros(d.handshake_us) : ""],
		["repeats", d.repeats ? `${count(d.repeats)} more like it since the last record` : ""]]),
	h("div", { class: "act" }, button("why", "Why, both sides"), button("filter", "Show only these"), button("copyrow", "Copy as weir observe"),
		button("copylink", "Copy link"))];
}

function edge(l) {
	const denied = l.verdict === "denied", e = denied ? l.parts.find((p) => p.author) ?? l.parts[0] : l.parts[0];
	const seen = seenOf(l);
	const sum = (key) => l.parts.reduce((n, p) => n + p[key], 0);
	return [close(), h("h2", {}, denied ? `${short(l.s)} may not reach ${short(l.t)}` : l.verdict === "audit" ?
		`${short(l.s)} reaches ${short(l.t)}; the audited policy would stop it` :
		`${short(l.s)} reaches ${short(l.t)}`),
	h("div", { class: "when" }, h("span", { class: `v ${denied ? "deny" : l.verdict === "audit" ? "audit" : ""}` }, glyph(l.verdict),
		h("b", {}, denied ? `denied ${count(sum("denied"))} times` : rate(l.rate))),
		denied ? ` at ${short(e.side === "egress" ? l.s : l.t)}, ${e.side}` : ` · ${bytes(sum("bytes"))}/s${l.measured ? ` · answers in ${micros(l.latency / l.measured)}` : ""}`),
	denied && (e.author?.policy || e.author?.isolating ? author(e.author, e.side, e.author.isolating, true) : seen ?
		author(seen.detail[e.side], e.side, seen.detail.isolating, true) : h("p", {}, e.author?.text ?? "")),
	seen?.detail.nearest_miss && denied && h("p", {}, "Nearest: ", h("b", {}, seen.detail.nearest_miss), "."),
	!denied && seen && author(seen.detail.ingress?.policy ? seen.detail.ingress : seen.detail.egress, "", null, false),
	h("table", { class: "peers" }, h("caption", {}, "ports"), l.parts.slice(0, 8).map((p) => h("tr", {}, h("td", {}, glyph(p.verdict)),
		h("td", {}, `${p.port || "no port"}/${p.proto}`),
		h("td", { class: "num" }, denied ? `×${count(p.denied)}` : rate(p.rate)), h("td", { class: "num q2" },
			p.latency_us ? micros(p.latency_us) : "")))),
	h("div", { class: "act" }, button("why", "Why, both sides"), button("filter", "Show only these"), button("copyrow", "Copy as weir observe"),
		button("copylink", "Copy link"))];
}

function node(id) {
	const v = places()?.V.get(id);
	if (!v)
		return [close(), h("h2", {}, who(id)), h("p", { class: "q2" }, "Not on the map any more.")];
	const m = v.mark, row = (l, other) => h("tr", { "data-pick": `e:${l.key}` }, h("td", {}, glyph(l.verdict)),
		h("td", {}, h("button", { "data-pick": `e:${l.key}` }, who(plain(other)))),
		h("td", { class: "num" }, l.verdict === "denied" ? `×${count(l.denied)}` : rate(l.rate)),
			h("td", { class: "num q2" }, l.measured ? micros(l.latency / l.measured) : ""));
	const into = places().L.filter((l) => l.t === id), out = places().L.filter((l) => l.s === id);
	return [close(), h("h2", {}, who(plain(id))), h("div", { class: "when" }, [m.workload_kind || m.kind, m.ports.map((p) => `:${p}`).join(" "),
		m.count > 1 && `${count(m.count)} workloads`].filter(Boolean).join(" · ")),
		h("table", { class: "peers" }, into.length > 0 && [h("caption", {}, "called by"), into.map((l) => row(l, l.s))]),
		h("table", { class: "peers" }, out.length > 0 && [h("caption", {}, "calls"), out.map((l) => row(l, l.t))]),
		h("div", { class: "act" }, button("focus", state.focus === id ? "Leave focus" : "Focus"), button("filter", "Show only these"),
			(m.kind === "namespace" && m.ns) || m.ns ? button("fold", m.kind === "namespace" ? "Open" : "Fold namespace") : null,
				button("copylink", "Copy link"))];
}

const keys = [["/", "filter, or look for a name"], ["arrows", "move between cards"], ["enter", "choose the card"],
	["f", "focus on it and its neighbours"], ["c", "fold or open its namespace"], ["dbl-click", "the same for a stack"], ["d", "denials only"],
	["1 2 3", "flows, policies, why"], ["w", "why"], ["j k", "next, previous flow"], ["space", "pause"], ["l", "back to live"],
	["+ − 0", "zoom, fit"], ["t", "light or dark"], ["esc", "let go"]];

// The most often denied first; two change places only when one is well ahead, not with each count.
let order = [];
function ranked(denied) {
	const place = new Map(order.map((key, i) => [key, i])), most = (a, b) => b.denied - a.denied || (a.key < b.key ? -1 : 1);
	const out = denied.filter((l) => place.has(l.key)).sort((a, b) => place.get(a.key) - place.get(b.key));
	for (const l of denied.filter((l) => !place.has(l.key)).sort(most)) {
		const i = out.findIndex((o) => o.denied < l.denied);
		out.splice(i < 0 ? out.length : i, 0, l);
	}
	for (let i = 1; i < out.length; i++)
		for (let k = i; k > 0 && out[k].denied > out[k - 1].denied * 1.25 + 1; k--)
			[out[k - 1], out[k]] = [out[k], out[k - 1]];
	order = out.map((l) => l.key);
	return out;
}

function pair(l) {
	const port = l.parts[0].port ? h("span", { class: "q" }, `:${l.parts[0].port}`) : "";
	return h("tr", { "data-pick": `e:${l.key}` }, h("td", {}, glyph(l.verdict)),
		h("td", {}, h("button", { "data-pick": `e:${l.key}` }, who(plain(l.s)), h("span", { class: "q" }, " → "), who(plain(l.t)), port)),
		h("td", { class: "num" }, l.verdict === "denied" ? `×${count(l.denied)}` : rate(l.rate)));
}

// What is denied within folded namespaces, by name where these are few.
const FEW = 3;
function within(only) {
	const all = only && state.q !== current().narrowed ? [] : [...(places()?.V.values() ?? [])].map((v) => ({ v, n: hidden(v.mark, v.id, places().L) }));
	const some = all.filter((w) => w.n > 0).sort((a, b) => b.n - a.n), row = (what, n) => h("tr", {}, h("td", {}, glyph("denied")),
		h("td", {}, what), h("td", { class: "num" }, `×${count(n)}`));
	if (some.length > FEW)
		return [row(`within ${some.length} folded namespaces`, some.reduce((sum, w) => sum + w.n, 0))];
	return some.map((w) => row(h("button", { "data-pick": `n:${w.v.id}` }, "within ", who(w.v.id)), w.n));
}

// Nothing is chosen: who is denied now, of what the filter lets through, each a step from its policy.
function overview() {
	const only = lines(state.q), all = (places()?.L ?? []).filter((l) => l.verdict !== "allowed" && (!only || l.parts.some(only)));
	const denied = ranked(all.filter((l) => l.verdict === "denied")), would = all.filter((l) => l.verdict === "audit");
	const when = state.from ? "in this time" : "now", hint = h("p", { class: "q" }, "A line, a card or a row tells more; ",
		h("span", { class: "mono" }, "?"), " lists the keys.");
	if (!current()?.marks.length)
		return [h("h2", {}, state.from ? "Nothing in this time" : "Nothing yet"), hint];
	const inner = within(only);
	return [h("h2", {}, denied.length ? `${many(denied.length, "pair")} ${denied.length > 1 ? "are" : "is"} denied ${when}` :
		inner.length ? `Within what is folded there are denials ${when}` : only ? `Of what fits the filter, nothing is denied ${when}` : `Nobody is denied ${when}`),
	h("table", { class: "peers pairs" }, denied.slice(0, OVERVIEW).map(pair), inner),
		denied.length > OVERVIEW && h("p", { class: "q" }, `and ${denied.length - OVERVIEW} more`),
	would.length > 0 && h("table", { class: "peers pairs" }, h("caption", {}, "would be denied by audited policies"),
		would.slice(0, OVERVIEW).map(pair)), hint];
}

function shown(help) {
	if (help)
		return [close(), h("h2", {}, "Keys"), kv(keys.map(([k, t]) => [h("span", { class: "mono" }, k), t]))];
	if (table.chosen)
		return flow(table.chosen);
	if (state.sel.startsWith("n:"))
		return node(state.sel.slice(2));
	const l = lineOf();
	return l ? edge(l) : state.sel ? [close(), h("h2", {}, "Not on the map any more"),
		h("p", { class: "q2" }, state.sel.slice(2).replaceAll(">", " → "))] : overview();
}

// What is chosen is told to who listens, once, and not again as its numbers change.
let said = "";
export function draw(help) {
	put("#det", shown(help));
	const text = state.sel || table.chosen || help ? [...document.querySelectorAll("#det h2, #det .when b")].map((el) => el.textContent).join(", ") : "";
	if (text !== said)
		$("#said").textContent = said = text;
}
