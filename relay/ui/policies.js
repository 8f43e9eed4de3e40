// SPDX-License-Identifier: Apache-2.0
// Policies: what needs a person first.
import { h } from "./dom.js";
import { get, last } from "./api.js";
import { state } from "./state.js";
import { ago, count, many } from "./words.js";

let list = null, error = "";
const order = (p) => (p.state === "rejected" ? 0 : p.audit ? 1 : p.state === "selects-nobody-here" ? 3 : 2);
const words = { "in-force": "enforced", rejected: "rejected", "selects-nobody-here": "selects nobody" };

export async function load(el) {
	try {
		list = (await get("policies")).policies.policy ?? [];
		error = "";
	} catch (e) {
		error = e.message;
	}
	if (state.tab === "policies")
		draw(el);
}

export const size = () => list?.length ?? "";

// Who does not answer may have some: only who answers can say that there is none.
function none() {
	const says = (head, text) => h("div", { class: "blank" }, h("h2", {}, head), h("p", {}, text));
	if (!last.answering)
		return says("No node tells of its policies", "Which there are is known to the nodes, and none answers. What was in force there still is.");
	return says("No policy is known", `${last.answering} of ${last.nodes} nodes answer, and none has one: nobody isolates a pod, so who may speak with whom ` +
		"hangs on the mode alone (weir status). A NetworkPolicy among the manifests appears here at once.");
}

export function draw(el) {
	el.className = "pane pol";
	el.onscroll = null;
	if (error || !list)
		return el.replaceChildren(h("div", { class: "blank" }, h("p", {}, error || "asking")));
	if (!list.length)
		return el.replaceChildren(none());
	const rows = [...list].map((c) => ({ ...c, ...c.policy })).sort((a, b) => order(a) - order(b) || +(b.hits ?? 0) - +(a.hits ?? 0) ||
		(a.name < b.name ? -1 : 1));
	el.replaceChildren(h("div", { role: "table", "aria-label": "Policies" }, h("div", { class: "grid th", role: "row" },
		[["policy"], ["state"], ["tier", "p2 p3"], ["pods", "num p2"], ["rules", "num p2 p3"], ["nodes", "num p2 p3"], ["hits", "num"],
			["denied", "num"], ["last used", "num p2"]].map(([t, c]) => h("span", { class: c, role: "columnheader" }, t))), rows.map(row)));
}

// What it denied of late, or would; from there to those flows.
function denials(p, cell) {
	const n = +(p.denied ?? 0), would = +(p.would_deny ?? 0), show = (c, text) => h("button",
		{ class: c, "data-do": "bypolicy", "data-policy": p.name, title: "Show these flows" }, text);
	return cell("num denials", n ? show("deny", h("b", {}, count(n))) : would ? show("audit", [h("b", {}, count(would)), " would be"]) :
		h("span", { class: "q p2" }, "0"));
}

function row(p) {
	const slash = p.name.lastIndexOf("/"), bad = p.state === "rejected", kind = bad ? "deny" : p.audit ? "audit" : "q2";
	const pods = p.pods ?? 0, rules = p.rules ?? 0, nodes = p.nodes ?? 0, cell = (c, ...text) => h("span", { class: c, role: "cell" }, ...text);
	return [h("div", { class: "grid row", role: "row" }, cell("name", h("span", { class: "q" }, p.name.slice(0, slash + 1)), p.name.slice(slash + 1)),
		cell(`state ${kind}`, p.audit && !bad ? "in audit" : words[p.state] ?? p.state), cell("q2 p2 p3", p.tier), cell("num q2 p2", count(pods)),
		cell("num q2 p2 p3", count(rules)), cell("num q2 p2 p3", count(nodes)), cell("num", count(+(p.hits ?? 0)),
			h("span", { class: "q only-phone" }, " hits")),
		denials(p, cell), cell("num q2 p2", p.last_used ? ago(+p.last_used / 1e6) : h("span", { class: "q" }, "not lately")),
		cell("q only-phone sum", `${many(pods, "pod")}, ${many(rules, "rule")}, ${many(nodes, "node")}`)),
	p.why && h("div", { class: "grid rule note" }, h("span", { class: `whole-row ${kind}` }, p.why)),
	p.rejected?.length > 0 && p.rejected.length < nodes && h("div", { class: "grid rule note" },
		h("span", { class: "whole-row q2" }, `refused by ${p.rejected.slice(0, 6).join(", ")}${p.rejected.length > 6 ? " and others" : ""}`))];
}
