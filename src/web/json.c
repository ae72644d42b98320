/* Hosts, events and figures as JSON; names from the network only through buf_json(). */
#include <math.h>

#include "web/private.h"

/* @v / 10^4 with up to four decimals, no trailing zeros. */
static void write_trimmed(struct buf *b, uint64_t v)
{
	buf_u64(b, v / 10000);
	v %= 10000;
	if (!v)
		return;
	buf_char(b, '.');
	for (uint64_t unit = 1000; v; unit /= 10) {
		buf_char(b, (char)('0' + v / unit));
		v %= unit;
	}
}

void json_ms(struct buf *b, int64_t ns)
{
	if (ns < 0)
		buf_lit(b, "null");
	else if (ns >= 100 * (int64_t)NS_PER_MS) /* one decimal is enough */
		write_trimmed(b, ((uint64_t)ns + 50000) / 100000 * 1000);
	else
		write_trimmed(b, ((uint64_t)ns + 50) / 100);
}

void json_fraction(struct buf *b, double v)
{
	if (!(v >= 0))
		buf_lit(b, "null");
	else
		write_trimmed(b, (uint64_t)llround(fmin(v, 1e6) * 10000));
}

void json_time(struct buf *b, int64_t ms)
{
	if (ms > 0)
		buf_i64(b, ms);
	else
		buf_lit(b, "null");
}

void json_text(struct buf *b, const char *text)
{
	if (text)
		buf_json(b, text, strlen(text));
	else
		buf_lit(b, "null");
}

/* Through buf_json() too: an interface's name may be in it. */
static void write_addr(struct buf *b, const struct addr *a)
{
	char text[64];
	struct buf t = buf_in(text, sizeof(text));

	buf_addr(&t, a);
	buf_json(b, text, t.len);
}

static void write_mac(struct buf *b, const struct mac *mac)
{
	if (mac_is_zero(mac)) {
		buf_lit(b, "null");
		return;
	}
	buf_char(b, '"');
	buf_mac(b, mac->bytes);
	buf_char(b, '"');
}

void json_counts(struct buf *b, const struct monitor_summary *summary)
{
	static const enum presence_state order[] = { PRESENCE_ACTIVE, PRESENCE_DEGRADED,
						     PRESENCE_INACTIVE, PRESENCE_UNKNOWN };

	buf_char(b, '{');
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		json_text(b, presence_state_text(order[i]));
		buf_char(b, ':');
		buf_u64(b, summary->counts[order[i]]);
		buf_char(b, ',');
	}
	buf_lit(b, "\"total\":");
	buf_u64(b, summary->total);
	buf_char(b, '}');
}

static void write_names(struct buf *b, const struct presence_host *h)
{
	bool some = false;

	buf_lit(b, ",\"names\":[");
	for (size_t i = 0; i < ARRAY_LEN(h->names); i++) {
		if (!h->names[i])
			continue;
		if (some)
			buf_char(b, ',');
		json_text(b, h->names[i]);
		some = true;
	}
	buf_char(b, ']');
}

static void write_evidence(struct buf *b, const struct presence_host *h)
{
	bool some = false;

	buf_lit(b, ",\"evidence\":[");
	for (unsigned bit = 1; bit <= PRESENCE_TCP; bit <<= 1) {
		if (!(h->evidence & bit))
			continue;
		if (some)
			buf_char(b, ',');
		json_text(b, presence_evidence_text((enum presence_evidence)bit));
		some = true;
	}
	buf_char(b, ']');
}

void json_host(struct buf *b, const struct monitor_host *host, bool brief)
{
	const struct presence_host *h = host->host;

	buf_lit(b, "{\"id\":");
	buf_i64(b, h->id);
	buf_lit(b, ",\"address\":");
	write_addr(b, &h->addrs[0]);
	buf_lit(b, ",\"other_addresses\":[");
	for (unsigned i = 1; i < h->n_addrs; i++) {
		if (i > 1)
			buf_char(b, ',');
		write_addr(b, &h->addrs[i]);
	}
	buf_lit(b, "],\"mac\":");
	write_mac(b, &h->mac);
	buf_lit(b, ",\"vendor\":");
	json_text(b, host->vendor);
	buf_lit(b, ",\"network\":");
	json_text(b, host->network);
	buf_lit(b, ",\"state\":");
	json_text(b, presence_state_text(h->state));
	if (!brief) {
		write_names(b, h);
		write_evidence(b, h);
		buf_lit(b, ",\"first_seen\":");
		json_time(b, h->first_seen_ms);
	}
	buf_lit(b, ",\"last_seen\":");
	json_time(b, h->last_seen_ms);
	buf_lit(b, ",\"last_change\":");
	json_time(b, h->last_change_ms);
	buf_lit(b, ",\"rtt_ms\":");
	json_ms(b, h->rtt_ns);
	buf_lit(b, ",\"jitter_ms\":");
	json_ms(b, h->jitter_ns);
	buf_lit(b, ",\"loss\":");
	json_fraction(b, h->loss);
	buf_char(b, '}');
}

void json_event(struct buf *b, const struct store_event *event)
{
	buf_lit(b, "{\"id\":");
	buf_i64(b, event->id);
	buf_lit(b, ",\"time\":");
	buf_i64(b, event->time_ms);
	buf_lit(b, ",\"host\":");
	json_time(b, event->host); /* null when 0 */
	buf_lit(b, ",\"address\":");
	if (event->address.family == AF_UNSPEC)
		buf_lit(b, "null");
	else
		write_addr(b, &event->address);
	buf_lit(b, ",\"kind\":");
	json_text(b, event->kind);
	buf_lit(b, ",\"text\":");
	json_text(b, event->text);
	buf_lit(b, ",\"mac\":");
	write_mac(b, &event->mac);
	buf_lit(b, ",\"old_mac\":");
	write_mac(b, &event->old_mac);
	buf_char(b, '}');
}
