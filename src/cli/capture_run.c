/* One packet of `sonde capture`: taken apart, chosen, shown, counted. */
#include "capture/dissect.h"
#include "cli/capture_follow.h"
#include "cli/capture_tables.h"
#include "wire/filter.h"

int capture_packet(struct capture *c, const struct capture_packet *packet, const char *interface)
{
	const struct dissect_input in = {
		.bytes = packet->bytes,
		.cap_len = packet->cap_len,
		.wire_len = packet->wire_len,
		.time_ns = packet->time_ns,
		.link_type = packet->link_type,
		.interface_id = packet->interface,
		.interface = interface,
		.comment = packet->comment,
		.comment_len = packet->comment_len,
	};
	const struct packet *whole;

	c->seen++;
	if (!c->display && !capture_shows(c)) {
		c->shown++;
		return 1;
	}
	whole = dissect_packet(c->dissect, &in);
	if (c->follow)
		capture_follow_packet(c->follow, whole);
	if (c->display && !filter_matches(c->display, whole))
		return 0;
	c->shown++;
	if (c->follow && capture_follow_error(c->follow))
		return capture_follow_error(c->follow);
	if (c->tables)
		capture_tables_packet(c->tables, whole);
	if (c->mode != CAPTURE_NOTHING) {
		int err = capture_printer_packet(c->printer, whole);

		if (err < 0)
			return err;
	}
	return 1;
}

void capture_skipped(struct capture *c, uint64_t n)
{
	if (c->printer)
		capture_printer_note(c->printer, "— %llu packets not shown: printing is slower —",
				     (unsigned long long)n);
}

void capture_refresh(struct capture *c)
{
	if (c->tables)
		capture_tables_refresh(c->tables);
}

uint64_t capture_refresh_ns(const struct capture *c)
{
	if (!c->tables)
		return 0;
	return c->cmd->common.every_ns ?: c->cmd->interactive ? NS_PER_S : 0;
}

void capture_let_go(struct capture *c)
{
	if (c->printer)
		(void)capture_printer_finish(c->printer); /* an error comes again at the end */
}

int capture_settle(struct capture *c)
{
	return c->printer ? capture_printer_push(c->printer) : 0;
}
