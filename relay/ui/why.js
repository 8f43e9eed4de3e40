// SPDX-License-Identifier: Apache-2.0
// One question in a sentence, and the answer of both sides in the packet's order.
import { h } from "./dom.js";
import { get } from "./api.js";
import { known } from "./map.js";
import { set, state } from "./state.js";
import { clock, who } from "./words.js";

let answer = null, asked = "", busy = false;

function gate(side, tier, kind, text) {
	return h("div", { class: `gt ${kind}` }, h("small", {}, `${side} · ${tier}`), h("div", { class: `lane ${kind}` }, h("i")), h("p", { title: text }, text));
}

const tiers = ["admin", "networkpolicy", "baseline"];
function gates(side, stopped) {
	const at = tiers.indexOf(side.tier), by = side.policy ? `${side.policy} rule ${side.rule}` : side.isolating?.length ? `${side.isolating.join(", ")}: no rule matches` : "nobody isolates the pod";
	const where = at < 0 ? (side.isolating?.length ? 1 : 2) : at, stop = side.verdict === "deny" ? where : 9;
	return tiers.map((t, i) => gate(side.direction, ["Admin", "NetworkPolicy", "Baseline"][i], stopped || i > stop ? "never" : i === stop ? "stop" : i === where && side.would_be === "deny" ? "would" : "pass",
		stopped || i > stop ? "not reached" : i === where ? by : "no rule"));
}

function show(why, node) {
	const ok = why.verdict === "allow", sides = why.side ?? [], stops = sides.findIndex((s) => s.verdict === "deny"), blocked = sides[stops];
	return h("div", {}, h("div", { class: `ans ${ok ? "" : "deny"}` }, ok ? "Yes, as far as policy goes. " : `No. Blocked at ${blocked?.direction === "egress" ? why.source : why.destination}, ${blocked?.direction}. `,
		h("span", { class: "q2 plain" }, ok ? "If it does not arrive, look at routes, the server, other firewalls." : blocked?.nearest_miss ?? "")),
	h("div", { class: "gates" }, h("div", { class: "end", title: why.source }, h("b", {}, who(why.source))), sides.flatMap((side, i) => gates(side, stops >= 0 && i > stops)), h("div", { class: "end r", title: why.destination }, h("b", {}, who(why.destination)))),
	h("dl", { class: "kv" }, sides.flatMap((side) => [[`${side.direction}`, side.rule_text || side.reason], [`would be`, side.would_be ? `${side.would_be} by ${side.would_be_policy}` : ""]]).filter(([, v]) => v)
		.map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)]), (why.last ?? []).slice(0, 3).map((r) => [h("dt", {}, "seen"), h("dd", {}, `${clock(+r.time_ns / 1e6)} ${r.kind === r.verdict ? r.verdict : `${r.kind}, ${r.verdict}`}${r.reason && r.reason !== r.verdict ? `: ${r.reason}` : ""}`)])),
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
	const field = (name, value, size) => h("input", { name, value, size, placeholder: "namespace/pod", list: "ends", "aria-label": name, spellcheck: "false" });
	const form = h("form", {}, "Can ", field("from", from, 22), " reach ", field("to", to, 22), " on ", h("input", { name: "port", value: port, size: 5, placeholder: "port", "aria-label": "port", inputmode: "numeric" }),
		h("select", { name: "proto", "aria-label": "protocol" }, ["TCP", "UDP", "SCTP"].map((p) => h("option", { selected: p === proto }, p))), "? ", h("button", { class: "asks" }, "ask"));
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
