#include "io/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAIL(fault, err, ...) (fault_set((fault), 0, __VA_ARGS__), (err))

/* A name or a number. */
static const struct passwd *look_up(const char *user)
{
	const struct passwd *entry = getpwnam(user);
	unsigned long uid;
	char *end;

	if (entry || *user < '0' || *user > '9')
		return entry;
	errno = 0;
	uid = strtoul(user, &end, 10);
	return *end || errno || uid >= (uid_t)-1 ? NULL : getpwuid((uid_t)uid);
}

static int take_entry(const struct passwd *entry, struct privileges *p)
{
	p->n_groups = PRIVILEGES_GROUPS_MAX;
	if (strlen(entry->pw_name) >= sizeof(p->name) ||
	    getgrouplist(entry->pw_name, entry->pw_gid, p->groups, &p->n_groups) < 0)
		return -E_RANGE;
	strcpy(p->name, entry->pw_name);
	p->uid = entry->pw_uid;
	p->gid = entry->pw_gid;
	p->change = true;
	return 0;
}

int privileges_find(const char *user, struct privileges *ret_privileges, struct fault *fault)
{
	struct privileges p = { .uid = getuid(), .gid = getgid(), .asked = user };
	const char *whom = user ? user : getenv("SUDO_UID");
	const struct passwd *entry;

	if (geteuid() != 0) {
		if (user)
			return FAIL(fault, -EPERM,
				    "cannot become %.60s: only root can become another user", user);
		*ret_privileges = p;
		return 0;
	}
	entry = whom ? look_up(whom) : NULL;
	if (!user && (!entry || entry->pw_uid == 0))
		entry = look_up("nobody");
	if (!entry && user)
		return FAIL(fault, -E_NOT_FOUND, "there is no user %.60s here", user);
	if (!entry)
		return FAIL(fault, -E_NOT_FOUND,
			    "there is no user nobody here to become: name another with -Z");
	if (take_entry(entry, &p) < 0)
		return FAIL(fault, -E_RANGE, "user %.60s is in more than %d groups", entry->pw_name,
			    PRIVILEGES_GROUPS_MAX);
	*ret_privileges = p;
	return 0;
}

static int set_ids(const struct privileges *p)
{
	if (setgroups((size_t)p->n_groups, p->groups) < 0 ||
	    setresgid(p->gid, p->gid, p->gid) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
		return -errno;
	return 0;
}

static int no_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0)
		return -errno;
	return 0;
}

static bool has_ids(const struct privileges *p)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	return getresuid(&uid, &euid, &suid) == 0 && getresgid(&gid, &egid, &sgid) == 0 &&
	       uid == p->uid && euid == p->uid && suid == p->uid && gid == p->gid &&
	       egid == p->gid && sgid == p->gid;
}

/* Nothing is held, and nothing can be had back. */
static bool is_bare(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, held) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		if (held[i].effective | held[i].permitted | held[i].inheritable)
			return false;
	return getuid() == 0 || setuid(0) < 0;
}

int privileges_drop(const struct privileges *p, struct fault *fault)
{
	int err = p->change ? set_ids(p) : 0;
	bool stay = !p->change;

	/* In a user namespace that user may not exist; who is root only there is not root here. */
	if (!p->asked && (err == -EPERM || err == -EINVAL)) {
		err = 0;
		stay = true;
	}
	if (err)
		return FAIL(fault, err, "cannot become user %s: %s", p->name, err_text(err));
	err = no_capabilities();
	if (err)
		return FAIL(fault, err, "cannot give up capabilities: %s", err_text(err));
	if ((!stay && !has_ids(p)) || !is_bare())
		return FAIL(fault, -EPERM, "privileges are still there after giving them up");
	return 0;
}

const char *privileges_advice(void)
{
	static _Thread_local char text[300];
	char path[200] = "sonde";
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n > 0)
		path[n] = '\0';
	snprintf(text, sizeof(text), "Run as root, or: sudo setcap cap_net_raw+ep %s", path);
	return text;
}
