// SPDX-License-Identifier: Apache-2.0
// How much of the window the table has: its upper edge is dragged, or moved by arrow keys; a double click puts it back.
import { $ } from "./dom.js";
import { set, state } from "./state.js";

const LEAST = 120, STEP = 32;
const most = () => Math.max(LEAST, innerHeight - 280);
const now = () => Math.round($("#sheet").getBoundingClientRect().height);

function show(height) {
	const px = Math.max(LEAST, Math.min(most(), height));
	document.body.style.setProperty("--sheet", `${px}px`);
	for (const [key, value] of [["now", px], ["min", LEAST], ["max", most()]])
		$("#grip").setAttribute(`aria-value${key}`, value);
	return px;
}

// As the address says.
export function place() {
	if (+state.sheet)
		return show(+state.sheet);
	document.body.style.removeProperty("--sheet");
	$("#grip").setAttribute("aria-valuenow", now());
}

export function wire() {
	const el = $("#grip");
	let from = null, px = 0;
	el.addEventListener("pointerdown", (e) => {
		from = { y: e.clientY, height: now() };
		px = from.height;
		el.setPointerCapture(e.pointerId);
	});
	el.addEventListener("pointermove", (e) => from && (px = show(from.height + from.y - e.clientY)));
	for (const end of ["pointerup", "pointercancel"])
		el.addEventListener(end, () => {
			if (from && px !== from.height)
				set({ sheet: String(px) });
			from = null;
		});
	el.addEventListener("dblclick", () => set({ sheet: "" }));
	el.addEventListener("keydown", (e) => {
		const by = { ArrowUp: STEP, ArrowDown: -STEP, PageUp: 4 * STEP, PageDown: -4 * STEP, Home: -9999, End: 9999 }[e.key];
		if (!by)
			return;
		e.preventDefault();
		e.stopPropagation();
		set({ sheet: String(show(now() + by)) });
	});
}
