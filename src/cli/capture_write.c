/* What `sonde capture -w` writes: one file, or a row of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "cli/capture.h"
#include "io/capture_writer.h"

/* -C -G -W -b */
static int read_rotation(struct capture *c, struct capture_rotation *ret_rotation)
{
	const struct capture_options *o = c->o;
	const struct {
		char letter;
		const char *text;
	} single[] = { { 'C', o->size }, { 'G', o->period }, { 'W', o->files } };
	struct fault fault = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(single); i++) {
		if (single[i].text &&
		    capture_rotation_parse(ret_rotation, single[i].letter, single[i].text,
					   strlen(single[i].text), &fault) < 0)
			return command_fault(c->cmd, single[i].text, &fault);
	}
	for (size_t i = 0; i < o->ring.n; i++) {
		const char *text = o->ring.items[i];

		if (capture_rotation_parse(ret_rotation, 'b', text, strlen(text), &fault) < 0)
			return command_fault(c->cmd, text, &fault);
	}
	if (capture_rotation_check(ret_rotation, o->write, &fault) < 0)
		return command_fails(c->cmd, EXIT_USAGE, "%s", fault.text);
	return EXIT_YES;
}

/* By the name's end: ".pcap" and ".cap" are pcap, all else is pcapng. */
static enum capture_format format_of(const struct capture_options *o)
{
	size_t len = strlen(o->write);

	if ((len > 5 && !strcmp(o->write + len - 5, ".pcap")) ||
	    (len > 4 && !strcmp(o->write + len - 4, ".cap")))
		return o->nanoseconds ? CAPTURE_PCAP_NS : CAPTURE_PCAP;
	return CAPTURE_PCAPNG;
}

int capture_write_open(struct capture *c, int64_t first_ns)
{
	struct utsname system;
	char os[200] = "";
	struct capture_writer_config config = {
		.folder_fd = AT_FDCWD,
		.path = c->o->write,
		.format = format_of(c->o),
		.packet_buffered = c->o->unbuffered,
		.application = "sonde " SONDE_VERSION,
		.os = os,
		.now_ns = first_ns,
	};
	struct fault fault = { 0 };
	int status = read_rotation(c, &config.rotation);

	if (status != EXIT_YES)
		return status;
	if (!uname(&system))
		snprintf(os, sizeof(os), "%.60s %.60s", system.sysname, system.release);
	if (capture_writer_new(&config, &c->writer, &fault) < 0)
		return command_fails(c->cmd, EXIT_CANNOT, "%s", fault.text);
	return EXIT_YES;
}

int capture_write(struct capture *c, const struct capture_packet *packet)
{
	if (c->max_bytes && capture_writer_counts(c->writer).bytes >= c->max_bytes)
		return 1;
	return capture_writer_packet(c->writer, packet);
}

int capture_write_complain(const struct capture *c)
{
	/* Whoever stopped reading from a pipe wanted no more. */
	if (capture_writer_error(c->writer) == -EPIPE)
		return EXIT_YES;
	return command_fails(c->cmd, EXIT_CANNOT, "%s", capture_writer_fault(c->writer)->text);
}
