#include "web/login.h"

#include <string.h>

#include "base/cursor.h"

/* The next byte that is not blank; 0 at the end. */
static char next(struct cursor *c)
{
	while (cursor_left(c) && memchr(" \t\r\n", *c->at, 4))
		c->at++;
	return (char)cursor_u8(c);
}

int login_read(const char *body, size_t len, char *token, size_t cap, size_t *ret_len)
{
	struct cursor c = cursor_of(body, len);
	const uint8_t *name;
	size_t n = 0;
	char byte;

	if (next(&c) != '{' || next(&c) != '"')
		return -E_SYNTAX;
	name = cursor_bytes(&c, 6);
	if (!name || memcmp(name, "token\"", 6) != 0 || next(&c) != ':' || next(&c) != '"')
		return -E_SYNTAX;
	while ((byte = (char)cursor_u8(&c)) != '"') {
		if (byte == '\\') {
			byte = (char)cursor_u8(&c);
			if (byte != '"' && byte != '\\' && byte != '/')
				return -E_SYNTAX;
		}
		if (c.err || (unsigned char)byte < ' ')
			return -E_SYNTAX;
		if (n == cap)
			return -E_FULL;
		token[n++] = byte;
	}
	if (next(&c) != '}' || next(&c) != 0 || !c.err) /* only the end ends it */
		return -E_SYNTAX;
	*ret_len = n;
	return 0;
}
