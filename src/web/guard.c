/* Who may ask: see server.h. */
#include <stdio.h>
#include <strings.h>

#include "base/random.h"
#include "web/private.h"

#define COOKIE "sonde_session"

int guard_listen(const struct monitor_config_web *config, const struct addr *address,
		 struct fault *fault)
{
	char text[64];
	struct buf b = buf_in(text, sizeof(text) - 1);

	if (addr_is_loopback(address))
		return 0;
	buf_addr(&b, address);
	text[b.len] = '\0';
	if (!config->token)
		fault_set(fault, 0,
			  "%s can be reached by others: give a token, or listen on 127.0.0.1",
			  text);
	else if (!config->tls_cert && !config->behind_proxy)
		fault_set(
			fault, 0,
			"%s can be reached by others, and the token would cross the network in the "
			"clear: give a TLS certificate, declare the proxy, or listen on 127.0.0.1",
			text);
	else
		return 0;
	return -E_RANGE;
}

void guard_init(struct web_server *s)
{
	uint8_t secret[WEB_SESSION_LEN / 2];
	struct buf b = buf_in(s->session, WEB_SESSION_LEN);

	random_secret(secret, sizeof(secret));
	buf_hex(&b, secret, sizeof(secret), 0);
}

bool guard_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
	volatile unsigned char differs = a_len != b_len;

	for (size_t i = 0; i < a_len; i++)
		differs |= (unsigned char)(a[i] ^ b[b_len ? i % b_len : 0]);
	return !differs;
}

/* The length of a header's host without the port: "a:1" is 1, "[::1]:80" is 5; 0 when it is none.
 */
static size_t host_len(const char *text)
{
	size_t len = *text == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
	const char *port = text + MIN(len, strlen(text));

	if (*port == ':')
		port++;
	if (port[strspn(port, "0123456789")] || (*text == '[' && text[len - 1] != ']'))
		return 0;
	return len;
}

bool guard_host_text(const struct web_server *s, const char *host, const struct addr *local)
{
	size_t len = host_len(host);
	struct addr a;

	if (!len)
		return false;
	if (len == 9 && !strncasecmp(host, "localhost", 9))
		return true;
	for (unsigned i = 0; i < s->config->n_allowed_hosts; i++) {
		const char *name = s->config->allowed_hosts[i];

		if (strlen(name) == len && !strncasecmp(host, name, len))
			return true;
	}
	if (*host == '[')
		host++, len -= 2;
	if (addr_parse(host, len, &a, NULL) < 0)
		return false;
	return addr_is_loopback(&a) || addr_eq(&a, local);
}

/* The address that a connection came to; none when the kernel does not say. */
static struct addr local_address(struct MHD_Connection *connection)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct endpoint e = { 0 };

	if (!info || getsockname(info->connect_fd, (struct sockaddr *)&sa, &len) < 0 ||
	    endpoint_from_sockaddr((struct sockaddr *)&sa, &e) < 0)
		return (struct addr){ 0 };
	if (e.addr.family == AF_INET6 && !memcmp(e.addr.bytes, mapped, sizeof(mapped)))
		return addr_ip4(e.addr.bytes + sizeof(mapped)); /* IPv4 to a socket for both */
	return e.addr;
}

bool guard_host(const struct web_server *s, struct MHD_Connection *connection)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
	struct addr local = local_address(connection);

	return host && guard_host_text(s, host, &local);
}

bool guard_origin(const struct web_server *s, struct MHD_Connection *connection)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
	const char *origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin");
	const char *site =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-Fetch-Site");
	const char *scheme = s->secure ? "https://" : "http://";
	size_t n = strlen(scheme);

	if (site && strcmp(site, "same-origin") && strcmp(site, "none"))
		return false;
	return !origin || (host && !strncmp(origin, scheme, n) && !strcasecmp(origin + n, host));
}

bool guard_token(const struct web_server *s, struct MHD_Connection *connection)
{
	const char *given =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
	const char *cookie = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, COOKIE);

	if (!s->token)
		return true;
	if (given && !strncasecmp(given, "Bearer ", 7))
		return guard_equal(given + 7, strlen(given + 7), s->token, strlen(s->token));
	return cookie && guard_equal(cookie, strlen(cookie), s->session, WEB_SESSION_LEN);
}
