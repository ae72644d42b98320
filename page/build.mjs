// Builds the page: node build.mjs OUTDIR writes index.html, app.js, app.css and icon.svg there.
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// The licences of what is bundled ask that their notices travel with it.
const notice = `/*! Contains preact (c) Jason Miller, uPlot (c) Leon Sorokin, eventsource-parser
(c) Espen Hovlandsdal: MIT licence; htm (c) Google: Apache-2.0 licence. */`;

const src = fileURLToPath(new URL("src/", import.meta.url));
const out = process.argv[2];
if (!out) {
	console.error("usage: node build.mjs OUTDIR");
	process.exit(2);
}

await mkdir(out, { recursive: true });
await build({
	entryPoints: { app: join(src, "main.js"), style: join(src, "app.css") },
	entryNames: "app",
	outdir: out,
	bundle: true,
	minify: true,
	format: "iife",
	target: ["chrome123", "firefox121", "safari17.5"],
	banner: { js: notice },
	logLevel: "warning",
});
for (const file of ["index.html", "icon.svg"]) {
	await copyFile(join(src, file), join(out, file));
}
