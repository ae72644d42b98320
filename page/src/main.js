import { render } from "preact";
import { html } from "htm/preact";

render(html`<h1>Sonde</h1>`, /** @type {Element} */ (document.getElementById("app")));
