// Light and dark, and the style sheet's colours for what is drawn on a canvas.

/** @import {Theme} from "./types" */

const key = "sonde-theme";
const themes = /** @type {Theme[]} */ (["auto", "light", "dark"]);

/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {Theme} */
export function theme() {
	const saved = localStorage.getItem(key);
	return themes.find((t) => t === saved) ?? "auto";
}

function apply() {
	document.documentElement.dataset.theme = theme();
	listeners.forEach((listener) => listener());
}

export function nextTheme() {
	localStorage.setItem(key, themes[(themes.indexOf(theme()) + 1) % themes.length]);
	apply();
}

/** @param {() => void} listener */
export function onTheme(listener) {
	listeners.add(listener);
	return () => {
		listeners.delete(listener);
	};
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
apply();

/**
 * Colours of the style sheet, "var(--x)" or made from such, as the canvas takes them. The browser
 * resolves them on elements: getComputedStyle() would give a variable's light-dark(…) as it is. All
 * at once, because each look at a changed document costs a pass over its styles.
 * @param {string[]} expressions
 */
export function colors(expressions) {
	const probes = expressions.map((expression) => {
		const probe = document.createElement("i");
		probe.style.color = expression;
		return probe;
	});
	document.body.append(...probes);
	const values = probes.map((probe) => getComputedStyle(probe).color);
	probes.forEach((probe) => probe.remove());
	return values;
}
