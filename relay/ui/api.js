// SPDX-License-Identifier: Apache-2.0
// The relay's API (docs/api.md).  Errors come as sentences.
// Who is not signed in, or not any more, does so and comes back to the same view.
export const signIn = () => location.replace(`/sign-in${location.hash}`);

async function refusal(response) {
	if (response.status === 401)
		signIn();
	try {
		return (await response.json()).error || `the relay answered ${response.status}`;
	} catch {
		return `the relay answered ${response.status}`;
	}
}

// How whole the last answer was.
export const last = { nodes: 0, answering: 0, lost: 0, silent: [] };		// which nodes do not answer: app.js asks

const SILENCE_MS = 6000;		// a relay that hangs is as good as none; why asks nodes, and may take longer

export async function get(path, query = {}, most = SILENCE_MS) {
	const q = new URLSearchParams(Object.entries(query).filter(([, v]) => v !== "" && v !== null && v !== undefined));
	const response = await fetch(`/api/v1/${path}${q.size ? `?${q}` : ""}`, { cache: "no-cache", signal: AbortSignal.timeout(most) });
	if (!response.ok)
		throw Object.assign(new Error(await refusal(response)), { status: response.status });
	const answer = await response.json();
	return Object.assign(last, answer.complete) && answer;
}

const BEAT_MS = 40000;			// a stream without flows has a beat every 15 s at most

// Flows as they come: on(event, data) until stop() is called, or the stream ends.  Resolves to the reason.
export function flows(q, on) {
	const abort = new AbortController();
	let heard = Date.now();
	const watch = setInterval(() => Date.now() - heard > BEAT_MS && abort.abort(new Error("the relay is silent")), 5000);
	const done = (async () => {
		const response = await fetch(`/api/v1/flows?${new URLSearchParams({ q })}`, { signal: abort.signal, cache: "no-store" });
		if (!response.ok)
			return { refused: await refusal(response) };
		const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
		let rest = "", end = {};
		for (;;) {
			const { value, done: over } = await reader.read();
			if (over)
				return end;
			heard = Date.now();
			rest += value;
			const events = rest.split("\n\n");
			rest = events.pop();
			for (const event of events) {
				const m = /^event: (\w+)\ndata: (.*)$/s.exec(event);
				if (!m)
					continue;
				const data = JSON.parse(m[2]);
				if (m[1] === "end")
					end = data.error ? { error: data.error } : {};
				else
					on(m[1], data);
			}
		}
	})().catch((e) => (e.name === "AbortError" ? { stopped: true } : { error: e.message })).finally(() => clearInterval(watch));
	return { stop: () => abort.abort(), done };
}
