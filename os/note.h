/* note.h - the enclave's whole logger: an event and two integers, on standard error.
 *
 *     em-enclave 12.345 session_open 3 0
 *     (seconds since the machine started, the event's name, a, b)
 *
 * Trust:  no parameter could carry a prompt, a key, or anything else of a session's; what
 *         the integers may say is decided where the event is declared.
 * Memory: none; the names are the caller's static table.
 */
#ifndef EM_OS_NOTE_H
#define EM_OS_NOTE_H

#include "base/em.h"

/* The caller's enumeration, 0..n-1. */
typedef unsigned em_event;

/* Names for the events, once, before the first note; until then the numbers are written.
 */
void em_note_names(const char *const *names, size_t n);

void em_note(em_event what, uint64_t a, uint64_t b);

#endif
