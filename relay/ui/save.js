// SPDX-License-Identifier: Apache-2.0
// The map as a file: SVG with its styles, or that as PNG at twice the size.
import { h, s } from "./dom.js";

async function asSvg(svg, W, H) {
	const copy = svg.cloneNode(true), css = await (await fetch("/app.css")).text();
	copy.querySelector("#world").setAttribute("transform", "translate(20 14)");
	for (const [key, value] of Object.entries({ xmlns: "http://www.w3.org/2000/svg", width: W + 40, height: H + 28,
		"data-theme": document.documentElement.dataset.theme }))
		copy.setAttribute(key, value);
	for (const moving of copy.querySelectorAll(".enter, .fresh"))
		moving.classList.remove("enter", "fresh");		// a picture is not caught half-way
	copy.prepend(s("style", {}, `${css.replaceAll(":root", "svg")} svg{font-family:var(--sans);font-variant-numeric:tabular-nums} *{animation:none!important;transition:none!important}`),
		s("rect", { width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor }));
	return new XMLSerializer().serializeToString(copy);
}

function save(blob, name) {
	const a = h("a", { href: URL.createObjectURL(blob), download: name });
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}

export async function saveAs(kind, svg, W, H) {
	const blob = new Blob([await asSvg(svg, W, H)], { type: "image/svg+xml" });
	if (kind === "svg")
		return save(blob, "weir-map.svg");
	const image = new Image(), canvas = h("canvas", { width: 2 * (W + 40), height: 2 * (H + 28) });
	image.src = URL.createObjectURL(blob);
	await image.decode();
	canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
	URL.revokeObjectURL(image.src);
	return new Promise((done) => canvas.toBlob((b) => done(save(b, "weir-map.png")), "image/png"));
}
