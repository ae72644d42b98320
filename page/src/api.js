// Requests to the monitor, as docs/api.md describes them.
import { createParser } from "eventsource-parser";

/** What a refused request says: the HTTP status and the server's words. */
export class ApiError extends Error {
	/**
	 * @param {number} status
	 * @param {string} message
	 */
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

/** @param {Response} answer */
async function refusal(answer) {
	const body = await answer.json().catch(() => null);
	return new ApiError(answer.status, body?.error ?? `the monitor answered ${answer.status}`);
}

/**
 * @param {string} path below /api/v1/
 * @param {Record<string, string | number | undefined>} [query]
 * @param {AbortSignal} [signal]
 */
export async function get(path, query = {}, signal) {
	const given = Object.entries(query).filter(([, v]) => v !== undefined && v !== "");
	const search = new URLSearchParams(given.map(([k, v]) => [k, String(v)]));
	const answer = await fetch(`/api/v1/${path}${given.length ? `?${search}` : ""}`, { signal });
	if (!answer.ok) {
		throw await refusal(answer);
	}
	return answer.json();
}

/**
 * Exchanges the token for a cookie that the browser sends by itself and no script can read.
 * @param {string} token
 */
export async function login(token) {
	const answer = await fetch("/api/v1/login", {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ token }),
	});
	if (!answer.ok) {
		throw await refusal(answer);
	}
}

/**
 * Follows the event stream until it ends. A fetch, not an EventSource: that one hides comments,
 * and the comments are how a quiet monitor is told from a dead one.
 * @param {object} arg
 * @param {number} arg.lastEvent the newest event that is known; later ones are replayed
 * @param {AbortSignal} arg.signal
 * @param {() => void} arg.onHeard called for whatever arrives
 * @param {(kind: string, data: string) => void} arg.onMessage
 */
export async function follow({ lastEvent, signal, onHeard, onMessage }) {
	const answer = await fetch(`/api/v1/stream?last_event_id=${lastEvent}`, { signal });
	if (!answer.ok || !answer.body) {
		throw await refusal(answer);
	}
	onHeard();
	const parser = createParser({ onEvent: (m) => onMessage(m.event ?? "", m.data) });
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	for (;;) {
		const { done, value } = await reader.read();
		if (done) {
			return;
		}
		onHeard();
		parser.feed(value);
	}
}
