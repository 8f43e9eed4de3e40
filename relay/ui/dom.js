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
export const put = (selector, ...children) => $(selector).replaceChildren(...children.flat(9).filter(Boolean));
