#include "lab/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/config.h"

enum {
	PATH_LEN = LAB_FOLDER_LEN,
	STATE_MAX_LEN = 1 << 20, /* 1,000 hosts take a fifth of it */
	LOCK_TRIES = 20,
	TRY_PAUSE_US = 10000,
};

/* The schema of a state file. */
static const struct cyaml_schema_value text_value = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char,
									 1, 100) };
#define TEXT(key, owner) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER, owner, key, 1, 100)

static const struct cyaml_schema_field link_fields[] = {
	TEXT(network, struct lab_state_link),
	TEXT(iface, struct lab_state_link),
	TEXT(port, struct lab_state_link),
	TEXT(mac, struct lab_state_link),
	CYAML_FIELD_SEQUENCE_COUNT("addresses", CYAML_FLAG_POINTER, struct lab_state_link,
				   addresses, n_addresses, &text_value, 0, LAB_ITEMS_MAX),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value link_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct lab_state_link, link_fields) };

static const struct cyaml_schema_field host_fields[] = {
	TEXT(name, struct lab_state_host),
	CYAML_FIELD_INT("netns", CYAML_FLAG_DEFAULT, struct lab_state_host, netns),
	CYAML_FIELD_SEQUENCE_COUNT("links", CYAML_FLAG_POINTER, struct lab_state_host, links,
				   n_links, &link_value, 0, LAB_LINKS_MAX),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value host_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct lab_state_host, host_fields) };

static const struct cyaml_schema_field state_fields[] = {
	TEXT(name, struct lab_state),
	CYAML_FIELD_INT("pid", CYAML_FLAG_DEFAULT, struct lab_state, pid),
	CYAML_FIELD_UINT("start", CYAML_FLAG_DEFAULT, struct lab_state, start),
	CYAML_FIELD_BOOL("ready", CYAML_FLAG_DEFAULT, struct lab_state, ready),
	CYAML_FIELD_SEQUENCE_COUNT("hosts", CYAML_FLAG_POINTER, struct lab_state, hosts, n_hosts,
				   &host_value, 0, LAB_HOSTS_MAX),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_value state_value = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_POINTER, struct lab_state, state_fields) };

void lab_state_folder(char ret_path[static PATH_LEN])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (!geteuid() && !access("/run", W_OK)) /* root of a user namespace may not */
		snprintf(ret_path, PATH_LEN, "/run/sonde/lab");
	else if (runtime && runtime[0] == '/' && strlen(runtime) < PATH_LEN - 64)
		snprintf(ret_path, PATH_LEN, "%s/sonde/lab", runtime);
	else
		snprintf(ret_path, PATH_LEN, "/tmp/sonde-%u/lab", geteuid());
}

/* Makes one folder unless it is there; it must be ours, and no one else's to write. */
static int folder_claim(const char *path)
{
	struct stat st;

	if (mkdir(path, geteuid() ? 0700 : 0755) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022)
		return -EPERM;
	return 0;
}

/* The folder and the one above it, which is ours as well. */
static int folder_make(char ret_path[static PATH_LEN], struct fault *fault)
{
	char *last;
	int err;

	lab_state_folder(ret_path);
	last = strrchr(ret_path, '/');
	*last = '\0';
	err = folder_claim(ret_path);
	*last = '/';
	if (!err)
		err = folder_claim(ret_path);
	if (err == -EPERM)
		fault_set(fault, 0, "%s is not a folder of ours alone: remove it", ret_path);
	else if (err < 0)
		fault_set(fault, 0, "cannot make the folder %s: %s", ret_path, err_text(err));
	return err;
}

static void file_path(const char *name, const char *suffix, char ret_path[static PATH_LEN])
{
	char folder[PATH_LEN];

	lab_state_folder(folder);
	snprintf(ret_path, PATH_LEN, "%.*s/%s%s", PATH_LEN - 40, folder, name, suffix);
}

/*
 * Takes the lock, or finds it taken. Return: a descriptor, -EBUSY (a keeper lives), -ENOENT (no
 * such file and @create is not given), -errno. A file that was removed meanwhile is not the lock
 * any more.
 */
static int lock_take(const char *name, bool create)
{
	struct stat mine, there;
	char path[PATH_LEN];
	int fd, err;

	file_path(name, ".lock", path);
	for (;;) {
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0644);
		if (fd < 0)
			return -errno;
		err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
		if (!err && !fstat(fd, &mine) && !stat(path, &there) && mine.st_ino == there.st_ino)
			return fd;
		close(fd);
		if (err < 0)
			return err == -EWOULDBLOCK ? -EBUSY : err;
	}
}

void lab_state_remove(const char *name)
{
	char path[PATH_LEN];

	file_path(name, "", path);
	unlink(path);
	file_path(name, ".lock", path);
	unlink(path);
}

/* Does the lab live? If not, what it left is removed. Return: true, false. */
static bool lives(const char *name)
{
	int fd = lock_take(name, false);

	if (fd == -EBUSY)
		return true;
	if (fd >= 0) {
		lab_state_remove(name);
		close(fd);
	}
	return false;
}

int lab_state_lock(const char *name, struct fault *fault)
{
	char path[PATH_LEN];
	int fd, err = folder_make(path, fault);

	if (err < 0)
		return err;
	fd = lock_take(name, true);
	/* somebody who only looks whether it lives holds it for a moment */
	for (int i = 0; fd == -EBUSY && i < LOCK_TRIES; i++) {
		usleep(TRY_PAUSE_US);
		fd = lock_take(name, true);
	}
	if (fd == -EBUSY)
		fault_set(fault, 0, "a lab '%s' is up already", name);
	else if (fd < 0)
		fault_set(fault, 0, "cannot lock %s/%s.lock: %s", path, name, err_text(fd));
	return fd;
}

/* When the process started, in ticks since boot: field 22 of /proc/PID/stat. */
static int process_start(pid_t pid, uint64_t *ret_start)
{
	char path[64], text[1024];
	const char *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	p = strrchr(text, ')'); /* the name may hold anything */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -E_MALFORMED;
	*ret_start = strtoull(p, NULL, 10);
	return 0;
}

static void put_link(struct buf *b, const struct topology *t, const struct lab_link *l)
{
	buf_printf(b, "      - {network: \"%s\", iface: %s, port: \"%s\", mac: \"",
		   t->networks[l->network].name, l->iface, l->port);
	buf_mac(b, l->mac.bytes);
	buf_str(b, "\", addresses: [");
	for (unsigned i = 0; i < l->n_addresses; i++) {
		buf_str(b, i ? ", \"" : "\"");
		buf_prefix(b, &l->addresses[i]);
		buf_char(b, '"');
	}
	buf_str(b, "]}\n");
}

static void put_state(struct buf *b, const char *name, pid_t pid, uint64_t start,
		      const struct topology *t, const int *netns_fds)
{
	buf_printf(b, "name: \"%s\"\npid: %d\nstart: %" PRIu64 "\nready: %s\n", name, pid, start,
		   netns_fds ? "true" : "false");
	buf_str(b, netns_fds ? "hosts:\n" : "hosts: []\n");
	for (unsigned i = 0; netns_fds && i < t->n_hosts; i++) {
		const struct lab_host *h = &t->hosts[i];

		buf_printf(b, "  - name: \"%s\"\n    netns: %d\n    links:%s\n", h->name,
			   netns_fds[i], h->n_links ? "" : " []");
		for (unsigned k = 0; k < h->n_links; k++)
			put_link(b, t, &h->links[k]);
	}
}

int lab_state_write(const char *name, pid_t pid, const struct topology *t, const int *netns_fds)
{
	struct buf b = buf_of(STATE_MAX_LEN);
	char path[PATH_LEN], draft[PATH_LEN];
	uint64_t start;
	int fd = -1, err = process_start(pid, &start);

	if (err < 0)
		return err;
	put_state(&b, name, pid, start, t, netns_fds);
	err = b.err;
	file_path(name, "", path);
	file_path(name, ".draft", draft);
	if (!err) {
		fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
		err = fd < 0 ? -errno : 0;
	}
	if (!err) {
		ssize_t n = write(fd, b.data, b.len);

		err = n < 0 ? -errno : (size_t)n < b.len ? -ENOSPC : 0;
	}
	if (fd >= 0)
		close(fd);
	if (!err && rename(draft, path) < 0)
		err = -errno;
	if (err < 0)
		unlink(draft);
	buf_done(&b);
	return err;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int lab_state_names(char (**ret_names)[LAB_NAME_MAX + 1])
{
	char folder[PATH_LEN], (*names)[LAB_NAME_MAX + 1] = NULL;
	struct dirent *entry;
	int n = 0, err = 0;
	DIR *dir;

	err = folder_make(folder, NULL);
	dir = err ? NULL : opendir(folder);
	while (dir && !err && (entry = readdir(dir))) {
		char name[LAB_NAME_MAX + 1];
		size_t len = strlen(entry->d_name);

		if (len < 6 || len > LAB_NAME_MAX + 5 || strcmp(entry->d_name + len - 5, ".lock"))
			continue;
		memcpy(name, entry->d_name, len - 5);
		name[len - 5] = '\0';
		if (!lab_name_ok(name) || !lives(name))
			continue;
		void *more = realloc(names, ((size_t)n + 1) * sizeof(*names));

		if (more) {
			names = more;
			memcpy(names[n++], name, sizeof(name));
		} else {
			err = -ENOMEM;
		}
	}
	if (dir)
		closedir(dir);
	if (err < 0) {
		free(names);
		return err;
	}
	if (n)
		qsort(names, (size_t)n, sizeof(*names), compare_names);
	*ret_names = names;
	return n;
}

/* The only lab there is. */
static int only_name(char ret_name[static LAB_NAME_MAX + 1], struct fault *fault)
{
	char(*names)[LAB_NAME_MAX + 1];
	int n = lab_state_names(&names);

	if (n == 1)
		memcpy(ret_name, names[0], sizeof(names[0]));
	if (n >= 0)
		free(names);
	if (n == 1)
		return 0;
	if (n > 1)
		return fault_set(fault, 0, "%d labs are up: say which one (see: sonde lab list)",
				 n);
	if (n == 0)
		fault_set(fault, 0, "no lab is up: start one with 'sonde lab up'");
	else
		fault_set(fault, 0, "cannot list the labs: %s", err_text(n));
	return n < 0 ? n : -E_NOT_FOUND;
}

/* The first moment of an `up` has a lock but no state yet. */
static int load_state(const char *name, struct lab_state **ret_state, struct fault *fault)
{
	struct config *config;
	char path[PATH_LEN];
	int err;

	file_path(name, "", path);
	err = config_load(path, &state_value, &config, fault);
	for (int i = 0; err == -ENOENT && i < LOCK_TRIES; i++) {
		usleep(TRY_PAUSE_US);
		err = config_load(path, &state_value, &config, fault);
	}
	if (err < 0)
		return err;
	*ret_state = config_data(config);
	(*ret_state)->config = config;
	return 0;
}

int lab_state_read(const char *name, struct lab_state **ret_state, struct fault *fault)
{
	char only[LAB_NAME_MAX + 1], folder[PATH_LEN];
	int err = folder_make(folder, fault);

	if (err < 0)
		return err;
	if (!name) {
		err = only_name(only, fault);
		if (err < 0)
			return err;
		name = only;
	}
	if (!lab_name_ok(name))
		return fault_set(fault, 0, "'%s' is not a lab's name", name);
	if (!lives(name)) {
		fault_set(fault, 0, "no lab '%s' is up (see: sonde lab list)", name);
		return -E_NOT_FOUND;
	}
	return load_state(name, ret_state, fault);
}

int lab_state_keeper(const struct lab_state *state)
{
	uint64_t start = 0;
	int fd = pidfd_open(state->pid, 0);

	if (fd < 0)
		return -errno;
	if (!process_start(state->pid, &start) && start == state->start)
		return fd;
	close(fd);
	return -ESRCH;
}

struct lab_state *lab_state_free(struct lab_state *state)
{
	if (state)
		config_free(state->config); /* which the structure itself is part of */
	return NULL;
}
