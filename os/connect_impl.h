/* connect_impl.h - an em_address as the kernel's socket address.
 *
 * Trust:  none.
 * Memory: none.
 */
#ifndef EM_OS_CONNECT_IMPL_H
#define EM_OS_CONNECT_IMPL_H

#include "os/address.h"

#include <sys/socket.h>

typedef struct em_connect_target {
    struct sockaddr_storage at;
    socklen_t len;
} em_connect_target;

enum { EM_CONNECT_TARGETS = 8 };

/* All (at most eight) addresses that `address` stands for; `passive` for listening.
 * EM_ERR_CONNECT when the name does not resolve. */
em_err em_connect_resolve(const em_address *address, bool passive,
                          em_connect_target ret_target[EM_CONNECT_TARGETS],
                          size_t *ret_n);

/* The other way, numeric; {0} of an unnamed Unix socket. */
em_address em_connect_describe(const em_connect_target *target);

/* A non-blocking, close-on-exec stream socket for it. */
em_err em_connect_socket(const em_connect_target *target, int *ret_fd);

/* What every connected socket of that family gets (TCP: no delay). */
void em_connect_tune(int fd, int family);

#endif
