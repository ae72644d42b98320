/*
 * capture-copy: the capture files' reader and writer by themselves, for tests and measurements.
 *
 *   capture-copy [OPTIONS] IN OUT   "-" is standard input or output
 *   capture-copy IN                 reads only; prints the number of packets and bytes
 *   capture-copy -l IN              one line a packet and interface, tab-separated
 *
 *   -F FORMAT   pcapng (default), pcap or nspcap      -U   every packet is written at once
 *   -C -G -W -b as tcpdump's and dumpcap's            -u UID   make files as this user
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/capture_reader.h"
#include "io/capture_writer.h"

static struct fault fault;

static _Noreturn void end(const char *name, const char *text)
{
	fprintf(stderr, "capture-copy: %s: %s\n", name, text);
	exit(3);
}

static void print_bytes(const char *title, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	printf("\t%s", title);
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
}

static void list_interfaces(const struct capture_reader *r)
{
	const struct capture_interface *i;

	for (size_t n = 0; (i = capture_reader_interface(r, n)); n++)
		printf("interface\t%zu\t%s\t%s\t%s\t%u\t%u\t%u\t%u\t%lld\t%lld\n", n, i->name,
		       i->description, i->filter, i->link_type, i->snap_len, i->fcs_len,
		       i->resolution, (long long)i->received, (long long)i->dropped);
}

static void list_packet(const struct capture_packet *p)
{
	printf("packet\t%lld\t%u\t%u\t%u\t%u\t%u", (long long)p->time_ns, p->cap_len, p->wire_len,
	       p->interface, p->link_type, p->flags);
	print_bytes("", p->bytes, p->cap_len);
	print_bytes(p->comment ? "#" : "", p->comment, p->comment_len);
	putchar('\n');
}

/* The writer learns of interfaces when the reader does. */
static void copy_interfaces(const struct capture_reader *r, struct capture_writer *w, size_t *n)
{
	const struct capture_interface *i;

	for (; (i = capture_reader_interface(r, *n)); ++*n) {
		struct capture_writer_interface copy = { .name = i->name,
							 .description = i->description,
							 .filter = i->filter,
							 .link_type = i->link_type,
							 .snap_len = i->snap_len,
							 .fcs_len = i->fcs_len };
		int err = capture_writer_add_interface(w, &copy);

		if (err < 0)
			end("interface", err_text(err));
	}
}

static void finish(const struct capture_reader *r, struct capture_writer *w)
{
	const struct capture_interface *i;

	for (size_t n = 0; (i = capture_reader_interface(r, n)); n++)
		capture_writer_statistics(w, (uint32_t)n, i->received, i->dropped);
	if (capture_writer_finish(w) < 0)
		end("output", capture_writer_fault(w)->text);
}

/* The first packet, read ahead, has told the time. */
static struct capture_writer *open_writer(struct capture_writer_config *config, uid_t uid)
{
	struct capture_writer *w;

	if (capture_rotation_check(&config->rotation, config->path, &fault) < 0 ||
	    capture_writer_new(config, &w, &fault) < 0)
		end("output", fault.text);
	if (uid && setresuid(uid, uid, uid) < 0)
		end("user", "cannot change");
	return w;
}

static void copy(struct capture_reader *r, struct capture_writer_config *config, uid_t uid)
{
	struct capture_packet p = { 0 };
	int more = capture_reader_next(r, &p), err = 0;
	struct capture_writer *w;
	size_t n = 0;

	config->now_ns = p.time_ns;
	w = open_writer(config, uid);
	copy_interfaces(r, w, &n);
	err = capture_writer_begin(w);
	for (; more > 0 && !err; more = capture_reader_next(r, &p)) {
		if (n < capture_reader_n_interfaces(r))
			copy_interfaces(r, w, &n);
		err = capture_writer_packet(w, &p);
	}
	if (err < 0)
		end("output", capture_writer_fault(w)->text);
	copy_interfaces(r, w, &n);
	finish(r, w);
	capture_writer_free(w);
	if (more < 0)
		end("input", capture_reader_fault(r)->text);
}

static void read_only(struct capture_reader *r, bool list)
{
	unsigned long long packets = 0, bytes = 0;
	struct capture_packet p;
	int more;

	while ((more = capture_reader_next(r, &p)) > 0) {
		if (list)
			list_packet(&p);
		packets++;
		bytes += p.cap_len;
	}
	if (list)
		list_interfaces(r);
	else
		printf("%llu packets, %llu bytes\n", packets, bytes);
	fflush(stdout);
	if (more < 0)
		end("input", capture_reader_fault(r)->text);
}

static void take_format(struct capture_writer_config *config, const char *name)
{
	config->format = !strcmp(name, "pcap")	   ? CAPTURE_PCAP
			 : !strcmp(name, "nspcap") ? CAPTURE_PCAP_NS
						   : CAPTURE_PCAPNG;
}

int main(int argc, char **argv)
{
	struct capture_writer_config config = { .folder_fd = AT_FDCWD, .application = "sonde" };
	struct capture_reader *r;
	bool list = false;
	uid_t uid = 0;
	int letter;

	while ((letter = getopt(argc, argv, "F:C:G:W:b:Uu:l")) > 0) {
		if (letter == 'F')
			take_format(&config, optarg);
		else if (letter == 'U')
			config.packet_buffered = true;
		else if (letter == 'u')
			uid = (uid_t)atoi(optarg);
		else if (letter == 'l')
			list = true;
		else if (letter == '?' ||
			 capture_rotation_parse(&config.rotation, (char)letter, optarg,
						strlen(optarg), &fault) < 0)
			end("option", fault.text);
	}
	if (argc - optind < 1 || argc - optind > 2)
		end("usage", "[OPTIONS] IN [OUT]");
	if (capture_reader_open(argv[optind], NULL, &r, &fault) < 0)
		end("input", fault.text);
	config.path = argv[optind + 1];
	if (config.path && capture_reader_reads(r, config.path))
		end("output", "that is the input");
	if (config.path)
		copy(r, &config, uid);
	else
		read_only(r, list);
	capture_reader_free(r);
	return 0;
}
