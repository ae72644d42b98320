/*
 * Runs a fuzz target without a fuzzer, over the files of a corpus directory, each whole and cut at
 * every byte. The input lies at the end of its allocation, so that the sanitizers see every read
 * beyond it.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE (1 << 20)
#define MAX_CUT	 2048 /* longer inputs are run whole only: the time grows with the square */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* Return: 0, or -1 when the file cannot be read whole. */
static int replay(const char *directory, const char *name)
{
	static uint8_t data[MAX_FILE];
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(data, 1, sizeof(data), file);
	if (ferror(file) || size == sizeof(data)) {
		fprintf(stderr, "%s: cannot be read, or has %d bytes or more\n", path, MAX_FILE);
		fclose(file);
		return -1;
	}
	fclose(file);
	run(data, size);
	for (size_t cut = 0; cut < size && size <= MAX_CUT; cut++)
		run(data, cut);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	dir = opendir(argv[1]);
	if (!dir) {
		perror(argv[1]);
		return 1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (replay(argv[1], entry->d_name) < 0)
			return 1;
		n++;
	}
	closedir(dir);
	printf("%d inputs\n", n);
	return n ? 0 : 1;
}
