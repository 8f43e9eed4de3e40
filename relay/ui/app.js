// SPDX-License-Identifier: Apache-2.0
// The page: what is asked when, what a click or a key does.
import { $, h, put } from "./dom.js";
import { flows, get, last, signIn } from "./api.js";
import { chooser } from "./columns.js";
import { complete, terms } from "./filter.js";
import * as details from "./details.js";
import * as map from "./map.js";
import * as policies from "./policies.js";
import { expanded, link, set, state, watch, windowOf } from "./state.js";
import * as sheet from "./sheet.js";
import * as strip from "./strip.js";
import * as table from "./table.js";
import * as why from "./why.js";
import { clock, command, count, flowRow, quote } from "./words.js";

const MAP_MS = 2000, EMPTY_MS = 400, STRIP_MS = 4000, SILENT_MS = 3000, POLICIES_MS = 5000;
const phone = matchMedia("(max-width:720px)"), wide = matchMedia("(min-width:1800px)"), night = matchMedia("(prefers-color-scheme:dark)");
let silent = [], help = false, alive = true, since = 0, whole = { nodes: 0, answering: 0, lost: 0 };

const dark = () => (state.theme ? state.theme === "dark" : night.matches);
const theme = () => (document.documentElement.dataset.theme = dark() ? "dark" : "light");

// Every number says how whole it is.
function head() {
	const key = `${alive} ${whole.nodes} ${whole.answering} ${whole.lost} ${silent.map((n) => n.name)}`;
	document.body.classList.toggle("stale", !alive);
	if (key === head.last && alive)
		return;
	head.last = key;
	const ticks = Math.min(24, whole.nodes), off = whole.nodes - whole.answering;
	put("#whole", h("span", { class: "nodes", title: `${whole.answering} of ${whole.nodes} nodes answer` },
		Array.from({ length: ticks }, (_, i) => h("i", { class: i >= ticks - Math.ceil((off * ticks) / (whole.nodes || 1)) ? "off" : "" }))),
		alive ? h("span", {}, h("b", { class: off ? "deny" : "" }, `${whole.answering} of ${whole.nodes}`), " nodes") : h("span", { class: "deny" },
			`the relay has not answered for ${Math.round((Date.now() - since) / 1000)} s`),
		alive && off > 0 && silent.length > 0 && h("span",
			{ class: "silent deny", title: silent.slice(0, 20).map((n) => `${n.name}: ${n.why || n.state}`).join("\n") },
			`${silent[0].name} silent since ${clock(Date.parse(silent[0].since)).slice(0, 5)}`, silent.length > 1 ? ` and ${silent.length - 1} more` : ""),
		h("span", { class: "opt" }, h("b", {}, count(whole.lost)), " events lost"));
}

// Which nodes are silent is asked for while some are.
async function loadSilent() {
	silent = whole.nodes > whole.answering ? ((await get("status")).cluster?.node ?? []).filter((n) => n.state !== "connected") : [];
	last.silent = silent;
	head();
}

function answered(data) {
	whole = data.complete ?? whole;
	alive = true;
	since = Date.now();
	head();
}

function failed() {
	alive = false;
	since ||= Date.now();
	head();
	strip.silent();
}

// What failed for want of an answer is tried again soon; a fault of the page's own is the browser's to tell.
async function every(ms, fn) {
	for (;;) {
		let soon = 0;
		if (!document.hidden)
			try {
				soon = await fn();
			} catch (e) {
				failed();
				if (e instanceof ReferenceError || e instanceof TypeError && !/fetch/i.test(e.message))
					reportError(e);
			}
		await new Promise((done) => setTimeout(done, soon || (alive ? ms : Math.min(ms, 1500))));
	}
}

// As many marks as can be read here (index.html asks ahead for the same); who opens namespaces wants more.
const budget = () => Math.min(200, (phone.matches ? 60 : wide.matches ? 130 : 80) + 40 * expanded().length);

// A map that folds is narrowed by the relay, before it folds; one that shows all only fades what does not fit.  Filters that sums of
// flows cannot answer are the flows' alone.
let folds = false, deaf = "";
async function loadMap() {
	const win = windowOf(), q = folds && state.q !== deaf ? state.q : "";
	const next = await get("map", { limit: budget(), from: win?.from, to: win?.to, expand: state.expand, fold: state.fold, focus: state.focus,
		keep: folds && !state.focus ? map.shown() : "", q }).catch((e) => {
		if (!q || e.status !== 400)
			throw e;
	});
	if (!next) {
		deaf = q;
		return loadMap();
	}
	if (!q && !state.focus)
		folds = next.folded.marks > 0;
	next.narrowed = q;
	answered(next);
	const text = JSON.stringify([next.marks, next.edges, state.focus, q, last.silent.length]);
	if (text !== loadMap.last) {
		loadMap.last = text;
		map.draw(next);
		if (next.marks.length && !performance.getEntriesByName("first-map").length)
			requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("first-map")));	// it has been painted
		if (!table.table.chosen)
			details.draw(help);
	}
	return next.marks.length ? 0 : EMPTY_MS;		// who waits for the first flow sees it at once
}

async function loadStrip() {
	strip.show(await get("strip", { minutes: phone.matches ? 30 : 60 }), alive);
}

function tabs() {
	const all = [["flows", "Flows", h("b", { class: "counted" }, count(table.size()))], ["policies", "Policies", h("b", {}, policies.size())],
		["why", "Why", ""]];
	document.body.className = [`tab-${phone.matches && !state.tab ? "map" : state.tab}`, state.sel || table.table.chosen || help ? "picked" : "",
		...[...document.body.classList].filter((c) => c === "big" || c === "stale")].join(" ");
	put(".tabs", h("div", { class: "list", role: "tablist", "aria-label": "Below the map" },
		all.map(([key, text, n], i) => h("button", { role: "tab", "data-tab": key, "aria-selected": String(state.tab === key), "aria-controls": "pane",
		tabindex: state.tab === key ? 0 : -1, title: `${text} (${i + 1})` }, text, n))),
		h("div", { class: "r" }, state.tab === "flows" && h("button", { class: "newer", "data-do": "newest", hidden: true }),
			state.tab === "flows" && !phone.matches && chooser(), state.tab === "flows" && h("button", { "data-do": "pause" },
			table.table.paused ? "resume" : "pause")));
	put("#bar", [["map", "Map"], ...all].map(([key, text]) => h("button", { "data-tab": key, "aria-current": state.tab === key && "page" }, text)));
	const el = $("#pane");
	table.hide();
	if (state.tab === "policies")
		policies.draw(el), policies.load(el);
	else if (state.tab === "why")
		why.draw(el);
	else
		table.draw(el);
}

function pick(sel) {
	table.table.chosen = null;
	help = false;
	set({ sel, flow: "", tab: phone.matches ? "map" : state.tab });
}

function ask(q) {
	suggest(null);
	if (q !== state.q)
		set({ q, sel: state.sel });
}

// Onto the clipboard, and said on the button; where the browser allows no clipboard, the text is there to be taken.
async function copy(text, button) {
	const was = button.textContent;
	try {
		await navigator.clipboard.writeText(text);
		button.textContent = "copied";
	} catch {
		prompt("Copy this:", text);
	}
	setTimeout(() => (button.textContent = was), 1200);
}

const acts = {
	close: () => pick(""),
	clear: () => ask(""),
	without: (button) => ask(terms(state.q).filter((t) => t.text !== button.dataset.term).map((t) => t.text).join(" ")),
	live: () => set({ from: "", to: "" }),
	pause: () => {
		table.table.paused = !table.table.paused;
		tabs();
		table.repaint();
	},
	why: () => {
		const r = table.table.chosen, l = details.lineOf();
		const [from, to, port, proto] = r ? [r.from.pod, r.to.pod, r.port, r.proto] : l ? [l.s, l.t.replace(/^called:/, ""), l.parts[0].port,
			l.parts[0].proto] : ["", "", "", "TCP"];
		set({ tab: "why", why: from ? `${from.replace(/^\w+:/, "")} ${to.replace(/^\w+:/, "")} ${port} ${proto.toUpperCase()}` : state.why });
	},
	filter: () => ask(details.filterOf()),
	copyrow: (button) => copy(command(details.filterOf()), button),
	bypolicy: (button) => set({ tab: "flows", q: `--denied --policy ${quote(button.dataset.policy)}` }),
	newest: () => table.newest(),
	columns: () => set({ cols: "" }),
	copylink: (button) => copy(link({ sel: details.lineOfFlow()?.key ? `e:${details.lineOfFlow().key}` : state.sel }), button),
	focus: () => set({ focus: state.focus === state.sel.slice(2) ? "" : state.sel.slice(2) }),
	unfocus: () => set({ focus: "" }),
	fold: () => {
		const m = map.places()?.V.get(state.sel.slice(2))?.mark;
		if (m?.ns)
			map.fold(m.ns, m.kind === "namespace");
	},
};

// Completion of the word being typed.
const TYPING_MS = 80;
let offers = [], chosen = -1, typed = 0, offered = "";
function suggest(list) {
	typed += !list;
	offers = list ?? [];
	chosen = -1;
	$("#help").classList.toggle("on", offers.length > 0);
	$("#q").setAttribute("aria-expanded", String(offers.length > 0));
	put("#help", offers.map((o, i) => h("div", { role: "option", "data-offer": i, id: `offer${i}` }, `${o.put} ${o.text}`, h("span", {}, o.help))));
}

function propose() {
	const mine = ++typed;
	setTimeout(async () => {
		const q = $("#q").value, list = mine === typed && (await complete(q, map.known()));
		if (mine !== typed)
			return;
		offered = q;
		suggest(list);
	}, TYPING_MS);
}

function take(i) {
	const q = $("#q"), o = offers[i], before = offered.slice(0, offered.length - o.typing.length);
	if (q.value.startsWith(before))		// what was typed since is of the same word
		q.value = before + o.put + " ";
	q.focus();
	propose();
}

function box() {
	const q = $("#q");
	q.placeholder = phone.matches ? "a name, or --denied" : "a name, or  --denied  -n shop  --to-pod shop/redis  --to-port 6379";
	q.addEventListener("input", propose);
	q.addEventListener("focus", propose);
	q.addEventListener("blur", () => setTimeout(() => suggest(null), 150));
	q.addEventListener("keydown", (e) => {
		if (e.key === "ArrowDown" || e.key === "ArrowUp") {
			e.preventDefault();
			chosen = (chosen + (e.key === "ArrowDown" ? 1 : -1) + offers.length) % (offers.length || 1);
			[...$("#help").children].forEach((d, i) => {
				d.classList.toggle("at", i === chosen);
				d.setAttribute("aria-selected", String(i === chosen));
			});
			$("#help").children[chosen]?.scrollIntoView({ block: "nearest" });
			q.setAttribute("aria-activedescendant", `offer${chosen}`);
		} else if (e.key === "Tab" && offers.length && q.value) {
			e.preventDefault();
			take(Math.max(0, chosen));
		} else if (e.key === "Enter" && (chosen >= 0 || offers[0]?.found)) {
			const at = Math.max(0, chosen), { found } = offers[at];
			e.preventDefault();
			take(at);
			if (found)
				ask(q.value.trim());
		} else if (e.key === "Escape") {
			q.blur();
		}
		e.stopPropagation();
	});
	$("#ask").addEventListener("submit", (e) => {
		e.preventDefault();
		ask(q.value.trim());
	});
	$("#clear").addEventListener("click", () => ask(""));
	$("#copy").addEventListener("click", () => copy(command(state.q), $("#copy")));
}

function keys(e) {
	if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName))
		return;
	const node = e.target.dataset?.node;
	const on = {
		"/": () => $("#q").focus(), "?": () => ((help = !help), details.draw(help), tabs()), Escape: () => ((help = false), pick("")),
		1: () => set({ tab: "flows" }), 2: () => set({ tab: "policies" }),
		3: () => set({ tab: "why" }), w: acts.why, d: () => ask(state.q.includes("--denied") ? state.q.replace("--denied", "").trim() :
			`${state.q} --denied`.trim()), " ": acts.pause, l: acts.live,
		"+": () => map.zoom(1.25), "=": () => map.zoom(1.25), "-": () => map.zoom(0.8), 0: map.fit, t: () => set({ theme: dark() ? "light" : "dark" }),
		f: () => (state.sel.startsWith("n:") ? acts.focus() : acts.unfocus()), c: acts.fold,
		j: () => step(1), k: () => step(-1),
	}[e.key];
	if (node && e.key.startsWith("Arrow")) {
		const to = map.neighbour(node, e.key);
		e.preventDefault();
		return to && (pick(`n:${to}`), map.focusNode(to));
	}
	if (node && (e.key === "Enter" || e.key === " "))
		return e.preventDefault(), pick(`n:${node}`);
	if (e.target.id === "pane" && state.tab === "flows" && /^Arrow(Up|Down)$/.test(e.key))
		return e.preventDefault(), step(e.key === "ArrowDown" ? 1 : -1);
	if (e.target.role === "tab" && /^Arrow(Left|Right)$/.test(e.key))
		return turn(e.key === "ArrowRight" ? 1 : -1);
	if (on && e.target.tagName !== "BUTTON") {
		e.preventDefault();
		on();
	}
}

// From tab to tab by arrows: the one that is chosen has the focus.
function turn(by) {
	const all = ["flows", "policies", "why"];
	set({ tab: all[(all.indexOf(state.tab) + by + all.length) % all.length] });
	$(".tabs [aria-selected=true]").focus();
}

function step(by) {
	const n = table.size();
	let i = -1;
	for (let k = 0; k < Math.min(n, 2000); k++)
		if (table.isChosen(table.at(k)))
			i = k;
	choose(Math.max(0, Math.min(n - 1, i + by)));
	table.reveal(Math.max(0, Math.min(n - 1, i + by)));
}

function choose(i) {
	tell(table.at(i) ?? null);
	set({ flow: table.table.chosen?.raw.flow.uuid ?? "" });
}

function tell(flow) {
	table.table.chosen = flow;
	help = false;
	document.body.classList.toggle("picked", !!flow);
	details.draw(false);
	table.repaint();
}

// The flow that a link names, as long as its node keeps it.
function recall() {
	const uuid = state.flow;
	if (!uuid)
		table.table.chosen = null;
	if (!/^[\da-f-]{36}$/.test(uuid) || table.table.chosen?.raw.flow.uuid === uuid)
		return;
	flows(`--uuid ${uuid} --last 1`, (event, data) => event === "flow" && state.flow === uuid && tell(flowRow(data)));
}

addEventListener("click", (e) => {
	const t = e.target.closest("[data-tab],[data-do],[data-pick],[data-row],[data-offer]");
	if (!t)
		return;
	const { tab, do: act, pick: sel, row, offer } = t.dataset;
	if (tab)
		set({ tab, sel: phone.matches ? "" : state.sel });
	else if (act)
		acts[act]?.(t);
	else if (sel)
		pick(sel);
	else if (row)
		choose(+row);
	else if (offer)
		take(+offer);
});
addEventListener("keydown", keys);
$("#out").addEventListener("click", () => (table.leave(), fetch("/sign-out", { method: "POST" }).finally(signIn)));
get("session").then((s) => ($("#out").hidden = s.by !== "session")).catch(() => {});
$("#theme").addEventListener("click", () => set({ theme: dark() ? "light" : "dark" }));
night.addEventListener("change", theme);
for (const width of [phone, matchMedia("(min-width:1181px)")])
	width.addEventListener("change", tabs);

watch((change) => {
	if (change === state)		// another address
		recall();
	theme();
	sheet.place();
	if (Object.keys(change).every((name) => ["view", "sheet", "flow"].includes(name)))
		return;
	if ("q" in change)
		$("#q").value = state.q;		// else what is being typed stays
	$("#clear").hidden = !state.q;
	if ("q" in change || "from" in change)
		table.ask();
	if (["from", "expand", "fold", "focus"].some((name) => name in change) || ("q" in change && folds))
		loadMap().catch(failed);
	if ("from" in change)
		strip.redraw();
	tabs();
	map.mark();
	details.draw(help);
});

if (phone.matches && !location.hash.includes("tab="))
	state.tab = "map";
theme();
$("#q").value = state.q;
$("#clear").hidden = !state.q;
box();
map.wire(pick);
table.table.told = map.mark;
strip.wire();
sheet.wire();
sheet.place();
table.ask();
tabs();
details.draw(false);
recall();
every(MAP_MS, loadMap);
every(STRIP_MS, loadStrip);
every(SILENT_MS, loadSilent);
every(POLICIES_MS, async () => state.tab === "policies" && (await policies.load($("#pane"))));
setInterval(() => !alive && head(), 1000);
