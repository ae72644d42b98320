#include "cli/live.h"

#include <signal.h>

/* libuv's timers count whole milliseconds. */
static uint64_t timer_ms(uint64_t ns)
{
	return MAX(ns / NS_PER_MS, (uint64_t)1);
}

void live_stop(struct live *live, int status)
{
	live->status = status;
	uv_stop(&live->loop);
}

static void on_tick(uv_timer_t *timer)
{
	struct live *live = timer->data;

	live->tick(live);
}

static void on_end(uv_timer_t *timer)
{
	live_stop(timer->data, EXIT_YES);
}

static void on_signal(uv_signal_t *handle, int signum UNUSED)
{
	live_stop(handle->data, EXIT_YES);
}

static void on_readable(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	struct live *live = poll->data;

	live->readable(live);
}

static void close_handle(uv_handle_t *handle, void *arg UNUSED)
{
	uv_close(handle, NULL);
}

static int start(struct live *l)
{
	uint64_t for_ns = l->cmd->common.for_ns;
	int err;

	uv_timer_init(&l->loop, &l->ticks);
	uv_timer_init(&l->loop, &l->end);
	uv_signal_init(&l->loop, &l->interrupt);
	uv_signal_init(&l->loop, &l->terminate);
	l->ticks.data = l->end.data = l->interrupt.data = l->terminate.data = l->poll.data = l;
	err = uv_poll_init(&l->loop, &l->poll, l->fd);
	if (!err)
		err = uv_poll_start(&l->poll, UV_READABLE, on_readable);
	if (!err)
		err = uv_signal_start(&l->interrupt, on_signal, SIGINT);
	if (!err)
		err = uv_signal_start(&l->terminate, on_signal, SIGTERM);
	if (!err && l->every_ns)
		err = uv_timer_start(&l->ticks, on_tick, timer_ms(l->every_ns),
				     timer_ms(l->every_ns));
	if (!err && for_ns)
		err = uv_timer_start(&l->end, on_end, timer_ms(for_ns), 0);
	return err;
}

int live_run(struct live *live)
{
	int err = uv_loop_init(&live->loop);

	live->status = EXIT_YES;
	if (err)
		return command_fails(live->cmd, EXIT_CANNOT, "cannot wait: %s", err_text(err));
	err = start(live);
	if (err)
		live->status =
			command_fails(live->cmd, EXIT_CANNOT, "cannot wait: %s", err_text(err));
	else
		uv_run(&live->loop, UV_RUN_DEFAULT);
	uv_walk(&live->loop, close_handle, NULL);
	uv_run(&live->loop, UV_RUN_DEFAULT);
	uv_loop_close(&live->loop);
	return live->status;
}
