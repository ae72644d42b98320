/*
 * Fields of packets as columns of text, a line each, as `tshark -T fields` writes them.
 *
 * Differences: control characters from the network are written as \xNN, what is no UTF-8 too; a
 * protocol's own column is its title; times of day are in UTC.
 */
#ifndef SONDE_WIRE_COLUMNS_H
#define SONDE_WIRE_COLUMNS_H

#include "wire/packet.h"

#define COLUMNS_MAX 256

struct columns_config {
	char separator;	 /* between columns */
	char aggregator; /* between occurrences of a field */
	char quote;	 /* around each column: '"', '\''; 0: none */
	char occurrence; /* 'f' the first, 'l' the last, 'a' all */
	bool header;	 /* the names in the first line */
	bool bom;	 /* the mark of UTF-8 before everything */
};

struct registry_name;

struct columns {
	struct columns_config config;
	uint32_t needs; /* enum filter_needs, joined */
	size_t n;
	struct column {
		const char *name; /* as it was asked for; borrowed */
		const struct registry_name *field;
		uint8_t special; /* those that are no field */
	} column[COLUMNS_MAX];
};

/* No columns yet; tabs, commas, no quotes, all occurrences, neither header nor mark. */
void columns_init(struct columns *c);

/**
 * columns_option() - set what `-E` sets
 * @text: "separator=/t", "header=y", "quote=d", "occurrence=f", "aggregator=/s", "bom=y"
 * Return: 0, -E_SYNTAX with @fault.
 */
MUST_CHECK int columns_option(struct columns *c, const char *text, struct fault *fault);

/**
 * columns_add() - one more column
 * @name: of a field or protocol, "_ws.col.Protocol" or "_ws.col.Info"; must outlive @c
 * Return: 0, -E_SYNTAX with @fault when there is none of that name or no room.
 */
MUST_CHECK int columns_add(struct columns *c, const char *name, struct fault *fault);

/* The first line with its newline, and the mark, if they are wanted. */
void columns_header(struct buf *b, const struct columns *c);

/* One packet's line, without newline. Allocates nothing beside the buffer's growth. */
void columns_put(struct buf *b, const struct columns *c, const struct packet *p);

#endif
