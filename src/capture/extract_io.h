/*
 * The objects of capture/extract as files in a folder. A file that is there already is never
 * touched: a number is put into the new one's name. One that is not complete gets ".partial" behind
 * its name; bytes missing in the middle are holes in the file.
 */
#ifndef SONDE_CAPTURE_EXTRACT_IO_H
#define SONDE_CAPTURE_EXTRACT_IO_H

#include "capture/extract.h"

struct extract_files;

struct extract_files_config {
	int folder;		   /* descriptor of an open folder; must outlive the object */
	uint64_t max_object_bytes; /* 0: 1 GiB */
	/*
	 * A file is done. @name: in the folder; @err: 0, or what making or writing it met (the file
	 * is then not complete, or not there). May be NULL.
	 */
	void (*done)(void *arg, const struct extract_object *o, const char *name, int err);
	void *arg;
};

/* Return: 0 or -ENOMEM. */
MUST_CHECK int extract_files_new(const struct extract_files_config *config,
				 struct extract_files **ret_files);

/* After the object that feeds its sink. */
struct extract_files *extract_files_free(struct extract_files *f);

/* For struct dissect_config. */
struct stream_sink *extract_files_sink(struct extract_files *f);

struct extract_counts extract_files_counts(const struct extract_files *f);

#endif
