// The frame: header, counts, banners, the two views, keys that work everywhere.
import { html } from "htm/preact";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { login } from "./api.js";
import { EventsCard } from "./events.js";
import { clock } from "./format.js";
import { Heat } from "./heat.js";
import { HostView } from "./host.js";
import { Hosts, useSelection, worstFirst } from "./hosts.js";
import { routeHost } from "./route.js";
import { StateIcon, states } from "./state.js";
import { store } from "./store.js";
import { nextTheme, onTheme, theme } from "./theme.js";

/** @import {Counts, State} from "./types" */
/** @typedef {import("./hosts.js").View} View */

/** @param {{onHelp: () => void}} props */
function Header({ onHelp }) {
	const [, bump] = useReducer((n) => n + 1, 0);
	useEffect(() => onTheme(() => bump(undefined)), []);
	const { summary, live } = store;
	return html`<header class="top">
		<a class="brand" href="#/"><img src="/icon.svg" alt="" width="26" height="26" />Sonde</a>
		${summary && html`<span class="monitor"><bdi>${summary.monitor}</bdi></span>`}
		<ul class="networks" aria-label="Networks">
			${summary?.networks.map(
				(n) => html`<li key=${n.name} title="on ${n.iface}">
					<bdi>${n.name}</bdi> <span class="muted">${n.prefix}</span>
				</li>`,
			)}
		</ul>
		<span class="live is-${live}" role="status">
			<i></i>${live === "live" ? "live" : live === "stale" ? "stale" : "connecting"}
		</span>
		<button type="button" class="quiet" onClick=${nextTheme}>
			<span class="hidden">Colours: </span><i class="theme-${theme()}"></i>${theme()}
		</button>
		<button type="button" class="quiet" aria-label="Help" onClick=${onHelp}>?</button>
	</header>`;
}

/** @param {{counts: Counts, chosen: State | null, onChoose: (state: State | null) => void}} props */
function Tiles({ counts, chosen, onChoose }) {
	return html`<div class="tiles" role="group" aria-label="Hosts by state; press to show only these">
		${states.map(
			(s) => html`<button
				key=${s}
				type="button"
				class="tile tone-${s} ${counts[s] ? "" : "none"}"
				aria-pressed=${chosen === s}
				onClick=${() => onChoose(chosen === s ? null : s)}
			>
				<${StateIcon} state=${s} />
				<b>${counts[s]}</b>
				<span>${s}</span>
			</button>`,
		)}
		<${Share} counts=${counts} />
	</div>`;
}

/** The states' shares as one bar. @param {{counts: Counts}} props */
function Share({ counts }) {
	return html`<div class="share" aria-hidden="true">
		${states.filter((s) => counts[s]).map((s) => html`<i key=${s} class="tone-${s}" style=${{ flexGrow: counts[s] }}></i>`)}
	</div>`;
}

function Banners() {
	const { live, summary, asOf } = store;
	return html`
		${live === "stale" &&
		html`<div class="banner stale" role="alert">
			<b>Stale.</b> The monitor cannot be heard. This is what was known at ${clock(asOf)}. Trying to
			connect again.
			<button type="button" onClick=${() => store.retry()}>Try now</button>
		</div>`}
		${summary?.self === "down" &&
		html`<div class="banner self" role="alert">
			<b>The monitor itself is off the network.</b> Its own link is down, so nothing is known about
			the hosts: their states are frozen as they were.
		</div>`}
	`;
}

/** @param {{view: View, setView: (view: View) => void}} props */
function Overview({ view, setView }) {
	const rows = useSelection(view);
	const counts = store.summary?.counts;
	return html`<main id="main" class="overview" tabindex="-1">
		<h1 class="hidden">All hosts</h1>
		${counts &&
		html`<${Tiles}
			counts=${counts}
			chosen=${view.state}
			onChoose=${(/** @type {State | null} */ state) => setView({ ...view, state })}
		/>`}
		<${Hosts} rows=${rows} view=${view} setView=${setView} />
		<${EventsCard} />
		<${Heat} rows=${rows} />
	</main>`;
}

function Login() {
	const [token, setToken] = useState("");
	const [error, setError] = useState("");
	/** @param {SubmitEvent} e */
	const submit = async (e) => {
		e.preventDefault();
		try {
			await login(token);
			store.phase = "loading";
			store.retry();
		} catch (failure) {
			setError(/** @type {Error} */ (failure).message);
		}
	};
	return html`<main id="main" class="login" tabindex="-1">
		<form class="card" onSubmit=${submit}>
			<h1>This monitor asks for its token</h1>
			<p class="muted">It stands in the file that the configuration names as <code>token_file</code>.</p>
			<label>
				Token
				<input
					type="password"
					autocomplete="current-password"
					required
					value=${token}
					onInput=${(/** @type {Event} */ e) =>
						setToken(/** @type {HTMLInputElement} */ (e.target).value)}
				/>
			</label>
			${error && html`<p class="error" role="alert">${error}</p>`}
			<button type="submit">Log in</button>
		</form>
	</main>`;
}

function Waiting() {
	return html`<main id="main" class="waiting" tabindex="-1">
		${store.error
			? html`<div class="card" role="alert">
					<h1>No answer</h1>
					<p>${store.error} Trying again.</p>
					<button type="button" onClick=${() => store.retry()}>Try now</button>
				</div>`
			: html`<p class="muted">Asking the monitor…</p>`}
	</main>`;
}

const keys = [
	["/", "filter hosts"],
	["↑ ↓ Home End", "walk the table or the heat map"],
	["Enter", "open the host"],
	["Esc", "clear the filter, or back to all hosts"],
	["← →", "read the plot or the heat map"],
	["+ − 0", "zoom the plot in, out, back"],
	["Page Up, Page Down", "move the plot in time"],
	["t", "colours: auto, light, dark"],
	["?", "this help"],
];

/** @param {{dialog: {current: HTMLDialogElement | null}}} props */
function Help({ dialog }) {
	return html`<dialog ref=${dialog} aria-labelledby="help-title">
		<h2 id="help-title">Keys</h2>
		<dl>
			${keys.map(
				([key, what]) => html`<div key=${key}>
					<dt><kbd>${key}</kbd></dt>
					<dd>${what}</dd>
				</div>`,
			)}
		</dl>
		<p class="muted">Version ${store.summary?.version}</p>
		<form method="dialog"><button>Close</button></form>
	</dialog>`;
}

/**
 * Keys that work everywhere, except where somebody writes.
 * @param {{showHelp: () => void, escape: () => void}} arg
 */
function useKeys({ showHelp, escape }) {
	useEffect(() => {
		/** @param {KeyboardEvent} e */
		const onKey = (e) => {
			const writing = e.target instanceof HTMLInputElement && e.target.type !== "checkbox";
			if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) {
				return;
			}
			if (e.key === "Escape") {
				escape();
			} else if (!writing && e.key === "/") {
				e.preventDefault();
				location.hash = "#/";
				setTimeout(() => document.getElementById("filter")?.focus());
			} else if (!writing && e.key === "?") {
				showHelp();
			} else if (!writing && e.key === "t") {
				nextTheme();
			}
		};
		addEventListener("keydown", onKey);
		return () => removeEventListener("keydown", onKey);
	});
}

/** The host in the address bar. */
function useRoute() {
	const [host, setHost] = useState(routeHost(location.hash));
	useEffect(() => {
		const onHash = () => setHost(routeHost(location.hash));
		addEventListener("hashchange", onHash);
		return () => removeEventListener("hashchange", onHash);
	}, []);
	return host;
}

export function App() {
	const [, changed] = useReducer((n) => n + 1, 0);
	const [view, setView] = useState(/** @type {View} */ ({ text: "", state: null, order: worstFirst }));
	const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
	const host = useRoute();
	const showHelp = () => dialog.current?.showModal();
	useEffect(() => store.subscribe(() => changed(undefined)), []);
	useKeys({
		showHelp,
		escape: () => (host === null ? setView({ ...view, text: "", state: null }) : (location.hash = "#/")),
	});
	useEffect(() => {
		const { summary } = store;
		const silent = summary?.counts.inactive;
		document.title = `${silent ? `(${silent}) ` : ""}${summary?.monitor ?? ""} · Sonde`;
	});
	useEffect(() => scrollTo(0, 0), [host]);
	const body = () => {
		if (store.phase !== "ready") {
			return store.phase === "login" ? html`<${Login} />` : html`<${Waiting} />`;
		}
		return host === null
			? html`<${Overview} view=${view} setView=${setView} />`
			: html`<${HostView} id=${host} />`;
	};
	return html`
		<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
		<${Header} onHelp=${showHelp} />
		<${Banners} />
		${body()}
		<${Help} dialog=${dialog} />
	`;
}

/** The hash is the route, so that the skip link moves the focus by itself. @param {Event} e */
function skip(e) {
	e.preventDefault();
	document.getElementById("main")?.focus();
}
