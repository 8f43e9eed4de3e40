// SPDX-License-Identifier: Apache-2.0
// The box: what is in it is the tail of a `weir observe` command.  The relay reads and completes it; here it is read as far as the map
// can show it, and completed by what the page knows itself when the relay does not answer.
import { get } from "./api.js";
import { plain } from "./layout.js";
import { quote } from "./words.js";

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
		const { typed, words: offered } = await get("complete", { q }, 1500), named = isName(q, typed) ? await search(typed) : [];
		return [...named, ...offered.map((w) => ({ put: w.text, text: w.value ?? "", help: w.help, typing: typed }))].slice(0, 8);
	} catch {
		return guess(q, known);
	}
}

// A word that is no option and no option's value is a name that somebody looks for.
function isName(q, typed) {
	const before = words(q).at(-2) ?? "";
	return /^[^-'"]/.test(typed) && (!before.startsWith("-") || before.includes("=") || before === "--not" || flags.includes(before));
}

async function search(typed) {
	const of = async (option, help) => (await get("complete", { q: `${option} ${typed}` }, 1500)).words.slice(0, 5)
		.map((w) => ({ put: `${option} ${w.text}`, text: "", help, typing: typed, found: true }));
	return (await Promise.all([of("--workload", "this workload, either end"), of("-n", "all of this namespace")])).flat();
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

const flags = ["-d", "--denied", "-A", "--all-namespaces", "--from-all-namespaces", "--to-all-namespaces", "-4", "-6", "--ipv4", "--ipv6",
	"--encrypted", "--unencrypted", "-f", "--follow", "--all"];
const long = { "-d": "--denied", "-n": "--namespace", "-p": "--pod", "-l": "--label", "-t": "--type" };
const isEnd = (id, v) => id === v || id.startsWith(v + "-") || id.split("/")[1] === v || id === `out:${v}` || id === `node:${v}`;

// What an option asks of a line of the map, as far as it can be said of a workload; null: nothing.
function testOf(name, v) {
	const [, way, kind] = /^--(from-|to-)?(namespace|pod|workload|port)$/.exec(name) ?? [];
	const either = (fits) => (e) => (way !== "to-" && fits(plain(e.from))) || (way !== "from-" && fits(plain(e.to)));
	if (name === "--denied")
		return (e) => e.verdict !== "allowed";
	if (name === "--verdict")
		return (e) => (v.toUpperCase() === "DROPPED" ? e.denied > 0 : v.toUpperCase() === "AUDIT" ? e.would > 0 : e.opened > 0);
	if (name === "--protocol")
		return (e) => e.proto === v;
	if (kind === "port")
		return way === "from-" ? null : (e) => e.port === +v;
	if (kind === "namespace")
		return either((id) => id.startsWith(v + "/") || id === `ns:${v}`);
	return kind ? either((id) => isEnd(id, v)) : null;
}

// The filter, option by option: as it is written, what it is called, whether it is negated, and its test.
export function terms(q) {
	const list = words(q), out = [];
	for (let i = 0, not = false; i < list.length; i++) {
		const word = list[i], [short, glued] = word.split(/=(.*)/s), name = long[short] ?? short;
		if (name === "--not") {
			not = !not;
			continue;
		}
		const alone = flags.includes(short), value = glued ?? (alone ? "" : list[++i] ?? "");
		const text = glued === undefined && !alone ? `${word} ${quote(value)}` : word;
		out.push({ text: not ? `--not ${text}` : text, name, not, test: testOf(name, value) });
		not = false;
	}
	return out;
}

// Values of one option are alternatives, different options must all hold; what is negated together is left out.
function joined(list) {
	const by = new Map();
	for (const t of list)
		by.set(t.name, [...(by.get(t.name) ?? []), t.test]);
	const options = [...by.values()];
	return options.length ? (e, unknown) => options.every((tests) => tests.some((test) => (test ? test(e) : unknown))) : null;
}

// Which lines of the map the filter lets through: null means all.  What the relay did not understand hides nothing.
export const refused = { q: null };
export function lines(q) {
	const list = q === refused.q ? [] : terms(q), may = joined(list.filter((t) => !t.not)), not = joined(list.filter((t) => t.not));
	return list.some((t) => t.test) ? (e) => (!may || may(e, true)) && !(not && not(e, false)) : null;
}
