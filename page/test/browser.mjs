// One headless Chromium for a test file, and pages that fail the test when they complain.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

/** @import {Browser, BrowserContextOptions, Page} from "playwright-core" */

const flags = [
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];

export function launch() {
	return chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		args: flags,
	});
}

/**
 * Runs a test on a page of its own. Errors in the console fail it, except those that it expects.
 * @param {Browser} browser
 * @param {string} url
 * @param {(page: Page) => Promise<void>} test
 * @param {BrowserContextOptions & {expect?: RegExp, before?: (page: Page) => Promise<unknown>}} [options]
 */
export async function onPage(browser, url, test, { expect, before, ...options } = {}) {
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
	context.setDefaultTimeout(15_000);
	const page = await context.newPage();
	/** @type {string[]} */
	const complaints = [];
	page.on("pageerror", (e) => complaints.push(e.message));
	page.on("console", (m) => {
		if (["error", "warning"].includes(m.type()) && !expect?.test(m.text())) {
			complaints.push(m.text());
		}
	});
	try {
		await before?.(page);
		await page.goto(url);
		await test(page);
		assert.deepEqual(complaints, [], "the console stays silent");
	} finally {
		await context.close();
	}
}

/**
 * Reads until what it reads is right; fails with what was read last.
 * @template T
 * @param {() => Promise<T>} read
 * @param {(value: T) => boolean} right
 */
export async function shows(read, right) {
	const end = performance.now() + 15_000;
	for (let value = await read(); !right(value); value = await read()) {
		assert.ok(performance.now() < end, `still shown: ${JSON.stringify(value)}`);
		await new Promise((done) => setTimeout(done, 20));
	}
}

/**
 * Waits until a canvas shows more colours than that: it has one before anything is drawn.
 * @param {Page} page
 * @param {string} selector
 * @param {number} n
 */
export function drawn(page, selector, n) {
	return page.waitForFunction(
		([selector, n]) => {
			const canvas = /** @type {HTMLCanvasElement | null} */ (document.querySelector(String(selector)));
			if (!canvas?.width || !canvas.height) {
				return false;
			}
			const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
			const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
			return new Set(new Uint32Array(data.buffer)).size > Number(n);
		},
		[selector, n],
	);
}

/**
 * Opens the table behind a chart and waits for its first row: it is made after the click.
 * @param {Page} page
 * @param {string} card the class of the chart's card
 */
export async function openTable(page, card) {
	await page.locator(`.${card} summary`).click();
	await page.locator(`.${card} tbody tr`).first().waitFor();
}

/**
 * Texts whose contrast with what is behind them is below WCAG AA (4.5, or 3 for large text), as
 * the browser computed their colours.
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export function faintTexts(page) {
	return page.evaluate(() => {
		const ctx = /** @type {CanvasRenderingContext2D} */ (
			Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", {
				willReadFrequently: true,
			})
		);
		/** @param {string[]} layers painted one on another */
		const flatten = (layers) => {
			for (const layer of layers) {
				ctx.fillStyle = layer;
				ctx.fillRect(0, 0, 1, 1);
			}
			return [...ctx.getImageData(0, 0, 1, 1).data].slice(0, 3);
		};
		/** @param {number[]} rgb */
		const luminance = (rgb) => {
			const [r, g, b] = rgb.map((v) => {
				const c = v / 255;
				return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
			});
			return 0.2126 * r + 0.7152 * g + 0.0722 * b;
		};
		const faint = [];
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let node = walker.nextNode(); node; node = walker.nextNode()) {
			const el = node.parentElement;
			const text = node.textContent?.trim();
			if (!el || !text || !el.checkVisibility() || el.closest(".hidden")) {
				continue;
			}
			const layers = [];
			for (let e = /** @type {Element | null} */ (el); e; e = e.parentElement) {
				layers.unshift(getComputedStyle(e).backgroundColor);
			}
			const style = getComputedStyle(el);
			const behind = luminance(flatten(layers));
			const front = luminance(flatten([style.color]));
			const ratio = (Math.max(front, behind) + 0.05) / (Math.min(front, behind) + 0.05);
			const large = parseFloat(style.fontSize) >= 24;
			if (ratio < (large ? 3 : 4.5)) {
				faint.push(`${text}: ${ratio.toFixed(2)}`);
			}
		}
		return faint;
	});
}
