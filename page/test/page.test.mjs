// What people see and do, against a monitor that does what each test tells it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { drawn, faintTexts, launch, onPage, openTable, shows } from "./browser.mjs";
import { Mock } from "./mock.mjs";

/** @import {Browser, Page} from "playwright-core" */

/** @type {Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const refused = /Failed to load resource/;

/**
 * @param {ConstructorParameters<typeof Mock>[0]} mockOptions
 * @param {string} path
 * @param {(page: Page, mock: Mock) => Promise<void>} run
 * @param {Parameters<typeof onPage>[3]} [options]
 */
async function withMock(mockOptions, path, run, options) {
	const mock = new Mock(mockOptions);
	const url = await mock.start();
	try {
		await onPage(browser, url + path, (page) => run(page, mock), options);
	} finally {
		await mock.stop();
	}
}

/**
 * What the server answers to the page's first such request, and the way to catch it. The answer is
 * taken on its way: a browser may have forgotten it when it is asked afterwards.
 * @param {RegExp} pattern of the address
 */
function answerTo(pattern) {
	/** @type {(data: any) => void} */
	let give = () => {};
	const data = new Promise((resolve) => (give = resolve));
	const before = (/** @type {Page} */ page) =>
		page.route(
			pattern,
			async (route) => {
				const response = await route.fetch();
				give(await response.json());
				await route.fulfill({ response });
			},
			{ times: 1 },
		);
	return { data, before };
}

/** The texts of one column, as shown. @param {Page} page @param {string} column */
const column = (page, column) => page.locator(`.hosts tbody .c-${column}`).allInnerTexts();

/** @param {Page} page */
const ready = (page) => page.locator(".live.is-live").waitFor();

describe("hosts", () => {
	test("counts at first glance, worst first, every fact of a host in its row", () =>
		withMock({}, "/", async (page) => {
			await ready(page);
			assert.deepEqual(await page.locator(".tile").allInnerTexts(), [
				"1\ninactive", "1\ndegraded", "0\nunknown", "10\nactive",
			]);
			assert.deepEqual((await column(page, "state")).slice(0, 3), ["inactive", "degraded", "active"]);
			const row = await page.locator(".hosts .row").first().innerText();
			for (const fact of ["10.77.0.3", "ws3", "02:00:00:00:00:03", "MikroTik", "100 %"]) {
				assert.ok(row.includes(fact), `${fact} in ${row}`);
			}
			assert.match(await page.title(), /^\(1\) office/);
		}));

	test("states differ in shape and word, not in colour alone", () =>
		withMock({}, "/", async (page, mock) => {
			mock.turn(1, "unknown");
			await page.getByText("unknown", { exact: true }).last().waitFor();
			const shapes = await page.locator(".tile svg path").evaluateAll((paths) =>
				paths.map((p) => p.getAttribute("d")),
			);
			assert.equal(new Set(shapes).size, 4);
		}));

	test("headings sort both ways, numbers from the worst, absent values last", () =>
		withMock({}, "/", async (page) => {
			await ready(page);
			await page.getByRole("button", { name: "RTT ms" }).click();
			const down = (await column(page, "rtt")).map((t) => t.split("\n")[0]);
			assert.equal(down.at(-1), "–");
			const numbers = down.slice(0, -1).map(Number);
			assert.deepEqual(numbers, [...numbers].sort((a, b) => b - a));
			await page.getByRole("button", { name: "Address" }).click();
			const addresses = await page.locator(".hosts tbody a").allInnerTexts();
			assert.equal(addresses[1], "10.77.0.2");
			assert.equal(addresses[9], "10.77.0.10");
			assert.equal(await page.locator("th.c-address").first().getAttribute("aria-sort"), "ascending");
		}));

	test("the filter finds names, addresses, MACs and vendors; tiles filter by state", () =>
		withMock({}, "/", async (page) => {
			await ready(page);
			const cases = { "CAMERA": 1, "77.0.1": 4, "00:0a": 1, "mikrotik": 2, "fd77::6": 1 };
			for (const [text, n] of Object.entries(cases)) {
				await page.fill("#filter", text);
				assert.equal(await page.locator(".hosts .row").count(), n, text);
			}
			await page.fill("#filter", "nothing like it");
			await page.getByText("No host matches").waitFor();
			await page.getByRole("button", { name: "Show all 12" }).click();
			assert.equal(await page.locator(".hosts .row").count(), 12);
			await page.locator(".tile").nth(1).click();
			assert.deepEqual(await column(page, "state"), ["degraded"]);
		}));

	test("a thousand hosts: few rows are made, all can be reached", () =>
		withMock({ hosts: 1000 }, "/", async (page) => {
			await ready(page);
			await page.getByText("1000", { exact: true }).waitFor();
			assert.ok((await page.locator(".hosts .row").count()) < 60);
			await page.locator(".hosts tbody a").first().focus();
			await page.keyboard.press("End");
			await page.waitForFunction(() => document.activeElement?.textContent === "10.77.3.232");
			await page.fill("#filter", "10.77.2.15");
			assert.deepEqual(await page.locator(".hosts tbody a").allInnerTexts(), [
				"10.77.2.15", ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `10.77.2.15${n}`),
			]);
		}));

	test("a network without hosts says so", () =>
		withMock({ hosts: 0 }, "/", async (page) => {
			await page.getByText("No host has been found yet").waitFor();
			await page.getByText("Nothing has happened yet").waitFor();
		}));

	test("names from the network are text and nothing else", () =>
		withMock({}, "/", async (page, mock) => {
			const hostile = `<img src=x onerror="document.title='owned'"><script>alert(1)</script>`;
			mock.hosts[2].names = [hostile];
			mock.hosts[2].vendor = "\u202eesrever";
			mock.hosts[4].names = ["long".repeat(200)];
			await page.reload();
			await ready(page);
			assert.equal(await page.locator(".row .c-name").first().innerText(), hostile);
			mock.events.push({ ...mock.events[0], id: 900, text: hostile });
			mock.turn(3, "active");
			await page.goto(page.url().replace(/#.*|$/, "#/host/3"));
			await page.getByRole("heading", { name: hostile }).waitFor();
			assert.equal(await page.locator("img:not([src='/icon.svg']), #app script").count(), 0);
			assert.doesNotMatch(await page.title(), /owned/);
			await page.goto(page.url().replace(/#.*/, "#/host/5"));
			await page.getByRole("heading", { name: mock.hosts[4].names[0] }).waitFor();
			const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
			assert.ok(wide <= 0);
		}));
});

describe("live", () => {
	test("a host goes silent and comes back without a reload", () =>
		withMock({}, "/", async (page, mock) => {
			await ready(page);
			mock.turn(9, "inactive");
			const row = page.locator(".hosts .row[data-id='9']");
			await row.locator(".state", { hasText: "inactive" }).waitFor();
			// An event tells the state of its host; the counts come with the round, a message later.
			const inactive = () => page.locator(".tile b").first().innerText();
			await shows(inactive, (n) => n === "2");
			assert.deepEqual((await column(page, "state")).slice(0, 2), ["inactive", "inactive"]);
			assert.match(await row.innerText(), /nas9/, "the name stays, though rounds leave it out");
			await page.locator(".event").first().getByText("10.77.0.9 is inactive").waitFor();
			assert.match(await page.title(), /^\(2\)/);
			mock.turn(9, "active");
			await row.locator(".state", { hasText: /^active/ }).waitFor();
			await shows(inactive, (n) => n === "1");
			await page.locator(".event").first().getByText("10.77.0.9 is active").waitFor();
		}));

	test("a new host appears, with the name that the round left out", () =>
		withMock({}, "/", async (page, mock) => {
			await ready(page);
			const id = mock.hosts.length + 1;
			mock.hosts.push({ ...mock.hosts[0], id, address: "10.77.0.99", names: ["newcomer"] });
			mock.turn(id, "active");
			await page.locator(`.row[data-id='${id}'] .c-name`).getByText("newcomer").waitFor();
		}));

	test("a forgotten host disappears from the list, the heat map and its own page", () =>
		withMock({}, "/#/host/12", async (page, mock) => {
			await page.locator(".host-view h1").waitFor();
			mock.forget();
			await page.getByText("There is no host number 12").waitFor();
			await page.getByRole("link", { name: "Back to all hosts" }).click();
			await ready(page);
			assert.equal(await page.locator(".hosts .row[data-id='12']").count(), 0);
			await page.getByLabel(/loss of 11 hosts over/).waitFor();
		}));

	test("a broken stream shows as stale, then everything is caught up", () =>
		withMock(
			{},
			"/",
			async (page, mock) => {
				await ready(page);
				mock.breakStreams();
				await page.getByRole("alert").getByText("Stale.").waitFor();
				mock.turn(2, "inactive");
				mock.refuseStreams = false;
				await page.getByRole("button", { name: "Try now" }).click();
				await ready(page);
				await page.getByRole("alert").waitFor({ state: "detached" });
				await page.locator(".row[data-id='2'] .state", { hasText: "inactive" }).waitFor();
				await page.locator(".event").first().getByText("10.77.0.2 is inactive").waitFor();
				const ids = await page.locator(".event").count();
				assert.equal(ids, 51, "one event more than at first, none twice");
			},
			{ expect: refused },
		));

	test("too much missed: the list of events begins anew and has no hole", () =>
		withMock(
			{},
			"/",
			async (page, mock) => {
				await ready(page);
				mock.breakStreams();
				await page.getByRole("alert").waitFor();
				for (let i = 0; i < 60; i++) {
					mock.turn(2, i % 2 ? "active" : "degraded");
				}
				mock.refuseStreams = false;
				await page.getByRole("button", { name: "Try now" }).click();
				await ready(page);
				await page.locator(".event").first().getByText("10.77.0.2 is active").waitFor();
				assert.equal(await page.locator(".event").count(), 50);
				await page.getByRole("button", { name: "Load older" }).click();
				await page.locator(".event").nth(99).waitFor();
				assert.deepEqual(
					await page.locator(".event p").allInnerTexts(),
					mock.events.slice(-100).reverse().map((e) => e.text),
				);
			},
			{ expect: refused },
		));

	test("30 s of silence show as stale, comments do not count as silence", () => {
		// A comment leaves no trace on the page: what it has read of its stream is kept.
		const before = async (/** @type {Page} */ page) => {
			await page.clock.install();
			await page.addInitScript(`
				globalThis.heard = "";
				const { read } = ReadableStreamDefaultReader.prototype;
				ReadableStreamDefaultReader.prototype.read = async function () {
					const piece = await read.call(this);
					globalThis.heard += piece.value ?? "";
					return piece;
				};`);
		};
		return withMock(
			{},
			"/",
			async (page, mock) => {
				await ready(page);
				await page.clock.fastForward(25_000);
				mock.streams.forEach((s) => s.write(": still here\n\n"));
				await shows(() => page.evaluate("heard"), (text) => String(text).includes("still here"));
				await page.clock.fastForward(25_000);
				await page.clock.runFor(2000);
				assert.equal(await page.locator(".banner").count(), 0);
				mock.refuseStreams = true;
				await page.clock.fastForward(31_000);
				await page.clock.runFor(2000);
				await page.getByRole("alert").getByText("Stale.").waitFor();
				mock.refuseStreams = false;
				await page.clock.runFor(10_000);
				await ready(page);
			},
			{ expect: refused, before },
		);
	});

	test("too many missed events: the page loads everything again", () =>
		withMock({}, "/", async (page, mock) => {
			await ready(page);
			mock.hosts[0].names = ["renamed"];
			mock.streams.forEach((s) => s.write("event: reload\ndata: {}\n\n"));
			await page.locator(".row .c-name").getByText("renamed").waitFor();
			assert.equal(await page.locator(".banner").count(), 0, "that is not a stale monitor");
		}));

	test("the monitor off the network says that states are frozen", () =>
		withMock({}, "/", async (page, mock) => {
			await ready(page);
			mock.self = "down";
			mock.round();
			await page.getByRole("alert").getByText("The monitor itself is off the network").waitFor();
			mock.self = "up";
			mock.round();
			await page.getByRole("alert").waitFor({ state: "detached" });
		}));

	test("a monitor that does not answer is asked again", () =>
		withMock(
			{},
			"/",
			async (page) => {
				await page.getByRole("heading", { name: "No answer" }).waitFor();
				await page.unroute("**/api/**");
				await page.getByRole("button", { name: "Try now" }).click();
				await ready(page);
			},
			{ expect: refused, before: (page) => page.route("**/api/**", (r) => r.abort()) },
		));

	test("a monitor with a token asks for it, and lets in who has it", () =>
		withMock(
			{ token: "sesame" },
			"/",
			async (page) => {
				await page.getByLabel("Token").fill("wrong");
				await page.getByRole("button", { name: "Log in" }).click();
				await page.getByText("That is not the token.").waitFor();
				await page.getByLabel("Token").fill("sesame");
				await page.keyboard.press("Enter");
				await ready(page);
				assert.equal(await page.locator(".row").count(), 12);
			},
			{ expect: refused },
		));
});

describe("events", () => {
	test("older ones on demand, without holes or doubles", () =>
		withMock({}, "/", async (page) => {
			await ready(page);
			assert.equal(await page.locator(".event").count(), 50);
			await page.getByRole("button", { name: "Load older" }).click();
			await page.locator(".event").nth(69).waitFor();
			assert.equal(await page.locator(".event").count(), 70);
			assert.equal(await page.getByRole("button", { name: "Load older" }).count(), 0);
		}));

	test("of one host, by its name or on its page", () =>
		withMock({}, "/", async (page, mock) => {
			await ready(page);
			await page.getByPlaceholder("All hosts").fill("nas1");
			await page.waitForFunction(() => document.querySelectorAll(".event").length === 6);
			assert.ok((await page.locator(".event p").allInnerTexts()).every((t) => t.startsWith("10.77.0.1 ")));
			await page.locator(".row[data-id='1'] a").click();
			await page.locator(".host-view .event").nth(5).waitFor();
			mock.turn(1, "inactive");
			mock.turn(2, "inactive");
			await page.locator(".host-view .event").nth(6).waitFor();
			assert.equal(await page.locator(".event").count(), 7);
		}));
});

describe("charts", () => {
	test("the latency plot is drawn, and its table equals what the API says", () => {
		const answer = answerTo(/latency/);
		const run = async (/** @type {Page} */ page) => {
			const data = await answer.data;
			await drawn(page, ".plot canvas", 50);
			await openTable(page, "latency");
			const rows = await page.locator(".latency tbody tr").evaluateAll((trs) =>
				trs.map((tr) => [...tr.querySelectorAll("td")].map((td) => td.textContent)),
			);
			const names = ["min", "p10", "p25", "median", "p75", "p90", "max"];
			const expected = data.t.map((/** @type {number} */ _, /** @type {number} */ i) => [
				data.sent[i] === null ? "–" : String(data.sent[i]),
				data.loss[i] === null ? "–" : `${data.loss[i] * 100} %`,
				...names.map((n) => (data[n][i] === null ? "–" : data[n][i].toFixed(3))),
			]);
			assert.deepEqual(rows, expected.reverse());
		};
		return withMock({}, "/#/host/5", run, { before: answer.before });
	});

	test("spans, zoom by mouse and by keys, and back", () =>
		withMock({}, "/#/host/5", async (page) => {
			/** @type {number[]} minutes asked for */
			const asked = [];
			page.on("request", (r) => {
				const query = new URL(r.url()).searchParams;
				if (r.url().includes("latency")) {
					asked.push(Math.round((Number(query.get("to")) - Number(query.get("from"))) / 60e3));
				}
			});
			const plot = page.locator(".plot");
			await plot.locator("canvas").waitFor();
			const span = page.getByRole("group", { name: "Span", exact: true });
			await openTable(page, "latency");
			const oldest = () => [...document.querySelectorAll(".latency tbody th")].at(-1)?.textContent;
			/**
			 * The minutes that it asked for; the next act needs a plot that shows them, as the table does.
			 * @param {() => Promise<unknown>} act
			 */
			const after = async (act) => {
				const before = await page.evaluate(oldest);
				await act();
				await shows(() => page.evaluate(oldest), (now) => now !== before);
				return asked.at(-1) ?? 0;
			};
			assert.equal(await after(() => span.getByText("6 h").click()), 360);
			assert.equal(await after(() => span.getByText("7 d").click()), 7 * 1440);
			assert.equal(await after(() => span.getByText("1 h", { exact: true }).click()), 60);
			await page.locator(".plot .u-over").waitFor();
			const box = /** @type {{x: number, y: number, width: number}} */ (
				await page.locator(".u-over").boundingBox()
			);
			const zoomed = await after(async () => {
				await page.mouse.move(box.x + box.width / 4, box.y + 50);
				await page.mouse.down();
				await page.mouse.move(box.x + box.width / 2, box.y + 50, { steps: 4 });
				await page.mouse.up();
			});
			assert.equal(zoomed, 15);
			await plot.focus();
			assert.equal(await after(() => page.keyboard.press("-")), 30);
			assert.equal(await after(() => page.keyboard.press("+")), 15);
			assert.equal(await after(() => page.keyboard.press("PageUp")), 15);
			assert.equal(await after(() => page.keyboard.press("0")), 60);
			await page.keyboard.press("ArrowLeft");
			await page.locator("#plot-readout", { hasText: /median [0-9.]+ ms/ }).waitFor();
		}));

	test("the heat map is drawn, read by mouse and keys, leads to the host; its table equals it", () => {
		const answer = answerTo(/heat/);
		const run = async (/** @type {Page} */ page) => {
			const data = await answer.data;
			await drawn(page, ".map canvas", 4);
			const loss = await page.locator(".map canvas").screenshot();
			await page.locator(".map").focus();
			await page.keyboard.press("ArrowDown");
			const readout = page.locator("#heat-readout");
			await readout.getByText("ws3").waitFor();
			assert.match(await readout.innerText(), /loss 100 %/);
			await page.keyboard.press("Home");
			assert.match(await readout.innerText(), /loss 0 %/);
			await openTable(page, "heat");
			const cells = await page.locator(".heat tbody tr").first().locator("td").allInnerTexts();
			assert.equal(
				cells.map((c) => ({ "–": ".", "0 %": "0", "100 %": "x" })[c] ?? c[2]).join(""),
				data.cells[data.hosts.indexOf(3)],
			);
			await page.getByRole("button", { name: "latency" }).click();
			assert.ok(!loss.equals(await page.locator(".map canvas").screenshot()), "latency looks otherwise");
			await page.locator(".map").click({ position: { x: 400, y: 30 } });
			await page.waitForURL(/#\/host\/5$/);
			await page.getByRole("heading", { name: "camera5" }).waitFor();
		};
		return withMock({}, "/", run, { before: answer.before });
	});

	test("a host that does not exist, and history that cannot be read, say so", () =>
		withMock(
			{},
			"/#/host/4711",
			async (page) => {
				await page.getByText("There is no host number 4711").waitFor();
				await page.route("**/latency*", (r) =>
					r.fulfill({ status: 503, json: { error: "The store is busy." } }),
				);
				await page.goto(page.url().replace("4711", "1"));
				await page.getByText("The figures could not be read: The store is busy.").waitFor();
			},
			{ expect: refused },
		));
});

describe("people", () => {
	test("the keyboard reaches everything", () =>
		withMock({}, "/", async (page) => {
			await ready(page);
			await page.keyboard.press("Tab");
			assert.equal(await page.locator(":focus").innerText(), "Skip to the content");
			await page.keyboard.press("Enter");
			assert.equal(await page.locator(":focus").getAttribute("id"), "main");
			await page.keyboard.press("/");
			await page.locator("#filter:focus").waitFor();
			await page.keyboard.type("10.77.0.1");
			assert.equal(await page.locator(".row").count(), 4);
			await page.keyboard.press("Escape");
			await page.locator(".row").nth(11).waitFor();
			await page.locator(".hosts tbody a").first().focus();
			await page.keyboard.press("ArrowDown");
			await page.keyboard.press("ArrowDown");
			await page.waitForFunction(() => document.activeElement?.textContent === "10.77.0.1");
			assert.notEqual(
				await page.locator(":focus").evaluate((el) => getComputedStyle(el).outlineStyle),
				"none",
			);
			await page.keyboard.press("Enter");
			await page.waitForURL(/#\/host\/1$/);
			await page.keyboard.press("?");
			await page.getByRole("dialog").getByText("walk the table").waitFor();
			await page.keyboard.press("Escape");
			await page.getByRole("dialog").waitFor({ state: "hidden" });
			await page.keyboard.press("Escape");
			await page.waitForURL(/#\/$/);
		}));

	for (const colorScheme of /** @type {("light" | "dark")[]} */ (["light", "dark"])) {
		test(`${colorScheme}: every text has the contrast of WCAG AA`, () =>
			withMock(
				{},
				"/",
				async (page, mock) => {
					await ready(page);
					mock.self = "down";
					mock.turn(2, "unknown");
					mock.turn(4, "inactive");
					await page.locator(".banner").waitFor();
					assert.deepEqual(await faintTexts(page), []);
					await page.goto(page.url().replace(/#.*|$/, "#/host/3"));
					await page.locator(".plot canvas").waitFor();
					await openTable(page, "latency");
					assert.deepEqual(await faintTexts(page), []);
				},
				{ colorScheme },
			));
	}

	test("dark is dark, and the switch wins over the system and is kept", () =>
		withMock(
			{},
			"/",
			async (page) => {
				await ready(page);
				const surface = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
				assert.equal(await surface(), "rgb(13, 19, 23)");
				await page.getByRole("button", { name: "auto" }).click();
				assert.equal(await surface(), "rgb(244, 246, 248)");
				await page.reload();
				await ready(page);
				assert.equal(await surface(), "rgb(244, 246, 248)");
				await page.keyboard.press("t");
				assert.equal(await surface(), "rgb(13, 19, 23)");
			},
			{ colorScheme: "dark" },
		));

	for (const path of ["/", "/#/host/5"]) {
		test(`360 pixels are wide enough for ${path}`, () =>
			withMock(
				{},
				path,
				async (page) => {
					await ready(page);
					await page.locator("canvas").last().waitFor();
					await page.locator("details summary").click();
					await page.locator("details tbody").waitFor();
					const sizes = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
					assert.deepEqual(sizes, [360, 360]);
				},
				{ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
			));
	}

	test("who wants no motion gets none", () =>
		withMock(
			{},
			"/",
			async (page) => {
				await ready(page);
				assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
			},
			{ reducedMotion: "reduce" },
		));
});
