/* Whatever is accepted as an address, prefix or MAC is written so that it is read back the same. */
#include <assert.h>

#include "base/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char memory[128];
	struct buf b = buf_in(memory, sizeof(memory));
	struct prefix p, p_again;
	struct mac m, m_again;
	struct fault fault = { 0 };

	if (!prefix_parse(text, size, &p, &fault)) {
		buf_prefix(&b, &p);
		assert(!b.err);
		assert(!prefix_parse(b.data, b.len, &p_again, &fault));
		assert(addr_eq(&p.addr, &p_again.addr) && p.len == p_again.len);
		assert(prefix_contains(&p, &p.addr));
	} else {
		assert(fault.text[0] && fault.offset <= size);
	}
	buf_reset(&b);
	if (!mac_parse(text, size, &m, &fault)) {
		buf_mac(&b, m.bytes);
		assert(!b.err);
		assert(!mac_parse(b.data, b.len, &m_again, &fault));
		assert(!memcmp(&m, &m_again, sizeof(m)));
	} else {
		assert(fault.text[0] && fault.offset <= size);
	}
	return 0;
}
