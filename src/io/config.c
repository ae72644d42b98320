#include "io/config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/buf.h"

enum {
	FILE_MAX_LEN = 1 << 20,
	DEPTH_MAX = 32, /* a schema's own depth is less */
};

struct config {
	char *name;
	yaml_document_t document;
	const struct cyaml_schema_value *schema;
	void *data;
};

/* The walk over a document beside its schema. */
struct walk {
	const struct config *config;
	struct fault *fault;
	bool *seen; /* by node: twice means an alias */
};

static const cyaml_config_t cyaml_settings = {
	.mem_fn = cyaml_mem,
	.flags = CYAML_CFG_NO_ALIAS,
};

/* "FILE:LINE: sentence"; of a long path the end is shown. */
static int PRINTF(4, 0) fault_at(const char *name, const yaml_mark_t *mark, struct fault *fault,
				 const char *format, va_list args)
{
	char text[sizeof(fault->text)];
	size_t name_len = strlen(name);

	vsnprintf(text, sizeof(text), format, args);
	return fault_set(fault, mark->index, "%s:%zu: %s",
			 name + (name_len > 80 ? name_len - 80 : 0), mark->line + 1, text);
}

static int PRINTF(3, 4)
	walk_fault(const struct walk *w, const yaml_node_t *node, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = fault_at(w->config->name, &node->start_mark, w->fault, format, args);
	va_end(args);
	return err;
}

static yaml_node_t *node_get(const struct config *c, int id)
{
	/* takes a non-const pointer, but only reads */
	return yaml_document_get_node((yaml_document_t *)&c->document, id);
}

static const char *scalar_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* At most 40 bytes of what was typed, safe for a terminal. */
struct shown {
	char text[4 * 40 + 4];
};

static struct shown shown_of(const yaml_node_t *node)
{
	struct shown shown;
	struct buf b = buf_in(shown.text, sizeof(shown.text) - 1);
	size_t len = node->data.scalar.length;

	buf_safe(&b, scalar_text(node), len > 40 ? 37 : len);
	if (len > 40)
		buf_lit(&b, "...");
	buf_cstr(&b);
	return shown;
}

/* The keys of a mapping or the names of an enumeration, joined: "a, b, c". */
static const char *list_keys(char text[static 160], const struct cyaml_schema_value *schema)
{
	struct buf b = buf_in(text, 159);

	if (schema->type == CYAML_MAPPING) {
		for (const struct cyaml_schema_field *f = schema->mapping.fields; f->key; f++)
			buf_printf(&b, "%s%s", b.len ? ", " : "", f->key);
	} else {
		for (uint32_t i = 0; i < schema->enumeration.count; i++)
			buf_printf(&b, "%s%s", b.len ? ", " : "",
				   schema->enumeration.strings[i].str);
	}
	text[b.len] = '\0';
	return text;
}

static int check_int(const struct walk *w, const struct cyaml_schema_value *schema,
		     const yaml_node_t *node)
{
	bool is_signed = schema->type == CYAML_INT;
	unsigned bits = schema->data_size * 8;
	uint64_t max = UINT64_MAX >> (64 - bits + is_signed);
	const char *text = scalar_text(node);
	bool minus = is_signed && text[0] == '-';
	uint64_t v = 0;
	bool bad;

	text += minus;
	bad = !*text || (text[0] == '0' && text[1]); /* libcyaml would read octal */
	for (; *text && !bad; text++)
		bad = *text < '0' || *text > '9' || __builtin_mul_overflow(v, 10, &v) ||
		      __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v);
	if (!bad && v <= max)
		return 0;
	if (is_signed)
		return walk_fault(w, node,
				  "'%s' is not a whole number from -%" PRIu64 " to %" PRIu64,
				  shown_of(node).text, max, max);
	return walk_fault(w, node, "'%s' is not a whole number from 0 to %" PRIu64,
			  shown_of(node).text, max);
}

static int check_float(const struct walk *w, const yaml_node_t *node)
{
	const char *text = scalar_text(node);
	char *end;
	double v = strtod(text, &end);

	if (*text && strspn(text, "0123456789.eE+-") == strlen(text) && !*end && v - v == 0)
		return 0;
	return walk_fault(w, node, "'%s' is not a number", shown_of(node).text);
}

static int check_bool(const struct walk *w, const yaml_node_t *node)
{
	static const char *const words[] = { "true", "yes", "false", "no" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcasecmp(scalar_text(node), words[i]))
			return 0;
	return walk_fault(w, node, "'%s' is neither 'true' nor 'false'", shown_of(node).text);
}

static int check_enum(const struct walk *w, const struct cyaml_schema_value *schema,
		      const yaml_node_t *node)
{
	char names[160];

	for (uint32_t i = 0; i < schema->enumeration.count; i++)
		if (!strcmp(scalar_text(node), schema->enumeration.strings[i].str))
			return 0;
	return walk_fault(w, node, "'%s' is not one of: %s", shown_of(node).text,
			  list_keys(names, schema));
}

static int check_string(const struct walk *w, const struct cyaml_schema_value *schema,
			const yaml_node_t *node)
{
	size_t len = node->data.scalar.length;

	if (len != strlen(scalar_text(node)))
		return walk_fault(w, node, "a NUL character in the text");
	if (len < schema->string.min && !len)
		return walk_fault(w, node, "a value is missing: expected text");
	if (len < schema->string.min)
		return walk_fault(w, node, "'%s' is too short: expected at least %u bytes",
				  shown_of(node).text, schema->string.min);
	if (len > schema->string.max)
		return walk_fault(w, node, "'%s' is too long: expected at most %u bytes",
				  shown_of(node).text, schema->string.max);
	return 0;
}

static const char *kind_expected(const struct cyaml_schema_value *schema)
{
	switch (schema->type) {
	case CYAML_MAPPING:
		return "'key: value' lines";
	case CYAML_SEQUENCE:
	case CYAML_SEQUENCE_FIXED:
	case CYAML_FLAGS:
		return "a list ('[a, b]', or lines beginning with '- ')";
	case CYAML_INT:
	case CYAML_UINT:
	case CYAML_FLOAT:
		return "a number";
	case CYAML_BOOL:
		return "'true' or 'false'";
	default:
		return "text";
	}
}

static int check_kind(const struct walk *w, const struct cyaml_schema_value *schema,
		      const yaml_node_t *node)
{
	yaml_node_type_t wanted = YAML_SCALAR_NODE;
	const char *is = node->type == YAML_MAPPING_NODE    ? "'key: value' lines"
			 : node->type == YAML_SEQUENCE_NODE ? "a list"
							    : "a single value";

	if (schema->type == CYAML_MAPPING)
		wanted = YAML_MAPPING_NODE;
	else if (schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED ||
		 schema->type == CYAML_FLAGS)
		wanted = YAML_SEQUENCE_NODE;
	if (node->type == wanted)
		return 0;
	if (node->type == YAML_SCALAR_NODE && !node->data.scalar.length)
		is = "nothing";
	return walk_fault(w, node, "%s where %s is expected", is, kind_expected(schema));
}

static int check_value(struct walk *w, const struct cyaml_schema_value *schema, int id);

static const struct cyaml_schema_field *field_find(const struct cyaml_schema_value *schema,
						   const char *key)
{
	for (const struct cyaml_schema_field *f = schema->mapping.fields; f->key; f++)
		if (!strcmp(f->key, key))
			return f;
	return NULL;
}

/* The value of @key in a mapping node, or 0; @n tells how often the key is there. */
static int mapping_find(const struct config *c, const yaml_node_t *node, const char *key,
			unsigned *ret_n)
{
	int value = 0;

	*ret_n = 0;
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *k = node_get(c, p->key);

		if (k->type != YAML_SCALAR_NODE || strcmp(scalar_text(k), key))
			continue;
		value = p->value;
		(*ret_n)++;
	}
	return value;
}

static int check_mapping(struct walk *w, const struct cyaml_schema_value *schema,
			 const yaml_node_t *node)
{
	char names[160];
	unsigned n;
	int err;

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *key = node_get(w->config, p->key);
		const struct cyaml_schema_field *field;

		if (key->type != YAML_SCALAR_NODE)
			return walk_fault(w, key, "a key must be a word");
		field = field_find(schema, scalar_text(key));
		if (!field)
			return walk_fault(w, key, "unknown key '%s': expected one of: %s",
					  shown_of(key).text, list_keys(names, schema));
		mapping_find(w->config, node, field->key, &n);
		if (n > 1)
			return walk_fault(w, key, "'%s' is given twice", field->key);
		err = check_value(w, &field->value, p->value);
		if (err < 0)
			return err;
	}
	for (const struct cyaml_schema_field *f = schema->mapping.fields; f->key; f++) {
		mapping_find(w->config, node, f->key, &n);
		if (!n && !(f->value.flags & CYAML_FLAG_OPTIONAL))
			return walk_fault(w, node, "'%s' is missing here", f->key);
	}
	return 0;
}

static int check_sequence(struct walk *w, const struct cyaml_schema_value *schema,
			  const yaml_node_t *node)
{
	size_t n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	int err;

	if (n < schema->sequence.min)
		return walk_fault(w, node, "a list of %zu where at least %u are expected", n,
				  schema->sequence.min);
	if (n > schema->sequence.max)
		return walk_fault(w, node, "a list of %zu where at most %u are taken", n,
				  schema->sequence.max);
	for (size_t i = 0; i < n; i++) {
		err = check_value(w, schema->sequence.entry, node->data.sequence.items.start[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

static int check_value(struct walk *w, const struct cyaml_schema_value *schema, int id)
{
	const yaml_node_t *node = node_get(w->config, id);
	bool null_ok = (schema->flags & CYAML_FLAG_POINTER_NULL) == CYAML_FLAG_POINTER_NULL;
	int err;

	if (w->seen[id])
		return walk_fault(w, node,
				  "aliases ('&name', '*name') are not taken: write it out");
	w->seen[id] = true;
	if (schema->type == CYAML_IGNORE)
		return 0;
	if (null_ok && node->type == YAML_SCALAR_NODE && !node->data.scalar.length)
		return 0;
	err = check_kind(w, schema, node);
	if (err < 0)
		return err;
	switch (schema->type) {
	case CYAML_INT:
	case CYAML_UINT:
		return check_int(w, schema, node);
	case CYAML_FLOAT:
		return check_float(w, node);
	case CYAML_BOOL:
		return check_bool(w, node);
	case CYAML_ENUM:
		return check_enum(w, schema, node);
	case CYAML_STRING:
		return check_string(w, schema, node);
	case CYAML_MAPPING:
		return check_mapping(w, schema, node);
	case CYAML_SEQUENCE:
	case CYAML_SEQUENCE_FIXED:
		return check_sequence(w, schema, node);
	default: /* left to libcyaml */
		return 0;
	}
}

static int check_document(const struct config *c, struct fault *fault)
{
	size_t n_nodes = (size_t)(c->document.nodes.top - c->document.nodes.start);
	struct walk w = { .config = c, .fault = fault };
	int err;

	if (!n_nodes)
		return fault_set(fault, 0, "%s:1: the file is empty", c->name);
	w.seen = calloc(n_nodes + 1, sizeof(*w.seen));
	if (!w.seen)
		return -ENOMEM;
	err = check_value(&w, c->schema, 1);
	free(w.seen);
	return err;
}

static int PRINTF(4, 5) mark_fault(const struct config *c, const yaml_mark_t *mark,
				   struct fault *fault, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = fault_at(c->name, mark, fault, format, args);
	va_end(args);
	return err;
}

/*
 * The time and stack that libyaml takes for a document grow with its depth: minutes for a hundred
 * thousand brackets. What is not YAML is left to document_load() to tell.
 */
static int check_depth(const struct config *c, const char *text, size_t len, struct fault *fault)
{
	yaml_parser_t parser;
	yaml_event_t event;
	unsigned depth = 0;
	bool more = true;
	int err = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (more && !err && yaml_parser_parse(&parser, &event)) {
		more = event.type != YAML_STREAM_END_EVENT;
		if (event.type == YAML_SEQUENCE_START_EVENT ||
		    event.type == YAML_MAPPING_START_EVENT)
			depth++;
		if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
			depth--;
		if (depth > DEPTH_MAX)
			err = mark_fault(c, &event.start_mark, fault, "nested too deeply");
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return err;
}

/* libyaml: is it YAML at all, and one document? */
static int document_load(struct config *c, const char *text, size_t len, struct fault *fault)
{
	yaml_parser_t parser;
	yaml_document_t second;
	yaml_mark_t mark;
	int err = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &c->document)) {
		mark = parser.problem_mark;
		if (parser.error == YAML_READER_ERROR) { /* which sets no mark */
			mark.index = MIN(parser.problem_offset, len);
			mark.line = 0;
			for (size_t i = 0; i < mark.index; i++)
				mark.line += text[i] == '\n';
		}
		err = parser.error == YAML_MEMORY_ERROR
			      ? -ENOMEM
			      : mark_fault(c, &mark, fault, "not YAML: %s", parser.problem);
	} else if (!yaml_parser_load(&parser, &second)) {
		err = mark_fault(c, &parser.problem_mark, fault, "not YAML: %s", parser.problem);
	} else {
		if (yaml_document_get_root_node(&second))
			err = mark_fault(c, &second.start_mark, fault,
					 "a second document where one is expected");
		yaml_document_delete(&second);
	}
	yaml_parser_delete(&parser);
	return err;
}

int config_load_text(const char *name, const char *text, size_t len,
		     const struct cyaml_schema_value *schema, struct config **ret_config,
		     struct fault *fault)
{
	struct config *c = calloc(1, sizeof(*c));
	cyaml_err_t cyaml_err;
	int err = -ENOMEM;

	if (!c)
		return fault_set(fault, 0, "%s: out of memory", name), -ENOMEM;
	c->schema = schema;
	c->name = strdup(name);
	if (!c->name)
		goto out;
	err = check_depth(c, text, len, fault);
	if (err < 0)
		goto out;
	err = document_load(c, text, len, fault);
	if (err < 0)
		goto out;
	err = check_document(c, fault);
	if (err < 0)
		goto out;
	cyaml_err = cyaml_load_data((const uint8_t *)text, len, &cyaml_settings, schema, &c->data,
				    NULL);
	if (cyaml_err == CYAML_ERR_OOM)
		err = -ENOMEM;
	else if (cyaml_err != CYAML_OK)
		err = fault_set(fault, 0, "%s: %s", name, cyaml_strerror(cyaml_err));
out:
	if (err == -ENOMEM)
		fault_set(fault, 0, "%s: out of memory", name);
	if (err < 0)
		config_free(c);
	else
		*ret_config = c;
	return err;
}

/* The whole file, or -errno; -EFBIG beyond FILE_MAX_LEN. */
static ssize_t file_read(const char *path, char **ret_text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(FILE_MAX_LEN + 1);
	ssize_t n = 1, len = 0;

	if (!text) {
		len = fd < 0 ? -errno : -ENOMEM;
		goto out;
	}
	while (n && len <= FILE_MAX_LEN) {
		n = read(fd, text + len, FILE_MAX_LEN + 1 - (size_t)len);
		if (n < 0 && errno != EINTR) {
			len = -errno;
			goto out;
		}
		len += MAX(n, (ssize_t)0);
	}
	if (len > FILE_MAX_LEN) {
		len = -EFBIG;
		goto out;
	}
	*ret_text = text;
	text = NULL;
out:
	free(text);
	if (fd >= 0)
		close(fd);
	return len;
}

int config_load(const char *path, const struct cyaml_schema_value *schema,
		struct config **ret_config, struct fault *fault)
{
	char *text = NULL;
	ssize_t len = file_read(path, &text);
	int err;

	if (!text) {
		fault_set(fault, 0, "cannot read %s: %s", path, err_text((int)len));
		return (int)len;
	}
	err = config_load_text(path, text, (size_t)len, schema, ret_config, fault);
	free(text);
	return err;
}

void *config_data(const struct config *config)
{
	return config->data;
}

/* One step of a path: into the list's entry at "[3]", or the mapping's key. 0 when it is not there.
 */
static int path_step(const struct config *c, const yaml_node_t *node, const char **at)
{
	char key[64];
	unsigned n;
	size_t len;

	if (**at == '[') {
		unsigned long i = strtoul(*at + 1, NULL, 10);

		*at += strcspn(*at, "]");
		*at += **at == ']';
		if (node->type != YAML_SEQUENCE_NODE ||
		    i >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
			return 0;
		return node->data.sequence.items.start[i];
	}
	*at += **at == '.';
	len = strcspn(*at, ".[");
	if (node->type != YAML_MAPPING_NODE || len >= sizeof(key))
		return 0;
	memcpy(key, *at, len);
	key[len] = '\0';
	*at += len;
	return mapping_find(c, node, key, &n);
}

int config_fault(const struct config *config, struct fault *fault, const char *at,
		 const char *format, ...)
{
	const yaml_node_t *node = node_get(config, 1);
	va_list args;
	int id, err;

	while (*at && (id = path_step(config, node, &at)))
		node = node_get(config, id);
	va_start(args, format);
	err = fault_at(config->name, &node->start_mark, fault, format, args);
	va_end(args);
	return err;
}

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	if (config->data)
		cyaml_free(&cyaml_settings, config->schema, config->data, 0);
	yaml_document_delete(&config->document); /* zeroed is fine */
	free(config->name);
	free(config);
	return NULL;
}
