// The shapes of docs/api.md. Times are milliseconds since 1970, absent values null.

export type State = "active" | "degraded" | "inactive" | "unknown";
export type Theme = "auto" | "light" | "dark";
export type Live = "connecting" | "live" | "stale";

export interface Host {
	id: number;
	address: string;
	other_addresses: string[];
	mac: string | null;
	vendor: string | null;
	network: string;
	state: State;
	last_seen: number | null;
	last_change: number | null;
	rtt_ms: number | null;
	jitter_ms: number | null;
	loss: number | null;
	/** The brief form leaves these three out. */
	names?: string[];
	evidence?: string[];
	first_seen?: number;
}

/** A host as the page keeps it: as last heard at server time `at`. */
export interface Entry extends Host {
	at: number;
	sort_key: string;
}

export interface Counts extends Record<State, number> {
	total: number;
}

export interface Summary {
	now: number;
	monitor: string;
	version: string;
	started: number;
	interval_s: number;
	self: "up" | "down";
	counts: Counts;
	networks: { name: string; prefix: string; iface: string }[];
	last_event: number;
}

export interface Event {
	id: number;
	time: number;
	host: number | null;
	address: string | null;
	kind: string;
	text: string;
	mac: string | null;
	old_mac: string | null;
}

export interface Latency {
	id: number;
	from: number;
	to: number;
	step_ms: number;
	source: string;
	t: number[];
	sent: (number | null)[];
	loss: (number | null)[];
	min: (number | null)[];
	p10: (number | null)[];
	p25: (number | null)[];
	median: (number | null)[];
	p75: (number | null)[];
	p90: (number | null)[];
	max: (number | null)[];
}

export interface Heat {
	from: number;
	to: number;
	step_ms: number;
	next: number | null;
	hosts: number[];
	cells: string[];
	latency: string[];
}

/** A host's two strings of the heat map. */
export interface HeatRow {
	loss: string;
	latency: string;
}
