// Where we are: "#/" or "#/host/ID".

/**
 * @param {string} hash
 * @returns {number | null} the host that is shown
 */
export function routeHost(hash) {
	const match = /^#\/host\/(\d+)$/.exec(hash);
	return match ? Number(match[1]) : null;
}

/** @param {number} id */
export function hostHash(id) {
	return `#/host/${id}`;
}
