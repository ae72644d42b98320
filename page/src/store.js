// All that the page knows, and how it stays current: the first load, the stream, and what happens
// when the stream ends or falls silent.
import { ApiError, follow, get } from "./api.js";
import { addressKey } from "./format.js";

/** @import {Counts, Entry, Event, Heat, HeatRow, Host, Live, State, Summary} from "./types" */

const hostsPage = 250; // about 100 KB
const eventsPage = 50;
const eventsMax = 1000;
const silenceMs = 30000;
const retryMs = [500, 1000, 2000, 5000];

export const spans = /** @type {Record<string, number>} */ ({
	"5 min": 5 * 60e3,
	"15 min": 15 * 60e3,
	"1 h": 3600e3,
	"6 h": 6 * 3600e3,
	"24 h": 24 * 3600e3,
	"7 d": 7 * 24 * 3600e3,
});

/** Why a stream is ended that the monitor wants to begin anew. */
const reload = new Error("reload");

/** States that an event by itself announces. */
const stateKinds = new Set(["active", "degraded", "inactive"]);

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Store {
	/** @type {"loading" | "login" | "ready"} */
	phase = "loading";
	/** @type {string | null} why there is nothing to show */
	error = null;
	/** @type {Live} */
	live = "connecting";
	/** Server time of the last figures. */
	asOf = 0;
	/** Server clock minus this machine's. */
	skew = 0;
	/** @type {Summary | null} */
	summary = null;
	/** @type {Map<number, Entry>} */
	hosts = new Map();
	/** Grows with every change of the hosts; what is derived from them is kept under it. */
	version = 0;
	/** How often everything was loaded: once at the start and after each break of the stream. */
	loads = 0;
	/** @type {Event[]} newest first */
	events = [];
	moreEvents = false;
	/** @type {Heat | null} */
	heat = null;
	/** @type {Map<number, HeatRow>} */
	heatRows = new Map();
	/** The heat map's span: what somebody chose, else what the history needs. */
	heatSpan = "24 h";

	/** @type {Set<() => void>} */
	#listeners = new Set();
	#heatAt = 0;
	/** @type {string | null} */
	#chosenSpan = null;
	/** @type {() => void} */
	#wake = () => {};

	/** @param {() => void} listener */
	subscribe(listener) {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	#changed() {
		for (const listener of this.#listeners) {
			listener();
		}
	}

	/** The server's clock. */
	now() {
		return Date.now() + this.skew;
	}

	/** Runs for the life of the page. */
	async run() {
		for (let failures = 0; ; ) {
			failures = (await this.#session()) ? 0 : failures + 1;
			const woken = new Promise((done) => (this.#wake = () => done(undefined)));
			const waited = pause(retryMs[Math.min(failures, retryMs.length - 1)]);
			await (this.phase === "login" ? woken : Promise.race([waited, woken]));
		}
	}

	/** Tries again now: after a login, or when somebody asks. */
	retry() {
		this.#wake();
	}

	/** Loads everything and follows the stream to its end. Tells whether the stream spoke. */
	async #session() {
		const control = new AbortController();
		let heardAt = Date.now();
		let heard = false;
		const watch = setInterval(() => {
			if (Date.now() - heardAt > silenceMs) {
				control.abort();
			}
		}, 1000);
		try {
			await this.#load(control.signal);
			await follow({
				lastEvent: this.events[0]?.id ?? this.summary?.last_event ?? 0,
				signal: control.signal,
				onHeard: () => {
					heardAt = Date.now();
					if (!heard) {
						heard = true;
						this.live = "live";
						this.#changed();
					}
				},
				onMessage: (kind, data) => this.#message(kind, JSON.parse(data), control),
			});
		} catch (e) {
			this.#failed(e);
		} finally {
			clearInterval(watch);
			control.abort();
		}
		if (this.phase === "ready" && control.signal.reason !== reload) {
			this.live = "stale";
		}
		this.#changed();
		return heard;
	}

	/** @param {unknown} e */
	#failed(e) {
		if (e instanceof ApiError && e.status === 401) {
			this.phase = "login";
		} else if (this.phase === "loading") {
			this.error = e instanceof ApiError ? e.message : "The monitor does not answer.";
		}
	}

	/** @param {AbortSignal} signal */
	async #load(signal) {
		const summary = get("summary", {}, signal);
		const first = get("hosts", { limit: hostsPage, offset: 0 }, signal);
		const events = get("events", { limit: eventsPage }, signal);
		const all = await Promise.all([summary, first, events]);
		this.#setSummary(all[0]);
		const known = this.hosts;
		this.hosts = new Map();
		this.#merge(all[1].hosts, all[1].now, known);
		this.#catchUp(all[2]);
		this.loads++;
		this.phase = "ready";
		this.error = null;
		this.#changed();
		await Promise.all([this.#loadRest(all[1].next, signal), this.loadHeat(signal)]);
	}

	/**
	 * The pages after the first; at the start they come while the first is already shown.
	 * @param {number | null} next offset
	 * @param {AbortSignal} signal
	 */
	async #loadRest(next, signal) {
		while (next !== null) {
			const page = await get("hosts", { limit: hostsPage, offset: next }, signal);
			this.#merge(page.hosts, page.now, this.hosts);
			this.#changed();
			next = page.next;
		}
	}

	/** @param {Summary} summary */
	#setSummary(summary) {
		this.summary = summary;
		this.skew = summary.now - Date.now();
		this.asOf = summary.now;
	}

	/**
	 * @param {Host[]} hosts
	 * @param {number} at server time at which they were so
	 * @param {Map<number, Entry>} known what a brief form is completed from
	 */
	#merge(hosts, at, known) {
		for (const host of hosts) {
			const old = known.get(host.id);
			const newest = old && old.at > at ? { ...host, ...old } : { ...old, ...host, at };
			this.hosts.set(host.id, { ...newest, sort_key: addressKey(host.address) });
		}
		this.version++;
	}

	/**
	 * The newest events join those that are known; when too much was missed they replace them, for
	 * a list with a hole would lie.
	 * @param {{events: Event[], more: boolean}} page
	 */
	#catchUp({ events, more }) {
		const known = this.events[0]?.id;
		if (!events.some((e) => e.id === known)) {
			this.events = [];
			this.moreEvents = more;
		}
		this.#addEvents(events, true);
	}

	/**
	 * @param {Event[]} events newest first
	 * @param {boolean} newer whether they belong before those that are known
	 */
	#addEvents(events, newer) {
		const known = new Set(this.events.map((e) => e.id));
		const fresh = events.filter((e) => !known.has(e.id));
		this.events = newer
			? [...fresh, ...this.events].slice(0, eventsMax)
			: [...this.events, ...fresh];
	}

	/**
	 * @param {string} kind
	 * @param {any} data
	 * @param {AbortController} control ends the stream, so that everything is loaded again
	 */
	#message(kind, data, control) {
		if (kind === "hosts") {
			this.#round(data);
		} else if (kind === "gone") {
			this.#gone(data.hosts);
		} else if (kind === "event") {
			this.#event(data);
		} else if (kind === "reload") {
			control.abort(reload);
		}
		this.#changed();
	}

	/** @param {{now: number, counts: Counts, self: "up" | "down", hosts: Host[]}} round */
	#round(round) {
		if (this.summary) {
			this.#setSummary({
				...this.summary,
				now: round.now,
				counts: round.counts,
				self: round.self,
			});
		}
		const strangers = round.hosts.filter((h) => !this.hosts.has(h.id));
		this.#merge(round.hosts, round.now, this.hosts);
		for (const host of strangers.slice(0, 20)) {
			void this.#complete(host.id);
		}
		const step = this.heat?.step_ms ?? 60e3;
		if (Date.now() - this.#heatAt > Math.min(60e3, Math.max(10e3, step))) {
			void this.loadHeat();
		}
	}

	/** @param {number[]} hosts ids that are no longer there */
	#gone(hosts) {
		for (const id of hosts) {
			this.hosts.delete(id);
			this.heatRows.delete(id);
		}
		this.version++;
	}

	/** @param {Event} event */
	#event(event) {
		this.#addEvents([event], true);
		const host = event.host === null ? undefined : this.hosts.get(event.host);
		if (host && stateKinds.has(event.kind) && event.time >= host.at) {
			const state = /** @type {State} */ (event.kind);
			this.#merge([{ ...host, state, last_change: event.time }], event.time, this.hosts);
		} else if (!host && event.host !== null) {
			void this.#complete(event.host);
		}
	}

	/**
	 * Fetches what the brief form of a new host left out.
	 * @param {number} id
	 */
	async #complete(id) {
		try {
			const host = await get(`hosts/${id}`);
			this.#merge([host], this.now(), this.hosts);
			this.#changed();
		} catch {
			// The next round brings it again.
		}
	}

	/**
	 * @param {AbortSignal} [signal]
	 */
	async loadHeat(signal) {
		this.#heatAt = Date.now();
		this.heatSpan = this.#chosenSpan ?? this.#fittingSpan();
		const to = Math.round(this.now());
		const from = to - spans[this.heatSpan];
		try {
			/** @type {Map<number, HeatRow>} */
			const rows = new Map();
			for (let offset = /** @type {number | null} */ (0); offset !== null; ) {
				/** @type {Heat} */
				const heat = await get("heat", { from, to, buckets: 48, offset }, signal);
				heat.hosts.forEach((id, i) =>
					rows.set(id, { loss: heat.cells[i], latency: heat.latency[i] }),
				);
				this.heat = heat;
				offset = heat.next;
			}
			this.heatRows = rows;
			this.#changed();
		} catch (e) {
			if (e instanceof ApiError && e.status === 401) {
				throw e;
			}
		}
	}

	/** The shortest span that shows all there is, up to a day. */
	#fittingSpan() {
		const seen = [...this.hosts.values()].map((h) => h.first_seen ?? Infinity);
		const age = this.now() - Math.min(this.now(), ...seen);
		return Object.keys(spans).find((s) => spans[s] >= age && s !== "7 d") ?? "24 h";
	}

	/** @param {string} span */
	setHeatSpan(span) {
		this.#chosenSpan = span;
		void this.loadHeat();
	}

	/**
	 * The events of one host, or of all, older than those given.
	 * @param {Event[]} shown newest first
	 * @param {number | undefined} host
	 * @returns {Promise<{events: Event[], more: boolean}>}
	 */
	olderEvents(shown, host) {
		return get("events", { limit: eventsPage, before: shown.at(-1)?.id, host });
	}

	/** Appends a page of older events to the list of all. */
	async loadOlder() {
		const page = await this.olderEvents(this.events, undefined);
		this.#addEvents(page.events, false);
		this.moreEvents = page.more;
		this.#changed();
	}
}

export const store = new Store();
