// SPDX-License-Identifier: Apache-2.0
// The page before the demo's shop: page.mjs URL PID-OF-THE-RELAY.  What is denied, who says so, and that nothing moves.
import { readFileSync } from "node:fs";
import { browser, firstMap, get, ok, sum, until } from "./with/browser.mjs";
import { answers, behind, faults, juts, longNames } from "./with/look.mjs";

const [url, relay] = [process.argv[2], +process.argv[3]];
const b = await browser();
const denied = "e:shop/rogue>shop/database>denied";
const text = (page, selector) => page.locator(selector).innerText();
const at = (page, key) => page.evaluate((k) => new URLSearchParams(location.hash.slice(1)).get(k), key);
const box = (page) => page.locator("#q");

// Where every card is, and what the lines say.
const places = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll("#world .node")].map((n) => [n.dataset.node, n.getAttribute("transform")])));
const numbers = (page) => page.evaluate(() => [...document.querySelectorAll("#world .lab")].map((n) => n.textContent).join(" ") + document.querySelector("#strip").textContent);

async function ask(page, q) {
	await box(page).fill(q);
	await page.keyboard.press("Escape");
	await box(page).focus();
	await page.evaluate(() => document.querySelector("#ask").requestSubmit());
}

async function loads() {
	await until("the relay has a map", async () => (await get(`${url}api/v1/map`)).marks.length > 5);
	const { page, took, blank } = await firstMap(b, url, 1000);
	console.log(`first map after ${took} ms, a page with nothing on it after ${blank} ms`);
	ok("the first map within 1 s", took <= 1000 + 10 * blank, `${took} ms`);
	await until("five pods, the node, callers from outside and called outside are there", async () => (await page.locator("#world .node").count()) >= 8);
	await until("flows come", async () => (await page.locator(".row").count()) > 5);
	await until("how whole it is", async () => /1 of 1\s*nodes\s*0 events lost/.test(await text(page, "#whole")));
	return page;
}

// Who has never seen it: three clicks from the open page to the rogue's denials, who denied them, and a link that shows the same.
async function newcomer() {
	const page = await b.page(url, { permissions: ["clipboard-read", "clipboard-write"] });
	await page.locator("#det button", { hasText: "rogue" }).first().click({ timeout: 30000 });
	await until("a click: who denied", async () => /rogue may not reach/.test(await text(page, "#det")) && /shop\/default-deny/.test(await text(page, "#det")));
	await page.locator("[data-do=filter]").click();
	await until("another: those flows", async () => (await page.locator(".row").count()) > 0 && (await page.locator(".row").allInnerTexts()).every((r) => /rogue/.test(r) && /deny/.test(r)));
	await page.locator("[data-do=copylink]").click();
	await until("the third: the link", async () => (await page.evaluate(() => navigator.clipboard.readText())).startsWith(url));
	const other = await b.page(await page.evaluate(() => navigator.clipboard.readText()));
	await until("and it shows the same", async () => (await text(other, "#det h2")) === (await text(page, "#det h2")) && (await box(other).inputValue()) === (await box(page).inputValue()));
	await page.locator(".row.denied").first().click();
	await until("a flow of those", async () => /-/.test((await at(page, "flow")) ?? "") && /\.\d\d\d · n1/.test(await text(page, "#det .when")));
	await page.evaluate(() => location.replace(`${location.href}&tab=policies`));
	const third = await b.page(await page.evaluate(() => location.href));
	await until("a link shows that very flow", async () => (await text(third, "#det .when")) === (await text(page, "#det .when")));
	await third.context().close();
	await other.context().close();
	await page.context().close();
}

async function lives(page) {
	await page.waitForTimeout(300);
	const before = await places(page), said = await numbers(page);
	await until("numbers change", async () => (await numbers(page)) !== said);
	await page.waitForTimeout(2100);
	const after = await places(page);
	ok("and nothing moves", Object.entries(before).every(([id, where]) => after[id] === where), JSON.stringify([before, after]));
	ok("denied lines end at a wall", (await page.locator("#world .edge.denied .wall").count()) >= 3);
	await b.shot(page, "light-1440");
}

async function filters(page) {
	await box(page).focus();
	await page.keyboard.type("--den");
	await until("the word is completed", async () => /--denied/.test(await text(page, "#help")));
	await page.keyboard.press("Tab");
	ok("by Tab", (await box(page).inputValue()) === "--denied ", await box(page).inputValue());
	await page.keyboard.type("-n ");
	await until("namespaces are offered", async () => /shop/.test(await text(page, "#help")));
	await box(page).fill("rog");
	await until("who types a name is offered it", async () => /--workload rogue/.test(await text(page, "#help")));
	await page.keyboard.press("Enter");
	await until("and finds it by Enter", async () => (await at(page, "q")) === "--workload rogue" && (await page.locator('#world [data-node="shop/cart"].fade').count()) === 1);
	await ask(page, "--denied --from-workload rogue");
	await until("only denials are listed", async () => {
		const rows = await page.locator(".row").allInnerTexts();
		return rows.length > 2 && rows.every((r) => /rogue/.test(r) && /deny/.test(r));
	});
	await until("others fade", async () => (await page.locator("#world .edge.allowed:not(.fade)").count()) === 0);
	await b.shot(page, "filtered");
	await ask(page, "--nonsense 3");
	await until("what the relay does not understand it says", async () => /no option '--nonsense'/.test(await text(page, "#pane")));
	await until("and hides nothing of the map for it", async () => (await page.locator("#world .fade").count()) === 0);
	b.complaints.splice(0, b.complaints.length, ...b.complaints.filter((c) => !/status of 400/.test(c)));	// the browser notes every 400
	await b.shot(page, "bad-filter");
	await ask(page, "--denied --from-workload nobody");
	await until("what fits nothing is named", async () => /No flow fits[^]*Nothing on the map fits --from-workload nobody\./.test(await text(page, "#pane")));
	await page.locator("[data-do=without]", { hasText: "nobody" }).dispatchEvent("click");
	await until("and left out by a click", async () => (await box(page).inputValue()) === "--denied" && (await page.locator(".row").count()) > 2);
	for (const [line, q] of [["shop/rogue>called:out:world>denied", "--from-namespace shop --from-workload rogue --to-workload world --to-port 443 --denied"],
		["node:n1>shop/frontend>denied", "--from-workload n1 --to-namespace shop --to-workload frontend --to-port 8080 --denied"]]) {
		await ask(page, "");
		await page.evaluate((l) => (location.hash = `sel=${encodeURIComponent(`e:${l}`)}`), line);
		await page.locator("#det [data-do=filter]").click();
		await until(`only ${line}`, async () => (await box(page).inputValue()) === q && (await page.locator(`#world g.edge[data-line="${line}"]:not(.fade)`).count()) === 1 &&
			(await page.locator("#world g.edge:not(.fade)").count()) === 1);
	}
	await page.locator("#clear").click();
	await until("and is cleared", async () => (await page.locator(".row").count()) > 5);
}

async function details(page) {
	await page.locator(`#world g.edge[data-line="${denied.slice(2)}"] .hit`).dispatchEvent("click");
	await until("a denied line names who denied", async () => /shop\/default-deny/.test(await text(page, "#det")));
	ok("and how often", /denied \d+ times/.test(await text(page, "#det")), await text(page, "#det"));
	await b.shot(page, "denied-line");
	await until("a denied flow: the sentence", async () => {		// rows move while they are clicked
		await page.locator(".row.denied", { hasText: "database" }).first().click({ timeout: 1000 });
		return /may not reach \S*database:5432/.test(await text(page, "#det"));
	});
	ok("the policies that isolate", /default-deny/.test(await text(page, "#det")));
	await ask(page, "--from-workload world --to-workload database --denied");
	await until("by the outside", async () => (await page.locator(".row.denied").count()) > 0);
	await page.locator(".row.denied").first().click();
	await until("the nearest miss", async () => /Nearest: rule \d+ of shop\/database/.test(await text(page, "#det")));
	await b.shot(page, "nearest-miss");
	await page.locator("[data-do=why]").first().click();
	await until("why of both sides", async () => /No\. Blocked[^]*nearest[^]*rule \d+ of shop\/database/.test(await text(page, "#pane")));
	await ask(page, "");
}

async function why(page) {
	await page.keyboard.press("Escape");
	await page.locator("[data-tab=why]").first().click();
	await page.locator("[name=from]").fill("shop/cart");
	await page.locator("[name=to]").fill("shop/database");
	await page.locator("[name=port]").fill("5432");
	await page.locator(".asks").click();
	await until("an allowed pair", async () => /Yes, as far as policy goes/.test(await text(page, "#pane")));
	await page.locator("[name=from]").fill("shop/rogue");
	await page.locator(".asks").click();
	await until("a denied one", async () => /Blocked at shop\/rogue, egress/.test(await text(page, "#pane")));
	await b.shot(page, "why");
	await page.locator("[data-tab=policies]").first().click();
	await until("policies and their hits", async () => /shop\/default-deny/.test(await text(page, "#pane")) && /enforced/.test(await text(page, "#pane")));
	await until("and what they denied of late, and when", async () => (await page.locator(".pol .row", { hasText: "default-deny" }).locator(".denials b").innerText()) !== "0" && /now|ago/.test(await text(page, "#pane")));
	await b.shot(page, "policies");
	await page.locator(".pol .row", { hasText: "database" }).locator(".denials button").click();
	await until("a click: those flows", async () => {
		const rows = await page.locator(".row").allInnerTexts();
		return rows.length > 0 && rows.every((r) => /deny/.test(r) && /shop\/database|default-deny/.test(r)) && /--policy shop\/database/.test(await box(page).inputValue());
	});
	await ask(page, "");
}

async function keys(page) {
	await page.locator("[data-tab=flows]").first().click();
	await page.evaluate(() => document.activeElement?.blur());
	await page.keyboard.press("?");
	await until("keys are listed", async () => /Keys/.test(await text(page, "#det")));
	await page.keyboard.press("Escape");
	await page.keyboard.press("3");
	ok("3: why", (await at(page, "tab")) === "why");
	await page.keyboard.press("1");
	await page.keyboard.press("d");
	ok("d: denials", (await at(page, "q")) === "--denied");
	await page.keyboard.press("d");
	await page.keyboard.press("/");
	ok("/: the box", await page.evaluate(() => document.activeElement.id === "q"));
	await page.keyboard.press("Escape");
	await page.locator('#world [data-node="shop/cart"]').focus();
	await page.keyboard.press("Enter");
	ok("enter: a card", (await at(page, "sel")) === "n:shop/cart", await at(page, "sel"));
	await page.keyboard.press("ArrowRight");
	await until("arrows: the next card", async () => !["n:shop/cart", null].includes(await at(page, "sel")));
	const node = () => page.evaluate(() => document.activeElement.dataset.node);
	await page.keyboard.press("c");
	await until("c: its namespace is folded, and has the focus", async () => (await node()) === "ns:shop");
	await page.keyboard.press("c");
	await until("and opened, and a card has it", async () => (await page.locator('#world [data-node="shop/cart"]').count()) === 1 && !["ns:shop", undefined].includes(await node()));
	await page.evaluate(() => document.activeElement?.blur());
	await page.keyboard.press("t");
	ok("t: dark", await page.evaluate(() => document.documentElement.dataset.theme === "dark"));
	await b.shot(page, "dark-1440");
	await page.keyboard.press("t");
	await page.keyboard.press("Escape");
}

async function windows(page) {
	const strip = await page.locator("#strip").boundingBox(), right = strip.x + strip.width - 104;
	await page.mouse.move(right - 60, strip.y + 20);
	await page.mouse.down();
	await page.mouse.move(right, strip.y + 22, { steps: 4 });
	await page.mouse.up();
	await until("a drag chooses a time", async () => +(await at(page, "to")) > +(await at(page, "from")) && +(await at(page, "from")) > 0);
	await until("and flows of it are there", async () => (await page.locator(".row").count()) > 5);
	await b.shot(page, "window");
	await page.mouse.click(strip.x + 400, strip.y + 20);
	await until("of a time before the relay began it says so", async () => /Nobody watched/.test(await text(page, "#map")) && /did not watch that early/.test(await text(page, "#pane")));
	await page.evaluate(() => document.activeElement?.blur());
	await page.keyboard.press("l");
	await until("l: live again", async () => (await at(page, "from")) === null);
}

async function focus(page) {
	const before = await places(page), column = (where, id) => where[id]?.split(" ")[0];
	await page.locator('#world [data-node="shop/payments"]').focus();
	await page.keyboard.press("Enter");
	await page.keyboard.press("f");
	await until("f: it and its neighbours", async () => (await at(page, "focus")) === "shop/payments" && (await page.locator('#world [data-node="node:n1"]').count()) === 0);
	const link = await page.evaluate(() => location.href), other = await b.page(link);
	await until("a link shows the same", async () => JSON.stringify(Object.keys(await places(other)).sort()) === JSON.stringify(Object.keys(await places(page)).sort()));
	ok("and what was chosen", /payments/.test(await text(other, "#det")));
	await other.context().close();
	await page.keyboard.press("f");
	await page.keyboard.press("Escape");
	await page.locator("#world [data-fold=shop]").click();
	await until("a click on a frame's name folds it", async () => (await page.locator('#world [data-node="ns:shop"]').count()) === 1 && (await at(page, "fold")) === "shop");
	await until("and what is denied within is said", async () => /×\d+ denied within/.test(await page.locator('#world [data-node="ns:shop"]').textContent()));
	await page.locator('#world [data-node="ns:shop"]').dblclick();
	await until("a double click opens it", async () => (await page.locator('#world [data-node="shop/cart"]').count()) === 1);
	await page.evaluate(() => document.activeElement?.blur());
	await page.keyboard.press("Escape");
	await page.keyboard.press("0");
	await until("0: all of it", async () => (await at(page, "view")) === null);
	await until("and all come back to their columns", async () => {
		const now = await places(page);
		return Object.keys(before).every((id) => column(now, id) === column(before, id));
	});
}

// What can be said of looks by measuring; in light and dark, wide and narrow, with long names.
async function looks(page) {
	await until("no line runs behind a card", async () => !(await behind(page)).length);	// once what moves has come to rest
	for (const [tab, theme] of [["flows", "light"], ["policies", "dark"], ["why", "dark"]]) {
		await page.evaluate(([t, d]) => (location.hash = `tab=${t}&theme=${d}&sel=n:shop/rogue`), [tab, theme]);
		await until(`${tab}, ${theme}`, () => page.evaluate((d) => document.documentElement.dataset.theme === d && !!document.querySelector("#det .peers"), theme));
		const bad = await faults(page);
		ok(`${tab}, ${theme}: it can be read, named and hit`, !bad.length, [...new Set(bad)].slice(0, 4).join("; "));
	}
	await page.emulateMedia({ media: "print" });
	ok("on paper it is dark on white", await page.evaluate(() => getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)" && getComputedStyle(document.querySelector("#copy")).display === "none"));
	await page.emulateMedia({ media: "screen", forcedColors: "active" });
	ok("with somebody's own colours the chosen tab is known by its line", await page.evaluate(() => {
		const line = (chosen) => getComputedStyle(document.querySelector(`.tabs [aria-selected=${chosen}]`)).borderBottomColor;
		return line(true) !== line(false);
	}));
	await page.emulateMedia({ media: null, forcedColors: null });
	await page.evaluate(() => (location.hash = ""));
	await Promise.all([[[1440, 1190, 970, 768], ""], [[1280, 970], "#tab=policies"], [[360], ""], [[360], "#tab=policies"], [[1440], "#tab=why&why=a+b+1+TCP"]].map(async ([widths, hash]) => {
		const other = await b.page("about:blank", { viewport: { width: widths[0], height: 800 } });
		await longNames(other);
		await other.goto(`${url}${hash}`);
		await until(`long names ${hash}`, () => other.evaluate((why) => /as-long/.test(document.querySelector(why ? "#pane" : "body").textContent), /why/.test(hash)));
		for (const width of widths) {
			let out = [];
			await other.setViewportSize({ width, height: 800 });
			await until(`nothing juts out at ${width} px ${hash}`, async () => !(out = await juts(other)).length) || console.log(out.join(" "));
			await b.shot(other, `long-${width}${hash.slice(5, 8)}`);
		}
		await other.context().close();
	}));
}

// Two nodes more, one of which does not answer: who it is.  And when none does, nothing is said of what only they know.
async function away() {
	const page = await b.page("about:blank");
	let dead = false;
	await answers(page, /api\/v1\/(map|strip|status|policies)/, async (route) => {
		const answer = await route.fetch(), said = await answer.json();
		said.complete = { ...said.complete, nodes: 3, answering: dead ? 0 : 2 };
		for (const list of dead ? ["marks", "edges", "policies"] : [])
			said[list] &&= [];
		said.cluster?.node.push({ name: "n7", state: "unavailable", why: "connection refused", since: "2026-11-21T10:00:00Z" });
		await route.fulfill({ response: answer, json: said });
	});
	await page.goto(url);
	await until("a silent node is named", async () => /2 of 3\s*nodes\s*n7 silent since \d\d:00/.test(await text(page, "#whole")));
	await b.shot(page, "node-silent");
	dead = true;
	await until("that none answers, and why", async () => /No node answers[^]*n7: connection refused/.test(await text(page, "#map")));
	await page.locator("[data-tab=policies]").first().click();
	await until("and nothing is said of policies", async () => /No node tells of its policies/.test(await text(page, "#pane")));
	await page.context().close();
}

// What only a pointer could do before; and where one looked comes back with the link.
async function hands(page) {
	await page.locator("#strip").focus();
	await page.keyboard.press("ArrowLeft");
	await until("arrows on the strip choose a minute", async () => +(await at(page, "to")) - +(await at(page, "from")) === 60000);
	await page.keyboard.press("Enter");
	await until("enter: live", async () => (await at(page, "from")) === null);
	await page.locator("#grip").focus();
	await page.keyboard.press("ArrowUp");
	await until("arrows on the edge: a higher table", async () => +(await at(page, "sheet")) > 300);
	await page.locator("#grip").dblclick();
	await until("a double click puts it back", async () => (await at(page, "sheet")) === null);
	const looked = await at(page, "view");
	await page.mouse.move(500, 300);
	await page.mouse.wheel(0, -300);
	await until("where one looks is in the address", async () => /,/.test((await at(page, "view")) ?? "") && (await at(page, "view")) !== looked);
	const where = () => page.evaluate(() => document.querySelector("#world").getAttribute("transform").match(/scale\(([\d.]+)/)[1]), scale = +(await where());
	const other = await b.page(await page.evaluate(() => location.href));
	await other.waitForSelector("#world .node");
	const same = () => other.evaluate(() => document.querySelector("#world").getAttribute("transform").match(/scale\(([\d.]+)/)[1]);
	await until("and a link shows the same part", async () => Math.abs(+(await same()) - scale) < 0.01);
	await other.context().close();
	await page.locator("[data-zoom=fit]").click();
	await page.locator(".cols summary").click();
	await page.locator("[data-col=node]").check();
	await until("a column more", async () => /node/.test(await text(page, ".th")) && /,node,/.test(await at(page, "cols")));
	await page.keyboard.press("Escape");
	ok("esc closes the choice", (await page.locator(".cols[open]").count()) === 0);
	await page.locator(".row").nth(2).click();
	// found and measured at once: between the two a row may be drawn anew, and what is no longer drawn is nowhere
	const chosen = () => page.evaluate(() => [...document.querySelectorAll(".row.sel")].map((el) => [el.children[0].textContent, Math.round(el.getBoundingClientRect().top)].join(" ")).join());
	await until("a row is chosen", async () => (await chosen()) !== "");
	const first = await chosen(), n = await text(page, ".counted");
	await until("flows go on", async () => (await text(page, ".counted")) !== n);
	await page.keyboard.press("t");			// all is drawn anew
	await page.keyboard.press("t");
	ok("and the chosen row stays where it is", (await chosen()) === first, `${first}, ${await chosen()}`);
	await page.evaluate(() => document.activeElement?.blur());
	await page.keyboard.press("Escape");
}

async function saves(page) {
	for (const kind of ["svg", "png"]) {
		const [file] = await Promise.all([page.waitForEvent("download", { timeout: 30000 }).catch(() => null), page.locator(`[data-zoom=${kind}]`).click()]);
		ok(`the map as ${kind}`, file?.suggestedFilename() === `weir-map.${kind}`);
		await file?.saveAs(`${process.env.WEIR_UI_SHOTS}/export.${kind}`);
		const svg = kind === "svg" && readFileSync(`${process.env.WEIR_UI_SHOTS}/export.svg`, "utf8");
		ok("with every card, none half-way in", !svg || (["cart", "rogue", "database", "frontend"].every((n) => svg.includes(`>${n}<`)) && !/class="[^"]*\benter\b/.test(svg)));
	}
}

async function phones() {
	await Promise.all([390, 360].map(async (width) => {
		const page = await b.page(url, { viewport: { width, height: 780 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
		await until(`${width} px: rows with arcs`, async () => (await page.locator("#arcs .node").count()) >= 7);
		await b.shot(page, `phone-${width}`);
		await page.locator('#arcs [data-node="shop/database"]').first().click();
		await until("a tap: details", async () => /database/.test(await text(page, "#det")));
		await b.shot(page, `phone-details-${width}`);
		const strip = await page.locator("#strip").boundingBox();
		await page.touchscreen.tap(width - 40, strip.y + 30);
		await until("a tap on the strip: that minute", async () => +(await at(page, "from")) > 0);
		await page.locator("#live").tap();
		await until("and back to live", async () => (await at(page, "from")) === null);
		await page.locator("#bar [data-tab=flows]").click();
		await until("flows", async () => (await page.locator(".row").count()) > 3);
		const some = async () => (await page.locator(".row.denied").count()) > 0, pause = () => page.locator("[data-do=pause]").tap();
		await until("a denied one among them, held still", async () => (await some()) && (await pause(), await some() || (await pause(), false)));
		await page.locator(".row.denied").first().tap();
		await until("a tap on a flow: who denied it", async () => /may not reach[^]*default-deny/.test(await text(page, "#det")));
		await page.locator("#det .close").tap();
		await b.shot(page, `phone-flows-${width}`);
		await page.locator("#bar [data-tab=policies]").click();
		await until("policies", async () => /default-deny/.test(await text(page, "#pane")));
		await b.shot(page, `phone-policies-${width}`);
		ok("nothing is wider than the phone", (await page.evaluate(() => document.documentElement.scrollWidth)) === width);
		await page.context().close();
	}));
}

// The relay does not answer for a while; the page says so, and goes on by itself.
// And a stream on which nothing comes for 40 s, not even a beat, is given up and asked for anew: by a clock that is put forward.
async function silence(page) {
	const other = await b.page("about:blank"), seen = () => other.locator(".counted").first().innerText();
	let asked = 0;
	await other.clock.install();
	other.on("request", (r) => (asked += /api\/v1\/flows/.test(r.url())));
	await other.goto(`${url}#q=--denied`);
	await until("another page has flows", async () => (await other.locator(".row").count()) > 3);
	process.kill(relay, "SIGSTOP");
	try {
		const before = asked;
		await other.clock.fastForward(30000);
		ok("30 s of silence: the stream may still speak", asked === before, `${asked} ${before}`);
		await other.clock.fastForward(20000);
		await until("50 s: it is given up and asked for anew", async () => (await other.clock.runFor(600), asked > before));
		await until("silence is said", async () => /has not answered for \d+ s/.test(await text(page, "#whole")), 40000);
		await b.shot(page, "silent");
	} finally {
		process.kill(relay, "SIGCONT");
	}
	await until("and it comes back by itself", async () => /1 of 1/.test(await text(page, "#whole")), 40000);
	const n = await page.locator(".counted").first().innerText(), m = await seen();
	await until("with flows", async () => (await page.locator(".counted").first().innerText()) !== n);
	await until("there, too", async () => (await other.clock.runFor(600), (await seen()) !== m));
	await other.locator("[data-do=pause]").click();
	const flows = await other.evaluate(() => {
		const pane = document.querySelector("#pane"), all = new Map();
		for (let y = 0; y < pane.scrollHeight; y += pane.clientHeight / 2) {
			pane.scrollTop = y;
			pane.onscroll();
			for (const row of document.querySelectorAll(".row"))
				all.set(row.dataset.row, row.innerText);
		}
		return [...all.values()];
	});
	ok("and none is told twice", flows.length > 20 && new Set(flows).size === flows.length, `${flows.length}, ${new Set(flows).size} of them once`);
	await other.context().close();
}

// Its parent may not have looked yet.
function gone(pid) {
	try {
		return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
	} catch {
		return true;
	}
}

async function ends(page) {
	process.kill(relay, "SIGTERM");
	await until("the relay's end is said", async () => /has not answered for \d+ s/.test(await text(page, "#whole")), 40000);
	await until("and it ended, with a page open", () => gone(relay));
}

try {
	const page = await loads();
	for (const part of [newcomer, lives, filters, details, why, keys, windows, focus, saves, hands, looks, away])
		await part(page).catch((e) => ok(part.name, false, e.message.split("\n").slice(0, 3).join(" ")));
	await phones().catch((e) => ok("phones", false, e.message));
	ok("no complaint of the browser", !b.complaints.length, b.complaints.slice(0, 5).join("; "));
	await silence(page).catch((e) => ok("silence", false, e.message));
	await ends(page).catch((e) => ok("end", false, e.message));
} catch (e) {
	ok("the page", false, e.message);
}
await b.end();
sum();
