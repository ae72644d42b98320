/*
 * A stranger's bytes against a conversation. The input is a script: a byte that chooses the port,
 * then pieces, each a byte of length and bytes; 0 lets time pass, 255 hangs up. Whatever comes, the
 * conversation ends, keeps to its bounds, and its texts are safe for a terminal.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "probe/banner.h"

#define TEXT_MAX 1024
#define HANG_UP	 255

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_text(const char *text, size_t cap)
{
	if (!memchr(text, '\0', cap))
		abort();
	for (; *text; text++) {
		if ((uint8_t)*text < ' ' || *text == 127)
			abort();
	}
}

static void check_finding(const struct banner_finding *f)
{
	struct buf text = buf_of(TEXT_MAX);

	check_text(f->service, sizeof(f->service));
	check_text(f->product, sizeof(f->product));
	check_text(f->title, sizeof(f->title));
	check_text(f->tls_version, sizeof(f->tls_version));
	check_text(f->alpn, sizeof(f->alpn));
	check_text(f->subject, sizeof(f->subject));
	check_text(f->names, sizeof(f->names));
	banner_finding_text(f, &text);
	if (text.err)
		abort();
	buf_done(&text);
}

/* Connects again when it is wanted. */
static void go_on(struct banner *b, uint64_t now_ns)
{
	size_t n;

	if (banner_state(b) == BANNER_AGAIN)
		banner_connected(b, now_ns);
	banner_output(b, &n);
}

static void play(struct banner *b, struct cursor *c)
{
	uint64_t now_ns = NS_PER_S;
	unsigned n_waits = 0;

	banner_connected(b, now_ns);
	while (cursor_left(c)) {
		size_t n = cursor_u8(c);

		go_on(b, now_ns);
		if (n == HANG_UP) {
			banner_closed(b, now_ns);
		} else if (n) {
			n = MIN(n, cursor_left(c));
			banner_input(b, now_ns, cursor_bytes(c, n), n);
		} else if (banner_deadline(b) != UINT64_MAX) {
			now_ns = MAX(now_ns, banner_deadline(b));
			banner_time(b, now_ns);
		}
	}
	for (; banner_state(b) != BANNER_DONE; n_waits++) {
		go_on(b, now_ns);
		now_ns = MAX(now_ns, banner_deadline(b));
		banner_time(b, now_ns);
		if (n_waits > 10)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint16_t ports[] = { 21, 25, 80, 443, 465, 554, 993, 1883, 5432, 6379, 11211 };
	static struct banner_tls *tls;
	struct cursor c = cursor_of(data, len);
	uint8_t first = cursor_u8(&c);
	struct banner *b;

	if (!tls && banner_tls_new(&tls))
		abort();
	if (banner_new(first & 0x80 ? tls : NULL, ports[first % ARRAY_LEN(ports)], NULL, &b))
		abort();
	play(b, &c);
	check_finding(banner_finding(b));
	banner_free(b);
	return 0;
}
