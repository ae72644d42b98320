/* The parts of a compiled filter. */
#ifndef SONDE_WIRE_FILTER_INTERNAL_H
#define SONDE_WIRE_FILTER_INTERNAL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "wire/filter.h"
#include "wire/pick.h"

#define FILTER_TEXT_MAX	 65536
#define FILTER_NODES_MAX 1024
#define FILTER_DEPTH_MAX 64
#define FILTER_PARTS_MAX 8 /* of one slice, or of the layers of one field */

/* What one regular expression may cost in one value: steps, and memory where it is not compiled. */
#define FILTER_MATCH_LIMIT 100000
#define FILTER_MATCH_KIB   256

/*
 * What one packet may cost: each value that is looked at counts 1, each search for a field's
 * values in the packet FILTER_PICK_COST. Only comparisons of fields with fields in packets that
 * are full of them come near it.
 */
#define FILTER_BUDGET	 (1u << 20)
#define FILTER_PICK_COST 256

/* Types of values. Numbers of all types can be compared with each other. */
enum value_type {
	VALUE_NONE, /* a literal whose type is not decided yet */
	VALUE_UINT,
	VALUE_INT,
	VALUE_FLAG,
	VALUE_TIME,
	VALUE_DURATION,
	VALUE_BYTES,
	VALUE_MAC,
	VALUE_IP4,
	VALUE_IP6,
	VALUE_TEXT,
};

typedef __int128 number_t;

struct value {
	uint8_t type;	/* enum value_type */
	uint8_t prefix; /* @masked: bits that count */
	bool masked;
	uint32_t len;
	const uint8_t *bytes;
	number_t number;
};

static inline bool value_is_number(unsigned type)
{
	return type >= VALUE_UINT && type <= VALUE_DURATION;
}

enum node_kind {
	/* Tests: yes or no */
	NODE_AND, /* of children */
	NODE_OR,
	NODE_XOR,
	NODE_NOT,
	NODE_PRESENT, /* a protocol */
	NODE_TRUTH,   /* child: is there, and where calculated not zero */
	NODE_COMPARE, /* left, right */
	NODE_DIRECT,  /* the same of a field at a fixed place with a constant number */
	NODE_IN,      /* left, then elements: values or ranges */
	NODE_MATCHES, /* left */
	/* Values */
	NODE_FIELD,
	NODE_SLICE,    /* child */
	NODE_FUNCTION, /* children: arguments */
	NODE_BINARY,   /* left, right */
	NODE_LITERAL,  /* typed text, until its type is known */
	NODE_CONST,
	NODE_RANGE, /* of two constants */
};

enum compare_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_CONTAINS };

enum function {
	FUNCTION_LEN,
	FUNCTION_COUNT,
	FUNCTION_LOWER,
	FUNCTION_UPPER,
	FUNCTION_STRING,
	FUNCTION_ABS,
	FUNCTION_MAX,
	FUNCTION_MIN,
};

/* Typed text: a word, "a string" or r"one", 'c'. */
enum literal_form { LITERAL_WORD, LITERAL_STRING, LITERAL_CHAR };

struct slice_part {
	int32_t first; /* from the end where negative */
	int32_t len;   /* 0: to the end; negative: up to and with this place from the end */
};

struct node {
	uint8_t kind; /* enum node_kind */
	uint8_t op;   /* enum compare_op, enum function, or the character of the calculation */
	uint8_t type; /* enum value_type, of values */
	uint8_t form; /* enum literal_form */
	bool all;     /* the test must hold for all */
	uint8_t n_parts;
	uint8_t prefix;
	uint8_t height; /* of values: what is below, at most FILTER_DEPTH_MAX */
	uint16_t first; /* child, 0: none */
	uint16_t next;	/* sibling */
	uint32_t at;	/* in the text */
	uint32_t len;	/* of the constant or of the literal, or until where the node goes */
	union {
		const struct registry_name *name; /* NODE_FIELD, NODE_PRESENT */
		const uint8_t *bytes;		  /* NODE_CONST, NODE_LITERAL */
		uint64_t direct;		  /* NODE_DIRECT */
		struct pattern *pattern;	  /* NODE_MATCHES */
	};
	union {
		number_t number;		  /* NODE_CONST */
		uint64_t mask;			  /* NODE_DIRECT */
		const struct slice_part *slice;	  /* NODE_SLICE: @n_parts */
		const struct layer_range *layers; /* NODE_FIELD: @n_parts */
	};
};

struct pattern {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	struct pattern *next;
};

struct filter {
	struct node *nodes; /* [0] is nobody's child: 0 is "none" */
	uint32_t n_nodes;
	uint16_t root; /* 0: the empty filter, true for all */
	uint32_t needs;
	uint32_t budget; /* values that may still be looked at in this packet */
	char *memory;	 /* of constants, slices, layer ranges; enough for the text's */
	size_t memory_len, memory_cap;
	struct pattern *patterns;
};

/* Compiling. */

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_CHAR,
	TOKEN_SIGN, /* operators and brackets: @sign */
};

enum sign {
	SIGN_NONE,
	SIGN_AND,
	SIGN_OR,
	SIGN_XOR,
	SIGN_NOT,
	SIGN_ANY_EQ,
	SIGN_ALL_EQ,
	SIGN_ANY_NE,
	SIGN_ALL_NE,
	SIGN_LT,
	SIGN_LE,
	SIGN_GT,
	SIGN_GE,
	SIGN_CONTAINS,
	SIGN_MATCHES,
	SIGN_IN,
	SIGN_ANY,
	SIGN_ALL,
	SIGN_BITAND,
	SIGN_PLUS,
	SIGN_MINUS,
	SIGN_TIMES,
	SIGN_DIVIDE,
	SIGN_MODULO,
	SIGN_OPEN,
	SIGN_CLOSE,
	SIGN_OPEN_BRACE,
	SIGN_CLOSE_BRACE,
	SIGN_BRACKET,
	SIGN_HASH,
	SIGN_COMMA,
	SIGN_DOTS,
};

struct token {
	uint8_t kind; /* enum token_kind */
	uint8_t sign; /* enum sign; of words, too, that are operators */
	uint32_t at, len;
};

struct parser {
	const char *text;
	uint32_t len;
	uint32_t at;	    /* behind the token in hand */
	struct token token; /* in hand */
	struct filter *filter;
	struct fault *fault;
	int err;
	unsigned depth;
};

/* Reads the next token into @p->token. Return: 0 or -E_SYNTAX, which sticks in @p->err. */
int filter_next(struct parser *p);

/* Reports a fault at @at; the first one stays. Returns -E_SYNTAX. */
int filter_fails(struct parser *p, uint32_t at, const char *format, ...) PRINTF(3, 4);

/* "[0:2,-1]" or, after '#', "1" or "[1-2]": the token in hand opens it and is passed. Sets the
 * node's parts. */
int filter_parse_slice(struct parser *p, struct node *n);
int filter_parse_layers(struct parser *p, struct node *n);

/* The whole text. */
int filter_parse(struct parser *p);

/* A copy of @len bytes that lives as long as the filter. */
const void *filter_keep(struct parser *p, const void *bytes, size_t len);

/* Whether a calculation takes values of @type; @op: enum sign. */
bool filter_can_calculate(unsigned type, unsigned op);

/*
 * Makes constants of the literals in @node that are compared with @to: a value of that type, named
 * by the field's registry if it has one. Return: 0, or the fault.
 */
int filter_resolve(struct parser *p, uint16_t node, uint16_t to);

/* The bytes of a quoted literal, escapes resolved, in @b. */
int filter_unquote(struct parser *p, const struct node *literal, struct buf *b);

/* Compiles the pattern of @n, which is at @literal. */
int filter_compile_pattern(struct parser *p, struct node *n, const struct node *literal);

/* What a type is called: "an IPv4 address". */
const char *value_type_title(unsigned type);

/* The type that the values of a field have in filters. */
unsigned value_type_of(const struct field *f);

/* Evaluating. */

/* The value as the filter sees an item; texts that must be put together are in @text. */
void value_of_item(struct value *v, const struct item *item, struct buf *text);

/* Whether the packet passes the tree below @node. */
bool filter_test(struct filter *f, uint16_t node, const struct packet *p);

#endif
