import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../src/format.js";

test("durations use the one unit that matters", () => {
	const cases = /** @type {[number, string][]} */ ([
		[-5, "0 s"], [0, "0 s"], [59_999, "59 s"], [60_000, "1 min"], [119 * 60e3, "119 min"],
		[120 * 60e3, "2 h"], [47 * 3600e3, "47 h"], [48 * 3600e3, "2 d"], [400 * 86400e3, "400 d"],
	]);
	for (const [ms, text] of cases) {
		assert.equal(format.duration(ms), text);
	}
});

test("a loss that is not nothing never reads as 0 %, one that is not total never as 100 %", () => {
	assert.equal(format.percent(0), "0 %");
	assert.equal(format.percent(0.0001), "<1 %");
	assert.equal(format.percent(0.2), "20 %");
	assert.equal(format.percent(0.999), "99 %");
	assert.equal(format.percent(1), "100 %");
	assert.equal(format.percent(null), "–");
});

test("times are local and sort as text", () => {
	const t = 1_700_000_000_123;
	assert.equal(format.stamp(t), new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" }).format(t));
	assert.equal(format.clock(t), format.stamp(t).slice(11));
	assert.equal(format.stamp(null), "–");
	assert.equal(format.axisTime(new Date(2026, 10, 21).getTime()), "21 Nov");
	assert.equal(format.axisTime(new Date(2026, 10, 21, 3, 30).getTime()), "03:30");
});

test("milliseconds keep three digits", () => {
	assert.equal(format.millis(0.254), "0.25");
	assert.equal(format.millis(12.34), "12.3");
	assert.equal(format.millis(234.5), "235");
	assert.equal(format.millis(undefined), "–");
});

test("address keys sort as the numbers that the addresses are", () => {
	let seed = 7;
	const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0);
	const v4 = Array.from({ length: 500 }, random);
	const dotted = v4.map((n) => [24, 16, 8, 0].map((s) => (n >>> s) & 255).join("."));
	assert.deepEqual(
		sorted(dotted),
		v4.map((n, i) => ({ n, text: dotted[i] })).sort((a, b) => a.n - b.n).map((x) => x.text),
	);
	// The URL parser writes any IPv6 address in its one short form, "::" included.
	const v6 = Array.from({ length: 500 }, () =>
		Array.from({ length: 8 }, () => (random() & 0x300 ? 0 : random() >>> 16)),
	);
	const short = v6.map((g) => new URL(`http://[${g.map((n) => n.toString(16)).join(":")}]`).hostname.slice(1, -1));
	const value = (/** @type {number[]} */ g) => g.reduce((sum, n) => sum * 65536n + BigInt(n), 0n);
	assert.deepEqual(
		sorted(short),
		v6.map((g, i) => ({ n: value(g), text: short[i] })).sort((a, b) => (a.n < b.n ? -1 : 1)).map((x) => x.text),
	);
	assert.deepEqual(sorted(["no address", "::1", "9.9.9.9"]), ["9.9.9.9", "::1", "no address"]);
});

/** @param {string[]} addresses */
function sorted(addresses) {
	const keyed = addresses.map((a) => ({ a, key: format.addressKey(a) }));
	return keyed.sort((x, y) => (x.key < y.key ? -1 : 1)).map((x) => x.a);
}

test("characters of the heat map read as what docs/api.md says", () => {
	assert.deepEqual(["0", "3", "9", "x", "."].map(format.lossText), ["0 %", "≤ 30 %", "≤ 90 %", "100 %", "–"]);
	assert.equal(format.latencyText("a"), "0.10 ms");
	assert.equal(format.latencyText("z"), "1000 ms");
	assert.equal(format.latencyText("."), "–");
});
