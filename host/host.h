/* host.h - em-host as a whole: options, doors, services, the ready line, the end.
 *
 * Trust:  the host is trusted with nothing but service: it carries ciphertext and keeps
 *         no key of a model's or a session's.
 * Memory: one process's worth; all in static storage or freed at the end.
 */
#ifndef EM_HOST_HOST_H
#define EM_HOST_HOST_H

#include "base/em.h"

/* The program.  Exit codes: 0 stopped by a signal, 1 failed while serving, 2 could not
 * start. */
int em_host_run(int argc, char **argv);

#endif
