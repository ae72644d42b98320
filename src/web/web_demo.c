/* Serves a made-up network: web-demo --port 8080 [--hosts 1000] [--hours 24] [--db FILE]. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"
#include "web/demo_monitor.h"
#include "web/server.h"

static const char usage[] =
	"usage: web-demo [--port N] [--listen ADDRESS] [--listen-fd FD] [--hosts N] [--hours H]\n"
	"                [--every S] [--db FILE] [--token TEXT] [--tls-cert FILE --tls-key FILE]\n"
	"                [--behind-proxy] [--allow-host NAME] [--hostile]\n"
	"Serves made-up hosts with their history; every S seconds (10) they change. Without --db the\n"
	"history is made anew and forgotten at the end.\n";

struct options {
	struct monitor_config_web web;
	struct demo_config demo;
	char *db;
	int listen_fd;
};

static void read_address(const char *text, struct addr *ret_addr)
{
	struct fault fault;

	if (addr_parse(text, strlen(text), ret_addr, &fault) == 0)
		return;
	fprintf(stderr, "web-demo: %s: %s\n", text, fault.text);
	exit(2);
}

static void read_options(int argc, char **argv, struct options *o)
{
	static const struct option table[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "listen", required_argument, NULL, 'l' },
		{ "listen-fd", required_argument, NULL, 'f' },
		{ "hosts", required_argument, NULL, 'n' },
		{ "hours", required_argument, NULL, 'h' },
		{ "every", required_argument, NULL, 'e' },
		{ "db", required_argument, NULL, 'd' },
		{ "token", required_argument, NULL, 't' },
		{ "tls-cert", required_argument, NULL, 'c' },
		{ "tls-key", required_argument, NULL, 'k' },
		{ "behind-proxy", no_argument, NULL, 'b' },
		{ "allow-host", required_argument, NULL, 'a' },
		{ "hostile", no_argument, NULL, 'x' },
		{ 0 },
	};
	static char *allowed[1];
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'p':
			o->web.listen.port = (uint16_t)atoi(optarg);
			break;
		case 'l':
			read_address(optarg, &o->web.listen.addr);
			break;
		case 'f':
			o->listen_fd = atoi(optarg);
			break;
		case 'n':
			o->demo.n_hosts = (unsigned)atoi(optarg);
			break;
		case 'h':
			o->demo.hours = atof(optarg);
			break;
		case 'e':
			o->demo.every_s = atof(optarg);
			break;
		case 'd':
			o->db = optarg;
			break;
		case 't':
			o->web.token = optarg;
			break;
		case 'c':
			o->web.tls_cert = optarg;
			break;
		case 'k':
			o->web.tls_key = optarg;
			break;
		case 'b':
			o->web.behind_proxy = true;
			break;
		case 'a':
			allowed[0] = optarg;
			o->web.allowed_hosts = allowed;
			o->web.n_allowed_hosts = 1;
			break;
		case 'x':
			o->demo.quirks |= DEMO_HOSTILE;
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc || o->demo.n_hosts < 1 || o->demo.n_hosts > 60000) {
		fputs(usage, stderr);
		exit(2);
	}
}

static void on_signal(uv_signal_t *handle, int signal)
{
	(void)signal;
	uv_stop(handle->loop);
}

static int serve(uv_loop_t *loop, const struct options *o, struct store *store)
{
	struct monitor *m = demo_monitor_new(loop, store, &o->demo);
	struct web_server *s = NULL;
	struct fault fault = { 0 };
	struct endpoint e;
	uv_signal_t signals[2];
	int err;

	if (!m)
		return 3;
	err = web_server_new(loop, m, &o->web, o->listen_fd, &s, &fault);
	if (err < 0) {
		fprintf(stderr, "web-demo: %s\n", fault.text);
		monitor_free(m);
		return 3;
	}
	for (int i = 0; i < 2; i++) {
		uv_signal_init(loop, &signals[i]);
		uv_signal_start(&signals[i], on_signal, i ? SIGTERM : SIGINT);
	}
	e = web_server_address(s);
	printf("%s on port %u, %u hosts, %g h: pid %d\n", o->web.tls_cert ? "https" : "http",
	       e.port, o->demo.n_hosts, o->demo.hours, getpid());
	fflush(stdout);
	uv_run(loop, UV_RUN_DEFAULT);
	for (int i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	web_server_free(s);
	monitor_free(m);
	uv_run(loop, UV_RUN_DEFAULT); /* what was closed is still told */
	return 0;
}

static void forget(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
	char name[256];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

int main(int argc, char **argv)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	struct options o = { .web = { .enabled = true, .listen = { addr_ip4(loopback), 0 } },
			     .demo = { 1000, 24, 10, 0 },
			     .listen_fd = -1 };
	char made[] = "/tmp/web-demo.XXXXXX.db";
	struct store_config config = { 0 };
	struct fault fault = { 0 };
	struct store *store = NULL;
	uv_loop_t loop;
	int status;

	read_options(argc, argv, &o);
	signal(SIGPIPE, SIG_IGN);
	if (!o.db) {
		int fd = mkstemps(made, 3);

		if (fd < 0) {
			perror(made);
			return 3;
		}
		close(fd);
	}
	config.path = o.db ? o.db : made;
	if (store_open(&config, &store, &fault) < 0) {
		fprintf(stderr, "web-demo: %s\n", fault.text);
		return 3;
	}
	uv_loop_init(&loop);
	status = serve(&loop, &o, store);
	if (status) /* the signal handlers were not set: nothing else is on the loop */
		uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	store_free(store);
	if (!o.db)
		forget(made);
	return status;
}
