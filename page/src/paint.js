// Painting rows of the heat map: one character a cell, as docs/api.md describes them.
import { color, onTheme } from "./theme.js";

/** @typedef {"loss" | "latency"} Measure */

/** @type {Map<string, string>} colour of each character, by measure */
let palette = new Map();
onTheme(() => (palette = new Map()));

/**
 * @param {string} low
 * @param {string} high
 * @param {number} share of high, 0 to 1
 */
function mix(low, high, share) {
	return color(`color-mix(in oklab, var(--${high}) ${share * 100}%, var(--${low}))`);
}

function fillPalette() {
	for (let i = 0; i < 10; i++) {
		palette.set(`loss${i}`, i ? mix("loss-some", "loss-most", (i - 1) / 8) : color("var(--loss-none)"));
	}
	palette.set("lossx", color("var(--loss-all)"));
	palette.set("mark", color("var(--loss-mark)"));
	for (let i = 0; i < 26; i++) {
		const share = i / 12.5;
		const fill =
			share < 1 ? mix("lat-low", "lat-mid", share) : mix("lat-mid", "lat-high", share - 1);
		palette.set(`latency${String.fromCharCode(97 + i)}`, fill);
	}
}

/**
 * Paints one host's cells from (x, y) on, each at whole pixels.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} cells
 * @param {Measure} measure
 * @param {{x: number, y: number, width: number, height: number, gap: number}} box
 */
export function paintCells(ctx, cells, measure, { x, y, width, height, gap }) {
	if (palette.size === 0) {
		fillPalette();
	}
	const step = width / cells.length;
	for (let i = 0; i < cells.length; i++) {
		const fill = palette.get(measure + cells[i]);
		if (!fill) {
			continue;
		}
		const left = Math.round(x + i * step);
		const w = Math.max(1, Math.round(x + (i + 1) * step) - left - gap);
		ctx.fillStyle = fill;
		ctx.fillRect(left, y, w, height - gap);
		if (cells[i] === "x" && measure === "loss" && height >= 10 && w >= 4) {
			ctx.fillStyle = /** @type {string} */ (palette.get("mark"));
			ctx.fillRect(left + 1, y + Math.floor((height - gap) / 2), w - 2, 1.5);
		}
	}
}

/**
 * Fits a canvas to its element's size and the screen's pixels, and clears it.
 * @param {HTMLCanvasElement} canvas
 */
export function freshContext(canvas) {
	const ratio = devicePixelRatio || 1;
	const { clientWidth: width, clientHeight: height } = canvas;
	canvas.width = Math.round(width * ratio);
	canvas.height = Math.round(height * ratio);
	const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
	ctx.scale(ratio, ratio);
	ctx.clearRect(0, 0, width, height);
	return ctx;
}
