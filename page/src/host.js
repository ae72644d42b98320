// One host: what is known of it, its latency, its events.
import { html } from "htm/preact";
import { absent, hostLabel, millis, percent } from "./format.js";
import { HostEventsCard } from "./events.js";
import { LatencyCard } from "./latency.js";
import { StateMark } from "./state.js";
import { store } from "./store.js";
import { Ago } from "./widgets.js";

/** @import {ComponentChildren} from "preact" */
/** @import {Entry} from "./types" */

/** @param {{title: string, children?: ComponentChildren}} props */
function Fact({ title, children }) {
	return html`<div>
		<dt>${title}</dt>
		<dd>${children}</dd>
	</div>`;
}

/** @param {{title: string, value: number | null}} props */
function Millis({ title, value }) {
	const unit = value === null ? "" : " ms";
	return html`<${Fact} title=${title}><b class="big">${millis(value)}</b>${unit}<//>`;
}

/** @param {{title: string, time: number | null | undefined}} props */
function Since({ title, time }) {
	return html`<${Fact} title=${title}><b class="big"><${Ago} time=${time} /></b> ago<//>`;
}

/** @param {{host: Entry}} props */
function Facts({ host }) {
	return html`<dl class="facts">
		<${Millis} title="RTT" value=${host.rtt_ms} />
		<${Millis} title="Jitter" value=${host.jitter_ms} />
		<${Fact} title="Loss, last minute"><b class="big">${percent(host.loss)}</b><//>
		<${Since} title="State changed" time=${host.last_change} />
		<${Since} title="Last seen" time=${host.last_seen} />
		<${Since} title="First seen" time=${host.first_seen} />
		<${Fact} title="MAC"><span class="mono">${host.mac ?? absent}</span><//>
		<${Fact} title="Vendor"><bdi>${host.vendor ?? absent}</bdi><//>
		<${Fact} title="Names"><bdi>${host.names?.join(", ") || absent}</bdi><//>
		<${Fact} title="Network"><bdi>${host.network}</bdi><//>
		<${Fact} title="Answers to">${host.evidence?.join(", ").toUpperCase() || absent}<//>
		<${Fact} title="Also at">${host.other_addresses.join(", ") || absent}<//>
	</dl>`;
}

/** @param {{id: number}} props */
export function HostView({ id }) {
	const host = store.hosts.get(id);
	if (!host) {
		return html`<main id="main" class="host-view" tabindex="-1">
			<p class="empty card">
				There is no host number ${id} here. <a href="#/">Back to all hosts</a>
			</p>
		</main>`;
	}
	return html`<main id="main" class="host-view" tabindex="-1">
		<div class="host-head">
			<a class="back" href="#/">← All hosts</a>
			<h1><bdi>${hostLabel(host)}</bdi></h1>
			${host.names?.length ? html`<span class="address">${host.address}</span>` : null}
			<${StateMark} state=${host.state} />
		</div>
		<section class="card" aria-label="Facts"><${Facts} host=${host} /></section>
		<${LatencyCard} key=${id} host=${host} />
		<${HostEventsCard} host=${id} />
	</main>`;
}
