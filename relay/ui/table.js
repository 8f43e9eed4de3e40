// SPDX-License-Identifier: Apache-2.0
// Flows: only the rows in sight exist.  A list is a sample; the counts are exact.
import { h, $ } from "./dom.js";
import { flows, last } from "./api.js";
import { cells, heads, template } from "./columns.js";
import { refused, terms } from "./filter.js";
import { current } from "./map.js";
import { state, windowOf } from "./state.js";
import { watched } from "./strip.js";
import { clock, count, flowRow, many } from "./words.js";

const MOST = 100000, TOLD = 1000, BACKOFF = [500, 1000, 2000, 5000, 10000];
let rows = [], waiting = [], stream = null, tries = 0, paint = null, queued = false;
export const table = { paused: false, lost: 0, error: "", refused: false, over: false, seen: 0, chosen: null, told: () => {} };
const phone = matchMedia("(max-width:720px)");
const height = () => (phone.matches ? 46 : 24);

// Whether a row is the chosen flow, which may have been told anew.
export const isChosen = (r) => table.chosen === r || (!!table.chosen?.raw.flow.uuid && table.chosen.raw.flow.uuid === r?.raw.flow.uuid);
export const at = (i) => rows[rows.length - 1 - i];
export const size = () => rows.length;
export const find = (test) => rows.findLast(test);

function question() {
	const win = windowOf();
	const times = win ? ` --since ${new Date(win.from).toISOString()} --until ${new Date(win.to).toISOString()}` : "";
	return `${state.q}${times}${win || /(^|\s)(--last|--first|--all|--since|--until|-f|--follow)\b/.test(state.q) ? (win ? " --last 5000" : " -f") : " --last 300 -f"}`;
}

// Who reads further down, or has chosen a row, keeps it under the eyes while newer ones come.
function hold(more) {
	const el = $("#pane");
	if (paint && rows.length && (el.scrollTop > height() / 2 || (table.chosen && rows.findLast(isChosen)))) {
		$(".rows").style.height = `${(rows.length + more) * height()}px`;
		el.scrollTop += more * height();
	}
}

function later() {
	if (queued)
		return;
	queued = true;
	setTimeout(() => {
		queued = false;
		if (!table.paused && waiting.length) {
			hold(waiting.length);
			for (const r of waiting)
				rows.push(r);
			waiting = [];
			if (rows.length > MOST)
				rows = rows.slice(-MOST);
		}
		for (const b of document.querySelectorAll(".counted"))
			b.textContent = `${count(rows.length)}${table.lost ? `, ${count(table.lost)} lost` : ""}`;
		paint?.();
	}, 120);
}

// Asks anew: another filter or window, or the stream broke.
export function ask(fresh = true) {
	stream?.stop();
	if (fresh)
		Object.assign(table, { lost: 0, error: "", refused: false, over: false, seen: 0 }), (rows = []), (waiting = []);
	if (fresh && phone.matches)
		table.chosen = null;		// there what is told of it lies over the rows
	const had = new Set(fresh ? [] : rows.slice(-TOLD).concat(waiting).map((r) => r.raw.flow.uuid));	// which are told again
	const own = (stream = flows(question(), (event, data) => {
		tries = 0;
		table.error = "";
		if (event === "lost")
			table.lost += +(data.lost_events?.num_events_lost ?? 0);
		if (event !== "flow" || (data.flow.uuid && had.has(data.flow.uuid)))
			return later();
		table.seen++;
		waiting.push(flowRow(data));
		if (waiting.length > MOST)
			waiting.shift();
		later();
	}));
	own.done.then((end) => {
		if (own !== stream || end.stopped)
			return;
		table.refused = !!end.refused;
		refused.q = end.refused ? state.q : null;
		table.error = end.refused ?? end.error ?? "";
		table.over = !table.error;
		table.told();
		later();
		if (end.error || (table.over && !windowOf()))
			setTimeout(() => own === stream && ask(false), BACKOFF[Math.min(tries++, BACKOFF.length - 1)]);
	});
	later();
}

// Who goes does not wait to be cut off.
export function leave() {
	stream?.stop();
	stream = null;
}

function row(r, i, rh) {
	const el = h("div", { class: `grid row ${r.verdict === "audit" ? "audited" : r.verdict} ${isChosen(r) ? "sel" : ""}`, "data-row": i,
		role: "row", "aria-rowindex": i + 2, "aria-selected": isChosen(r) && "true" }, cells(r));
	el.style.top = `${i * rh}px`;
	return el;
}

const button = (act, text, more = {}) => h("button", { "data-do": act, ...more }, text);
const whole = () => `${last.answering} of ${last.nodes} nodes answer, ${last.lost ? many(last.lost, "event") : "no event"} lost`;

// Why there is none of what is asked for, as far as the page can tell: which term fits nothing, whether anybody watched then.
function why() {
	const win = windowOf(), edges = current()?.edges ?? [], none = terms(state.q).filter((t) => t.test && !t.not && edges.length && !edges.some(t.test));
	const before = win && !watched(win.from);
	return [h("p", {}, win ? `From ${clock(win.from).slice(0, 5)} to ${clock(win.to).slice(0, 5)} nothing ${state.q ? "fits" : "was seen"}. ` :
		state.q ? "Nothing has come that fits. " : "Nothing has come. ", `${whole()}${win ? "." : ": what fits appears here as it happens."}`),
	before && h("p", {}, "The relay did not watch that early, and nodes keep their newest flows only."),
	table.lost > 0 && h("p", {}, `${many(table.lost, "event")} of this answer were lost: something may have fitted.`),
	none.length > 0 && h("p", {}, "Nothing on the map fits ", none.map((t, i) => [i ? ", nor " : "", h("span", { class: "mono" }, t.text)]), "."),
	last.answering < last.nodes && h("p", { class: "deny" }, `${last.nodes - last.answering} of ${last.nodes} nodes did not answer: flows there are not looked for.`)];
}

function blank() {
	const all = terms(state.q), acts = [...(all.length > 1 ? all.map((t) => button("without", `without ${t.text}`, { "data-term": t.text })) : []),
		state.q && button("clear", "clear the filter"), state.from && button("live", "back to live")];
	const says = (head, ...what) => h("div", { class: "blank" }, h("h2", {}, head), what, acts);
	if (table.refused)
		return says("That was not understood", h("p", {}, table.error));
	if (table.error)
		return says("The relay is away", h("p", {}, "What it counts meanwhile is not lost; it is asked again and again."));
	return says(state.from ? "No flow in this time" : state.q ? "No flow fits" : "Listening", why());
}

export function draw(el) {
	const top = el.className === "pane flows" ? el.scrollTop : 0;		// drawn anew, it is read on where it was
	el.className = "pane flows";
	let body = null;
	el.style.setProperty("--cols", template());
	paint = () => {
		const rh = height(), n = rows.length;
		if (!n)
			return (body = null), el.replaceChildren(blank());
		if (!body) {
			body = h("div", { class: "rows", role: "rowgroup" });
			el.replaceChildren(h("div", { role: "table", "aria-label": "Flows, the newest first" }, h("div", { class: "grid th", role: "row" }, heads()),
				body));
		}
		const newer = $(".newer"), above = Math.floor(el.scrollTop / rh);
		newer?.toggleAttribute("hidden", !above);
		if (newer && above)
			newer.textContent = `${count(above)} newer`;
		body.style.height = `${n * rh}px`;
		const a = Math.max(0, Math.floor(el.scrollTop / rh) - 4), b = Math.min(n, a + Math.ceil(el.clientHeight / rh) + 9);
		body.replaceChildren(...Array.from({ length: Math.max(0, b - a) }, (_, k) => row(at(a + k), a + k, rh)));
	};
	el.onscroll = paint;
	paint();
	if (top)
		el.scrollTop = top;
}
// Row i comes into sight.
export function reveal(i) {
	const el = $("#pane"), rh = height(), top = i * rh, room = el.clientHeight - 22 - rh;
	el.scrollTop = top < el.scrollTop ? top : top > el.scrollTop + room ? top - room : el.scrollTop;
}
export const newest = () => ($("#pane").scrollTop = 0);
export function hide() {
	paint = null;
}
export const repaint = () => paint?.();
