// SPDX-License-Identifier: Apache-2.0
// Elements without markup in strings: what servers say is text, never HTML, and no style is inline.
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attrs, children) {
	for (const [key, value] of Object.entries(attrs)) {
		if (value === undefined || value === null || value === false)
			continue;
		if (key.startsWith("on"))
			node.addEventListener(key.slice(2), value);
		else
			node.setAttribute(key, value === true ? "" : value);
	}
	node.append(...children.flat(9).filter((c) => c !== null && c !== undefined && c !== false && c !== ""));
	return node;
}

export const h = (tag, attrs = {}, ...children) => fill(document.createElement(tag), attrs, children);
export const s = (tag, attrs = {}, ...children) => fill(document.createElementNS(SVG, tag), attrs, children);
export const $ = (selector) => document.querySelector(selector);

// New children; who had the focus keeps it, if there is one of the same purpose among them.
export function put(selector, ...children) {
	const el = $(selector), at = el.contains(document.activeElement) ? Object.entries(document.activeElement.dataset)[0] : null;
	el.replaceChildren(...children.flat(9).filter(Boolean));
	if (at && !el.contains(document.activeElement))
		el.querySelector(`[data-${at[0]}="${CSS.escape(at[1])}"]`)?.focus({ preventScroll: true });
}
