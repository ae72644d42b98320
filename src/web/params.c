#include "web/params.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* Decimal digits only, at most as many as fit. Return: 0 or -E_SYNTAX. */
static int read_number(const char *text, size_t len, int64_t *ret_number)
{
	int64_t v = 0;

	if (!len || len > 18)
		return -E_SYNTAX;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -E_SYNTAX;
		v = v * 10 + (text[i] - '0');
	}
	*ret_number = v;
	return 0;
}

static int read_choice(const struct param *p, const char *value, size_t len, int64_t *ret_index,
		       struct fault *fault)
{
	char allowed[160] = "";
	size_t used = 0;

	for (int64_t i = 0; p->choices[i]; i++) {
		if (strlen(p->choices[i]) == len && !memcmp(p->choices[i], value, len)) {
			*ret_index = i;
			return 0;
		}
		if (used < sizeof(allowed))
			used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
						 i ? ", " : "", p->choices[i]);
	}
	return fault_set(fault, 0, "%s must be one of: %s", p->name, allowed);
}

/* What a stranger sent, as far as it can be shown in a message. */
static void show(const char *text, size_t len, char shown[64])
{
	struct buf b = buf_in(shown, 63);

	buf_safe(&b, text, len < 12 ? len : 12);
	shown[b.len] = '\0';
}

int param_read(const struct param *table, size_t n, const char *name, size_t name_len,
	       const char *value, size_t value_len, void *values, struct fault *fault)
{
	const struct param *p = NULL;
	char shown[64];
	int64_t v = 0;

	for (size_t i = 0; i < n && !p; i++) {
		if (strlen(table[i].name) == name_len && !memcmp(table[i].name, name, name_len))
			p = &table[i];
	}
	if (!p) {
		show(name, name_len, shown);
		return fault_set(fault, 0, "there is no parameter \"%s\" here", shown);
	}
	if (!value)
		value = "", value_len = 0;
	if (p->choices) {
		int err = read_choice(p, value, value_len, &v, fault);

		if (err < 0)
			return err;
	} else if (read_number(value, value_len, &v) < 0 || v < p->min || v > p->max) {
		return fault_set(fault, 0, "%s must be a whole number from %lld to %lld", p->name,
				 (long long)p->min, (long long)p->max);
	}
	memcpy((char *)values + p->offset, &v, sizeof(v));
	return 0;
}
