#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const own_texts[] = {
	[E_TRUNCATED - E_TRUNCATED] = "cut short",
	[E_MALFORMED - E_TRUNCATED] = "malformed",
	[E_FULL - E_TRUNCATED] = "a limit is reached",
	[E_SYNTAX - E_TRUNCATED] = "not understood",
	[E_RANGE - E_TRUNCATED] = "out of range",
	[E_TIMEOUT - E_TRUNCATED] = "no answer in time",
	[E_UNSUPPORTED - E_TRUNCATED] = "not supported here",
	[E_FOREIGN - E_TRUNCATED] = "made by another program or a newer version",
	[E_CLOSED - E_TRUNCATED] = "closed",
	[E_NOT_FOUND - E_TRUNCATED] = "not found",
};

const char *err_text(int code)
{
	const char *text;

	if (code < 0 && code != INT_MIN) /* which has no positive counterpart */
		code = -code;
	if (code >= E_TRUNCATED && code < E_LAST_)
		return own_texts[code - E_TRUNCATED];
	if (code == EMFILE)
		return "too many open files; allow more: ulimit -n 256";
	text = strerrordesc_np(code);
	return text ? text : "unknown error";
}

int fault_set(struct fault *fault, size_t offset, const char *format, ...)
{
	va_list args;

	if (!fault)
		return -E_SYNTAX;
	fault->offset = offset;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return -E_SYNTAX;
}
