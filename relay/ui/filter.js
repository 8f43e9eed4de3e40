// SPDX-License-Identifier: Apache-2.0
// The box: what is in it is the tail of a `weir observe` command.  The relay reads and completes it; here it is read as far as the map
// can show it, and completed by what the page knows itself when the relay does not answer.
import { get } from "./api.js";

const options = [
	["--denied", "", "denied, or would be by audited policies"], ["--verdict", "DROPPED|FORWARDED|AUDIT", "this verdict"],
	["-n", "NAMESPACE", "either end in this namespace"], ["--pod", "NAMESPACE/POD", "either end"],
	["--from-pod", "NAMESPACE/POD", "source"], ["--to-pod", "NAMESPACE/POD", "destination"],
	["--workload", "NAME", "either end"], ["--from-workload", "NAME", "source"], ["--to-workload", "NAME", "destination"],
	["--port", "PORT", "either end"], ["--to-port", "PORT", "destination port"], ["--protocol", "tcp|udp|icmp", "this protocol"],
	["--ip", "ADDRESS[/LENGTH]", "either end"], ["--from-ip", "ADDRESS", "source"], ["--to-ip", "ADDRESS", "destination"],
	["--label", "SELECTOR", "either end: app=cart,tier in (web)"], ["--policy", "NAMESPACE/NAME", "decided by it, or isolated by it"],
	["--type", "policy-verdict|drop|trace", "this kind of event"], ["--node-name", "NODE", "seen there"],
	["--since", "5m", "from then on"], ["--last", "N", "the newest N"], ["--not", "", "negates the next filter"],
];

const words = (q) => q.match(/'[^']*'|"[^"]*"|\S+/g)?.map((w) => w.replace(/^(['"])(.*)\1$/, "$2")) ?? [];

// What may stand for the word being typed: what to put, in place of what, what its value is called, what it does.
export async function complete(q, known) {
	if (!q.trim())
		return guess("", known);		// who begins is offered the usual ones
	try {
		const { typed, words } = await get("complete", { q }, 1500);
		return words.slice(0, 8).map((w) => ({ put: w.text, text: w.value ?? "", help: w.help, typing: typed }));
	} catch {
		return guess(q, known);
	}
}

function guess(q, known) {
	const all = words(q), typing = /\s$/.test(q) || !q ? "" : all.pop() ?? "";
	const option = options.find((o) => o[0] === all.at(-1) && o[1]);
	if (!option)
		return options.filter((o) => o[0].startsWith(typing) && (typing || !all.includes(o[0]))).slice(0, 8)
			.map(([name, value, text]) => ({ put: name, text: value, help: text, typing }));
	const values = option[0] === "-n" ? known.namespaces : /pod/.test(option[0]) ? known.pods : /workload/.test(option[0]) ?
		known.pods.map((p) => p.split("/")[1]) : /port/.test(option[0]) ? known.ports : option[1].includes("|") ? option[1].split("|") : [];
	return [...new Set(values)].filter((v) => v.includes(typing)).slice(0, 8).map((v) => ({ put: v, text: "", help: option[2], typing }));
}

// Which lines of the map the filter lets through, as far as it can be said of a workload: null means all.
export function lines(q) {
	const tests = [];
	let not = false;
	const all = words(q), end = (id, v) => id === v || id.startsWith(v + "-") || id.split("/")[1] === v || id === `out:${v}`;
	for (let i = 0; i < all.length; i++) {
		const [name, glued] = all[i].split(/=(.*)/s), value = () => glued ?? all[++i] ?? "";
		let test = null;
		if (name === "--not") {
			not = !not;
			continue;
		}
		if (name === "--denied" || name === "-d")
			test = (e) => e.verdict !== "allowed";
		else if (name === "--verdict") {
			const v = value().toUpperCase();
			test = (e) => (v === "DROPPED" ? e.denied > 0 : v === "AUDIT" ? e.would > 0 : e.opened > 0);
		} else if (["-n", "--namespace", "--from-namespace", "--to-namespace"].includes(name)) {
			const v = value(), of = (id) => id.startsWith(v + "/") || id === `ns:${v}`;
			test = (e) => (name !== "--to-namespace" && of(e.from)) || (name !== "--from-namespace" && of(e.to));
		} else if (/^(--(from-|to-)?(pod|workload)|-p)$/.test(name)) {
			const v = value();
			test = (e) => (!name.startsWith("--to") && end(e.from, v)) || (!name.startsWith("--from") && end(e.to, v));
		} else if (/^--(to-)?port$/.test(name)) {
			const v = +value();
			test = (e) => e.port === v;
		} else if (name === "--protocol") {
			const v = value();
			test = (e) => e.proto === v;
		} else if (options.some((o) => o[0] === name && o[1]) && glued === undefined)
			i++;			// the map cannot tell
		if (test)
			tests.push(not ? (e) => !test(e) : test);
		not = false;
	}
	return tests.length ? (e) => tests.every((t) => t(e)) : null;
}
