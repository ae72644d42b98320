/*
 * Configuration files: YAML checked against a schema of libcyaml, which then fills the caller's
 * structures. libcyaml's own messages name neither the right line nor what was expected, and some
 * wrong values pass (any text is a true boolean, 010 is eight), so the document is first walked
 * beside the schema here, and every fault tells file, line and what would be right. Aliases and
 * further documents in the same file are refused.
 */
#ifndef SONDE_IO_CONFIG_H
#define SONDE_IO_CONFIG_H

#include <cyaml/cyaml.h>

#include "base/err.h"

struct config;

/**
 * config_load() - read and check a file
 * @path: shown in faults as typed; at most 1 MiB of contents
 * @schema: the top level, a CYAML_MAPPING with CYAML_FLAG_POINTER; static
 * @fault: a whole sentence with "FILE:LINE: " in front; @offset is the place in the file
 * Return: 0; -E_SYNTAX for everything that is wrong in the file; else the -errno of opening or
 * reading it, with @fault filled as well. Optional keys that are absent leave zero bytes.
 */
MUST_CHECK int config_load(const char *path, const struct cyaml_schema_value *schema,
			   struct config **ret_config, struct fault *fault);

/* The same from memory: @len bytes at @text, @name stands for the file. */
MUST_CHECK int config_load_text(const char *name, const char *text, size_t len,
				const struct cyaml_schema_value *schema, struct config **ret_config,
				struct fault *fault);

/* The structure of the schema's top level; lives as long as @config. */
void *config_data(const struct config *config);

/**
 * config_fault() - what the schema cannot say: "this is not an address"
 * @at: which value, as "hosts[3].addresses[0]"; when it is not in the file, the nearest that is
 * Return: always -E_SYNTAX; @fault as config_load() fills it.
 */
int config_fault(const struct config *config, struct fault *fault, const char *at,
		 const char *format, ...) PRINTF(4, 5);

struct config *config_free(struct config *config);

#endif
