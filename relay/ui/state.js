// SPDX-License-Identifier: Apache-2.0
// What is looked at, kept in the address: a link shows the same.
const names = ["tab", "q", "sel", "flow", "focus", "expand", "fold", "theme", "from", "to", "why", "sheet", "view", "cols"];
export const state = {};
const listeners = new Set();

function read() {
	const p = new URLSearchParams(location.hash.slice(1));
	for (const name of names)
		state[name] = p.get(name) ?? "";
	state.tab ||= "flows";
}

// The address of what is looked at, with a change.
export function link(change = {}) {
	const p = new URLSearchParams(), all = { ...state, ...change };
	for (const name of names)
		if (all[name] && !(name === "tab" && all.tab === "flows"))
			p.set(name, all[name]);
	return `${location.href.split("#")[0]}#${p}`;
}

export function set(change) {
	Object.assign(state, change);
	history.replaceState(null, "", link());
	for (const fn of listeners)
		fn(change);
}

export const watch = (fn) => listeners.add(fn);
export const windowOf = () => (state.from && state.to ? { from: +state.from, to: +state.to } : null);
export const expanded = () => state.expand.split(",").filter(Boolean);
export const folded = () => state.fold.split(",").filter(Boolean);

read();
addEventListener("hashchange", () => {
	read();
	for (const fn of listeners)
		fn(state);
});
