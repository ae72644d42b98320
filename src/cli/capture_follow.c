#include "cli/capture_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/extract_io.h"
#include "capture/follow.h"
#include "capture/transport.h"
#include "wire/udp.h"

enum look { LOOK_TEXT, LOOK_HEX, LOOK_RAW };

struct capture_follow {
	struct command *cmd;
	struct follow *follow; /* NULL: a conversation of UDP, */
	uint32_t datagrams;    /* of this number, */
	struct ends ends;      /* of its first datagram */
	enum look look;
	bool some;	    /* was shown, */
	bool reply;	    /* from this side last, */
	uint64_t offset[2]; /* so many bytes of each */
	struct buf text;
	int err;
	struct extract_files *files;
	int folder;
	uint64_t failed; /* objects that could not be written */
};

enum { O_NAME, O_TYPE, O_BYTES, O_COMPLETE, O_STREAM, O_FRAME, N_OBJECT };

static const struct out_column object_columns[] = {
	[O_NAME] = { "name", OUT_TEXT, .width = 24, .about = "of the file" },
	[O_TYPE] = { "type", OUT_TEXT, .width = 16, .about = "media type that the message says" },
	[O_BYTES] = { "bytes", OUT_BYTES, .about = "of the body, decoded" },
	[O_COMPLETE] = { "complete", OUT_BOOL, .about = "all of it was captured" },
	[O_STREAM] = { "stream", OUT_UINT, .about = "TCP connection: tcp.stream" },
	[O_FRAME] = { "frame", OUT_UINT, .about = "packet in which the message begins" },
};
const struct out_type object_type = { "object", object_columns, N_OBJECT, .live = true };

static void write_text(struct capture_follow *f)
{
	const char *at = f->text.data;
	size_t left = f->text.len;

	while (left && !f->err) {
		ssize_t n = write(f->cmd->fd, at, left);

		if (n < 0 && errno != EINTR) {
			f->err = -errno;
		} else if (n > 0) {
			at += n;
			left -= (size_t)n;
		}
	}
	buf_reset(&f->text);
}

/* Text of strangers: line ends stay, all else that could move the cursor is made visible. */
static void put_text(struct buf *b, const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = 0;

		while (at + n < len && bytes[at + n] != '\n' && bytes[at + n] != '\r' &&
		       bytes[at + n] != '\t')
			n++;
		buf_safe(b, (const char *)bytes + at, n);
		at += n;
		if (at < len && bytes[at] != '\r')
			buf_char(b, (char)bytes[at]);
		at++;
	}
}

/* Who sent the first datagram, and to whom. */
static const struct endpoint *ends_as(const struct capture_follow *f, struct endpoint ret[2])
{
	const struct ends *e = &f->ends;

	ret[0] = (struct endpoint){ e->addr_len == 4 ? addr_ip4(e->src) : addr_ip6(e->src),
				    e->src_port };
	ret[1] = (struct endpoint){ e->addr_len == 4 ? addr_ip4(e->dst) : addr_ip6(e->dst),
				    e->dst_port };
	return ret;
}

/* Who speaks now, where it changes. */
static void put_side(struct capture_follow *f, bool reply)
{
	struct endpoint datagram[2];
	const struct endpoint *ends = f->follow ? follow_ends(f->follow) : ends_as(f, datagram);
	struct buf *b = &f->text;

	if (f->some && f->reply == reply)
		return;
	if (f->some && f->look == LOOK_TEXT)
		buf_char(b, '\n');
	if (f->cmd->colour)
		buf_str(b, reply ? "\033[34m" : "\033[35m");
	buf_str(b, reply ? "<<< " : ">>> ");
	if (ends)
		buf_endpoint(b, &ends[reply]);
	if (f->cmd->colour)
		buf_lit(b, "\033[0m");
	buf_char(b, '\n');
	f->some = true;
	f->reply = reply;
}

static void give(void *arg, const struct follow_piece *piece)
{
	struct capture_follow *f = arg;
	struct buf *b = &f->text;

	if (f->look != LOOK_RAW && (piece->len || piece->gap))
		put_side(f, piece->reply);
	if (piece->gap && f->look != LOOK_RAW)
		buf_printf(b, "[%llu bytes were not captured]\n", (unsigned long long)piece->gap);
	f->offset[piece->reply] += piece->gap;
	if (f->look == LOOK_TEXT)
		put_text(b, piece->bytes, piece->len);
	else if (f->look == LOOK_HEX)
		buf_hexdump(b, piece->bytes, piece->len, f->offset[piece->reply], 8,
			    piece->reply ? 4 : 0);
	else
		buf_bytes(b, piece->bytes, piece->len);
	f->offset[piece->reply] += piece->len;
	write_text(f);
}

void capture_follow_packet(struct capture_follow *f, const struct packet *packet)
{
	struct transport t;
	struct follow_piece piece = { 0 };
	const struct packet *p = packet;
	uint32_t len;

	while (p && !p->udp)
		p = p->fragments ? p->more : NULL;
	if (f->files || f->follow || !p || p->udp->stream != f->datagrams ||
	    !transport_of(packet, &t))
		return;
	if (!f->ends.addr_len)
		f->ends = t.ends;
	piece.reply = memcmp(t.ends.src, f->ends.src, t.ends.addr_len) != 0 ||
		      t.ends.src_port != f->ends.src_port;
	piece.bytes = packet_payload(p, &p->layers[p->udp->layer], &len);
	piece.len = len;
	give(f, &piece);
	if (f->look == LOOK_TEXT) {
		buf_char(&f->text, '\n');
		write_text(f);
	}
}

/* "tcp:3", "http:0,hex" */
static int read_follow(struct capture_follow *f, const char *text, struct follow_config *ret_config)
{
	bool http = !strncmp(text, "http:", 5), tcp = !strncmp(text, "tcp:", 4);
	bool udp = !strncmp(text, "udp:", 4);
	static const char *const looks[] = { ",text", ",hex", ",raw" };
	struct fault fault = {
		.text = "expected tcp:N, udp:N or http:N, N being the stream's number as in "
			"--flows; then perhaps ,text ,hex or ,raw"
	};
	char *end;
	unsigned long n;

	if (!http && !tcp && !udp)
		return command_fault(f->cmd, text, &fault);
	fault.offset = http ? 5 : 4;
	n = strtoul(text + fault.offset, &end, 10);
	if (text[fault.offset] < '0' || text[fault.offset] > '9' || n > UINT32_MAX)
		return command_fault(f->cmd, text, &fault);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		if (!strcmp(end, looks[i])) {
			f->look = (enum look)i;
			end += strlen(end);
		}
	}
	fault.offset = (size_t)(end - text);
	if (*end)
		return command_fault(f->cmd, text, &fault);
	f->datagrams = (uint32_t)n;
	*ret_config = (struct follow_config){
		.stream = (uint32_t)n, .http = http, .give = udp ? NULL : give, .arg = f
	};
	return EXIT_YES;
}

static void object_done(void *arg, const struct extract_object *o, const char *name, int err)
{
	struct capture_follow *f = arg;
	struct out_value row[N_OBJECT] = {
		[O_NAME] = out_text(name),	  [O_TYPE] = out_text(*o->type ? o->type : NULL),
		[O_BYTES] = out_uint(o->len),	  [O_COMPLETE] = out_bool(o->complete && !err),
		[O_STREAM] = out_uint(o->stream), [O_FRAME] = out_uint(o->frame),
	};

	if (err < 0 && !f->failed++)
		command_notes(f->cmd, "%s: %s", name, err_text(err));
	if (err >= 0)
		out_record(f->cmd->out, &object_type, row);
}

static int open_folder(struct capture_follow *f, const char *path)
{
	struct extract_files_config config = { .done = object_done, .arg = f };

	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return command_fails(f->cmd, EXIT_CANNOT, "cannot make the folder %s: %s", path,
				     err_text(errno));
	f->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->folder < 0)
		return command_fails(f->cmd, EXIT_CANNOT, "%s: %s", path, err_text(errno));
	config.folder = f->folder;
	if (extract_files_new(&config, &f->files) < 0)
		return command_fails(f->cmd, EXIT_CANNOT, "out of memory");
	return EXIT_YES;
}

int capture_follow_new(struct command *cmd, const struct capture_options *o, const char *folder,
		       struct capture_follow **ret_follow)
{
	struct capture_follow *f = calloc(1, sizeof(*f));
	struct follow_config config;
	int status;

	if (!f)
		return command_fails(cmd, EXIT_CANNOT, "out of memory");
	f->cmd = cmd;
	f->folder = -1;
	f->text = buf_of(64 << 20);
	if (o->extract) {
		status = open_folder(f, folder);
	} else {
		status = read_follow(f, o->follow, &config);
		if (status == EXIT_YES && config.give && follow_new(&config, &f->follow) < 0)
			status = command_fails(cmd, EXIT_CANNOT, "out of memory");
	}
	if (status == EXIT_YES)
		*ret_follow = f;
	else
		capture_follow_free(f);
	return status;
}

struct capture_follow *capture_follow_free(struct capture_follow *f)
{
	if (!f)
		return NULL;
	follow_free(f->follow);
	extract_files_free(f->files);
	if (f->folder >= 0)
		close(f->folder);
	buf_done(&f->text);
	free(f);
	return NULL;
}

struct stream_sink *capture_follow_sink(struct capture_follow *f)
{
	return f->files ? extract_files_sink(f->files) : f->follow ? follow_sink(f->follow) : NULL;
}

int capture_follow_error(const struct capture_follow *f)
{
	return f->err;
}

static int finish_extract(struct capture_follow *f)
{
	struct extract_counts counts = extract_files_counts(f->files);

	command_notes(f->cmd, "%llu bodies, %llu of them complete; %llu passed over",
		      (unsigned long long)counts.objects, (unsigned long long)counts.complete,
		      (unsigned long long)counts.passed_over);
	if (f->failed)
		return command_fails(f->cmd, EXIT_CANNOT, "%llu files could not be written",
				     (unsigned long long)f->failed);
	return counts.objects ? EXIT_YES : EXIT_NO;
}

int capture_follow_finish(struct capture_follow *f)
{
	if (f->files)
		return finish_extract(f);
	if (f->err < 0 && f->err != -EPIPE)
		return command_fails(f->cmd, EXIT_CANNOT, "cannot write the results: %s",
				     err_text(f->err));
	if (f->follow ? !follow_ends(f->follow) : !f->ends.addr_len) {
		command_notes(f->cmd, "there is no such stream; sonde capture --flows lists them");
		return EXIT_NO;
	}
	if (f->some && f->look == LOOK_TEXT)
		dprintf(f->cmd->fd, "\n");
	return EXIT_YES;
}
