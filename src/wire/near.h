/* Names that somebody may have meant. */
#ifndef SONDE_WIRE_NEAR_H
#define SONDE_WIRE_NEAR_H

#include <stdbool.h>

/**
 * near_distance() - how many letters two names differ by (Levenshtein), without regard to case
 * Return: the number of insertions, deletions and replacements; names of more than 63 bytes are
 * far.
 */
unsigned near_distance(const char *a, const char *b);

/* Whether @name may be @typed misspelt: near enough for its length, or one begins with the other.
 */
bool near_enough(const char *typed, const char *name);

#endif
