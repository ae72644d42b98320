/*
 * Packets into capture files: pcapng with nanoseconds, flags, comments and statistics, or pcap. One
 * file, standard output, or a row of files (io/capture_rotation.h), each of them complete.
 *
 * For programs that give up their privileges there are two steps. capture_writer_new() opens, with
 * them, the one file or the folder of the row; capture_writer_begin() then makes the first file of
 * a row without them. So the user who will have to make the later ones has proved to be able to
 * before the capture starts, and the folder's path needs not be open to him.
 *
 * One thread at a time. No stdio, no clock: time is the packets', or what the caller says.
 */
#ifndef SONDE_IO_CAPTURE_WRITER_H
#define SONDE_IO_CAPTURE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/capture_packet.h"
#include "io/capture_rotation.h"

struct capture_writer;

struct capture_writer_config {
	int folder_fd;	  /* what @path is relative to: AT_FDCWD or a folder's descriptor */
	const char *path; /* "-": standard output */
	enum capture_format format;
	bool packet_buffered;		  /* -U: every packet is written at once */
	const char *application;	  /* "sonde 1.0"; into pcapng's header */
	const char *hardware;		  /* likewise, may be NULL */
	const char *os;			  /* likewise, may be NULL */
	struct capture_rotation rotation; /* checked by capture_rotation_check() */
	int64_t now_ns;			  /* since 1970: names the first file of a row */
};

/* What pcapng says of an interface; pcap has only the link type, snap and FCS lengths. */
struct capture_writer_interface {
	const char *name, *description, *filter; /* may be NULL */
	uint32_t link_type;			 /* LINKTYPE_ */
	uint32_t snap_len;			 /* 0: unlimited */
	uint8_t fcs_len;
};

/* Of all files so far, buffered bytes included. */
struct capture_writer_counts {
	uint64_t files, packets, bytes;
};

/**
 * capture_writer_new() - open the file, or the folder of a row of files
 * @fault: a sentence that names the file
 * Return: 0, -errno with @fault filled. An existing file is emptied.
 */
MUST_CHECK int capture_writer_new(const struct capture_writer_config *config,
				  struct capture_writer **ret_writer, struct fault *fault);

/* Without finishing the file: capture_writer_finish() does that. */
struct capture_writer *capture_writer_free(struct capture_writer *w);

/**
 * capture_writer_add_interface() - before or after capture_writer_begin()
 * Return: its index, counted from 0, for capture_packet.interface; -E_UNSUPPORTED when the file is
 * pcap and the link type is another than that of the interfaces before; -E_FULL, -ENOMEM, or the
 * error that sticks. Texts are copied, and cut at 255 bytes.
 */
MUST_CHECK int capture_writer_add_interface(struct capture_writer *w,
					    const struct capture_writer_interface *interface);

/**
 * capture_writer_begin() - make the first file of a row, and write the header
 * Return: 0, or -errno: see capture_writer_fault(). A pcap header waits for an interface.
 */
MUST_CHECK int capture_writer_begin(struct capture_writer *w);

/**
 * capture_writer_packet() - after capture_writer_begin()
 * Return: 0; 1 when the row of files has ended before this packet (-G with -W), which is then not
 * written; -E_RANGE for an interface or a length that is not possible; else the error that sticks.
 */
MUST_CHECK int capture_writer_packet(struct capture_writer *w, const struct capture_packet *p);

/**
 * capture_writer_tick() - the clock is at @now_ns: goes on to the next file when it is time
 * Needed only when no packets come. Return: as capture_writer_packet().
 */
MUST_CHECK int capture_writer_tick(struct capture_writer *w, int64_t now_ns);

/**
 * capture_writer_statistics() - what the end of each file says of an interface
 * @received, @dropped: packets since the capture began, or UINT64_MAX: unknown
 */
void capture_writer_statistics(struct capture_writer *w, uint32_t interface, uint64_t received,
			       uint64_t dropped);

/* Writes what is buffered. Return: 0 or the error that sticks. */
MUST_CHECK int capture_writer_flush(struct capture_writer *w);

/* Statistics, flush and close. Return: 0 or the first error of all. */
MUST_CHECK int capture_writer_finish(struct capture_writer *w);

/* The error that sticks: a sentence that names the file, for instance of a full disk. */
const struct fault *capture_writer_fault(const struct capture_writer *w);
int capture_writer_error(const struct capture_writer *w); /* its code; 0: none */

struct capture_writer_counts capture_writer_counts(const struct capture_writer *w);

/* The current file: its name as opened, borrowed until the next call; "" before the first. */
const char *capture_writer_name(const struct capture_writer *w);

#endif
