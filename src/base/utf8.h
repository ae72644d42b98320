/* UTF-8 (RFC 3629): is the next character well-formed? */
#ifndef SONDE_BASE_UTF8_H
#define SONDE_BASE_UTF8_H

#include <stddef.h>

/**
 * utf8_char_len() - length of the well-formed character at the start of @text
 * @n: bytes in @text
 * Return: 1 to 4, or 0 when the bytes are not UTF-8 (overlong forms, surrogates, cut characters) or
 * @n is 0.
 */
size_t utf8_char_len(const char *text, size_t n);

/*
 * Columns that @n bytes of UTF-8 take on a terminal: wide characters two, combining ones none. The
 * widths are the C library's: the program has called setlocale(LC_CTYPE, "C.UTF-8").
 */
size_t utf8_columns(const char *text, size_t n);

#endif
