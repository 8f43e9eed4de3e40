// SPDX-License-Identifier: Apache-2.0
// A browser, what it complains of, and rows that count: const { page, ok, shot, until, end } = await open(url)
import { createRequire } from "node:module";

const { chromium } = createRequire(process.env.WEIR_UI_TOOLS)("playwright-core");
const shots = process.env.WEIR_UI_SHOTS;
let passed = 0, failed = 0;

export function ok(what, right, said = "") {
	if (right)
		passed++;
	else
		failed++, console.log(`${what}: no${said ? ` (${said})` : ""}`);
	return right;
}

// Until it is so, or a while has gone by: the machine may have much else to do.
export async function until(what, fn, ms = 30000) {
	const end = Date.now() + ms;
	let last = "";
	do {
		try {
			if (await fn())
				return ok(what, true);
		} catch (e) {
			last = e.message.split("\n")[0];
		}
		await new Promise((done) => setTimeout(done, 100));
	} while (Date.now() < end);
	return ok(what, false, last);
}

export async function browser() {
	const b = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"] });
	const complaints = [];
	return {
		complaints,
		async page(url, how = {}) {
			const context = await b.newContext({ viewport: { width: 1440, height: 900 }, ...how }), page = await context.newPage();
			page.on("console", (m) => m.type() === "error" && complaints.push(m.text()));
			page.on("pageerror", (e) => complaints.push(e.stack.split("\n").slice(0, 3).join(" ")));
			await page.addInitScript(() => addEventListener("securitypolicyviolation", (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`)));
			await page.goto(url);
			return page;
		},
		shot: (page, name) => page.screenshot({ path: `${shots}/${name}.png` }),
		end: () => b.close(),
	};
}

export const get = async (url) => (await fetch(url)).json();

// How long after the navigation began the first map was drawn, as the page itself says, and the same for a page with nothing on it; the
// best of a few loads where one is slow, since the machine may have much else to do.
export async function firstMap(b, url, wanted) {
	const drawn = async (page) => {
		await page.waitForFunction(() => performance.getEntriesByName("first-map").length);
		return page.evaluate(() => Math.round(performance.getEntriesByName("first-map")[0].startTime));
	};
	const page = await b.page(url);
	await page.waitForSelector("#world .node", { timeout: 60000 });
	let took = await drawn(page), blank = 1e9;
	for (let tries = 0; tries < 4 && (tries < 1 || took > wanted); tries++) {
		const other = await b.page("about:blank");
		await other.route("**/blank", (r) => r.fulfill({ contentType: "text/html", body: '<!doctype html><link rel="icon" href="data:,"><p>nothing' }));
		await other.goto(`${url}blank`);
		blank = Math.min(blank, await other.evaluate(() => Math.round(performance.getEntriesByType("navigation")[0].loadEventEnd)));
		await other.goto(url);
		await other.waitForSelector("#world .node", { timeout: 60000 });
		took = Math.min(took, await drawn(other));
		await other.context().close();
	}
	return { page, took, blank };
}

export function sum() {
	console.log(`${passed} passed, ${failed} failed`);
	process.exitCode = failed ? 1 : 0;
}
