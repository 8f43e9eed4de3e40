// SPDX-License-Identifier: Apache-2.0
// What flows between whom, as a list: the map's data.
const app = document.getElementById("app");

async function draw() {
	const map = await (await fetch("/api/v1/map")).json();
	const rows = map.edges.map((e) => {
		const p = document.createElement("p");
		p.textContent = `${e.from} → ${e.to}:${e.port}/${e.proto} ${e.verdict} ${e.rate.toFixed(1)}/s`;
		return p;
	});
	app.replaceChildren(...rows);
}

draw();
setInterval(draw, 2000);
