// SPDX-License-Identifier: Apache-2.0
// What can be measured of how a page looks: lines behind cards, contrast, names and sizes of what one can press, what juts out.

// No line runs behind a card that is not its own.
export const behind = (page) => page.evaluate(() => {
	const cards = [...document.querySelectorAll("#world .node")].map((g) => ({ id: g.dataset.node, box: g.querySelector(".box").getBoundingClientRect() })), bad = [];
	for (const g of document.querySelectorAll("#world .edge:not(.hid)")) {
		const ln = g.querySelector(".ln"), m = ln.getScreenCTM(), ends = g.dataset.line.split(">"), all = ln.getTotalLength();
		for (let at = 0; at <= all; at += 6) {
			const p = ln.getPointAtLength(at), x = p.x * m.a + m.e, y = p.y * m.d + m.f;
			const hit = cards.find((c) => !ends.includes(c.id) && x > c.box.left + 1 && x < c.box.right - 1 && y > c.box.top + 1 && y < c.box.bottom - 1);
			if (hit) {
				bad.push(`${g.dataset.line} behind ${hit.id}`);
				break;
			}
		}
	}
	return bad;
});

// Text under 4.5:1 (WCAG AA), controls without a name, or smaller than 24 px.
export const faults = (page) => page.evaluate(() => {
	const rgb = (t) => t.match(/[\d.]+/g).map(Number), bad = [];
	const light = (c) => c.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
	const token = (name) => {
		const el = document.body.appendChild(document.createElement("i"));
		el.style.color = `var(${name})`;
		const c = rgb(getComputedStyle(el).color);
		el.remove();
		return c;
	};
	const ground = (el) => {
		const c = el && rgb(getComputedStyle(el).backgroundColor);
		return !el ? [255, 255, 255] : c.length < 4 || c[3] > 0.5 ? c : ground(el.parentElement);
	};
	const [paper, land, card] = ["--paper", "--land", "--card"].map(token);
	for (const el of document.querySelectorAll("body *")) {
		if (![...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !el.getClientRects().length || el.closest(".fade,.sr,option"))
			continue;
		const svg = el.closest("svg"), own = svg ? rgb(getComputedStyle(el).fill) : rgb(getComputedStyle(el).color);
		const on = !svg ? [ground(el)] : el.closest(".node:not(.out)") ? [card] : svg.closest("#map") ? [paper, land] : [paper], least = Math.min(...on.map((g) => ratio(own, g)));
		if (least < 4.5)
			bad.push(`${least.toFixed(1)}:1 "${el.textContent.slice(0, 24)}"`);
	}
	for (const el of document.querySelectorAll("button,input,select,[role=button],[tabindex='0']")) {
		const r = el.getBoundingClientRect(), name = el.getAttribute("aria-label") || el.textContent.trim() || el.title || el.labels?.[0]?.textContent;
		if (r.width && !name)
			bad.push(`no name: ${el.outerHTML.slice(0, 60)}`);
		if (r.width && el.tagName === "BUTTON" && Math.min(r.width, r.height) < 23.5)
			bad.push(`${Math.round(r.width)}x${Math.round(r.height)} px: ${name}`);
	}
	return bad;
});

// What is wider than the place it has.
export const juts = (page) => page.evaluate(() => [...document.querySelectorAll("html,#det,#pane,.foot,header,#arcs,.tabs")].filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth + 1).map((e) => e.id || e.className || e.tagName));

// What the relay says is changed on its way; a page that is closed meanwhile wants no answer any more.
export const answers = (page, path, change) => page.route(path, (route) => change(route).catch((e) => {
	if (!/disposed|closed|handled/.test(e.message))
		throw e;
}));

// The same cluster with names as long as Kubernetes allows.
export async function longNames(page) {
	const long = (n) => `${n}-with-a-name-that-is-just-as-long-as-it-may-be-and-not-a-letter-more`.slice(0, 63);
	await answers(page, /api\/v1\/(map|policies|why)/, async (route) => {
		const asked = new URL(route.request().url());
		if (asked.pathname.endsWith("why"))
			asked.search = "from=shop/rogue&to=shop/database&port=5432&proto=TCP";
		const answer = await route.fetch({ url: asked.href }), text = await answer.text();
		await route.fulfill({ response: answer, body: text.replace(/"shop"/g, `"${long("shop")}"`).replace(/"shop\//g, `"${long("shop")}/`)
			.replace(/(\/|"name":")(cart|rogue|database|payments|frontend|default-deny)"/g, (_, a, name) => `${a}${long(name)}"`) });
	});
}
