/* Values of the configuration file that YAML has no type for. Messages end up behind "FILE:LINE: ".
 */
#ifndef SONDE_MONITOR_CONFIG_VALUES_H
#define SONDE_MONITOR_CONFIG_VALUES_H

#include <stdint.h>

#include "base/err.h"

#define CONFIG_SECRET_MAX 4096

/**
 * value_duration() - "250ms", "10s", "5m", "2h", "30d"; the unit must be there, but for 0
 * Return: 0, or -E_SYNTAX with @fault filled (its offset is that in @text).
 */
MUST_CHECK int value_duration(const char *text, uint64_t *ret_ns, struct fault *fault);

/* "10%" or "2.5 %", 0 to 100, as a fraction. Like value_duration(). */
MUST_CHECK int value_percent(const char *text, double *ret_fraction, struct fault *fault);

/**
 * value_expand() - put the environment's values for ${NAME}; $$ is a dollar sign
 * @ret_text: to be freed
 * Return: 0, -E_SYNTAX (an unset variable, no closing brace, a lone $), -ENOMEM.
 */
MUST_CHECK int value_expand(const char *text, char **ret_text, struct fault *fault);

/**
 * value_secret_file() - the first line of a file that nobody else may read
 * @ret_text: without its newline, not empty, at most CONFIG_SECRET_MAX bytes; to be freed
 * Return: 0, -E_SYNTAX with @fault (not a file, readable by others, empty, too long), -ENOMEM.
 */
MUST_CHECK int value_secret_file(const char *path, char **ret_text, struct fault *fault);

#endif
