/* Topologies as people or programs may write them: refused with a place in the file, or whole. */
#include <assert.h>
#include <string.h>

#include "lab/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault fault = { 0 };
	struct topology *t;
	int err;

	if (size > 8192)
		return 0;
	err = topology_parse("t", (const char *)data, size, &t, &fault);
	if (err < 0) {
		assert(!strncmp(fault.text, "t:", 2));
		return 0;
	}
	for (unsigned i = 0; i < t->n_hosts; i++) {
		assert(lab_name_ok(t->hosts[i].name));
		for (unsigned k = 0; k < t->hosts[i].n_links; k++)
			assert(t->hosts[i].links[k].network < t->n_networks);
	}
	topology_free(t);
	return 0;
}
