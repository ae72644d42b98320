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
 * A colour of the style sheet, "var(--x)" or made from such, as the canvas takes it. The browser
 * resolves it on an element: getComputedStyle() would give the variable's light-dark(…) as it is.
 * @param {string} expression
 */
export function color(expression) {
	const probe = document.createElement("i");
	probe.style.color = expression;
	document.body.append(probe);
	const value = getComputedStyle(probe).color;
	probe.remove();
	return value;
}
