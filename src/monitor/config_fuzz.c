/* A configuration is taken whole or refused with a sentence; nothing leaks either way. */
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct monitor_config *config = NULL;
	struct fault fault = { 0 };
	char path[64];
	int fd = memfd_create("config", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!monitor_config_load(path, &config, &fault))
		assert(config->n_networks || config->n_hosts);
	else
		assert(fault.text[0] && !config);
	monitor_config_free(config);
	close(fd);
	return 0;
}
