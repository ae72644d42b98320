#include "wire/vendor.h"

#include "base/cursor.h"

struct vendor {
	uint64_t prefix;
	uint32_t name; /* offset in vendor_names */
};

#include "vendors.inc"

/* The longest prefix wins: parts of a 24-bit block are assigned on as 28 and 36 bits. */
static const struct {
	const struct vendor *vendors;
	size_t n;
	unsigned bits;
} registries[] = {
	{ vendors_36, ARRAY_LEN(vendors_36), 36 },
	{ vendors_28, ARRAY_LEN(vendors_28), 28 },
	{ vendors_24, ARRAY_LEN(vendors_24), 24 },
};

static const struct vendor *find(const struct vendor *vendors, size_t n, uint64_t prefix)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (vendors[middle].prefix == prefix)
			return &vendors[middle];
		if (vendors[middle].prefix < prefix)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const char *vendor_of_mac(const struct mac *mac)
{
	uint64_t value = (uint64_t)load_be16(mac->bytes) << 32 | load_be32(mac->bytes + 2);

	if (mac->bytes[0] & 2)
		return "Locally administered";
	for (size_t i = 0; i < ARRAY_LEN(registries); i++) {
		const struct vendor *v = find(registries[i].vendors, registries[i].n,
					      value >> (48 - registries[i].bits));

		if (v)
			return vendor_names + v->name;
	}
	return NULL;
}
