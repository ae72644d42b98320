// The real server over made-up history: web-demo of the build directory.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const build = process.env.SONDE_BUILD ?? fileURLToPath(new URL("../../build", import.meta.url));

/**
 * @param {{hosts: number, hours: number, every?: number}} size every: seconds between rounds
 * @returns {Promise<{url: string, stop: () => Promise<void>}>}
 */
export async function startDemo({ hosts, hours, every = 10 }) {
	const program = `${build}/src/web/web-demo`;
	const options = Object.entries({ port: 0, hosts, hours, every }).map(([k, v]) => `--${k}=${v}`);
	const child = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"] });
	const ended = new Promise((done) => child.on("exit", done));
	/** @type {Promise<string>} */
	const listening = new Promise((done, fail) => {
		child.on("error", (e) => fail(new Error(`${program}: ${e.message}; build it first`)));
		child.on("exit", (code) => fail(new Error(`${program} ended with ${code}`)));
		child.stdout.on("data", (text) => {
			const port = /on port (\d+)/.exec(String(text))?.[1];
			if (port) {
				done(port);
			}
		});
	});
	const url = `http://127.0.0.1:${await listening}`;
	return {
		url,
		stop: async () => {
			child.kill();
			await ended;
		},
	};
}
