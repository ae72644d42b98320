// The page against the real server: a thousand hosts, and a day of history of a few.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { drawn, launch, onPage, openTable } from "./browser.mjs";
import { startDemo } from "./demo.mjs";

/** @import {Browser, Page, Response} from "playwright-core" */

const answerMax = 200e3;

/** @type {Browser} */
let browser;
/** @typedef {Awaited<ReturnType<typeof startDemo>>} Demo */
/** @type {Demo} many hosts */
let wide;
/** @type {Demo} long history */
let long;
const still = { every: 3600 }; // no round comes between what is shown and what is compared
before(async () => {
	wide = await startDemo({ hosts: 1000, hours: 1, ...still });
	long = await startDemo({ hosts: 12, hours: 24, ...still });
	browser = await launch();
});
after(async () => {
	await browser?.close();
	await long?.stop();
	await wide?.stop();
});

/** @param {Demo} demo @param {string} path */
const api = async (demo, path) => (await fetch(`${demo.url}/api/v1/${path}`)).json();

/** @param {Page} page */
const ready = async (page) => {
	await page.locator(".live.is-live").waitFor();
	await page.locator(".hosts .note", { hasText: /^1000$/ }).waitFor();
	await page.locator(".map canvas").waitFor();
};

test("all hosts and their history come in answers of at most 200 KB", async () => {
	/** @type {Promise<[string, number]>[]} */
	const sizes = [];
	/** @param {Response} r */
	const onResponse = (r) => {
		if (!r.url().includes("/stream")) {
			sizes.push(r.body().then((body) => [r.url(), body.length]));
		}
	};
	const before = async (/** @type {Page} */ page) => page.on("response", onResponse);
	await onPage(
		browser,
		wide.url,
		async (page) => {
			await ready(page);
			await page.locator(".row a").first().click();
			await page.locator(".plot canvas").waitFor();
			const large = (await Promise.all(sizes)).filter(([, n]) => n > answerMax);
			assert.ok(sizes.length >= 10, "page, hosts, events, heat and latency were asked for");
			assert.deepEqual(large, []);
		},
		{ before },
	);
});

test("counts and order are those of the API", () =>
	onPage(browser, wide.url, async (page) => {
		await ready(page);
		const { counts } = await api(wide, "summary");
		const shown = await page.locator(".tile b").allInnerTexts();
		const states = ["inactive", "degraded", "unknown", "active"];
		assert.deepEqual(shown, states.map((s) => String(counts[s])));
		const { hosts } = await api(wide, "hosts?limit=8");
		const addresses = await page.locator(".row a").allInnerTexts();
		assert.deepEqual(
			addresses.slice(0, 8),
			hosts.map((/** @type {{address: string}} */ h) => h.address),
		);
	}));

test("the heat map shows every host of the server's", () =>
	onPage(browser, wide.url, async (page) => {
		await ready(page);
		await drawn(page, ".map canvas", 3);
		await openTable(page, "heat");
		assert.equal(await page.locator(".heat tbody tr").count(), 25);
		assert.match(await page.locator(".pager").innerText(), /of 1000/);
	}));

for (const span of ["5 min", "15 min", "1 h", "6 h", "24 h", "7 d"]) {
	test(`latency over ${span}: drawn, and the table equals the API`, async () => {
		const { hosts } = await api(long, "hosts?state=active&limit=1");
		await onPage(browser, `${long.url}/#/host/${hosts[0].id}`, async (page) => {
			const choice = page.getByRole("group", { name: "Span", exact: true });
			const choose = async (/** @type {string} */ name) => {
				const answer = page.waitForResponse(/latency/);
				await choice.getByText(name, { exact: true }).click();
				return (await answer).body();
			};
			await page.locator(".plot canvas").waitFor();
			await choose(span === "6 h" ? "7 d" : "6 h");
			const body = await choose(span);
			assert.ok(body.length <= answerMax);
			const data = JSON.parse(body.toString());
			assert.ok(data.t.length > 0 && data.t.length <= 2000);
			await openTable(page, "latency");
			await page.waitForFunction(
				(n) => document.querySelectorAll(".latency tbody tr").length === n,
				data.t.length,
			);
			const medians = await page.locator(".latency tbody tr td:nth-child(7)").allInnerTexts();
			assert.deepEqual(
				medians.reverse(),
				data.median.map((/** @type {number | null} */ v) => v?.toFixed(3) ?? "–"),
			);
			await drawn(page, ".plot canvas", 10);
		});
	});
}

test("rounds of the server change what is shown", async () => {
	const demo = await startDemo({ hosts: 12, hours: 1, every: 1 });
	try {
		await onPage(browser, demo.url, async (page) => {
			await page.locator(".live.is-live").waitFor();
			const cells = page.locator(".row .c-rtt");
			const before = (await cells.allTextContents()).join();
			await page.waitForFunction(
				(shown) =>
					[...document.querySelectorAll(".row .c-rtt")].map((td) => td.textContent).join() !== shown,
				before,
			);
		});
	} finally {
		await demo.stop();
	}
});

test("a wrong number of a host is told, not endured", () =>
	onPage(browser, `${long.url}/#/host/999999`, async (page) => {
		await page.getByText("There is no host number 999999").waitFor();
	}));
