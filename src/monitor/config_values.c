#include "monitor/config_values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

int value_duration(const char *text, uint64_t *ret_ns, struct fault *fault)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ms", NS_PER_MS },	  { "s", NS_PER_S },	     { "m", 60 * NS_PER_S },
		{ "h", 3600 * NS_PER_S }, { "d", 86400 * NS_PER_S },
	};
	uint64_t n = 0;
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; i < digits && i < 10; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	if (!strcmp(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	for (size_t i = 0; digits && digits < 10 && i < ARRAY_LEN(units); i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (n > UINT64_MAX / 2 / units[i].ns)
			return fault_set(fault, 0, "'%s' is too long", text);
		*ret_ns = n * units[i].ns;
		return 0;
	}
	return fault_set(fault, 0, "'%.40s' is not a duration like 250ms, 10s, 5m, 2h or 30d",
			 text);
}

int value_percent(const char *text, double *ret_fraction, struct fault *fault)
{
	char *end;
	double v = strtod(text, &end);

	end += *end == ' ';
	if (text[strspn(text, "0123456789.% ")] || end == text || strcmp(end, "%") != 0 || v < 0 ||
	    v > 100)
		return fault_set(fault, 0, "'%.40s' is not a share from 0%% to 100%%", text);
	*ret_fraction = v / 100;
	return 0;
}

/* Appends the value of the variable at "${NAME}". Return: the length of that, or -E_SYNTAX. */
static int expand_one(const char *text, struct buf *b, struct fault *fault)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_";
	char name[128];
	size_t len = text[1] == '{' ? strspn(text + 2, letters) : 0;
	const char *value;

	if (!len || len >= sizeof(name) || text[2 + len] != '}')
		return fault_set(fault, 0,
				 "'$' begins a variable like ${HOME}; for a dollar sign write $$");
	memcpy(name, text + 2, len);
	name[len] = '\0';
	value = getenv(name);
	if (!value)
		return fault_set(fault, 0, "the variable %s is not in the environment", name);
	buf_str(b, value);
	return (int)len + 3;
}

int value_expand(const char *text, char **ret_text, struct fault *fault)
{
	struct buf b = buf_of(65536);
	int len;

	while (*text) {
		size_t plain = strcspn(text, "$");

		buf_bytes(&b, text, plain);
		text += plain;
		if (!*text)
			break;
		if (text[1] == '$') {
			buf_char(&b, '$');
			text += 2;
			continue;
		}
		len = expand_one(text, &b, fault);
		if (len < 0) {
			buf_done(&b);
			return len;
		}
		text += len;
	}
	buf_char(&b, '\0');
	if (b.err) {
		int err = b.err == -ENOMEM ? -ENOMEM : fault_set(fault, 0, "the value is too long");

		buf_done(&b);
		return err;
	}
	*ret_text = b.data; /* a growing buffer's memory is malloc's */
	return 0;
}

int value_secret_file(const char *path, char **ret_text, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[CONFIG_SECRET_MAX + 2];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fault_set(fault, 0, "cannot read %s: %s", path, err_text(errno));
	n = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return fault_set(fault, 0, "%s is not a file that can be read", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return fault_set(fault, 0, "%s may be read by others; run: chmod 600 %s", path,
				 path);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (!*text || strlen(text) > CONFIG_SECRET_MAX)
		return fault_set(fault, 0, "the first line of %s is empty or too long", path);
	*ret_text = strdup(text);
	return *ret_text ? 0 : -ENOMEM;
}
