// The latency plot of one host, in SmokePing's idiom: the median as a line, the spread of the
// answers as smoke around it, what was lost as colour behind it.
import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { get } from "./api.js";
import { absent, axisTime, clock, millis, percent, stamp } from "./format.js";
import { spans, store } from "./store.js";
import { colors, onTheme } from "./theme.js";
import { Card, Choice } from "./widgets.js";

/** @import {Entry, Latency} from "./types" */
/** @typedef {{from: number, to: number}} Range */

const refreshMs = 10e3;
const zoomMinMs = 60e3;

/** The series above the time, outermost smoke first; bands join their mirror images. */
const lines = /** @type {const} */ (["max", "p90", "p75", "median", "p25", "p10", "min"]);

/**
 * Marks each bucket that lost something: a tint behind the plot, as strong as the loss, and below
 * a bar as high as the loss, so that it is read without colour too.
 * @param {uPlot} u
 * @param {Latency} data
 * @param {string} tone
 */
function paintLoss(u, data, tone) {
	const { ctx, bbox } = u;
	const ratio = devicePixelRatio || 1;
	const lane = 22 * ratio;
	ctx.save();
	ctx.fillStyle = tone;
	data.loss.forEach((loss, i) => {
		if (!loss) {
			return;
		}
		const end = bbox.left + bbox.width;
		const left = Math.round(Math.max(bbox.left, u.valToPos(data.t[i], "x", true)));
		const right = Math.round(Math.min(end, u.valToPos(data.t[i] + data.step_ms, "x", true)));
		const width = Math.max(ratio, right - left);
		ctx.globalAlpha = 0.03 + 0.25 * loss;
		ctx.fillRect(left, bbox.top, width, bbox.height);
		const bar = Math.max(3 * ratio, lane * loss);
		ctx.globalAlpha = 1;
		ctx.fillRect(left, bbox.top + bbox.height - bar, width, bar);
	});
	ctx.restore();
}

/**
 * Dots for medians without neighbours, which a line does not show.
 * @param {uPlot} u
 * @param {Latency} data
 * @param {string} tone
 */
function paintSingles(u, data, tone) {
	const ratio = devicePixelRatio || 1;
	u.ctx.save();
	u.ctx.fillStyle = tone;
	data.median.forEach((v, i) => {
		if (v !== null && data.median[i - 1] == null && data.median[i + 1] == null) {
			const [x, y] = [u.valToPos(data.t[i], "x", true), u.valToPos(v, "y", true)];
			u.ctx.fillRect(x - 1.5 * ratio, y - 1.5 * ratio, 3 * ratio, 3 * ratio);
		}
	});
	u.ctx.restore();
}

/**
 * @param {HTMLElement} box
 * @param {{current: Latency}} data read at each drawing, so that new figures need no new plot
 * @param {{log: boolean, onCursor: (i: number | null) => void, onZoom: (range: Range) => void}} arg
 */
function makePlot(box, data, { log, onCursor, onZoom }) {
	const smoke = [13, 20, 32].map((s) => `color-mix(in srgb, var(--accent) ${s}%, transparent)`);
	const [text, grid, accent, lost, ...fills] = colors([
		"var(--muted)", "var(--line)", "var(--accent)", "var(--loss-all)", ...smoke,
	]);
	const font = `12px ${getComputedStyle(box).fontFamily}`;
	const axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
	return new uPlot(
		{
			width: box.clientWidth,
			height: box.clientHeight,
			ms: 1,
			legend: { show: false },
			padding: [12, 12, 0, 0],
			cursor: { y: false, drag: { x: true, y: false, setScale: false } },
			scales: {
				x: { time: true, range: () => [data.current.from, data.current.to] },
				y: log ? { distr: 3 } : { range: (_u, _min, max) => [0, (max || 1) * 1.1] },
			},
			axes: [
				{ ...axis, size: 34, values: (_u, splits) => splits.map(axisTime) },
				{
					...axis,
					size: 64,
					values: (_u, splits) => splits.map((v) => (v === null ? "" : `${+v.toFixed(4)} ms`)),
				},
			],
			series: [
				{},
				...lines.map((name) => ({
					label: name,
					stroke: name === "median" ? accent : undefined,
					width: name === "median" ? 1.75 : 0,
					points: { show: false },
				})),
			],
			bands: fills.map((fill, i) => ({ series: [i + 1, lines.length - i], fill })),
			hooks: {
				drawClear: [(u) => paintLoss(u, data.current, lost)],
				draw: [(u) => paintSingles(u, data.current, accent)],
				setCursor: [(u) => onCursor(u.cursor.idx ?? null)],
				setSelect: [
					(u) => {
						if (u.select.width > 4) {
							const [a, b] = [u.select.left, u.select.left + u.select.width];
							onZoom({ from: u.posToVal(a, "x"), to: u.posToVal(b, "x") });
							u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
						}
					},
				],
			},
		},
		columns(data.current),
		box,
	);
}

/** @param {Latency} data @returns {uPlot.AlignedData} */
function columns(data) {
	return [data.t, ...lines.map((name) => data[name])];
}

/**
 * The host's figures over a range or the span up to now, kept fresh.
 * @param {number} id
 * @param {string} span
 * @param {Range | null} zoom
 */
function useLatency(id, span, zoom) {
	const [data, setData] = useState(/** @type {Latency | null} */ (null));
	const [error, setError] = useState("");
	const loadedAt = useRef(0);
	/** @param {AbortSignal} [signal] */
	const load = async (signal) => {
		loadedAt.current = Date.now();
		const to = zoom ? zoom.to : store.now();
		const from = zoom ? zoom.from : to - spans[span];
		try {
			const points = Math.min(600, innerWidth);
			const range = { from: Math.round(from), to: Math.round(to), points };
			setData(await get(`hosts/${id}/latency`, range, signal));
			setError("");
		} catch (e) {
			if (!signal?.aborted) {
				setError(/** @type {Error} */ (e).message);
			}
		}
	};
	useEffect(() => {
		const control = new AbortController();
		void load(control.signal);
		return () => control.abort();
	}, [id, span, zoom]);
	useEffect(() => {
		const pace = Math.max(refreshMs, data?.step_ms ?? 0);
		if (!zoom && store.live === "live" && Date.now() - loadedAt.current >= Math.min(pace, 60e3)) {
			void load();
		}
	}, [store.asOf]);
	return { data, error };
}

/** @param {{host: Entry}} props */
export function LatencyCard({ host }) {
	const [span, setSpan] = useState(() => {
		const age = store.now() - (host.first_seen ?? 0);
		return Object.keys(spans).find((s) => spans[s] >= Math.min(age, spans["1 h"])) ?? "1 h";
	});
	const [zoom, show] = useState(/** @type {Range | null} */ (null));
	const wanted = useRef(zoom); // keys come faster than answers
	/** @param {Range | null} range */
	const setZoom = (range) => {
		wanted.current = range;
		show(range);
	};
	const [log, setLog] = useState(false);
	const { data, error } = useLatency(host.id, span, zoom);
	/** @param {number} factor of the width, below 1 to see more closely @param {number} shift */
	const move = (factor, shift) => {
		const range = wanted.current ?? data;
		if (range) {
			const half = Math.max(zoomMinMs, (range.to - range.from) * factor) / 2;
			const end = store.now();
			const middle = Math.min(end - half, (range.from + range.to) / 2 + 2 * half * shift);
			setZoom({ from: middle - half, to: middle + half });
		}
	};
	const buttons = /** @type {[string, string, number, number][]} */ ([
		["Earlier", "←", 1, -0.5], ["Later", "→", 1, 0.5], ["Zoom in", "+", 0.5, 0], ["Zoom out", "−", 2, 0],
	]);
	const controls = html`
		<label class="check">
			<input type="checkbox" checked=${log} onChange=${() => setLog(!log)} /> log scale
		</label>
		<div class="choice" role="group" aria-label="Move and zoom">
			${buttons.map(
				([name, sign, factor, shift]) => html`<button
					key=${name}
					type="button"
					aria-label=${name}
					title=${name}
					onClick=${() => move(factor, shift)}
				>
					${sign}
				</button>`,
			)}
		</div>
		<${Choice}
			label="Span"
			options=${Object.keys(spans)}
			value=${zoom ? null : span}
			onChange=${(/** @type {string} */ s) => (setSpan(s), setZoom(null))}
		/>
	`;
	const note = zoom ? `${stamp(zoom.from)} – ${clock(zoom.to)}` : "";
	return html`<${Card} title="Latency" name="latency" note=${note} controls=${controls}>
		${error && html`<p class="empty" role="alert">The figures could not be read: ${error}</p>`}
		${data && html`<${Plot} data=${data} log=${log} onZoom=${setZoom} move=${move} />`}
		${data && html`<${LatencyTable} data=${data} />`}
	<//>`;
}

/**
 * @param {{data: Latency, log: boolean, onZoom: (range: Range | null) => void,
 *          move: (factor: number, shift: number) => void}} props
 */
function Plot({ data, log, onZoom, move }) {
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	const plot = useRef(/** @type {uPlot | null} */ (null));
	const current = useRef(data);
	const [at, setAt] = useState(/** @type {number | null} */ (null));
	current.current = data;

	useLayoutEffect(() => {
		const el = /** @type {HTMLElement} */ (box.current);
		const make = () => {
			plot.current?.destroy();
			plot.current = makePlot(el, current, { log, onCursor: setAt, onZoom });
		};
		make();
		const forget = onTheme(make);
		const sizes = new ResizeObserver(() =>
			plot.current?.setSize({ width: el.clientWidth, height: el.clientHeight }),
		);
		sizes.observe(el);
		return () => {
			forget();
			sizes.disconnect();
			plot.current?.destroy();
			plot.current = null;
		};
	}, [log]);
	useLayoutEffect(() => plot.current?.setData(columns(data)), [data]);

	/** @param {KeyboardEvent} e */
	const onKeyDown = (e) => {
		const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
		const zoom = /** @type {Record<string, [number, number]>} */ ({
			"+": [0.5, 0], "-": [2, 0], PageUp: [1, -0.5], PageDown: [1, 0.5],
		})[e.key];
		if (step && plot.current) {
			const next = Math.min(data.t.length - 1, Math.max(0, (plot.current.cursor.idx ?? data.t.length) + step));
			plot.current.setCursor({ left: plot.current.valToPos(data.t[next], "x"), top: 0 });
		} else if (zoom) {
			move(...zoom);
		} else if (e.key === "0") {
			onZoom(null);
		} else {
			return;
		}
		e.preventDefault();
	};
	return html`<div
			class="plot"
			ref=${box}
			tabindex="0"
			role="application"
			aria-roledescription="plot"
			aria-label="Latency; arrow keys read values, plus and minus zoom, page keys move, 0 resets"
			aria-describedby="plot-readout"
			onKeyDown=${onKeyDown}
			onDblClick=${() => onZoom(null)}
		></div>
		<div class="foot">
			<p id="plot-readout" class="readout" aria-live="polite">
				<${Readout} data=${data} at=${at} />
			</p>
			<div class="legend smoke">
				<i class="key median"></i>median <i class="key p50"></i>middle half
				<i class="key p80"></i>80 % <i class="key all"></i>all <i class="key lost"></i>lost
			</div>
		</div>`;
}

/** @param {{data: Latency, at: number | null}} props */
function Readout({ data, at }) {
	if (at === null || data.t[at] === undefined) {
		return html`<${Totals} data=${data} />`;
	}
	const when = html`<span class="muted">${stamp(data.t[at])}</span>`;
	if (!data.sent[at]) {
		return html`${when} nothing was sent`;
	}
	return html`${when} median <b>${millis(data.median[at])} ms</b>, 80 % within${" "}
		${millis(data.p10[at])}–${millis(data.p90[at])}, all within${" "}
		${millis(data.min[at])}–${millis(data.max[at])}, lost <b>${percent(data.loss[at])}</b> of${" "}
		${data.sent[at]}`;
}

/** What the whole range comes to. @param {{data: Latency}} props */
function Totals({ data }) {
	let [sent, lost] = [0, 0];
	data.sent.forEach((n, i) => {
		sent += n ?? 0;
		lost += (n ?? 0) * (data.loss[i] ?? 0);
	});
	const medians = data.median.filter((v) => v !== null).sort((a, b) => a - b);
	const worst = Math.max(...data.max.map((v) => v ?? 0));
	if (!sent) {
		return html`<span class="muted">Nothing was sent in this span.</span>`;
	}
	const typical = medians.length ? millis(medians[medians.length >> 1]) : absent;
	return html`typically <b>${typical} ms</b>, at most ${medians.length ? millis(worst) : absent} ms,
		lost <b>${percent(lost / sent)}</b> of ${sent.toLocaleString("en")} probes`;
}

/**
 * The plot's figures, newest first, made when it is opened.
 * @param {{data: Latency}} props
 */
function LatencyTable({ data }) {
	const [open, setOpen] = useState(false);
	const times = lines.toReversed();
	const table = () => html`<div class="scroll">
		<table class="figures">
			<thead>
				<tr>
					<th scope="col">Time</th>
					<th scope="col">sent</th>
					<th scope="col">lost</th>
					${times.map((n) => html`<th scope="col" key=${n}>${n} ms</th>`)}
				</tr>
			</thead>
			<tbody>
				${data.t.map((_, i) => i).reverse().map(
					(i) => html`<tr key=${data.t[i]}>
						<th scope="row">${stamp(data.t[i])}</th>
						<td>${data.sent[i] ?? absent}</td>
						<td>${percent(data.loss[i])}</td>
						${times.map((n) => html`<td key=${n}>${data[n][i]?.toFixed(3) ?? absent}</td>`)}
					</tr>`,
				)}
			</tbody>
		</table>
	</div>`;
	return html`<details
		onToggle=${(/** @type {Event} */ e) =>
			setOpen(/** @type {HTMLDetailsElement} */ (e.target).open)}
	>
		<summary>Show as a table</summary>
		${open && table()}
	</details>`;
}
