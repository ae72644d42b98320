// Takes the pictures of the README: node shots.mjs OUTDIR [URL [HOST]], HOST being the one to open.
// Those in docs/ show `make demo` some minutes after its story. Without the address of a running monitor
// it shows web-demo's network.
import { launch } from "./test/browser.mjs";
import { startDemo } from "./test/demo.mjs";

const [out, url, host] = process.argv.slice(2);
if (!out) {
	console.error("usage: node shots.mjs OUTDIR [URL [HOST]]");
	process.exit(2);
}
const waitMs = 300_000;
const demo = url ? null : await startDemo({ hosts: 18, hours: 24 });
const browser = await launch();
for (const colorScheme of /** @type {("light" | "dark")[]} */ (["light", "dark"])) {
	const context = await browser.newContext({ viewport: { width: 1440, height: 1050 }, colorScheme });
	const page = await context.newPage();
	await page.goto(url ?? demo?.url ?? "");
	await page.locator(".map canvas").waitFor();
	await page.locator(".live.is-live").waitFor();
	// A picture in which nothing is wrong would show little.
	await page.locator(".row.is-inactive").first().waitFor({ timeout: waitMs });
	await page.screenshot({ path: `${out}/page-${colorScheme}.png`, fullPage: true });
	await page.locator(host ? `.row:has-text("${host}") a` : ".row.is-inactive a").first().click();
	await page.locator(".plot canvas").waitFor();
	await page.setViewportSize({ width: 1440, height: 900 });
	await page.screenshot({ path: `${out}/page-host-${colorScheme}.png` });
	await context.close();
}
await browser.close();
await demo?.stop();
