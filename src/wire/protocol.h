/*
 * A protocol is a constant table, one file pair each; protocol.c lists them. Most need no code
 * beside their rows: where the header's length, the payload's length, the checksum and the next
 * protocol are is said by pointing at the rows that hold them, and serves taking apart and building
 * alike.
 */
#ifndef SONDE_WIRE_PROTOCOL_H
#define SONDE_WIRE_PROTOCOL_H

#include "wire/field.h"

enum protocol_id {
	PROTOCOL_NONE,
	PROTOCOL_FRAME, /* what is known beside the bytes */
	PROTOCOL_ETHERNET,
	PROTOCOL_LLC,
	PROTOCOL_VLAN,
	PROTOCOL_8021AD,
	PROTOCOL_PPPOED,
	PROTOCOL_PPPOES,
	PROTOCOL_PPP_HDLC,
	PROTOCOL_PPP,
	PROTOCOL_LCP,
	PROTOCOL_IPCP,
	PROTOCOL_IPV6CP,
	PROTOCOL_PAP,
	PROTOCOL_CHAP,
	PROTOCOL_SLL,
	PROTOCOL_SLL2,
	PROTOCOL_NULL,
	PROTOCOL_STP,
	PROTOCOL_LLDP,
	PROTOCOL_ARP,
	PROTOCOL_IPV4,
	PROTOCOL_IPV6,
	PROTOCOL_HOPOPTS,
	PROTOCOL_ROUTING,
	PROTOCOL_FRAGMENT,
	PROTOCOL_DSTOPTS,
	PROTOCOL_AH,
	PROTOCOL_ESP,
	PROTOCOL_ICMP,
	PROTOCOL_ICMPV6,
	PROTOCOL_IGMP,
	PROTOCOL_UDP,
	PROTOCOL_TCP,
	PROTOCOL_SNMP,
	PROTOCOL_TLS,
	PROTOCOL_HTTP,
	PROTOCOL_FTP,
	PROTOCOL_FTP_DATA,
	PROTOCOL_SMTP,
	PROTOCOL_POP,
	PROTOCOL_IMAP,
	PROTOCOL_DNS,
	PROTOCOL_MDNS,
	PROTOCOL_LLMNR,
	PROTOCOL_DHCP,
	PROTOCOL_DHCPV6,
	PROTOCOL_NTP,
	PROTOCOL_STUN,
	PROTOCOL_RTP,
	PROTOCOL_RTCP,
	PROTOCOL_SYSLOG,
	PROTOCOL_DATA,
	N_PROTOCOLS,
};
_Static_assert(N_PROTOCOLS <= 64, "struct packet has a bit for each");

struct packet;
struct layer;
struct walk;
struct dialogue;
struct compose;
struct exchange_table;

/* Which protocol follows a value. The commonest first: rows are tried in order. */
struct demux {
	const struct demux_row {
		uint16_t value;
		uint8_t protocol; /* enum protocol_id */
	} * rows;
	size_t n;
};

/*
 * Options: type and length, a byte each, then the value. What is said by @head (type and length) is
 * the same for all, what follows is in the block with the type's code, counted from the type.
 */
struct options {
	const struct field *group; /* the row that each option appears under */
	const struct field
		*head; /* the type first, perhaps with rows for its bits, the length last */
	const struct block *blocks;
	const struct block *unknown; /* for codes without a block */
	/* Where more than the code decides; NULL: it never does. @option: @len bytes from the code,
	 * at least the two of code and length; @block: by the code. */
	const struct block *(*variant)(const struct block *block, const uint8_t *option,
				       uint32_t len);
	uint8_t n_head, n_blocks;
	uint8_t unit;  /* bytes that a length of 1 stands for */
	uint8_t add;   /* bytes that the length does not count */
	uint8_t align; /* the whole is padded to a multiple of so many bytes */
	int16_t end;   /* code that ends the list, or -1 */
	int16_t pad;   /* code of a single byte of padding, or -1 */
};

enum checksum_kind {
	CHECKSUM_NONE,
	CHECKSUM_HEADER,     /* over the header */
	CHECKSUM_MESSAGE,    /* over header and payload */
	CHECKSUM_PSEUDO,     /* and IP's pseudo header before */
	CHECKSUM_PSEUDO_UDP, /* likewise, and 0 means none */
};

struct protocol {
	const char *name;	/* Wireshark's: "ip" */
	const char *short_name; /* in a line of text: "TCP" */
	const char *title;
	const char *rfc;
	const char *about; /* sentences for explain */
	const struct field *fields;
	uint8_t n_fields;
	uint8_t name_len;
	uint16_t min_len;
	bool ports;   /* the header begins with source and destination port */
	bool repeats; /* several in a packet are usual: always an array in JSON */
	bool whole;   /* all that is left is its own, and in the bytes of the header: messages */
	bool application; /* its part of the line says what matters: that of TCP and UDP is left out
			   */

	/* Rows that only walk() gives, for finding fields by name. */
	const struct rows {
		const struct field *fields;
		size_t n;
	} * more_rows;
	size_t n_more_rows;

	/* Header length in bytes: value * unit + add. NULL: fixed, or step() knows. */
	const struct field *header_len;
	uint8_t header_unit, header_add;

	/* Of messages that are whole: in a stream, a number of bytes before each header says how
	 * many follow it. The layer begins behind it. */
	const struct field *prefix;

	/* From the start of the header to the end of the payload: value + add. NULL: to the end. */
	const struct field *total_len;
	uint8_t total_add;
	bool step_measures; /* the length has exceptions: only step() applies it */

	const struct field *next;
	const struct demux *demux;

	const struct field *checksum;
	enum checksum_kind checksum_kind;

	/*
	 * What follows the rows above in messages of one type: found by @select's value. Without
	 * @select: one body, what the header usually is where walk() reads others, too.
	 */
	const struct field *select;
	const struct block *bodies;
	uint8_t n_bodies;
	bool bodies_fit;	       /* none is longer than the fixed part */
	const struct options *options; /* between the fixed part and the header's end */

	/* Where selecting needs more than the value; NULL: the body whose code is @select's value.
	 */
	const struct block *(*body)(const uint8_t *header, size_t len);

	/*
	 * What the rows cannot say of this layer: may change its lengths, set its flags, report
	 * faults. Gets the protocol that the tables found to be next, returns the one that is.
	 */
	uint8_t (*step)(struct packet *p, struct layer *l, uint8_t next);

	/* Emits what follows the fixed rows; NULL: body and options, as the tables say. */
	void (*walk)(struct walk *w);

	/*
	 * Appends what the rows cannot say, when crafting: see wire/compose.h. Settings that it
	 * leaves unused are faults. NULL: a header of rows, body and options is all there is.
	 * Return: 0, or -E_SYNTAX with @fault.
	 */
	int (*compose)(struct compose *m, struct fault *fault);
	const struct rows *craft_rows; /* what is only said when crafting: keys; NULL: nothing */

	/* Which of its messages ask, which answer; NULL: none. See wire/exchange.h. */
	const struct exchange_table *exchange;

	/* This layer's share of the line of text. */
	void (*line)(struct buf *b, const struct packet *p, size_t layer);

	/*
	 * Whether @bytes, the first of a datagram or of one direction of a stream, can only be of
	 * this protocol, whatever the ports say. NULL: its content proves nothing.
	 */
	bool (*guess)(const uint8_t *bytes, size_t len, bool stream);

	/**
	 * message() - where the first message ends in the bytes of a stream
	 * @d: the dialogue, changed only when the length of a message is returned (its @scanned:
	 * always)
	 * @reply: sent by the side that was called
	 * @bytes: in order, from the end of the last message
	 * @end: no more bytes will follow (end of the stream, or all that will ever be kept is
	 * here)
	 * Return: the message's length (1 to @len); 0: more bytes are needed; -E_MALFORMED: this is
	 * not the protocol's, nor is what follows.
	 */
	int64_t (*message)(struct dialogue *d, bool reply, const uint8_t *bytes, size_t len,
			   bool end);
};

#define PROTOCOL_NAME(n) .name = (n), .name_len = sizeof(n) - 1

/* By id; the first is NULL. */
extern const struct protocol *const protocols[N_PROTOCOLS];

/* By Wireshark's name, or one that people use for it ("eth", "ethernet", "ipv4"). Return: 0 if
 * none. */
uint8_t protocol_find(const char *name, size_t len);

/* The body of @header (@len bytes, at least the fixed part), or NULL. */
const struct block *protocol_body(const struct protocol *p, const uint8_t *header, size_t len);

/* The option's block: with @code, or the one for unknown codes. */
const struct block *options_block(const struct options *o, unsigned code);

/* A protocol by its content, or PROTOCOL_DATA. */
uint8_t protocol_guess(const uint8_t *bytes, size_t len, bool stream);

/* Shared by those who carry others. */
extern const struct demux demux_ethertype;
extern const struct demux demux_ip;
extern const struct value_name ethertype_names[];
extern const struct value_name ip_protocol_names[];

static inline uint8_t demux_find(const struct demux *d, uint64_t value)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->rows[i].value == value)
			return d->rows[i].protocol;
	return PROTOCOL_DATA;
}

#endif
