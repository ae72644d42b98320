// What a state looks like: always a shape, a word and a colour together.
import { html } from "htm/preact";

/** @import {State} from "./types" */

/** Worst first. */
export const states = /** @type {State[]} */ (["inactive", "degraded", "unknown", "active"]);

/** Paths in a 16 × 16 box. Outline and filling differ, so that they can be told apart in grey. */
const shapes = {
	inactive: "M2.5 2.5h11v11h-11z M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8",
	degraded: "M8 1.8 14.8 13.8H1.2z M8 6v3.6M8 11.4v.4",
	unknown: "M8 1.5 14.5 8 8 14.5 1.5 8z",
	active: "M8 8m-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0z M5.4 8.2l1.8 1.8 3.5-3.7",
	note: "M8 4.5V4.6M8 7.5V11.5",
	new: "M8 3.5v9M3.5 8h9",
	swap: "M2.5 5.5h9.5m-2.8-2.8 2.8 2.8-2.8 2.8M13.5 10.5H4m2.8-2.8L4 10.5l2.8 2.8",
};

/** Which shape and colour stand for a kind of event. */
const kinds = /** @type {Record<string, [keyof typeof shapes, string]>} */ ({
	"inactive": ["inactive", "inactive"],
	"degraded": ["degraded", "degraded"],
	"active": ["active", "active"],
	"new": ["new", "accent"],
	"mac-changed": ["swap", "degraded"],
	"conflict": ["swap", "inactive"],
	"self-down": ["unknown", "unknown"],
});

/**
 * @param {keyof typeof shapes} shape
 * @param {string} tone
 */
function icon(shape, tone) {
	return html`<svg class="icon tone-${tone} icon-${shape}" viewBox="0 0 16 16" aria-hidden="true">
		<path d=${shapes[shape]} />
	</svg>`;
}

/** @param {{state: State}} props */
export function StateIcon({ state }) {
	return icon(state, state);
}

/** @param {{state: State}} props */
export function StateMark({ state }) {
	return html`<span class="state tone-${state}"><${StateIcon} state=${state} />${state}</span>`;
}

/** @param {{kind: string}} props */
export function KindIcon({ kind }) {
	return icon(...(kinds[kind] ?? ["note", "note"]));
}
