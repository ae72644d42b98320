/*
 * Taking packets apart. packet_walk() records where each layer is and nothing else, without
 * allocation; fields are loaded when somebody asks. packet_items() gives every field of a layer, in
 * order, to a sink: text, tree, JSON, columns are sinks of the same walk.
 *
 * Two things can be wrong. Truncated: the capture, or the packet quoted in an ICMP error, holds
 * fewer bytes than the headers announce. Malformed: the headers contradict themselves or each
 * other.
 */
#ifndef SONDE_WIRE_PACKET_H
#define SONDE_WIRE_PACKET_H

#include "base/addr.h"
#include "wire/protocol.h"

enum layer_flags {
	LAYER_TRUNCATED = 1 << 0, /* its header or payload is not all there */
	LAYER_MALFORMED = 1 << 1,
	LAYER_FRAGMENT =
		1 << 2, /* a later fragment follows: its bytes are in the middle of something */
	LAYER_QUOTED = 1 << 3, /* part of a packet inside an error message */
	LAYER_MORE = 1 << 4,   /* a fragment, not the last: the rest of the payload is elsewhere */
	LAYER_CUT = 1 << 5,    /* the header itself is not all there */
	LAYER_STREAM = 1 << 6, /* a message in a stream of bytes (TCP), not a datagram */
	LAYER_REPLY = 1 << 7,  /* sent by the side that was called: the port that named it is the
				  source */
};

struct layer {
	uint8_t proto; /* enum protocol_id */
	uint8_t flags;
	uint32_t off;	      /* from the packet's start */
	uint32_t header_len;  /* bytes that are there; less than the protocol's minimum when cut */
	uint32_t payload_len; /* as announced; perhaps not all captured */
};

#define PACKET_LAYERS 24

/* The first of each kind of fault, and where. @err: -E_TRUNCATED or -E_MALFORMED, 0 for none. */
struct packet_fault {
	int err;
	uint32_t layer;
	uint32_t off;
};

/*
 * What is known of a packet beside its bytes. Who reads files or interfaces, and who keeps track of
 * flows, fills in what he knows; the rest stays zero.
 */
struct frame {
	uint64_t number; /* from 1; 0: none of this is known */
	int64_t time_ns; /* since 1970 */
	int64_t since_first_ns, since_previous_ns;
	const char *interface; /* NULL: unknown */
	const char *comment;   /* @comment_len bytes; NULL: none */
	uint32_t comment_len;
	uint32_t interface_id;
	uint32_t link_type; /* LINKTYPE_ */
};

/*
 * What the protocol of a connection remembers from message to message (STARTTLS, literals, mail
 * data). All zero at its start; [0] is the side that called, [1] the one that was called.
 */
struct dialogue {
	uint8_t proto;	   /* enum protocol_id; a message may change it for what follows:
			      PROTOCOL_NONE: to one that its content tells */
	uint8_t announces; /* the message in hand announced a connection of this protocol, */
	uint16_t port;	   /* to this port of @addr; family 0: of the side that sent it */
	struct addr addr;
	uint8_t phase[2];    /* the protocol's own */
	uint64_t count[2];   /* likewise */
	uint64_t memory;     /* likewise, of both sides; 0 again after a hole */
	uint32_t scanned[2]; /* likewise; set to 0 with every new message */
};

struct port_map;
struct tcp_facts;
struct udp_facts;
struct fragment_facts;
struct exchange_facts;

/* Who knows names of addresses. */
struct name_source {
	/* @addr: @addr_len bytes, 4 or 16. Return: @ret_len bytes, borrowed for the line, or NULL.
	 */
	const char *(*find)(const struct name_source *source, const uint8_t *addr, size_t addr_len,
			    size_t *ret_len);
};

/* How to take a packet apart. */
struct walk_config {
	const struct port_map *ports; /* which protocol speaks at a port */
	bool streams; /* the payload of TCP is somebody else's to put together: it is not entered */
	bool stream;  /* the bytes are a message of a stream */
	bool reply;   /* from the side that was called */
	const struct dialogue *dialogue; /* before this message; NULL: not known */
	const struct name_source *names; /* for the line of text; NULL: addresses as numbers */
};

struct packet {
	const struct walk_config *config;
	const struct frame *frame;   /* NULL: not known */
	const struct tcp_facts *tcp; /* of the first TCP layer that is not quoted; likewise */
	const struct udp_facts *udp; /* likewise of UDP */
	const struct fragment_facts *fragments; /* where it completed a datagram; NULL: not */
	const struct exchange_facts *exchange;	/* of a question or answer in it; NULL: none */
	const struct packet *more; /* what this packet completed: a datagram of fragments, messages
				      of a stream; then their successors */
	const uint8_t *bytes;
	uint32_t cap_len;  /* bytes at @bytes */
	uint32_t wire_len; /* bytes that the packet had on the wire, at least @cap_len */
	uint64_t seen;	   /* bit of each protocol that is in it */
	struct packet_fault fault;
	uint32_t end;  /* while walking: where the layer in hand says that it ends, */
	uint32_t have; /* and where the bytes end that could belong to it */
	bool quoted;   /* while walking: inside an error message, where being cut is usual */
	uint8_t side;  /* while walking: LAYER_STREAM, LAYER_REPLY of the layers to come */
	uint32_t n_layers;
	struct layer layers[PACKET_LAYERS];
};

/**
 * packet_walk() - find the layers of a packet
 * @first: what it starts with, PROTOCOL_ETHERNET or another
 * @bytes: @cap_len captured bytes of @wire_len, untrusted; must outlive @ret_packet
 * Never fails: what is wrong is in @ret_packet->fault and in the layers' flags.
 */
void packet_walk(struct packet *ret_packet, uint8_t first, const void *bytes, uint32_t cap_len,
		 uint32_t wire_len);

/* The same with more knowledge; @config must outlive @ret_packet. */
void packet_walk_as(struct packet *ret_packet, const struct walk_config *config, uint8_t first,
		    const void *bytes, uint32_t cap_len, uint32_t wire_len);

/* Goes on with the payload of the last layer, taken for @proto. */
void packet_walk_payload(struct packet *p, uint8_t proto);

/* PROTOCOL_IPV4 or PROTOCOL_IPV6 by the version in the first byte, else PROTOCOL_DATA. */
uint8_t packet_guess_ip(const uint8_t *bytes, size_t len);

/* The first layer of @proto, or NULL. */
const struct layer *packet_layer(const struct packet *p, uint8_t proto);

/* Bytes of the length before the layer, in a stream; 0: none. */
static inline uint32_t layer_prefix(const struct layer *l)
{
	const struct field *prefix = protocols[l->proto]->prefix;

	return prefix && l->flags & LAYER_STREAM ? field_span(prefix) : 0;
}

/* The payload's captured bytes. */
static inline const uint8_t *packet_payload(const struct packet *p, const struct layer *l,
					    uint32_t *ret_len)
{
	uint32_t off = MIN(l->off + l->header_len, p->cap_len);

	*ret_len = MIN(l->payload_len, p->cap_len - off);
	return p->bytes + off;
}

/* One field of one packet. */
struct item {
	const struct field *field;
	const uint8_t
		*bytes; /* the value, @len of them, perhaps decoded; NULL when it is computed */
	uint64_t value; /* of numbers and flags, scaled */
	uint32_t len;
	uint32_t off, span; /* the bytes of the packet that say it */
	uint8_t depth;
	const struct block *block; /* what a group holds, where known */
};

/* What an item says that is no field: the structure at its place is cut or wrong. */
extern const struct field field_truncated, field_malformed;

struct sink {
	void (*item)(struct sink *sink, const struct item *item);
	bool light; /* can do without items of fields that are bulk: joining and decoding is work */
};

/*
 * Whether an application protocol follows @layer, here or in what the packet completed: then its
 * part of the line of text says what matters.
 */
bool packet_says_more(const struct packet *p, size_t layer);

/*
 * Gives all fields of one layer. Allocates nothing. Among items that are next to each other (same
 * group, same depth) those of a row that repeats come without others between them, and those of
 * other rows once: JSON makes keys of them.
 */
void packet_items(const struct packet *p, size_t layer, struct sink *sink);

/* Gives the fields of PROTOCOL_FRAME: number, time, lengths, the names of all layers. */
void packet_frame_items(const struct packet *p, struct sink *sink);

/*
 * One of them, by its row. @text: empty, of 512 bytes at most; where the item's text is put
 * together, if it must be. Return: false when it is not known.
 */
bool packet_frame_item(const struct packet *p, const struct field *row, struct buf *text,
		       struct item *ret_item);

/* For protocols' own code. */

/* One walk over one layer. Offsets are from the packet's start. */
struct walk {
	const struct packet *packet;
	const struct layer *layer;
	const struct protocol *proto;
	struct sink *sink;
	uint32_t at;  /* where the fixed rows ended */
	uint32_t end; /* of the header as announced; what is captured may end before */
	bool over;    /* a fault was reported: nothing follows */
};

/* Reports a fault of the layer in hand: the first one stays. Returns PROTOCOL_NONE: nothing
 * follows. */
uint8_t packet_fails(struct packet *p, struct layer *l, int err, uint32_t off);

/*
 * Narrows the packet to the @total bytes that the layer says are its own, header and payload.
 * Return: 0, or -E_MALFORMED when that is less than the header.
 */
int packet_announce(struct packet *p, const struct layer *l, uint64_t total);

/*
 * Gives the fields of @rows, whose places count from @off, as far as they fit before @end; @depth
 * is added to theirs. What does not fit is a fault. Returns false then.
 */
bool walk_rows(struct walk *w, const struct field *rows, size_t n, uint32_t off, uint32_t end,
	       uint8_t depth);

/* Gives one field at @off, @len bytes. Likewise. */
bool walk_field(struct walk *w, const struct field *f, uint32_t off, uint32_t len, uint8_t depth);

/*
 * Whether @len bytes at @off are there; else that is a fault. Malformed: what they are in, which
 * announced that it ends at @end, is shorter. Truncated: they are announced, but not captured, or
 * the layer is a part of a stream that goes on in another segment.
 */
bool walk_fits(struct walk *w, uint32_t off, uint32_t len, uint32_t end);

/* A value that is not on the wire. */
void walk_computed(struct walk *w, const struct field *f, uint64_t value);

/* A number that code made of the @span bytes at @off: text, BER. Returns false where these are not
 * all there, with a fault, as the others. */
bool walk_number(struct walk *w, const struct field *f, uint32_t off, uint32_t span, uint64_t value,
		 uint8_t depth);

/* Bytes or text that code made of the @span bytes at @off, valid for the call. */
bool walk_decoded(struct walk *w, const struct field *f, uint32_t off, uint32_t span,
		  const void *bytes, size_t len, uint8_t depth);

/* A group of @span bytes at @off: what is given deeper after it belongs to it. @block: what it
 * holds, or NULL. */
bool walk_group(struct walk *w, const struct field *f, uint32_t off, uint32_t span, uint8_t depth,
		const struct block *block);

/* The bytes of the layer, header and payload as far as captured, for parsing with a cursor. */
static inline struct cursor walk_cursor(const struct walk *w)
{
	uint32_t end = MIN(w->end, w->packet->cap_len), off = MIN(w->layer->off, end);

	return cursor_of(w->packet->bytes + off, end - off);
}

/* Options from @off to @end. */
void walk_options(struct walk *w, const struct options *o, uint32_t off, uint32_t end);

/* The walk ends here, at @off of the packet's bytes: @err is -E_TRUNCATED or -E_MALFORMED. */
void walk_fault(struct walk *w, int err, uint32_t off);

#endif
