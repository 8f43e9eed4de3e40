// SPDX-License-Identifier: Apache-2.0
// The last hour: flows up, denials down on a scale of their own, losses hatched, what changed as marks.  Drag chooses a window.
import { $, s, put } from "./dom.js";
import { set, state, windowOf } from "./state.js";
import { clock, count, rate, sliding } from "./words.js";

let data = null, drag = null, choose = null;
const phone = matchMedia("(max-width:720px)");

export function show(next, alive) {
	data = { ...next, alive };
	draw();
}

// Every tenth minute by the clock, with room between them.
const hours = (n) => [...Array(n).keys()].filter((m) => new Date(data.from + m * data.step).getMinutes() % 10 === 0 && m < n - 1 &&
	(m === 0 || m > 1));

function draw() {
	const el = $("#strip"), { width: W, height: H } = el.getBoundingClientRect();
	if (!data || !W)
		return;
	const part = Math.min(1, Math.max(0, (Date.now() - data.from) / data.step - (data.flows.length - 1)));
	const flows = sliding(data.flows, part), denied = sliding(data.denied, part);
	const n = data.flows.length, left = phone.matches ? 12 : 150, right = phone.matches ? 12 : 96, w = W - left - right, base = H * 0.55;
	const up = base - 15, down = H - base - 16, x = (m) => left + (m * w) / n;
	const most = Math.max(1, ...flows), worst = Math.max(1, ...denied);
	const top = (m) => (base - (flows[m] / most) * up).toFixed(1);
	const win = drag ? { from: data.from + Math.min(drag.a, drag.b) * data.step,
		to: data.from + (Math.max(drag.a, drag.b) + 1) * data.step } : windowOf();
	const minute = (ms) => Math.max(0, Math.min(n, (ms - data.from) / data.step));
	const known = data.known.findIndex(Boolean), lost = data.lost.reduce((a, b) => a + b, 0);
	const path = flows.map((_, m) => `L${x(m + 0.5).toFixed(1)} ${top(m)}`).join("");
	const away = win && minute((win.from + win.to) / 2) > n / 2 ? 8 : W - 80;	// beside the window, for a thumb
	put("#strip", s("svg", { role: "img", "aria-label": `Flows, denials and losses of the last ${n} minutes: ${count(data.denied.reduce((a, b) => a + b, 0))} denied, ${count(lost)} lost` },
		s("defs", {}, s("pattern", { id: "hx", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
			s("path", { d: "M0 0v5", class: "hatchline" }))),
		s("path", { d: `M${x(0)} ${base}L${x(0)} ${top(0)}${path}L${x(n)} ${top(n - 1)}V${base}z`, class: "tide" }),
		s("path", { d: `M${x(0)} ${top(0)}${path}L${x(n)} ${top(n - 1)}`, class: "tideline" }),
		s("path", { d: `M${left} ${base}H${left + w}`, class: "hair" }),
		denied.map((d, m) => d > 0 && s("rect", { x: (x(m) + 1).toFixed(1), y: base + 1, width: Math.max(1, w / n - 2).toFixed(1),
			height: Math.max(1.5, (d / worst) * down).toFixed(1), class: "denybar" },
			s("title", {}, `${count(Math.round(d))} denied at ${clock(data.from + m * data.step).slice(0, 5)}`))),
		data.lost.map((l, m) => l > 0 && s("rect", { x: x(m), y: 4, width: w / n, height: base - 4, fill: "url(#hx)" },
			s("title", {}, `${count(l)} events lost, still counted`))),
		known > 0 && s("text", { x: x(known) - 6, y: base - 6, "text-anchor": "end", class: "q" }, phone.matches ? "" : "not watched yet"),
		data.marks.map((k) => s("g", {}, s("path", { d: `M${x(minute(k.at))} ${base - 2}l-3.5 -6h7z`, class: "inkfill" }),
			s("title", {}, `${k.what} ${k.name}`))),
		hours(n).map((m) => s("text", { x: x(m), y: H - 3, "text-anchor": m ? "middle" : "start" }, clock(data.from + m * data.step).slice(0, 5))),
		!phone.matches && [s("text", { x: 16, y: base - up + 8, class: "q2f" }, s("tspan", { class: "strong" },
			rate(flows.at(-1) / (data.step / 1000)).replace(/^0$/, "0/s").replace("/", " flows/"))),
			s("text", { x: 16, y: base + 11, class: "denyf" }, s("tspan", { class: "strong" }, count(Math.round(denied.at(-1)))), " denied/min"),
			data.kept.dropped > 0 && s("text", { x: 16, y: H - 3 }, "older: dropped for want of room")],
		win && [s("rect", { x: left, y: 0, width: Math.max(0, x(minute(win.from)) - left), height: H, class: "veil" }),
			s("rect", { x: x(minute(win.to)), y: 0, width: Math.max(0, left + w - x(minute(win.to))), height: H, class: "veil" }),
			s("path", { d: `M${x(minute(win.from)) + 4} 1.5h-4v${H - 4}h4M${x(minute(win.to)) - 4} 1.5h4v${H - 4}h-4`, class: "brace" })],
		phone.matches && win && s("g", { id: "live", role: "button", tabindex: 0, "aria-label": "back to live" },
			s("rect", { x: away, y: 0, width: 80, height: 26, fill: "transparent" }), s("text", { x: away + 4, y: 12, class: "inkfill under" },
				"back to live")),
		!phone.matches && s("g", win ? { id: "live", role: "button", tabindex: 0, "aria-label": "back to live" } : { id: "live", "aria-hidden": "true" },
			s("rect", { x: W - right, y: 0, width: right, height: H, fill: "transparent" }),
			win ? [s("text", { x: W - right + 8, y: base - 8, class: "inkfill" }, `${clock(win.from).slice(0, 5)}–${clock(win.to).slice(0, 5)}`),
				s("text", { x: W - right + 8, y: base + 8, class: "inkfill under" }, "back to live")] :
			[s("circle", { cx: W - right + 14, cy: base - 7, r: 3.5, class: data.alive ? "livedot" : "deaddot" }),
				s("text", { x: W - right + 23, y: base - 3, class: "inkfill strong" }, data.alive ? "live" : "lost"),
				s("text", { x: W - right + 10, y: base + 11 }, clock(Date.now()))])));
	choose = (clientX) => (clientX < left || clientX > left + w ? -1 : Math.min(n - 1, Math.floor(((clientX - left) / w) * n)));
}

// The window by keys: a minute earlier or later, with shift wider or narrower, and back to live.
function keys(e) {
	const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key], end = data && data.from + data.flows.length * data.step, win = windowOf();
	if (e.key === "Enter" || (e.key === "Escape" && win)) {
		e.stopPropagation();
		return set({ from: "", to: "" });
	}
	if (!by || !data)
		return;
	e.preventDefault();
	e.stopPropagation();
	const was = win ?? { from: end, to: end + data.step * (by > 0 ? 0 : 1) };
	const from = Math.max(data.from, Math.min(end - data.step, was.from + by * data.step)),
		to = Math.min(end, e.shiftKey ? was.to : Math.max(from + data.step, was.to + by * data.step));
	set({ from: String(from), to: String(Math.max(to, from + data.step)) });
}

export function wire() {
	const el = $("#strip");
	el.addEventListener("pointerdown", (e) => {
		const m = e.target.closest?.("#live") ? -1 : choose?.(e.clientX) ?? -1;
		if (m < 0)
			return set({ from: "", to: "" });
		drag = { a: m, b: m };
		el.setPointerCapture(e.pointerId);
	});
	el.addEventListener("pointermove", (e) => {
		const m = drag ? choose(e.clientX) : -1;
		if (m >= 0 && m !== drag.b) {
			drag.b = m;
			draw();
		}
	});
	el.addEventListener("pointerup", () => {
		if (!drag)
			return;
		const from = data.from + Math.min(drag.a, drag.b) * data.step, to = data.from + (Math.max(drag.a, drag.b) + 1) * data.step;
		drag = null;
		set({ from: String(from), to: String(to) });
	});
	addEventListener("resize", draw);
	el.addEventListener("keydown", keys);
}
// Whether the relay watched at that time; it is taken to have, until it says otherwise.
export const watched = (ms) => !data || (ms >= data.from && data.known[Math.floor((ms - data.from) / data.step)] !== false);
export const redraw = draw;
export function silent() {
	if (data)
		data.alive = false;
	draw();
}
