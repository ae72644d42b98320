// The heat map: hosts × time on a canvas of the size of what is in view, however many hosts there
// are, with the same order and filter as the table.
import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { axisTime, clock, hostLabel, latencyText, lossText } from "./format.js";
import { canvasColours, freshContext, gradient, paintCells } from "./paint.js";
import { hostHash } from "./route.js";
import { spans, store } from "./store.js";
import { onTheme } from "./theme.js";
import { Card, Choice } from "./widgets.js";

/** @import {Entry, Heat as HeatData, HeatRow} from "./types" */
/** @typedef {import("./paint.js").Measure} Measure */
/** @typedef {{row: number, col: number}} Cell */

const viewMax = 420; // pixels of the map in view
const tablePage = 25; // hosts

const narrow = () => innerWidth <= 640;

/** Renders the caller anew when the colours change. */
function useTheme() {
	const [count, bump] = useReducer((n) => n + 1, 0);
	useEffect(() => onTheme(() => bump(undefined)), []);
	return count;
}

/**
 * One host's history as a bar of cells.
 * @param {{row: HeatRow | undefined}} props
 */
export function Strip({ row }) {
	return html`<div class="strip" style=${{ backgroundImage: gradient(row?.loss ?? "", "loss") }}></div>`;
}

/**
 * Marks of the time axis at round local times.
 * @param {number} from
 * @param {number} to
 * @param {number} most
 */
function axisMarks(from, to, most) {
	const steps = [1, 2, 5, 15, 60, 180, 360, 720, 1440, 2880].map((m) => m * 60e3);
	const step = steps.find((s) => (to - from) / s <= most) ?? steps[steps.length - 1];
	const zone = new Date(from).getTimezoneOffset() * 60e3;
	const marks = [];
	// Too near to the end there is no room for a label.
	const end = to - (to - from) / (narrow() ? 5 : 16);
	for (let t = Math.ceil((from - zone) / step) * step + zone; t < end; t += step) {
		marks.push(t);
	}
	return marks;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{rows: Entry[], measure: Measure, top: number, pitch: number, labels: number,
 *          cell: Cell | null, buckets: number}} arg
 */
function paint(canvas, { rows, measure, top, pitch, labels, cell, buckets }) {
	const ctx = freshContext(canvas);
	const width = canvas.clientWidth - labels;
	const first = Math.floor(top / pitch);
	const last = Math.min(rows.length, Math.ceil((top + canvas.clientHeight) / pitch));
	const { text, muted } = canvasColours();
	ctx.font = `12px ${getComputedStyle(canvas).fontFamily}`;
	ctx.textBaseline = "middle";
	for (let i = first; i < last; i++) {
		const y = i * pitch - top;
		const row = store.heatRows.get(rows[i].id);
		if (labels) {
			ctx.fillStyle = muted;
			ctx.fillText(hostLabel(rows[i]), 0, y + pitch / 2, labels - 10);
		}
		const gap = pitch >= 6 ? 1 : 0;
		paintCells(ctx, row?.[measure] ?? "", measure, { x: labels, y, width, height: pitch, gap });
	}
	if (cell) {
		const step = width / buckets;
		ctx.strokeStyle = text;
		ctx.lineWidth = 1.5;
		ctx.strokeRect(labels + cell.col * step - 0.5, cell.row * pitch - top - 0.5, step, pitch);
	}
}

/** @param {{rows: Entry[]}} props */
export function Heat({ rows }) {
	const [measure, setMeasure] = useState(/** @type {Measure} */ ("loss"));
	const controls = html`
		<${Choice}
			label="Measure"
			options=${["loss", "latency"]}
			value=${measure}
			onChange=${setMeasure}
		/>
		<${Choice}
			label="Span of the heat map"
			options=${Object.keys(spans)}
			value=${store.heatSpan}
			onChange=${(/** @type {string} */ s) => store.setHeatSpan(s)}
		/>
	`;
	const { heat } = store;
	return html`<${Card} title="History" name="heat" controls=${controls}>
		${heat && rows.length
			? html`<${HeatMap} rows=${rows} measure=${measure} heat=${heat} />
					<${HeatTable} rows=${rows} measure=${measure} heat=${heat} />`
			: html`<p class="empty">There is no history to show.</p>`}
	<//>`;
}

/** @param {{rows: Entry[], measure: Measure, heat: HeatData}} props */
function HeatMap({ rows, measure, heat }) {
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
	const [cell, show] = useState(/** @type {Cell | null} */ (null));
	const pointed = useRef(cell); // keys come faster than renderings
	const [size, resized] = useReducer((n) => n + 1, 0);
	const theme = useTheme();
	const buckets = heat.cells[0]?.length ?? 48;
	const pitch = Math.min(20, Math.max(3, Math.floor(viewMax / Math.max(1, rows.length))));
	const height = rows.length * pitch;
	const labels = pitch >= 13 ? (narrow() ? 90 : 150) : 0;

	const draw = () => {
		const top = box.current?.scrollTop ?? 0;
		if (canvas.current) {
			paint(canvas.current, { rows, measure, top, pitch, labels, cell, buckets });
		}
	};
	useLayoutEffect(draw, [rows, measure, heat, pitch, cell, size, theme]);
	useEffect(() => {
		const sizes = new ResizeObserver(() => resized(undefined));
		sizes.observe(/** @type {HTMLElement} */ (box.current));
		return () => sizes.disconnect();
	}, []);

	/** @param {MouseEvent} e @returns {Cell | null} */
	const cellAt = (e) => {
		const el = /** @type {HTMLElement} */ (canvas.current);
		const frame = el.getBoundingClientRect();
		const share = (e.clientX - frame.left - labels) / (frame.width - labels);
		const row = Math.floor((e.clientY - frame.top + (box.current?.scrollTop ?? 0)) / pitch);
		const col = Math.min(buckets - 1, Math.max(0, Math.floor(share * buckets)));
		return row >= 0 && row < rows.length ? { row, col } : null;
	};
	/** @param {Cell | null} at */
	const setCell = (at) => {
		pointed.current = at;
		show(at);
	};
	/** @param {number} row */
	const open = (row) => (location.hash = hostHash(rows[row].id));
	/** @param {KeyboardEvent} e */
	const onKeyDown = (e) => {
		const moves = /** @type {Record<string, [number, number]>} */ ({
			ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
			PageUp: [-20, 0], PageDown: [20, 0], Home: [0, -buckets], End: [0, buckets],
		});
		const { current } = pointed;
		if (e.key === "Enter" && current) {
			open(current.row);
		}
		if (!(e.key in moves) || rows.length === 0 || !box.current) {
			return;
		}
		e.preventDefault();
		const from = current ?? { row: 0, col: buckets - 1 };
		const [down, right] = current ? moves[e.key] : [0, 0];
		const row = Math.min(rows.length - 1, Math.max(0, from.row + down));
		const col = Math.min(buckets - 1, Math.max(0, from.col + right));
		const room = box.current.clientHeight - pitch;
		box.current.scrollTop = Math.max(row * pitch - room, Math.min(row * pitch, box.current.scrollTop));
		setCell({ row, col });
	};
	const here = cell && rows[cell.row] ? cell : null;
	return html`<div
			class="map"
			ref=${box}
			tabindex="0"
			role="application"
			aria-roledescription="heat map"
			aria-label="${measure} of ${rows.length} hosts over ${store.heatSpan}; arrow keys read cells, Enter opens the host"
			aria-describedby="heat-readout"
			onScroll=${draw}
			onKeyDown=${onKeyDown}
			onMouseMove=${(/** @type {MouseEvent} */ e) => setCell(cellAt(e))}
			onMouseLeave=${() => setCell(null)}
			onClick=${(/** @type {MouseEvent} */ e) => {
				const at = cellAt(e);
				if (at) {
					open(at.row);
				}
			}}
		>
			<div style=${{ height: `${height}px` }}>
				<canvas ref=${canvas} style=${{ height: `${Math.min(height, viewMax)}px` }}></canvas>
			</div>
		</div>
		<${Axis} heat=${heat} labels=${labels} />
		<div class="foot">
			<p id="heat-readout" class="readout" aria-live="polite">
				${here
					? html`<${Readout} host=${rows[here.row]} col=${here.col} heat=${heat} />`
					: html`<span class="muted">Point at a cell, or walk with the arrow keys.</span>`}
			</p>
			<${Legend} measure=${measure} />
		</div>`;
}

/** @param {{heat: HeatData, labels: number}} props */
function Axis({ heat, labels }) {
	const width = heat.step_ms * (heat.cells[0]?.length ?? 48);
	const most = narrow() ? 4 : 9;
	return html`<div class="axis" style=${{ marginLeft: `${labels + 16}px` }} aria-hidden="true">
		${axisMarks(heat.from, heat.from + width, most).map(
			(t) => html`<span key=${t} style=${{ left: `${((t - heat.from) / width) * 100}%` }}>
				${axisTime(t)}
			</span>`,
		)}
	</div>`;
}

/** @param {{host: Entry, col: number, heat: HeatData}} props */
function Readout({ host, col, heat }) {
	const row = store.heatRows.get(host.id);
	const from = heat.from + col * heat.step_ms;
	return html`<b><bdi>${hostLabel(host)}</bdi></b> ${host.address}
		<span class="muted"> ${clock(from)}–${clock(from + heat.step_ms)} </span>
		loss <b>${lossText(row?.loss[col] ?? ".")}</b>, median about${" "}
		<b>${latencyText(row?.latency[col] ?? ".")}</b>`;
}

/** @param {{measure: Measure}} props */
function Legend({ measure }) {
	const cells = measure === "loss" ? "0123456789x" : "abcdefghijklmnopqrstuvwxyz";
	const [low, high] = measure === "loss" ? ["no loss", "silent"] : ["0.1 ms", "1 s"];
	return html`<div class="legend">
		${low}<i class="scale" style=${{ backgroundImage: gradient(cells, measure) }}></i>${high}
		<span class="blank">empty: no data</span>
	</div>`;
}

/**
 * The same as a table, made when it is opened, a page of hosts at a time.
 * @param {{rows: Entry[], measure: Measure, heat: HeatData}} props
 */
function HeatTable({ rows, measure, heat }) {
	const [open, setOpen] = useState(false);
	const [page, setPage] = useState(0);
	const pages = Math.max(1, Math.ceil(rows.length / tablePage));
	const at = Math.min(page, pages - 1);
	const cellText = measure === "loss" ? lossText : latencyText;
	const times = [...(heat.cells[0] ?? "")].map((_, i) => heat.from + i * heat.step_ms);
	const table = () => html`<div class="scroll">
			<table class="figures">
				<thead>
					<tr>
						<th scope="col">Host</th>
						${times.map((t) => html`<th scope="col" key=${t}>${clock(t)}</th>`)}
					</tr>
				</thead>
				<tbody>
					${rows.slice(at * tablePage, (at + 1) * tablePage).map(
						(h) => html`<tr key=${h.id}>
							<th scope="row"><bdi>${hostLabel(h)}</bdi></th>
							${[...(store.heatRows.get(h.id)?.[measure] ?? "")].map(
								(c, i) => html`<td key=${i}>${cellText(c)}</td>`,
							)}
						</tr>`,
					)}
				</tbody>
			</table>
		</div>
		${pages > 1 &&
		html`<p class="pager">
			<button type="button" disabled=${at === 0} onClick=${() => setPage(at - 1)}>Previous</button>
			Hosts ${at * tablePage + 1}–${Math.min(rows.length, (at + 1) * tablePage)} of ${rows.length}
			<button type="button" disabled=${at === pages - 1} onClick=${() => setPage(at + 1)}>
				Next
			</button>
		</p>`}`;
	return html`<details
		onToggle=${(/** @type {Event} */ e) =>
			setOpen(/** @type {HTMLDetailsElement} */ (e.target).open)}
	>
		<summary>Show as a table</summary>
		${open && table()}
	</details>`;
}
