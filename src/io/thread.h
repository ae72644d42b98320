/* Threads beside the one that runs the loop. */
#ifndef SONDE_IO_THREAD_H
#define SONDE_IO_THREAD_H

#include <pthread.h>

/*
 * Starts @run(@ctx) in a thread to which no signal is delivered: the loop's thread gets them.
 * Errors: -errno of pthread_create(3).
 */
int thread_start(void *(*run)(void *ctx), void *ctx, pthread_t *ret_thread);

#endif
