// SPDX-License-Identifier: Apache-2.0
// Signing in to the page over TLS: access.mjs URL TOKEN.  The link survives it, and nothing is seen before it or after it.
import { browser, ok, sum, until } from "./with/browser.mjs";

const [url, token] = process.argv.slice(2);
const b = await browser();
const path = (page) => page.evaluate(() => location.pathname);

async function signs(page) {
	await until("who is not signed in comes to the form", async () => (await path(page)) === "/sign-in");
	ok("nothing of the cluster is there", !/shop/.test(await page.content()));
	await b.shot(page, "sign-in");
	await page.locator("#token").fill("not the token, but long");
	await page.keyboard.press("Enter");
	await until("a wrong token is said to be", async () => /does not hold/.test(await page.locator("#said").innerText()));
	await page.locator("#token").fill(token);
	await page.locator("button").click();
	await until("the right one leads to the page", async () => (await path(page)) === "/" && (await page.locator("#world .node").count()) > 0);
	ok("and to the view of the link", /tab=policies/.test(page.url()) && /q=-n/.test(page.url()), page.url());
}

async function cookies(page) {
	const all = await page.context().cookies();
	ok("one cookie", all.length === 1 && all[0].name.startsWith("__Host-weir"), JSON.stringify(all));
	ok("that no script and no other site has, and no plain text", all[0].httpOnly && all[0].secure && all[0].sameSite === "Strict", JSON.stringify(all));
	ok("no script has it", (await page.evaluate(() => document.cookie)) === "");
}

async function completes(page) {
	await page.locator("#q").fill("--workload w-node-1-2");
	await until("names that the relay knows are offered", async () => /w-node-1-2\d/.test(await page.locator("#help").innerText()));
	await page.locator("#q").fill("--workload w-node-1-29");
	await page.locator("#ask").evaluate((form) => form.requestSubmit());
	await until("a map that folds is narrowed by the relay", async () => {
		const ids = await page.locator("#world .node").evaluateAll((all) => all.map((n) => n.dataset.node));
		return ids.length === 2 && ids.includes("shop/w-node-1-29");
	});
	await b.shot(page, "narrowed");
	await page.locator("#q").fill("--workload nobody");
	await page.locator("#ask").evaluate((form) => form.requestSubmit());
	await until("nothing that fits is said to be so", async () => /Nothing here fits the filter/.test(await page.locator("#map").innerText()));
	await page.locator("#clear").click();
	await until("and all is back", async () => (await page.locator("#world .node").count()) > 2);
}

async function leaves(page) {
	await page.locator("#out").click();
	await until("signing out leads to the form", async () => (await path(page)) === "/sign-in");
	ok("without a cookie", !(await page.context().cookies()).length);
	await page.goto(url);
	await until("and back to it", async () => (await path(page)) === "/sign-in");
}

try {
	const page = await b.page(`${url}#tab=policies&q=-n+shop`, { ignoreHTTPSErrors: true });
	page.setDefaultTimeout(30000);
	for (const part of [signs, cookies, completes, leaves])
		await part(page).catch((e) => ok(part.name, false, e.message.split("\n").slice(0, 3).join(" ")));
	const others = b.complaints.filter((c) => !/status of 401|preload/.test(c));	// the browser notes every 401
	ok("no complaint of the browser", !others.length, others.slice(0, 5).join("; "));
} catch (e) {
	ok("the page", false, e.message);
}
await b.end();
sum();
