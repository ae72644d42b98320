/* What a service manager hands over and wants to hear: sd_listen_fds(3), sd_notify(3). */
#ifndef SONDE_CLI_SERVICE_H
#define SONDE_CLI_SERVICE_H

/*
 * The first stream socket that whoever started this process listens on for it (LISTEN_FDS); it is
 * then this process's alone, not its children's. Return: a descriptor, or -1 when there is none.
 */
int service_listen_fd(void);

/* Tells the service manager, if there is one: "READY=1", "STATUS=...". */
void service_notify(const char *text);

#endif
