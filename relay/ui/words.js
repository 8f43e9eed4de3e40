// SPDX-License-Identifier: Apache-2.0
// Numbers, names and glyphs as people read them.
import { h, s } from "./dom.js";

export const rate = (r) => (r === 0 ? "0" : r < 1 ? `${+(r * 60).toFixed(r * 60 < 10 ? 1 : 0)}/min` : r < 10 ? `${r.toFixed(1)}/s` :
	r < 1000 ? `${Math.round(r)}/s` : `${(r / 1000).toFixed(r < 9950 ? 1 : 0)}k/s`);
export const bytes = (b) => (b < 1024 ? `${Math.round(b)} B` : b < 1048576 ? `${(b / 1024).toFixed(b < 10240 ? 1 : 0)} kB` :
	`${(b / 1048576).toFixed(1)} MB`);
export const micros = (us) => (us < 1000 ? `${Math.round(us)} µs` : us < 1e6 ? `${(us / 1000).toFixed(us < 1e4 ? 1 : 0)} ms` :
	`${(us / 1e6).toFixed(1)} s`);
export const clock = (ms, fine) => {
	const d = new Date(ms);
	const text = d.toTimeString().slice(0, 8);
	return fine ? `${text}.${String(d.getMilliseconds()).padStart(3, "0")}` : text;
};
export const ago = (ms) => {
	const s = Math.max(0, (Date.now() - ms) / 1000);
	return s < 2 ? "now" : s < 90 ? `${Math.round(s)} s ago` : s < 5400 ? `${Math.round(s / 60)} min ago` : s < 129600 ? `${Math.round(s / 3600)} h ago` : `${Math.round(s / 86400)} d ago`;
};
export const count = (n) => n.toLocaleString("en");
export const many = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

// "ns/name" with the namespace pale, and the first to be cut where there is no room.
export const who = (id) => {
	if (id.startsWith("rest:"))
		return { "rest:namespaces": "other namespaces", "rest:outside": "others outside", "rest:nodes": "other nodes" }[id] ?? "others";
	const bare = id.replace(/^(out|node|rest|ns):/, "");
	const slash = id.includes(":") ? -1 : bare.indexOf("/");
	return slash < 0 ? bare : h("span", { class: "who" }, h("span", { class: "q" }, bare.slice(0, slash)), h("span", { class: "q sl" }, "/"),
		h("span", {}, bare.slice(slash + 1)));
};

// A line that goes on, one that meets a wall, one that passes an open gate.
export function glyph(verdict) {
	const kind = verdict === "denied" || verdict === "mixed" ? "denied" : verdict === "audit" ? "audit" : "allowed";
	const parts = {
		allowed: [s("path", { d: "M0 5h16", class: "g-river" }), s("path", { d: "M15 2l6 3-6 3z", class: "g-fill" })],
		denied: [s("path", { d: "M0 5h12", class: "g-deny" }), s("path", { d: "M14.5 0v10", class: "g-wall" })],
		audit: [s("path", { d: "M0 5h7M13 5h4", class: "g-audit" }), s("path", { d: "M16 2l6 3-6 3z", class: "g-audit-fill" }),
			s("rect", { x: 8.6, y: 0.6, width: 3.4, height: 8.8, class: "g-gate" })],
	};
	return s("svg", { width: 22, height: 10, "aria-hidden": "true" }, parts[kind]);
}

// A minute that has only begun, filled up with the end of the one before: its line would fall to nothing each time.
export const sliding = (v, part) => [...v.slice(0, -1), v.at(-1) + (1 - part) * (v.at(-2) ?? 0)];

export const line = (v, w, ht) => {
	const hi = Math.max(...v) || 1, lo = Math.min(...v) * 0.8;
	return v.map((y, i) => `${i ? "L" : "M"}${((i * w) / (v.length - 1)).toFixed(1)} ${(ht - ((y - lo) / (hi - lo || 1)) * ht).toFixed(1)}`).join("");
};

// A flow of the wire as the table and the details want it.
export function flowRow(message) {
	const f = message.flow, l4 = f.l4 ?? {}, detail = f.extensions ?? {};
	const [proto, ports] = Object.entries(l4)[0] ?? ["", {}];
	const end = (e = {}, ip = "no address") => {
		const workload = e.workloads?.[0]?.name;
		return e.namespace ? { id: `${e.namespace}/${workload ?? e.pod_name}`, pod: `${e.namespace}/${e.pod_name}`, ip } :
			{ id: workload && workload !== "world" ? workload : ip, pod: ip, ip, out: true };
	};
	const verdict = f.verdict === "DROPPED" ? "denied" : f.verdict === "AUDIT" ? "audit" : "allowed";
	const egress = f.traffic_direction === "EGRESS";
	const policies = (verdict === "denied" ? (egress ? f.egress_denied_by : f.ingress_denied_by) :
		[...(f.ingress_allowed_by ?? []), ...(f.egress_allowed_by ?? [])]) ?? [];
	return {
		at: Date.parse(message.time), node: message.node_name, from: end(f.source, f.IP?.source), to: end(f.destination, f.IP?.destination),
		proto, port: ports.destination_port ?? "", verdict, egress, reply: f.is_reply === true, summary: f.Summary ?? "", detail,
		by: policies.map((p) => (p.namespace ? `${p.namespace}/${p.name}` : p.name)), raw: message,
		bytes: +(detail.bytes ?? 0) + +(detail.reply_bytes ?? 0), ns: detail.duration_ns ? +detail.duration_ns : 0,
	};
}

export const command = (q) => `weir observe ${q}`.trim();
export const quote = (word) => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`);
