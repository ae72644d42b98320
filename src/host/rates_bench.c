/*
 * How long a tick of rates takes: for bench/ifaces.py. Prints microseconds, one line a tick:
 *
 *   bench_host_rates TICKS PAUSE_MS
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host/rates.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int main(int argc, char **argv)
{
	struct host_rates rates = { 0 };
	struct netlink *nl;
	long ticks = argc > 1 ? atol(argv[1]) : 100, pause_ms = argc > 2 ? atol(argv[2]) : 0;
	struct timespec pause = { pause_ms / 1000, pause_ms % 1000 * 1000000 };

	if (netlink_new(&nl) < 0)
		return 1;
	for (long i = 0; i <= ticks; i++) { /* the first, which grows the arrays, is not counted */
		uint64_t start = now_ns();

		if (host_rates_tick(nl, &rates) < 0)
			return 1;
		if (i)
			printf("%.1f\n", (double)(now_ns() - start) / NS_PER_US);
		if (pause_ms)
			nanosleep(&pause, NULL);
	}
	host_rates_done(&rates);
	netlink_free(nl);
	return 0;
}
