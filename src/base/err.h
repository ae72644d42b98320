/*
 * Errors. A function returns 0 or a count, or a negative code: -errno, or one of ours. Parsers of
 * what people type also fill a struct fault: a sentence and the place in the text.
 */
#ifndef SONDE_BASE_ERR_H
#define SONDE_BASE_ERR_H

#include <stddef.h>

#include "base/macros.h"

enum err {
	E_TRUNCATED = 1000, /* the bytes end before the structure does */
	E_MALFORMED,	    /* the bytes contradict the specification */
	E_FULL,		    /* a stated bound is reached */
	E_SYNTAX,	    /* typed text is not of the form expected */
	E_RANGE,	    /* a value is outside what is allowed */
	E_TIMEOUT,	    /* nothing answered in time */
	E_UNSUPPORTED,	    /* this kernel, build or peer cannot do it */
	E_FOREIGN,	    /* the file belongs to another program or a newer version */
	E_CLOSED,	    /* the other side, or we ourselves, ended it */
	E_NOT_FOUND,	    /* no such thing */
	E_LAST_,
};

/**
 * err_text() - the sentence for a code, without full stop
 * @code: negative or positive, errno or ours
 * Return: static text, never NULL; safe from any thread.
 */
const char *err_text(int code);

/* What is wrong with something that a person typed, and where. */
struct fault {
	size_t offset;	/* bytes from the start of the text */
	char text[240]; /* a sentence without full stop; "" when there is no fault */
};

/**
 * fault_set() - describe a fault
 * @fault: may be NULL: nothing is then written
 * @offset: bytes from the start of the parsed text
 * Return: always -E_SYNTAX, so that a parser can return it directly.
 */
int fault_set(struct fault *fault, size_t offset, const char *format, ...) PRINTF(3, 4);

#endif
