// The table of hosts: worst first, filtered, sorted, and only those rows made that are in view.
import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { millis, percent } from "./format.js";
import { Strip } from "./heat.js";
import { hostHash } from "./route.js";
import { StateMark, states } from "./state.js";
import { store } from "./store.js";
import { Ago, Card } from "./widgets.js";

/** @import {Entry, State} from "./types" */
/** @typedef {{by: string, down: boolean}} Order */
/** @typedef {{text: string, state: State | null, order: Order}} View */

/** @type {Order} */
export const worstFirst = { by: "state", down: false };

/** Columns by their key: heading and what to sort by. Absent values come last. */
const columns =
	/** @type {Record<string, {title: string, of?: (h: Entry) => string | number | null}>} */ ({
		state: { title: "State", of: (h) => states.indexOf(h.state) },
		address: { title: "Address", of: () => "" },
		name: { title: "Name", of: (h) => h.names?.[0] ?? null },
		mac: { title: "MAC", of: (h) => h.mac },
		vendor: { title: "Vendor", of: (h) => h.vendor },
		change: { title: "Changed", of: (h) => -(h.last_change ?? 0) },
		rtt: { title: "RTT ms", of: (h) => h.rtt_ms },
		loss: { title: "Loss", of: (h) => h.loss },
		strip: { title: "" },
	});

/** How long a row is tinted after its state has changed. */
const freshMs = 20e3;

/** Numbers are first wanted from the worst. */
const downFirst = new Set(["rtt", "loss"]);

/** @param {Entry} h @param {string} text lower case */
function matches(h, text) {
	return [h.address, ...h.other_addresses, h.mac, h.vendor, h.network, ...(h.names ?? [])].some(
		(s) => s?.toLowerCase().includes(text),
	);
}

/**
 * @param {string | number | null} a
 * @param {string | number | null} b
 * @param {number} sign
 */
function compare(a, b, sign) {
	if (a === null || b === null) {
		return Number(a === null) - Number(b === null);
	}
	return a === b ? 0 : a < b ? -sign : sign;
}

/**
 * The hosts that a view shows, in its order; equals are ordered by address.
 * @param {Iterable<Entry>} hosts
 * @param {View} view
 */
export function select(hosts, { text, state, order }) {
	const wanted = text.trim().toLowerCase();
	const rows = [...hosts].filter(
		(h) => (!state || h.state === state) && (!wanted || matches(h, wanted)),
	);
	const of = columns[order.by].of ?? (() => "");
	const sign = order.down ? -1 : 1;
	const addressSign = order.by === "address" ? sign : 1;
	return rows.sort(
		(a, b) => compare(of(a), of(b), sign) || compare(a.sort_key, b.sort_key, addressSign),
	);
}

/** @param {{column: string, order: Order, onOrder: (order: Order) => void}} props */
function Heading({ column, order, onOrder }) {
	const { title, of } = columns[column];
	if (!of) {
		return html`<th class="c-${column}" scope="col">
			<span class="plain">${store.heatSpan}<span class="hidden"> of loss</span></span>
		</th>`;
	}
	const chosen = order.by === column;
	const down = chosen ? !order.down : downFirst.has(column);
	return html`<th
		class="c-${column}"
		scope="col"
		aria-sort=${chosen ? (order.down ? "descending" : "ascending") : "none"}
	>
		<button type="button" onClick=${() => onOrder({ by: column, down })}>
			${title}<span class="arrow" aria-hidden="true">${chosen ? (order.down ? "↓" : "↑") : ""}</span>
		</button>
	</th>`;
}

/** @param {{host: Entry, index: number, current: boolean}} props */
function Row({ host, index, current }) {
	const name = host.names?.[0];
	const fresh = store.now() - (host.last_change ?? 0) < freshMs ? "fresh" : "";
	return html`<tr
		class="row is-${host.state} ${fresh}"
		aria-rowindex=${index + 2}
		data-id=${host.id}
		onClick=${() => (location.hash = hostHash(host.id))}
	>
		<td class="c-state">
			<${StateMark} state=${host.state} />
			<span class="sub"><${Ago} time=${host.last_change} /></span>
		</td>
		<th class="c-address" scope="row" title=${host.address}>
			<a href=${hostHash(host.id)} tabindex=${current ? 0 : -1}>${host.address}</a>
			<span class="sub"><bdi>${name ?? host.vendor ?? host.mac}</bdi></span>
		</th>
		<td class="c-name"><bdi>${name}</bdi></td>
		<td class="c-mac">${host.mac}</td>
		<td class="c-vendor"><bdi>${host.vendor}</bdi></td>
		<td class="c-change"><${Ago} time=${host.last_change} /></td>
		<td class="c-rtt">
			${millis(host.rtt_ms)}
			<span class="sub">${percent(host.loss)}<span class="hidden"> lost</span></span>
		</td>
		<td class="c-loss ${host.loss ? "some" : ""}">${percent(host.loss)}</td>
		<td class="c-strip"><${Strip} row=${store.heatRows.get(host.id)} /></td>
	</tr>`;
}

/**
 * Which rows are in view of a scrolled box, with some beyond its edges.
 * @param {{current: HTMLElement | null}} box
 * @param {number} n rows
 */
function useWindow(box, n) {
	const [view, setView] = useState({ top: 0, height: 700, row: 34 });
	useLayoutEffect(() => {
		const el = box.current;
		if (!el) {
			return;
		}
		const read = () => {
			const row = parseFloat(getComputedStyle(el).getPropertyValue("--row")) || 34;
			setView((v) =>
				v.top === el.scrollTop && v.height === el.clientHeight && v.row === row
					? v
					: { top: el.scrollTop, height: el.clientHeight, row },
			);
		};
		read();
		el.addEventListener("scroll", read, { passive: true });
		const sizes = new ResizeObserver(read);
		sizes.observe(el);
		return () => {
			el.removeEventListener("scroll", read);
			sizes.disconnect();
		};
	}, []);
	const first = Math.max(0, Math.min(n - 1, Math.floor(view.top / view.row)) - 8);
	const last = Math.min(n, Math.ceil((view.top + view.height) / view.row) + 8);
	return { first, last, row: view.row };
}

/**
 * Arrow keys walk the rows: the cursor is a host, not a place, so that it stays with its host when
 * the order changes.
 * @param {Entry[]} rows
 * @param {{current: HTMLElement | null}} box
 * @param {number} rowHeight
 */
function useCursor(rows, box, rowHeight) {
	// A ref, because keys come faster than renderings.
	const cursor = useRef(/** @type {number | null} */ (null));
	const moved = useRef(false);
	const [, render] = useReducer((n) => n + 1, 0);
	const place = () => Math.max(0, rows.findIndex((h) => h.id === cursor.current));
	const focus = () => {
		// A row that was out of view is made only once the box has scrolled to it.
		const link = moved.current && box.current?.querySelector(`tr[data-id="${cursor.current}"] a`);
		if (link) {
			moved.current = false;
			/** @type {HTMLElement} */ (link).focus({ preventScroll: true });
		}
	};
	useEffect(focus);
	/** @param {KeyboardEvent} e */
	const onKeyDown = (e) => {
		const el = box.current;
		const page = Math.floor((el?.clientHeight ?? 0) / rowHeight) - 2;
		const steps = /** @type {Record<string, number>} */ ({
			ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length,
		});
		if (!el || !(e.key in steps) || !(e.target instanceof HTMLAnchorElement)) {
			return;
		}
		e.preventDefault();
		const next = Math.min(rows.length - 1, Math.max(0, place() + steps[e.key]));
		const top = next * rowHeight;
		const room = el.clientHeight - 2 * rowHeight;
		el.scrollTop = Math.max(top - room, Math.min(top, el.scrollTop));
		moved.current = true;
		cursor.current = rows[next].id;
		focus();
		render(undefined);
	};
	return { at: place(), onKeyDown };
}

/** @param {{rows: Entry[], view: View, setView: (view: View) => void}} props */
export function Hosts({ rows, view, setView }) {
	const box = useRef(/** @type {HTMLElement | null} */ (null));
	const { first, last, row } = useWindow(box, rows.length);
	const { at, onKeyDown } = useCursor(rows, box, row);
	const tabStop = at >= first && at < last ? at : first;
	const total = store.hosts.size;
	const filter = html`<label class="filter">
		<span class="hidden">Filter hosts</span>
		<input
			id="filter"
			type="search"
			placeholder="Filter: name, address, MAC, vendor"
			autocomplete="off"
			spellcheck=${false}
			value=${view.text}
			onInput=${(/** @type {InputEvent} */ e) =>
				setView({ ...view, text: /** @type {HTMLInputElement} */ (e.target).value })}
		/>
		<kbd aria-hidden="true">/</kbd>
	</label>`;
	const note = rows.length === total ? `${total}` : `${rows.length} of ${total}`;
	return html`<${Card} title="Hosts" name="hosts" note=${note} controls=${filter}>
		<div class="scroll" ref=${box} onKeyDown=${onKeyDown}>
			<table aria-rowcount=${rows.length + 1}>
				<thead>
					<tr aria-rowindex="1">
						${Object.keys(columns).map(
							(c) => html`<${Heading}
								key=${c}
								column=${c}
								order=${view.order}
								onOrder=${(/** @type {Order} */ order) => setView({ ...view, order })}
							/>`,
						)}
					</tr>
				</thead>
				<tbody>
					<${Spacer} rows=${first} row=${row} />
					${rows.slice(first, last).map(
						(h, i) => html`<${Row}
							key=${h.id}
							host=${h}
							index=${first + i}
							current=${first + i === tabStop}
						/>`,
					)}
					<${Spacer} rows=${rows.length - last} row=${row} />
				</tbody>
			</table>
			${rows.length === 0 && html`<${Nothing} view=${view} setView=${setView} total=${total} />`}
		</div>
	<//>`;
}

/** @param {{rows: number, row: number}} props */
function Spacer({ rows, row }) {
	return rows > 0 && html`<tr class="spacer" aria-hidden="true" style=${{ height: `${rows * row}px` }}></tr>`;
}

/** @param {{view: View, setView: (view: View) => void, total: number}} props */
function Nothing({ view, setView, total }) {
	if (total === 0) {
		return html`<p class="empty">
			No host has been found yet. The first round takes a few seconds.
		</p>`;
	}
	const what = [view.state, view.text && `“${view.text}”`].filter(Boolean).join(", ");
	return html`<p class="empty">
		No host matches ${what}.
		<button type="button" onClick=${() => setView({ ...view, text: "", state: null })}>
			Show all ${total}
		</button>
	</p>`;
}

/**
 * The selected hosts, computed anew only when something that matters has changed.
 * @param {View} view
 */
export function useSelection(view) {
	return useMemo(() => select(store.hosts.values(), view), [store.version, view]);
}
