/* Making a lab's network: namespaces, bridges, cables, addresses. Runs in the keeper. */
#ifndef SONDE_LAB_BUILD_H
#define SONDE_LAB_BUILD_H

#include "base/buf.h"
#include "lab/topology.h"

/* What stands once it is built; the descriptors are the caller's. */
struct lab_built {
	int *netns_fds;	 /* by host */
	int *listen_fds; /* non-blocking */
	size_t n_listen_fds;
};

/**
 * lab_build() - build everything that @t describes
 *
 * The caller is alone in its process, with capabilities over its own mount and network namespaces;
 * the latter becomes the switch room, where the bridges are, and is the one it is in afterwards.
 * @notes: sentences on what this kernel could not do, one a line
 * Return: 0, or negative with @fault filled. Nothing is undone: the caller ends, and all vanishes.
 */
MUST_CHECK int lab_build(const struct topology *t, struct lab_built *ret_built, struct buf *notes,
			 struct fault *fault);

#endif
