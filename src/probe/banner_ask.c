/*
 * Asks ports for their banners, for tests: banner-ask MAX TIMEOUT_MS ADDRESS PORT... Prints one
 * line each, as they come: PORT ERROR SERVICE TEXT, with - for what is empty.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/banner_io.h"

static void print(void *ctx, void *owner, const struct banner_finding *finding, int error)
{
	struct buf text = buf_of(4096);

	(void)ctx;
	banner_finding_text(finding, &text);
	printf("%u %d %s %s\n", (unsigned)(uintptr_t)owner, error,
	       *finding->service ? finding->service : "-", text.len ? buf_cstr(&text) : "-");
	fflush(stdout);
	buf_done(&text);
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	struct banner_io *io;
	struct endpoint to;
	int status = 0;

	if (argc < 5 || addr_parse(argv[3], strlen(argv[3]), &to.addr, NULL))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	if (banner_io_new(loop, (unsigned)atoi(argv[1]), (uint64_t)atoi(argv[2]) * NS_PER_MS, print,
			  NULL, &io))
		return 3;
	for (int i = 4; i < argc && !status; i++) {
		to.port = (uint16_t)atoi(argv[i]);
		status = banner_io_ask(io, &to, NULL, (void *)(uintptr_t)to.port) ? 3 : 0;
	}
	while (banner_io_left(io) && uv_run(loop, UV_RUN_ONCE))
		;
	banner_io_free(io);
	uv_run(loop, UV_RUN_DEFAULT);
	return status;
}
