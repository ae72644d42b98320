/* The body of a login: {"token": "…"} and nothing else. */
#ifndef SONDE_WEB_LOGIN_H
#define SONDE_WEB_LOGIN_H

#include <stddef.h>

#include "base/err.h"

/**
 * login_read() - take the token out of a login's body (RFC 8259)
 * @body: untrusted; NULL is empty
 * @token: @cap bytes
 * @ret_len: of the token
 * Return: 0, -E_SYNTAX (not this object, or escapes other than \" \\ \/), -E_FULL.
 */
MUST_CHECK int login_read(const char *body, size_t len, char *token, size_t cap, size_t *ret_len);

#endif
