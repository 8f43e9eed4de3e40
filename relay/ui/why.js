// SPDX-License-Identifier: Apache-2.0
// One question in a sentence, and the answer of both sides in the packet's order.
import { h } from "./dom.js";
import { get } from "./api.js";
import { known } from "./map.js";
import { set, state } from "./state.js";
import { clock, who } from "./words.js";

let answer = null, asked = "", busy = false;

function gate(side, tier, kind, text) {
	return h("div", { class: `gt ${kind}` }, h("small", {}, h("span", { class: "dir" }, side), " ", tier), h("div", { class: `lane ${kind}` }, h("i")),
		h("p", { title: text }, text));
}

const tiers = ["admin", "networkpolicy", "baseline"], titles = ["Admin", "NetworkPolicy", "Baseline"];

// The three gates of a side; what comes behind the one that stopped it was not reached.
function gates(side, stopped) {
	const at = tiers.indexOf(side.tier), isolated = side.isolating?.length > 0;
	const by = side.policy ? `${side.policy} rule ${side.rule}` : isolated ? `${side.isolating.join(", ")}: no rule matches` : "nobody isolates the pod";
	const where = at >= 0 ? at : isolated ? 1 : 2, stop = side.verdict === "deny" ? where : 9;
	const kind = (i) => (stopped || i > stop ? "never" : i === stop ? "stop" : i === where && side.would_be === "deny" ? "would" : "pass");
	return titles.map((title, i) => gate(side.direction, title, kind(i), stopped || i > stop ? "not reached" : i === where ? by : "no rule"));
}

function seen(r) {
	const what = r.kind === r.verdict ? r.verdict : `${r.kind}, ${r.verdict}`;
	return ["seen", `${clock(+r.time_ns / 1e6)} ${what}${r.reason && r.reason !== r.verdict ? `: ${r.reason}` : ""}`];
}

// What each side says: its rule, or who isolates; what came nearest; what audited policies would say.
function says(side) {
	const isolating = side.isolating?.length ? `: ${side.isolating.join(", ")}` : "";
	return [[side.direction, `${side.rule_text || side.reason}${side.policy ? "" : isolating}`], ["nearest", side.nearest_miss],
		["would be", side.would_be ? `${side.would_be} by ${side.would_be_policy}` : ""]];
}

function show(why, node) {
	const ok = why.verdict === "allow", sides = why.side ?? [], stops = sides.findIndex((s) => s.verdict === "deny"), blocked = sides[stops];
	const at = (end, c) => h("div", { class: c, title: end }, h("b", {}, who(end))), more = sides.findLast((s) => s.verdict === "deny");
	return h("div", {}, h("div", { class: `ans ${ok ? "" : "deny"}` }, ok ? "Yes, as far as policy goes. " :
		`No. Blocked at ${blocked?.direction === "egress" ? why.source : why.destination}, ${blocked?.direction}${more !== blocked ? `, and it would be at ${more.direction}` : ""}. `,
	ok && h("span", { class: "q2 plain" }, "If it does not arrive, look at routes, the server, other firewalls.")),
	h("div", { class: "gates" }, at(why.source, "end"), sides.flatMap((side, i) => gates(side, stops >= 0 && i > stops)), at(why.destination, "end r")),
	h("dl", { class: "kv" }, [...sides.flatMap(says), ...(why.last ?? []).slice(0, 3).map(seen)].filter(([, v]) => v)
		.map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])),
	h("p", { class: "q" }, `Judged on ${node} by the engine that runs in its kernel.`));
}

async function ask(question, el) {
	const [from, to, port, proto] = question.split(" ");
	asked = question;
	busy = true;
	try {
		answer = await get("why", { from, to, port, proto }, 10000);
	} catch (e) {
		answer = { error: e.message };
	}
	busy = false;
	if (asked === question && state.tab === "why")
		draw(el);
}

function result() {
	if (busy || !answer)
		return h("p", { class: "q2" }, busy ? "asking" : "Choose two ends and a port.");
	if (answer.error)
		return h("p", { class: "deny" }, answer.error);
	const nodes = answer.why?.node ?? [], good = nodes.filter((n) => n.why);
	return good.length ? good.map((n) => show(n.why, n.node)) : h("p", { class: "deny" }, nodes[0]?.error || "No node knows either end as its own.");
}

export function draw(el) {
	const [from = "", to = "", port = "", proto = "TCP"] = (state.why || "").split(" "), pods = known().pods;
	el.className = "pane";
	el.onscroll = null;
	const field = (name, value) => h("input", { class: "of", name, value, size: 16, placeholder: "namespace/pod", list: "ends", "aria-label": name,
		spellcheck: "false" });
	const form = h("form", {}, "Can ", field("from", from), " reach ", field("to", to), " on ",
		h("input", { name: "port", value: port, size: 5, placeholder: "port", "aria-label": "port", inputmode: "numeric" }),
		h("select", { name: "proto", "aria-label": "protocol" }, ["TCP", "UDP", "SCTP"].map((p) => h("option", { selected: p === proto }, p))), "? ",
		h("button", { class: "asks" }, "ask"));
	form.addEventListener("submit", (e) => {
		e.preventDefault();
		const d = new FormData(form);
		set({ why: `${d.get("from")} ${d.get("to")} ${d.get("port")} ${d.get("proto")}`.trim() });
		ask(state.why, el);
	});
	el.replaceChildren(h("div", { class: "why" }, h("datalist", { id: "ends" }, pods.map((p) => h("option", { value: p }))), form, result()));
	if (state.why && asked !== state.why && !busy && state.why.split(" ").length > 2)
		ask(state.why, el);
}
