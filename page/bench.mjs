// Prints how fast the page is with 1,000 hosts and 24 h of history, each load with an empty cache.
import { launch } from "./test/browser.mjs";
import { startDemo } from "./test/demo.mjs";

const loads = 7;
const limits = { paint_ms: 1000, answer_kB: 200 };

/** Notes when the counts and the heat map stand on the screen. */
function watch() {
	const marks = /** @type {Record<string, string>} */ ({
		hosts: ".hosts .row",
		heat: ".map canvas",
		all: ".hosts .note",
	});
	const found = /** @type {Record<string, number>} */ ({});
	new MutationObserver(() => {
		for (const [name, selector] of Object.entries(marks)) {
			const el = document.querySelector(selector);
			if (el && !found[name] && (name !== "all" || el.textContent === "1000")) {
				requestAnimationFrame(() => setTimeout(() => (found[name] ??= performance.now())));
			}
		}
	}).observe(document, { childList: true, subtree: true, characterData: true });
	Object.assign(window, { found });
}

/** @param {number[]} values */
function median(values) {
	return values.sort((a, b) => a - b)[values.length >> 1];
}

const demo = await startDemo({ hosts: 1000, hours: 24 });
const browser = await launch();
/** @type {Record<string, number>[]} */
const runs = [];
let largest = 0;
let largestPath = "";
for (let i = 0; i < loads; i++) {
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
	const page = await context.newPage();
	page.on("response", async (r) => {
		const body = r.url().includes("/stream") ? null : await r.body().catch(() => null);
		if (body && body.length > largest) {
			[largest, largestPath] = [body.length, new URL(r.url()).pathname];
		}
	});
	await page.addInitScript(watch);
	await page.goto(demo.url);
	const run = await page.waitForFunction(() => {
		const { found } = /** @type {any} */ (window);
		const first = performance.getEntriesByName("first-contentful-paint")[0];
		return Object.keys(found).length === 3 && { first: first.startTime, ...found };
	});
	runs.push(/** @type {Record<string, number>} */ (await run.jsonValue()));
	await context.close();
}
await browser.close();
await demo.stop();

const rows = [
	["first paint", "first"],
	["hosts on the screen", "hosts"],
	["heat map on the screen", "heat"],
	["all 1,000 hosts loaded", "all"],
];
console.log(`page, 1,000 hosts × 24 h, median of ${loads} loads with an empty cache`);
for (const [title, key] of rows) {
	const ms = median(runs.map((r) => r[key]));
	const share = (ms / limits.paint_ms).toFixed(2);
	console.log(`${title.padEnd(24)} ${ms.toFixed(0).padStart(6)} ms   ${share} of ${limits.paint_ms} ms`);
}
const kB = largest / 1000;
console.log(
	`${"largest answer".padEnd(24)} ${kB.toFixed(0).padStart(6)} kB   ` +
		`${(kB / limits.answer_kB).toFixed(2)} of ${limits.answer_kB} kB (${largestPath})`,
);
