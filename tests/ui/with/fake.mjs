// SPDX-License-Identifier: Apache-2.0
// The page's files and a made-up cluster behind its API: const { url, end } = await serve(folder, { workloads, edges, marks, lines })
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html" };
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'";

// The same cluster each time.
function random(seed) {
	return () => (seed = (seed * 48271) % 2147483647) / 2147483647;
}

function map(want) {
	const r = random(7), marks = [], edges = new Map(), namespaces = 60, spaces = want.marks - 20;
	for (let i = 0; i < want.marks; i++) {
		const folded = i % 5 === 0 && i < spaces, ns = `team-${i % namespaces}`, name = folded ? ns : `service-${i}`, out = i >= spaces;
		marks.push({ id: out ? `out:203.0.113.${i % 250}` : folded ? `ns:${ns}-${i}` : `${ns}/${name}`, kind: out ? "outside" : folded ? "namespace" : "workload", ns: out ? "" : folded ? `${ns}-${i}` : ns,
			name: out ? `203.0.113.${i % 250}` : folded ? `${ns}-${i}` : name, count: folded ? Math.round(want.workloads / (spaces / 5)) : 1, layer: out ? (i % 2 ? 0 : 4) : 1 + (i % 3), denies: 0,
			ports: i % 4 ? ["8080/tcp"] : ["5432/tcp", "9000/tcp"], spark: Array.from({ length: 20 }, () => Math.round(r() * 100)) });
	}
	while (edges.size < want.lines) {
		const a = marks[Math.floor(r() * spaces)], c = marks[Math.floor(r() * want.marks)], bad = r() < 0.02;
		if (a !== c)
			edges.set(`${a.id}>${c.id}`, { from: a.id, to: c.id, proto: "tcp", port: 8080, verdict: bad ? "denied" : "allowed", rate: bad ? 0 : r() ** 4 * 900, bytes: 1000, opened: bad ? 0 : 10,
				denied: bad ? 12 : 0, would: 0, dropped: 0, latency_us: 900, ...(bad && { side: r() < 0.5 ? "egress" : "ingress", author: { policy: "default-deny", ns: a.ns, text: "no rule" } }) });
	}
	return { live: true, level: "namespaces", marks, edges: [...edges.values()], folded: { marks: want.workloads - want.marks, edges: want.edges - want.lines, workloads: want.workloads, namespaces } };
}

export async function serve(folder, want) {
	const complete = { nodes: 100, answering: 100, lost: 0 }, picture = map(want), minutes = Array(60).fill(900);
	const answers = {
		map: () => ({ ...picture, edges: picture.edges.map((e) => ({ ...e, rate: e.rate && e.rate * (0.9 + Math.random() / 5) })), complete }),
		strip: () => ({ step: 60000, from: Date.now() - 3600000, flows: minutes, denied: minutes.map((_, i) => i % 7), would: minutes.map(() => 0), lost: minutes.map(() => 0),
			known: minutes.map(() => true), marks: [], kept: { oldest: 0, dropped: 0, bytes: 0, budget: 1 }, complete }),
		policies: () => ({ policies: { policy: [] }, complete }),
	};
	const server = createServer((ask, answer) => {
		const path = new URL(ask.url, "http://x").pathname, api = /^\/api\/v1\/(\w+)$/.exec(path)?.[1];
		if (answers[api])
			return answer.setHeader("Content-Type", "application/json"), answer.end(JSON.stringify(answers[api]()));
		if (api === "flows")
			return answer.writeHead(200, { "Content-Type": "text/event-stream" }), answer.write(":\n\n");
		if (path === "/blank")
			return answer.setHeader("Content-Type", "text/html"), answer.end('<!doctype html><link rel="icon" href="data:,"><p>nothing');
		try {
			const file = path === "/" ? "index.html" : path.replace(/[^\w.-]/g, "");
			answer.setHeader("Content-Security-Policy", policy);
			answer.setHeader("Content-Type", types[extname(file)] ?? "text/plain");
			answer.end(readFileSync(join(folder, file)));
		} catch {
			answer.writeHead(404).end();
		}
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	return { url: `http://127.0.0.1:${server.address().port}/`, end: () => (server.closeAllConnections(), server.close()) };
}
