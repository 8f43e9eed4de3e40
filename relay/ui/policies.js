// SPDX-License-Identifier: Apache-2.0
// Policies: what needs a person first.
import { h } from "./dom.js";
import { get } from "./api.js";
import { state } from "./state.js";
import { count } from "./words.js";

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

export function draw(el) {
	el.className = "pane pol";
	el.onscroll = null;
	if (error || !list)
		return el.replaceChildren(h("div", { class: "blank" }, h("p", {}, error || "asking")));
	if (!list.length)
		return el.replaceChildren(h("div", { class: "blank" }, h("h2", {}, "No policy is known"), h("p", {}, "Nothing is isolated: everybody may speak with everybody. A NetworkPolicy among the manifests appears here at once.")));
	const rows = [...list].map((c) => ({ ...c, ...c.policy })).sort((a, b) => order(a) - order(b) || +(b.hits ?? 0) - +(a.hits ?? 0)).map((p) => {
		const slash = p.name.lastIndexOf("/"), bad = p.state === "rejected", kind = bad ? "deny" : p.audit ? "audit" : "q2";
		return [h("div", { class: "grid row" }, h("span", {}, h("span", { class: "q" }, p.name.slice(0, slash + 1)), p.name.slice(slash + 1)), h("span", { class: "q2 p2" }, p.tier), h("span", { class: "num q2 p2" }, count(p.pods ?? 0)),
			h("span", { class: "num" }, count(+(p.hits ?? 0))), h("span", { class: "num q2 p2" }, count(p.rules ?? 0)), h("span", { class: "num q2 p2" }, count(p.nodes ?? 0)),
			h("span", { class: kind }, p.audit && !bad ? "in audit" : words[p.state] ?? p.state)),
		p.why && h("div", { class: "grid rule note" }, h("span", { class: `whole-row ${kind}` }, p.why))];
	});
	el.replaceChildren(h("div", { class: "grid th" }, [["policy"], ["tier", "p2"], ["pods", "num p2"], ["hits", "num"], ["rules", "num p2"], ["nodes", "num p2"], ["state"]].map(([t, c]) => h("span", { class: c }, t))), ...rows.flat().filter(Boolean));
}
