// Numbers, times and addresses as people read them.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export const absent = "–";

const dateFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** @param {number} n */
const two = (n) => String(n).padStart(2, "0");

/**
 * The exact local time, "2026-11-21 05:40:12".
 * @param {number | null | undefined} t
 */
export function stamp(t) {
	if (t == null) {
		return absent;
	}
	const d = new Date(t);
	return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(t)}`;
}

/**
 * The local time of day, "05:40:12".
 * @param {number} t
 */
export function clock(t) {
	const d = new Date(t);
	return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/**
 * A mark on a time axis: the time of day, or the date at midnight.
 * @param {number} t
 */
export function axisTime(t) {
	const d = new Date(t);
	return d.getHours() || d.getMinutes() ? clock(t).slice(0, 5) : dateFormat.format(t);
}

/**
 * How long something took or is ago, in the one unit that matters.
 * @param {number} ms
 */
export function duration(ms) {
	if (ms < minute) {
		return `${Math.max(0, Math.floor(ms / second))} s`;
	}
	if (ms < 2 * hour) {
		return `${Math.floor(ms / minute)} min`;
	}
	return ms < 2 * day ? `${Math.floor(ms / hour)} h` : `${Math.floor(ms / day)} d`;
}

/**
 * Milliseconds with three significant digits and no unit, "0.31", "12.4", "230".
 * @param {number | null | undefined} v
 */
export function millis(v) {
	if (v == null) {
		return absent;
	}
	return v.toFixed(v < 10 ? 2 : v < 100 ? 1 : 0);
}

/**
 * A fraction as per cent; a loss that is not nothing never reads as 0 %.
 * @param {number | null | undefined} v
 */
export function percent(v) {
	if (v == null) {
		return absent;
	}
	if (v > 0 && v < 0.01) {
		return "<1 %";
	}
	return `${v < 1 ? Math.min(99, Math.round(v * 100)) : 100} %`;
}

/**
 * A string that sorts addresses as numbers, IPv4 before IPv6; text that is no address comes last.
 * @param {string} address
 */
export function addressKey(address) {
	const v4 = address.split(".").map(Number);
	if (v4.length === 4 && v4.every((n) => n >= 0 && n <= 255)) {
		return "4" + v4.map((n) => n.toString(16).padStart(2, "0")).join("");
	}
	if (!address.includes(":")) {
		return "z" + address;
	}
	const [head, tail] = address.split("::").map((half) => (half ? half.split(":") : []));
	const zeros = Array(tail ? Math.max(0, 8 - head.length - tail.length) : 0).fill("0");
	return "6" + [...head, ...zeros, ...(tail ?? [])].map((g) => g.padStart(4, "0")).join("");
}

/**
 * A host's name for people: its first name, or its address.
 * @param {import("./types").Host} host
 */
export function hostLabel(host) {
	return host.names?.[0] ?? host.address;
}

/**
 * The share lost that a character of the heat map stands for.
 * @param {string} cell
 */
export function lossText(cell) {
	const exact = /** @type {Record<string, string>} */ ({ ".": absent, "0": "0 %", "x": "100 %" });
	return exact[cell] ?? `≤ ${cell}0 %`;
}

/**
 * The median that a character of the heat map stands for: 26 places from 0.1 ms to 1 s.
 * @param {string} cell
 */
export function latencyText(cell) {
	return cell === "." ? absent : `${millis(0.1 * 10 ** ((cell.charCodeAt(0) - 97) * (4 / 25)))} ms`;
}
