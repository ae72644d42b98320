#include "io/thread.h"

#include <signal.h>

int thread_start(void *(*run)(void *ctx), void *ctx, pthread_t *ret_thread)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(ret_thread, NULL, run, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}
