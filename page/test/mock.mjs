// A monitor that does what a test tells it: docs/api.md over made-up hosts, with the faults that a
// real one cannot be asked for (silence, a broken stream, hostile names).
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

/** @import {Event, Host, State} from "../src/types" */

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const files = /** @type {Record<string, [string, string]>} */ ({
	"/": ["index.html", "text/html; charset=utf-8"],
	"/app.js": ["app.js", "text/javascript; charset=utf-8"],
	"/app.css": ["app.css", "text/css; charset=utf-8"],
	"/icon.svg": ["icon.svg", "image/svg+xml"],
});
const order = ["inactive", "degraded", "unknown", "active"];
const briefLacks = new Set(["names", "evidence", "first_seen"]);
const vendors = ["Locally administered", "Intel Corporate", "Raspberry Pi Trading", "MikroTik", null];
const titles = ["gw", "nas", "printer", "ws", "phone", "camera", "ap", "switch"];

/** A number from 0 to 1 that depends on nothing but its arguments. @param {number[]} seeds */
function chance(...seeds) {
	let h = 2166136261;
	for (const s of seeds) {
		h = Math.imul(h ^ (s >>> 0), 16777619);
		h ^= h >>> 15;
	}
	return (Math.imul(h ^ (h >>> 13), 2654435761) >>> 0) / 2 ** 32;
}

/** @param {number} id @param {number} now @returns {Host} */
function makeHost(id, now) {
	const state = /** @type {State} */ (id === 3 ? "inactive" : id === 5 ? "degraded" : "active");
	return {
		id,
		address: `10.77.${id >> 8}.${id & 255}`,
		other_addresses: id % 3 ? [] : [`fd77::${id.toString(16)}`],
		mac: `02:00:00:00:${(id >> 8).toString(16).padStart(2, "0")}:${(id & 255).toString(16).padStart(2, "0")}`,
		vendor: vendors[id % vendors.length],
		names: id % 4 ? [`${titles[id % titles.length]}${id}`] : [],
		network: "lan",
		state,
		evidence: ["arp", "icmp"],
		first_seen: now - 86400e3,
		last_seen: now - 4000,
		last_change: now - 3600e3 * chance(id),
		rtt_ms: state === "inactive" ? null : 0.2 + 3 * chance(id, 1),
		jitter_ms: state === "inactive" ? null : 0.02,
		loss: state === "inactive" ? 1 : state === "degraded" ? 0.2 : 0,
	};
}

export class Mock {
	/** @param {{hosts?: number, token?: string}} [options] */
	constructor({ hosts = 12, token = "" } = {}) {
		const now = Date.now();
		this.token = token;
		this.self = "up";
		this.hosts = Array.from({ length: hosts }, (_, i) => makeHost(i + 1, now));
		/** @type {Event[]} oldest first */
		this.events = [];
		/** @type {Set<import("node:http").ServerResponse>} */
		this.streams = new Set();
		this.refuseStreams = false;
		this.server = createServer((req, res) => void this.#serve(req, res));
		for (let i = 0; i < 70 && hosts; i++) {
			this.#addEvent(1 + (i % hosts), i % 2 ? "active" : "inactive", now - (70 - i) * 60e3);
		}
	}

	/** @returns {Promise<string>} the address */
	start() {
		return new Promise((done) => {
			this.server.listen(0, "127.0.0.1", () => {
				const { port } = /** @type {import("node:net").AddressInfo} */ (this.server.address());
				done(`http://127.0.0.1:${port}`);
			});
		});
	}

	stop() {
		this.server.closeAllConnections();
		return new Promise((done) => this.server.close(done));
	}

	/** @param {number} host @param {string} kind @param {number} time */
	#addEvent(host, kind, time) {
		const { address, mac } = this.hosts[host - 1];
		const text = `${address} is ${kind}`;
		const id = this.events.length + 1;
		const event = { id, time, host, address, kind, text, mac, old_mac: null };
		this.events.push(event);
		return event;
	}

	/** @param {string} text */
	#send(text) {
		for (const stream of this.streams) {
			stream.write(text);
		}
	}

	/** A host changes its state, as a round finds it. @param {number} id @param {State} state */
	turn(id, state) {
		const host = this.hosts[id - 1];
		const now = Date.now();
		Object.assign(host, { state, last_change: now, loss: state === "inactive" ? 1 : 0 });
		const event = this.#addEvent(id, state, now);
		this.#send(`event: event\nid: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`);
		this.round([host]);
	}

	/** The end of a round. @param {Host[]} hosts */
	round(hosts = []) {
		const data = { now: Date.now(), counts: this.counts(), self: this.self, hosts: hosts.map(brief) };
		this.#send(`event: hosts\ndata: ${JSON.stringify(data)}\n\n`);
	}

	/** A host is forgotten. It must be the last, so that ids go on without a gap. */
	forget() {
		const host = /** @type {Host} */ (this.hosts.pop());
		this.#send(`event: gone\ndata: ${JSON.stringify({ hosts: [host.id] })}\n\n`);
		this.round();
	}

	/** Ends every stream, and refuses new ones until told otherwise. */
	breakStreams() {
		this.refuseStreams = true;
		this.streams.forEach((stream) => stream.destroy());
	}

	counts() {
		const counts = { inactive: 0, degraded: 0, unknown: 0, active: 0, total: this.hosts.length };
		this.hosts.forEach((h) => counts[h.state]++);
		return counts;
	}

	/** @param {import("node:http").IncomingMessage} req @param {import("node:http").ServerResponse} res */
	async #serve(req, res) {
		const url = new URL(req.url ?? "/", "http://localhost");
		res.setHeader("Content-Security-Policy", "default-src 'self'");
		const file = files[url.pathname];
		if (file) {
			res.setHeader("Content-Type", file[1]);
			res.end(await readFile(dist + file[0]));
			return;
		}
		const path = url.pathname.replace("/api/v1/", "");
		if (path === "login") {
			const { token } = JSON.parse(Buffer.concat(await req.toArray()).toString());
			const good = token === this.token;
			res.writeHead(good ? 200 : 401, good ? { "Set-Cookie": `token=${token}; HttpOnly` } : {});
			res.end(JSON.stringify(good ? {} : { error: "That is not the token." }));
			return;
		}
		if (this.token && req.headers.cookie !== `token=${this.token}`) {
			res.writeHead(401).end(JSON.stringify({ error: "A token is needed." }));
			return;
		}
		if (path === "stream") {
			this.#stream(res, Number(url.searchParams.get("last_event_id")));
			return;
		}
		const answer = this.#answer(path, url.searchParams);
		res.writeHead(answer ? 200 : 404, { "Content-Type": "application/json" });
		res.end(JSON.stringify(answer ?? { error: "There is nothing there." }));
	}

	/** @param {import("node:http").ServerResponse} res @param {number} last */
	#stream(res, last) {
		if (this.refuseStreams) {
			res.writeHead(503).end(JSON.stringify({ error: "Too many streams." }));
			return;
		}
		res.writeHead(200, { "Content-Type": "text/event-stream" });
		res.write(": hello\n\n");
		for (const e of this.events.filter((e) => e.id > last)) {
			res.write(`event: event\nid: ${e.id}\ndata: ${JSON.stringify(e)}\n\n`);
		}
		this.streams.add(res);
		res.on("close", () => this.streams.delete(res));
	}

	/** @param {string} path @param {URLSearchParams} query @returns {unknown} */
	#answer(path, query) {
		const number = (/** @type {string} */ name, /** @type {number} */ otherwise) =>
			Number(query.get(name) ?? otherwise);
		const now = Date.now();
		const host = /^hosts\/(\d+)(\/latency)?$/.exec(path);
		if (host?.[2]) {
			return latency(Number(host[1]), number("from", now - 3600e3), number("to", now));
		} else if (host) {
			return this.hosts[Number(host[1]) - 1];
		} else if (path === "summary") {
			return this.#summary(now);
		} else if (path === "hosts") {
			return this.#page(now, number("offset", 0), number("limit", 1000));
		} else if (path === "heat") {
			return this.#heat(number("from", now - 86400e3), number("to", now), number("buckets", 48));
		} else if (path === "events") {
			const before = number("before", Infinity);
			const one = number("host", 0);
			const all = this.events.filter((e) => e.id < before && (!one || e.host === one)).reverse();
			return { events: all.slice(0, number("limit", 50)), more: all.length > number("limit", 50) };
		}
		return null;
	}

	/** @param {number} now */
	#summary(now) {
		return {
			now,
			monitor: "office",
			version: "0.1.0",
			started: now - 86400e3,
			interval_s: 10,
			self: this.self,
			counts: this.counts(),
			networks: [{ name: "lan", prefix: "10.77.0.0/16", iface: "eth0" }],
			last_event: this.events.length,
		};
	}

	/** @param {number} now @param {number} offset @param {number} limit */
	#page(now, offset, limit) {
		const rank = (/** @type {Host} */ h) => order.indexOf(h.state);
		const all = [...this.hosts].sort((a, b) => rank(a) - rank(b) || a.id - b.id);
		const next = offset + limit < all.length ? offset + limit : null;
		const hosts = all.slice(offset, offset + limit);
		return { now, total: all.length, last_event: this.events.length, next, hosts };
	}

	/** @param {number} from @param {number} to @param {number} buckets */
	#heat(from, to, buckets) {
		const rows = this.hosts.map((h) => {
			const cells = Array.from({ length: buckets }, (_, i) => {
				const silent = h.state === "inactive" && i > buckets - 6;
				return silent ? "x" : chance(h.id, i) < 0.03 ? String(1 + Math.floor(9 * chance(i))) : "0";
			});
			const place = 3 + Math.floor(9 * chance(h.id, 1));
			const latency = cells.map((c, i) =>
				c === "x" ? "." : String.fromCharCode(97 + place + Math.round(2 * chance(h.id, i, 2))),
			);
			return [cells.join(""), latency.join("")];
		});
		return {
			from,
			to,
			step_ms: Math.round((to - from) / buckets),
			next: null,
			hosts: this.hosts.map((h) => h.id),
			cells: rows.map((r) => r[0]),
			latency: rows.map((r) => r[1]),
		};
	}
}

/** @param {Host} host */
function brief(host) {
	return Object.fromEntries(Object.entries(host).filter(([k]) => !briefLacks.has(k)));
}

/** @param {number} id @param {number} from @param {number} to */
function latency(id, from, to) {
	const n = 360;
	const step_ms = Math.round((to - from) / n);
	const rows = Array.from({ length: n }, (_, i) => {
		const t = from + i * step_ms;
		const base = 0.3 + 0.2 * Math.sin(i / 40) + 0.15 * chance(id, i);
		const gap = i < 20;
		const silent = i > 200 && i < 216;
		const some = chance(id, i, 7) < 0.05;
		const at = (/** @type {number} */ f) => (gap || silent ? null : Number((base * f).toFixed(3)));
		const spread = 1 + 0.9 * chance(id, i, 3);
		return {
			t,
			sent: gap ? null : 5,
			loss: gap ? null : silent ? 1 : some ? 0.4 : 0,
			min: at(0.8), p10: at(0.85), p25: at(0.92), median: at(1),
			p75: at(1 + 0.1 * spread), p90: at(1 + 0.3 * spread), max: at(1 + 0.8 * spread),
		};
	});
	/** @type {Record<string, unknown>} */
	const columns = { id, from, to, step_ms, source: "samples" };
	for (const name of Object.keys(rows[0])) {
		columns[name] = rows.map((r) => r[/** @type {keyof typeof r} */ (name)]);
	}
	return columns;
}
