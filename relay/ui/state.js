// SPDX-License-Identifier: Apache-2.0
// What is looked at, kept in the address: a link shows the same.
const names = ["tab", "q", "sel", "focus", "expand", "theme", "from", "to", "why"];
export const state = {};
const listeners = new Set();

function read() {
	const p = new URLSearchParams(location.hash.slice(1));
	for (const name of names)
		state[name] = p.get(name) ?? "";
	state.tab ||= "flows";
}

export function set(change) {
	Object.assign(state, change);
	const p = new URLSearchParams();
	for (const name of names)
		if (state[name] && !(name === "tab" && state.tab === "flows"))
			p.set(name, state[name]);
	history.replaceState(null, "", "#" + p);
	for (const fn of listeners)
		fn(change);
}

export const watch = (fn) => listeners.add(fn);
export const windowOf = () => (state.from && state.to ? { from: +state.from, to: +state.to } : null);
export const expanded = () => state.expand.split(",").filter(Boolean);

read();
addEventListener("hashchange", () => {
	read();
	for (const fn of listeners)
		fn(state);
});
