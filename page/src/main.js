import { html, render } from "htm/preact";
import { App } from "./app.js";
import { store } from "./store.js";

render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
void store.run();
