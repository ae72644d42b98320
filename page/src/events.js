// What happened, newest first; of all hosts or of one.
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { hostHash } from "./route.js";
import { KindIcon } from "./state.js";
import { store } from "./store.js";
import { Ago, Card } from "./widgets.js";

/** @import {Event as Happening} from "./types" */

/** @param {{event: Happening, link: boolean}} props */
function Item({ event, link }) {
	return html`<li class="event">
		<${KindIcon} kind=${event.kind} />
		<div>
			<p>
				${link && event.host !== null
					? html`<a href=${hostHash(event.host)}><bdi>${event.text}</bdi></a>`
					: html`<bdi>${event.text}</bdi>`}
			</p>
			<span class="muted"><${Ago} time=${event.time} suffix=" ago" /></span>
		</div>
	</li>`;
}

/**
 * @param {{events: Happening[], more: boolean, onMore: () => Promise<void>, link: boolean}} props
 */
function List({ events, more, onMore, link }) {
	const [state, setState] = useState(/** @type {"" | "busy" | "failed"} */ (""));
	const older = async () => {
		setState("busy");
		await onMore().then(
			() => setState(""),
			() => setState("failed"),
		);
	};
	return html`<div class="scroll">
		<ol role="log" aria-label="Events">
			${events.map((e) => html`<${Item} key=${e.id} event=${e} link=${link} />`)}
		</ol>
		${events.length === 0 && html`<p class="empty">Nothing has happened yet.</p>`}
		${more &&
		html`<button type="button" class="older" disabled=${state === "busy"} onClick=${older}>
			${state === "failed" ? "That failed. Try again" : "Load older"}
		</button>`}
	</div>`;
}

/**
 * One host's events: what the server has, joined with what the stream brings.
 * @param {number} host
 */
function useHostEvents(host) {
	const [loaded, setLoaded] = useState({ events: /** @type {Happening[]} */ ([]), more: false });
	/** @param {Happening[]} shown */
	const load = async (shown) => {
		const page = await store.olderEvents(shown, host);
		setLoaded({ events: [...shown, ...page.events], more: page.more });
	};
	useEffect(() => {
		load([]).catch(() => setLoaded({ events: [], more: true }));
	}, [host, store.loads]);
	const newest = loaded.events[0]?.id ?? 0;
	const fresh = store.events.filter((e) => e.host === host && e.id > newest);
	return { events: [...fresh, ...loaded.events], more: loaded.more, onMore: () => load(loaded.events) };
}

/** @param {{host: number}} props */
function HostEvents({ host }) {
	return html`<${List} ...${useHostEvents(host)} link=${false} />`;
}

/** The events of one host. @param {{host: number}} props */
export function HostEventsCard({ host }) {
	return html`<${Card} title="Events" name="events">
		<${HostEvents} key=${host} host=${host} />
	<//>`;
}

/** The host that somebody means by an address or a name. @param {string} text */
function named(text) {
	const wanted = text.trim().toLowerCase();
	return [...store.hosts.values()].find(
		(h) => h.address === wanted || h.names?.some((n) => n.toLowerCase() === wanted),
	);
}

/** The events of all hosts, or of the one that is asked for. */
export function EventsCard() {
	const [text, setText] = useState("");
	const host = text ? named(text) : undefined;
	const choices = [...store.hosts.values()].flatMap((h) => [h.address, ...(h.names ?? [])]);
	const controls = html`<label class="filter">
		<span class="hidden">Events of one host</span>
		<input
			type="search"
			list="host-choices"
			placeholder="All hosts"
			autocomplete="off"
			spellcheck=${false}
			value=${text}
			onInput=${(/** @type {Event} */ e) =>
				setText(/** @type {HTMLInputElement} */ (e.target).value)}
		/>
		<datalist id="host-choices">
			${text && choices.slice(0, 2000).map((c) => html`<option key=${c} value=${c}></option>`)}
		</datalist>
	</label>`;
	return html`<${Card} title="Events" name="events" controls=${controls}>
		${text && !host && html`<p class="empty">No host is called so yet; all are shown.</p>`}
		${host
			? html`<${HostEvents} key=${host.id} host=${host.id} />`
			: html`<${List}
					events=${store.events}
					more=${store.moreEvents}
					onMore=${() => store.loadOlder()}
					link=${true}
				/>`}
	<//>`;
}
