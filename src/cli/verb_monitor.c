/* sonde monitor: watch networks day and night; ask a running monitor; check its configuration. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "cli/monitor_show.h"
#include "cli/monitor_status.h"
#include "cli/service.h"
#include "cli/verbs.h"
#include "monitor/monitor.h"
#include "store/store.h"
#include "web/server.h"

#define DEFAULT_STORE "/var/lib/sonde/monitor.db"

struct running {
	struct command *cmd;
	const char *config_path;
	struct monitor_config *first;  /* what the page was started with */
	struct monitor_config *config; /* the present one */
	struct store *store;
	struct monitor *monitor;
	struct status_server *status;
	struct web_server *web;
	struct monitor_listener listener;
	uv_loop_t loop;
	uv_signal_t interrupt, terminate, hangup;
	uv_timer_t end;
};

static void on_event(void *user, const struct monitor_event *event)
{
	struct running *r = user;

	monitor_show_event(r->cmd->out, event);
}

static void on_trouble(void *user, const char *text)
{
	struct running *r = user;

	command_fails(r->cmd, EXIT_CANNOT, "%s", text);
}

static void on_end(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	(void)signum;
	uv_stop(handle->loop);
}

/* All or nothing: with anything wrong the old configuration goes on. */
static void on_hangup(uv_signal_t *handle, int signum)
{
	struct running *r = handle->data;
	struct monitor_config *config;
	struct fault fault = { .text = "" };
	int err = monitor_config_load(r->config_path, &config, &fault);

	(void)signum;
	if (!err) {
		err = monitor_reconfigure(r->monitor, config, &fault);
		if (err < 0)
			monitor_config_free(config);
	}
	if (err < 0) {
		command_fails(r->cmd, EXIT_USAGE, "the old configuration stays: %s", fault.text);
		return;
	}
	if (r->config != r->first)
		monitor_config_free(r->config);
	r->config = config;
	command_notes(r->cmd, "the new configuration is in force; `store` and `web` change with a "
			      "restart only");
}

static int start_signals(struct running *r)
{
	uint64_t for_ns = r->cmd->common.for_ns;
	int err = 0;

	uv_signal_init(&r->loop, &r->interrupt);
	uv_signal_init(&r->loop, &r->terminate);
	uv_signal_init(&r->loop, &r->hangup);
	uv_timer_init(&r->loop, &r->end);
	r->hangup.data = r;
	err = uv_signal_start(&r->interrupt, on_signal, SIGINT);
	if (!err)
		err = uv_signal_start(&r->terminate, on_signal, SIGTERM);
	if (!err)
		err = uv_signal_start(&r->hangup, on_hangup, SIGHUP);
	if (!err && for_ns)
		err = uv_timer_start(&r->end, on_end, MAX(for_ns / NS_PER_MS, (uint64_t)1), 0);
	return err;
}

/* Wrong input and what cannot be done have exit statuses of their own. */
static int status_of(int err)
{
	return err == -E_FOREIGN || err == -EADDRINUSE || err == -E_RANGE || err == -E_SYNTAX ||
			       err == -ENODEV || err == -E_NOT_FOUND
		       ? EXIT_USAGE
		       : EXIT_CANNOT;
}

static int open_store(struct running *r, struct fault *fault)
{
	const struct monitor_config_store *from = &r->config->store;
	const struct store_config config = {
		.path = from->path,
		.interval_ms = (int64_t)(r->config->every_ns / NS_PER_MS),
		.samples_days = from->samples_days,
		.minutes_days = from->minutes_days,
		.hours_days = from->hours_days,
		.events_days = from->events_days,
	};

	return store_open(&config, &r->store, fault);
}

static int open_web(struct running *r, struct fault *fault)
{
	int fd = service_listen_fd();

	if (r->config->web.enabled)
		return web_server_new(&r->loop, r->monitor, &r->config->web, fd, &r->web, fault);
	if (fd >= 0)
		close(fd);
	return 0;
}

/* `monitor status` is a comfort: without it the monitor runs all the same. */
static void open_status(struct running *r)
{
	char path[4200];
	int err;

	status_path(r->config->store.path, path, sizeof(path));
	err = status_serve(&r->loop, r->monitor, path, &r->status);
	if (err < 0)
		command_notes(r->cmd,
			      "`sonde monitor status` will find nobody: cannot listen at "
			      "%s: %s",
			      path, err_text(err));
}

static void say_hello(const struct running *r)
{
	char text[128];
	struct buf b = buf_in(text, sizeof(text));
	struct endpoint at;

	if (!r->web)
		return;
	at = web_server_address(r->web);
	buf_endpoint(&b, &at);
	if (!r->cmd->common.quiet)
		out_line(r->cmd->out, "The page: %s://%s/",
			 r->config->web.tls_cert ? "https" : "http", buf_cstr(&b));
}

static int open_all(struct running *r, struct fault *fault)
{
	int err = 0;

	/* Before anything is left behind: the end comes once the loop runs, and tidies up. */
	if (start_signals(r) < 0)
		err = fault_set(fault, 0, "cannot wait for signals");
	if (!err)
		err = open_store(r, fault);
	if (!err)
		err = monitor_new(&r->loop, r->config, r->store, &r->monitor, fault);
	if (!err)
		err = open_web(r, fault);
	if (err < 0)
		return err;
	open_status(r);
	say_hello(r);
	r->listener =
		(struct monitor_listener){ .event = on_event, .trouble = on_trouble, .user = r };
	err = monitor_listen(r->monitor, &r->listener);
	if (!err)
		err = monitor_start(r->monitor, fault);
	return err;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void close_all(struct running *r)
{
	web_server_free(r->web);
	status_server_free(r->status);
	monitor_free(r->monitor);
	store_free(r->store);
	uv_walk(&r->loop, close_handle, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	uv_loop_close(&r->loop);
	if (r->first != r->config)
		monitor_config_free(r->first);
	monitor_config_free(r->config);
}

static int run(struct command *cmd, void *options)
{
	struct running r = { .cmd = cmd, .config_path = cmd->operands[0] };
	struct fault fault = { .text = "" };
	struct monitor_summary summary;
	char text[160];
	struct buf b = buf_in(text, sizeof(text));
	int err = monitor_config_load(r.config_path, &r.config, &fault), status = EXIT_YES;

	(void)options;
	if (err < 0)
		return command_fails(cmd, err == -ENOMEM ? EXIT_CANNOT : EXIT_USAGE, "%s",
				     fault.text);
	r.first = r.config;
	err = uv_loop_init(&r.loop);
	if (err < 0) {
		monitor_config_free(r.config);
		return command_fails(cmd, EXIT_CANNOT, "cannot wait: %s", err_text(err));
	}
	err = open_all(&r, &fault);
	if (err < 0) {
		status = command_fails(cmd, status_of(err), "%s", fault.text);
	} else {
		service_notify("READY=1");
		uv_run(&r.loop, UV_RUN_DEFAULT);
		service_notify("STOPPING=1");
		monitor_summary(r.monitor, &summary);
		buf_counts(&b, &summary);
		out_line(cmd->out, "%s", buf_cstr(&b));
	}
	close_all(&r);
	return status;
}

static int run_check(struct command *cmd, void *options)
{
	struct monitor_config *config;
	struct fault fault = { .text = "" };
	int err = monitor_config_load(cmd->operands[0], &config, &fault);

	(void)options;
	if (err < 0)
		return command_fails(cmd, err == -ENOMEM ? EXIT_CANNOT : EXIT_USAGE, "%s",
				     fault.text);
	command_notes(cmd, "%s is right: %u network%s, %u host%s", cmd->operands[0],
		      config->n_networks, config->n_networks == 1 ? "" : "s", config->n_hosts,
		      config->n_hosts == 1 ? "" : "s");
	monitor_config_free(config);
	return EXIT_YES;
}

struct status_options {
	const char *socket;
};

/* Where to ask: --socket, or beside the database of the configuration, or of the default one. */
static int find_socket(const struct command *cmd, const struct status_options *o, char *ret_path,
		       size_t size)
{
	struct monitor_config *config;
	struct fault fault = { .text = "" };

	if (o->socket) {
		snprintf(ret_path, size, "%s", o->socket);
		return EXIT_YES;
	}
	if (!cmd->n_operands) {
		status_path(DEFAULT_STORE, ret_path, size);
		return EXIT_YES;
	}
	if (monitor_config_load(cmd->operands[0], &config, &fault) < 0)
		return command_fails(cmd, EXIT_USAGE, "%s", fault.text);
	status_path(config->store.path, ret_path, size);
	monitor_config_free(config);
	return EXIT_YES;
}

static int run_status(struct command *cmd, void *options)
{
	const struct status *status;
	char path[4200];
	int err, exit_status = find_socket(cmd, options, path, sizeof(path));

	if (exit_status != EXIT_YES)
		return exit_status;
	err = status_ask(path, &status);
	if (err == -ENOENT || err == -ECONNREFUSED)
		return command_fails(cmd, EXIT_CANNOT,
				     "no monitor answers at %s; start one: sonde monitor CONFIG",
				     path);
	if (err == -E_FOREIGN)
		return command_fails(cmd, EXIT_CANNOT,
				     "the monitor at %s is another version than this: restart it",
				     path);
	if (err < 0)
		return command_fails(cmd, EXIT_CANNOT, "cannot ask the monitor at %s: %s", path,
				     err_text(err));
	monitor_show_status(cmd->out, status, cmd->common.json);
	status_free(status);
	return EXIT_YES;
}

static const struct verb_option status_options[] = {
	{ 0, "socket", "PATH", "ask at this socket: PATH.sock beside the database", OPTION_TEXT,
	  offsetof(struct status_options, socket), .completes = COMPLETE_FILE },
};

static const struct out_type *const status_records[] = { &monitor_host_type, &monitor_self_type,
							 NULL };

static const struct example status_examples[] = {
	{ "sonde monitor status", "of the monitor whose database is " DEFAULT_STORE },
	{ "sonde monitor status office.yaml --json", "for a program, of another one" },
};

static const struct verb verb_status = {
	.name = "status",
	.operands = "[CONFIG]",
	.summary = "what a running monitor knows: all hosts, worst first",
	.about =
		"Asks the monitor through the socket beside its database, also from outside of the "
		"network namespace it runs in, and whether or not it serves a page. Only the user "
		"who runs the monitor, and root, may ask.",
	.options = status_options,
	.n_options = ARRAY_LEN(status_options),
	.options_size = sizeof(struct status_options),
	.common = COMMON_OUTPUT,
	.max_operands = 1,
	.completes = COMPLETE_FILE,
	.records = status_records,
	.examples = status_examples,
	.n_examples = ARRAY_LEN(status_examples),
	.run = run_status,
};

static const struct example check_examples[] = {
	{ "sonde monitor check office.yaml && systemctl reload sonde-monitor",
	  "only if it is right" },
};

static const struct verb verb_check = {
	.name = "check",
	.operands = "CONFIG",
	.summary = "is this configuration right?",
	.about = "Reads a configuration as `sonde monitor` would, and says what is wrong at which "
		 "line, and what was expected. Exit status 0 or 2.",
	.common = COMMON_OUTPUT,
	.min_operands = 1,
	.max_operands = 1,
	.completes = COMPLETE_FILE,
	.examples = check_examples,
	.n_examples = ARRAY_LEN(check_examples),
	.run = run_check,
};

static const struct verb *const subverbs[] = { &verb_status, &verb_check, NULL };

static const struct out_type *const records[] = { &monitor_event_type, NULL };

static const struct example examples[] = {
	{ "sonde monitor office.yaml", "watch what it says, print events, serve the page" },
	{ "sonde monitor office.yaml --json | tee -a events", "events for a program" },
	{ "sonde monitor office.yaml --for 1h", "end after an hour" },
};

const struct verb verb_monitor = {
	.name = "monitor",
	.operands = "CONFIG",
	.summary = "watch networks day and night, with a page that shows them",
	.about =
		"Finds hosts on the networks of the configuration, by ARP, neighbour solicitation and "
		"ICMP; keeps checking them; tells who falls silent, comes back, is slow, loses, or has "
		"another MAC; keeps the history in one SQLite file; serves a page and an API "
		"(docs/api.md). The example configuration explains every key.\n\n"
		"While this machine's own connection is down nobody is reported as down. Hosts and "
		"states outlast a restart, and so does every event that was shown.\n\n"
		"SIGHUP reads the configuration anew, all or nothing. Ctrl-C and SIGTERM end. A "
		"listening socket handed over (LISTEN_FDS) serves the page.",
	.common = COMMON_OUTPUT | COMMON_FOR,
	.min_operands = 1,
	.max_operands = 1,
	.completes = COMPLETE_FILE,
	.records = records,
	.subverbs = subverbs,
	.examples = examples,
	.n_examples = ARRAY_LEN(examples),
	.run = run,
};
