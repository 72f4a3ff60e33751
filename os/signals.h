/* signals.h - SIGINT, SIGTERM and SIGHUP become a flag and a readable descriptor.
 *
 * Trust:  none.
 * Memory: one descriptor for the life of the process.
 */
#ifndef EM_OS_SIGNALS_H
#define EM_OS_SIGNALS_H

#include "base/em.h"

/* Catches the three and ignores SIGPIPE; to be called once, before other threads start.
 * A second SIGINT or SIGTERM keeps its caught meaning: it is counted, not fatal. */
em_err em_signals_catch(void);

/* The first signal caught so far, or 0. */
int em_signals_caught(void);

/* How many were caught. */
unsigned em_signals_count(void);

/* Readable once a signal was caught (and from then on); -1 before em_signals_catch. */
int em_signals_fd(void);

#endif
