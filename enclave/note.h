/* note.h - the enclave's events, by name: all it ever writes.
 *
 * Trust:  enclave/events.def is the whole list; os/note takes integers only.
 * Memory: static.
 */
#ifndef EM_ENCLAVE_NOTE_H
#define EM_ENCLAVE_NOTE_H

#include "os/note.h"

enum {
#define EM_EVENT(name) EM_NOTE_##name,
#include "enclave/events.def"
#undef EM_EVENT
    EM_NOTE_COUNT
};

/* The event that is an error's own name. */
#define EM_NOTE_ERROR(err) ((em_event)(EM_NOTE_COUNT + (err)))

#endif
