// The colours of the heat map, one for each character of docs/api.md, and the painting of its rows.
import { colors, onTheme } from "./theme.js";

/** @typedef {"loss" | "latency"} Measure */

/**
 * @param {string} low
 * @param {string} high
 * @param {number} share of high, 0 to 1
 */
function mix(low, high, share) {
	return `color-mix(in oklab, var(--${high}) ${Math.round(share * 100)}%, var(--${low}))`;
}

/** Each character's colour as the style sheet says it. */
const losses = /** @type {Record<string, string>} */ ({
	0: "var(--loss-none)",
	x: "var(--loss-all)",
});
for (let i = 1; i < 10; i++) {
	losses[i] = mix("loss-some", "loss-most", (i - 1) / 8);
}
const latencies = /** @type {Record<string, string>} */ ({});
for (let i = 0; i < 26; i++) {
	latencies[String.fromCharCode(97 + i)] =
		i < 13 ? mix("lat-low", "lat-mid", i / 12.5) : mix("lat-mid", "lat-high", i / 12.5 - 1);
}

/**
 * @typedef {object} Palette
 * @property {Record<Measure, Record<string, string>>} cells each character's colour
 * @property {string} mark on cells in which nothing answered
 * @property {string} text
 * @property {string} muted
 */

/** @type {Palette | null} */
let palette = null;
onTheme(() => (palette = null));

/** The colours as the canvas takes them. */
export function canvasColours() {
	if (!palette) {
		const names = ["var(--loss-mark)", "var(--text)", "var(--muted)"];
		const [some, place] = [Object.keys(losses), Object.keys(latencies)];
		const all = colors([...names, ...Object.values(losses), ...Object.values(latencies)]);
		const [mark, text, muted] = all.splice(0, names.length);
		const loss = Object.fromEntries(some.map((c, i) => [c, all[i]]));
		const latency = Object.fromEntries(place.map((c, i) => [c, all[some.length + i]]));
		palette = { cells: { loss, latency }, mark, text, muted };
	}
	return palette;
}

/**
 * Cells as the background of an element: cheaper than a canvas for each of many small bars.
 * @param {string} cells
 * @param {Measure} measure
 */
export function gradient(cells, measure) {
	const colour = measure === "loss" ? losses : latencies;
	const at = (/** @type {number} */ i) => `${((i * 100) / cells.length).toFixed(2)}%`;
	const stops = [];
	for (let from = 0, to; from < cells.length; from = to) {
		for (to = from + 1; cells[to] === cells[from]; to++);
		stops.push(`${colour[cells[from]] ?? "transparent"} ${at(from)} ${at(to)}`);
	}
	return `linear-gradient(90deg, ${stops.join(", ") || "transparent, transparent"})`;
}

/**
 * Paints one host's cells from (x, y) on, each at whole pixels.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} cells
 * @param {Measure} measure
 * @param {{x: number, y: number, width: number, height: number, gap: number}} box
 */
export function paintCells(ctx, cells, measure, { x, y, width, height, gap }) {
	const colours = canvasColours();
	const step = width / cells.length;
	for (let i = 0; i < cells.length; i++) {
		const fill = colours.cells[measure][cells[i]];
		if (!fill) {
			continue;
		}
		const left = Math.round(x + i * step);
		const w = Math.max(1, Math.round(x + (i + 1) * step) - left - gap);
		ctx.fillStyle = fill;
		ctx.fillRect(left, y, w, height - gap);
		if (cells[i] === "x" && measure === "loss" && height >= 10 && w >= 4) {
			ctx.fillStyle = colours.mark;
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
	return ctx;
}
