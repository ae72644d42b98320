#include "capture/extract.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "capture/connection.h"
#include "capture/extract_io.h"

static void assert_name(const char *wanted, const char *type, const char *name)
{
	char got[EXTRACT_NAME_MAX + 1];

	extract_name((const uint8_t *)wanted, strlen(wanted), type, got);
	assert_string_equal(got, name);
}

static void names_are_safe(void **state UNUSED)
{
	char longest[1000], got[EXTRACT_NAME_MAX + 1];

	assert_name("/a/b/page.html", "text/html", "page.html");
	assert_name("/", "text/html", "index.html");
	assert_name("", "", "index.bin");
	assert_name("/a/b", "image/png", "b.png");
	assert_name("../../etc/passwd", "text/plain", "passwd.txt");
	assert_name("..\\..\\boot.ini", "", "boot.ini");
	assert_name("/..", "", "index.bin");
	assert_name("/.bashrc", "text/plain", "bashrc.txt");
	assert_name("-rf", "", "rf.bin");
	assert_name("/a\nb\x1b[2J\xc3\xa4 c.txt", "", "a_b__2J___c.txt");
	assert_name("/archive.verylongending", "application/zip", "archive.verylongending.zip");
	memset(longest, 'x', sizeof(longest));
	extract_name((uint8_t *)longest, sizeof(longest), "text/html", got);
	assert_int_equal(strlen(got), EXTRACT_NAME_MAX);
	assert_string_equal(got + EXTRACT_NAME_MAX - 5, ".html");
}

/* A connection of which the streams' bytes are given by hand. */
struct fixture {
	char folder[64];
	int fd;
	struct extract_files *files;
	struct connection connection;
	char told[512]; /* a line for each file that is done */
};

static void done(void *arg, const struct extract_object *o, const char *name, int err)
{
	struct fixture *f = arg;
	size_t n = strlen(f->told);

	assert_int_equal(err, 0);
	snprintf(f->told + n, sizeof(f->told) - n, "%s %s%s\n", name,
		 o->complete ? "complete" : "incomplete", o->gapped ? " gapped" : "");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct extract_files_config config = { .done = done, .arg = f };

	strcpy(f->folder, "/tmp/sonde-extract-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->fd = config.folder = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(extract_files_new(&config, &f->files), 0);
	f->connection.stream.proto = PROTOCOL_HTTP;
	*state = f;
	return 0;
}

static void over(struct fixture *f)
{
	if (f->connection.stream.state)
		extract_files_sink(f->files)->over(extract_files_sink(f->files),
						   f->connection.stream.state);
	f->connection.stream.state = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *dir = fdopendir(f->fd);

	over(f);
	for (struct dirent *e; (e = readdir(dir));)
		unlinkat(f->fd, e->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(f->folder), 0);
	extract_files_free(f->files);
	free(f);
	return 0;
}

static void give(struct fixture *f, bool reply, const void *bytes, size_t len, uint64_t gap,
		 bool end)
{
	struct stream_piece piece = {
		.connection = &f->connection,
		.state = &f->connection.stream.state,
		.reply = reply,
		.bytes = bytes,
		.len = len,
		.gap = gap,
		.end = end,
	};

	extract_files_sink(f->files)->piece(extract_files_sink(f->files), &piece);
}

/* In pieces of @step bytes. */
static void say(struct fixture *f, bool reply, const char *text, size_t step)
{
	for (size_t len = strlen(text), n; len; text += n, len -= n) {
		n = MIN(step, len);
		give(f, reply, text, n, 0, false);
	}
}

static void assert_file(struct fixture *f, const char *name, const void *bytes, size_t len)
{
	char got[4096];
	int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof(got)), len);
	assert_memory_equal(got, bytes, len);
	close(fd);
}

static void bodies_become_files(void **state)
{
	struct fixture *f = *state;

	for (size_t step = 1; step < 90; step += 11) {
		say(f, false, "GET /a/one.txt?x=1 HTTP/1.1\r\n\r\nHEAD /no HTTP/1.1\r\n\r\n", step);
		say(f, true,
		    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
		    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
		    step);
		say(f, false, "GET /two HTTP/1.1\r\n\r\n", step);
		say(f, true,
		    "HTTP/1.1 100 Continue\r\n\r\n"
		    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
		    step);
		if (step == 1)
			assert_string_equal(f->told, "one.txt complete\ntwo.html complete\n");
	}
	assert_file(f, "one.txt", "hello", 5);
	assert_file(f, "two.html", "abcde", 5);
	assert_file(f, "two-9.html", "abcde", 5);
}

static void names_come_from_the_header_if_it_has_one(void **state)
{
	struct fixture *f = *state;

	say(f, false, "GET /download.php HTTP/1.1\r\n\r\n", 1000);
	say(f, true,
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	    "Content-Disposition: attachment; filename=\"../x.zip\"\r\n\r\nz",
	    1000);
	assert_string_equal(f->told, "x.zip complete\n");
}

static void gzip_is_taken_off(void **state)
{
	struct fixture *f = *state;
	char text[3000], head[128], packed[3000];
	z_stream z = { 0 };

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)("sonde"[i % 5] + i % 7);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
	z.next_in = (Bytef *)text;
	z.avail_in = sizeof(text);
	z.next_out = (Bytef *)packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n",
		 z.total_out);
	say(f, true, head, 20);
	for (size_t i = 0; i < z.total_out; i++)
		give(f, true, packed + i, 1, 0, false);
	assert_string_equal(f->told, "index.bin complete\n");
	assert_file(f, "index.bin", text, sizeof(text));
}

static void what_is_cut_is_marked(void **state)
{
	struct fixture *f = *state;

	say(f, true, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 1000);
	give(f, true, NULL, 0, 4, false);
	say(f, true, "xyzHTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 1000);
	give(f, true, NULL, 0, 0, true);
	assert_string_equal(f->told, "index.bin.partial incomplete gapped\n"
				     "index-2.bin.partial incomplete\n");
	assert_file(f, "index.bin.partial", "abc\0\0\0\0xyz", 10);
	assert_file(f, "index-2.bin.partial", "abc", 3);
}

static void what_is_there_is_not_touched(void **state)
{
	struct fixture *f = *state;
	char outside[80];

	snprintf(outside, sizeof(outside), "%s/outside", f->folder);
	assert_int_equal(symlinkat(outside, f->fd, "a.txt"), 0);
	say(f, false, "GET /a.txt HTTP/1.1\r\n\r\n", 1000);
	say(f, true, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 1000);
	assert_string_equal(f->told, "a-2.txt complete\n");
	assert_int_equal(access(outside, F_OK), -1);
}

static void after_a_hole_the_next_message_is_found(void **state)
{
	struct fixture *f = *state;

	say(f, true, "HTTP/1.1 200 OK\r\nContent-Le", 1000);
	give(f, true, NULL, 0, 40, false);
	say(f, true, "rest of a body", 1000);
	say(f, true, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 1000);
	assert_string_equal(f->told, "index.bin complete\n");
	assert_file(f, "index.bin", "ok", 2);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_safe),
		CASE(bodies_become_files),
		CASE(names_come_from_the_header_if_it_has_one),
		CASE(gzip_is_taken_off),
		CASE(what_is_cut_is_marked),
		CASE(what_is_there_is_not_touched),
		CASE(after_a_hole_the_next_message_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
