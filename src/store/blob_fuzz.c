/* The blobs of a file that somebody else may have written: read, sorted, summed up, written again.
 */
#include <assert.h>

#include "store/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define START_MS (1888889LL * STORE_SLOT_MS)

static void try_bursts(const uint8_t *data, size_t size)
{
	struct samples list = { 0 }, again = { 0 };
	struct store_stats stats, same;
	struct buf b = buf_of(1 << 20);

	if (bursts_read(cursor_of(data, size), START_MS, &list) == 0) {
		samples_sort(&list);
		assert(stats_of(&list, 0, list.n, &stats) == 0);
		assert(stats.lost <= stats.sent && stats.min_ns <= stats.median_ns &&
		       stats.median_ns <= stats.max_ns);
		samples_write(&b, &list, START_MS);
		assert(!b.err);
		assert(bursts_read(cursor_of(b.data, b.len), START_MS, &again) == 0);
		assert(again.n == list.n);
		assert(stats_of(&again, 0, again.n, &same) == 0);
		assert(!memcmp(&stats, &same, sizeof(stats)));
	}
	buf_done(&b);
	samples_done(&list);
	samples_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(data, size);
	struct store_stats stats, sum = { 0 };
	struct store_heat_cell cell;
	int64_t host = 0, last = 0;

	if (size > 4096)
		return 0;
	try_bursts(data, size);
	while (cursor_left(&c)) {
		stats_read(&c, &stats);
		if (!c.err)
			stats_combine(&sum, &stats);
	}
	c = cursor_of(data, size);
	while (heat_read(&c, &host, &cell)) {
		assert(host > last && cell.lost <= cell.sent);
		last = host;
	}
	return 0;
}
