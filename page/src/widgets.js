// Small parts that several views share.
import { html } from "htm/preact";
import { useEffect, useReducer } from "preact/hooks";
import { absent, duration, stamp } from "./format.js";
import { store } from "./store.js";

/** @import {ComponentChildren} from "preact" */

/** @type {Set<() => void>} */
const tickers = new Set();
setInterval(() => tickers.forEach((tick) => tick()), 1000);

/** Renders the caller anew every second. */
function useTick() {
	const [, tick] = useReducer((n) => n + 1, 0);
	useEffect(() => {
		const each = () => tick(undefined);
		tickers.add(each);
		return () => {
			tickers.delete(each);
		};
	}, []);
}

/**
 * How long ago something was; the exact time shows on hover and focus.
 * @param {{time: number | null | undefined, suffix?: string}} props
 */
export function Ago({ time, suffix = "" }) {
	useTick();
	if (time == null) {
		return html`<span class="muted">${absent}</span>`;
	}
	const exact = stamp(time);
	return html`<time class="ago" datetime=${new Date(time).toISOString()} data-exact=${exact}>
		${duration(store.now() - time)}${suffix}
		<span class="hidden"> (${exact})</span>
	</time>`;
}

/**
 * A row of buttons of which one is chosen.
 * @param {{label: string, options: string[], value: string | null,
 *          onChange: (value: string) => void}} props
 */
export function Choice({ label, options, value, onChange }) {
	return html`<div class="choice" role="group" aria-label=${label}>
		${options.map(
			(o) => html`<button
				key=${o}
				type="button"
				aria-pressed=${o === value}
				onClick=${() => onChange(o)}
			>
				${o}
			</button>`,
		)}
	</div>`;
}

/**
 * A card with a heading and room for its controls.
 * @param {{title: string, name: string, note?: string, controls?: ComponentChildren,
 *          children?: ComponentChildren}} props
 */
export function Card({ title, name, note, controls, children }) {
	return html`<section class="card ${name}" aria-labelledby="title-${name}">
		<header>
			<h2 id="title-${name}">${title}</h2>
			${note && html`<span class="note">${note}</span>`}
			<div class="controls">${controls}</div>
		</header>
		${children}
	</section>`;
}
