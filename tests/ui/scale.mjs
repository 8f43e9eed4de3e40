// SPDX-License-Identifier: Apache-2.0
// A cluster of 3,000 workloads and 20,000 edges behind the page, as much of it as a relay would send: readable within 2 s, and
// dragged and zoomed as smoothly as a page with nothing on it, nearly.
import { browser, ok, sum, until } from "./with/browser.mjs";
import { serve } from "./with/fake.mjs";

const fake = await serve(process.argv[2], { workloads: 3000, edges: 20000, marks: 200, lines: 1500 });
const b = await browser();

// Frames in a second while the pointer drags and the wheel turns, without and with a map; a busy machine slows both.
async function frames(page) {
	const counted = page.evaluate(() => new Promise((done) => {
		let n = 0;
		const end = performance.now() + 2000, one = () => (n++, performance.now() < end ? requestAnimationFrame(one) : done(n / 2));
		requestAnimationFrame(one);
	}));
	await page.mouse.move(700, 300);
	await page.mouse.down();
	for (let i = 0; i < 30; i++)
		await page.mouse.move(700 + 8 * (i % 10), 300 + 3 * i);
	await page.mouse.up();
	for (let i = 0; i < 10; i++)
		await page.mouse.wheel(0, i % 2 ? 120 : -120);
	return counted;
}

try {
	const blank = await b.page(fake.url + "blank"), least = await frames(blank);
	await blank.context().close();
	const began = Date.now(), page = await b.page(fake.url);
	await page.waitForSelector("#world .node", { timeout: 15000 });
	await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
	const took = Date.now() - began;
	ok("200 marks and 1,500 lines within 2 s", took <= 2000, `${took} ms`);
	ok("folded, not cut", /workloads folded/.test(await page.locator(".foot").innerText()));
	await b.shot(page, "scale-1440");
	const rate = await frames(page);
	console.log(`first map ${took} ms; ${rate} frames/s with the map, ${least} without: ${(rate / least).toFixed(2)}`);
	ok("at least half the frames of a blank page", rate >= least / 2 || rate >= 30, `${rate} of ${least}`);
	await page.setViewportSize({ width: 1920, height: 1080 });
	await page.locator("[data-zoom=fit]").click();
	await b.shot(page, "scale-1920");
	await page.locator("#world .node").nth(60).dispatchEvent("click");
	await until("a card's neighbours are shown", async () => (await page.locator("#det .peers tr").count()) > 0);
	await b.shot(page, "scale-chosen");
	ok("no complaint of the browser", !b.complaints.length, b.complaints.slice(0, 3).join("; "));
} catch (e) {
	ok("the page", false, e.message);
}
await b.end();
fake.end();
sum();
