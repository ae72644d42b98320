#include "cli/scan_banners.h"

#include <errno.h>
#include <stdlib.h>

#include "probe/banner_io.h"

#define AT_A_TIME  512
#define TIMEOUT_NS (5 * NS_PER_S)
#define TEXT_MAX   1024

struct scan_banners {
	const struct scan_plan *plan;
	struct scan_results *results;
	struct banner_io *io;
	void (*done)(void *ctx);
	void *ctx;
	size_t host;	 /* the next one to ask */
	uint32_t detail; /* of it */
	uint64_t n_done;
	bool asking; /* ask_more() is at work: it is not called from within itself */
};

static bool is_open_tcp(const struct scan_banners *b, const struct scan_host *host,
			const struct scan_detail *detail)
{
	const struct scan_answer *answer = NULL;
	uint16_t port;

	if (host->answers)
		answer = scan_results_answer(b->results, host->answers[detail->unit]);
	if (host->answers && (!answer || answer->state != PORT_OPEN))
		return false;
	return b->plan->lanes[scan_plan_unit_lane(b->plan, detail->unit, &port)].module !=
	       &probe_udp;
}

/* The next open port. NULL: there is none. */
static struct scan_detail *next(struct scan_banners *b, struct endpoint *ret_to)
{
	for (; b->host < scan_results_n(b->results); b->host++, b->detail = 0) {
		struct scan_host *host = scan_results_at(b->results, b->host);

		while (b->detail < host->n_details) {
			struct scan_detail *detail = &host->details[b->detail++];

			if (!is_open_tcp(b, host, detail))
				continue;
			ret_to->addr = host->addr;
			scan_plan_unit_lane(b->plan, detail->unit, &ret_to->port);
			return detail;
		}
	}
	return NULL;
}

/* Return: 0 or -ENOMEM. */
static int ask_more(struct scan_banners *b)
{
	struct scan_detail *detail;
	struct endpoint to;
	int err = 0;

	b->asking = true;
	while (!err && banner_io_left(b->io) < AT_A_TIME && (detail = next(b, &to)))
		err = banner_io_ask(b->io, &to, NULL, detail);
	b->asking = false;
	return err;
}

static void on_banner(void *ctx, void *owner, const struct banner_finding *finding,
		      int error UNUSED)
{
	struct scan_banners *b = ctx;
	struct scan_detail *detail = owner;
	struct buf text = buf_of(TEXT_MAX);

	b->n_done++;
	banner_finding_text(finding, &text);
	if (!detail->banner && !text.err && (text.len || finding->service[0])) {
		detail->banner = calloc(1, sizeof(*detail->banner) + text.len + 1);
		if (detail->banner) {
			memcpy(detail->banner->service, finding->service,
			       sizeof(detail->banner->service));
			memcpy(detail->banner->text, buf_cstr(&text), text.len);
		}
	}
	buf_done(&text);
	if (!b->asking && ask_more(b) < 0)
		b->host = scan_results_n(b->results);
	if (!banner_io_left(b->io))
		b->done(b->ctx);
}

int scan_banners_new(uv_loop_t *loop, const struct scan_plan *plan, struct scan_results *results,
		     void (*done)(void *ctx), void *ctx, struct scan_banners **ret_banners)
{
	struct scan_banners *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	*b = (struct scan_banners){ .plan = plan, .results = results, .done = done, .ctx = ctx };
	err = banner_io_new(loop, AT_A_TIME, TIMEOUT_NS, on_banner, b, &b->io);
	if (!err)
		err = ask_more(b);
	if (!err && !banner_io_left(b->io))
		err = 1;
	if (err) {
		scan_banners_free(b);
		return err;
	}
	*ret_banners = b;
	return 0;
}

struct scan_banners *scan_banners_free(struct scan_banners *b)
{
	if (!b)
		return NULL;
	banner_io_free(b->io);
	free(b);
	return NULL;
}

uint64_t scan_banners_n_done(const struct scan_banners *b)
{
	return b->n_done;
}
