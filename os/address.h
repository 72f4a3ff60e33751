/* address.h - where to connect or listen: one strict text form for each kind.
 *
 *     vsock:CID:PORT    decimal; CID may be "any" (for listening)
 *     unix:PATH         1..107 bytes, no control characters
 *     tcp:HOST:PORT     HOST is a name, an IPv4 address, or an IPv6 address in brackets
 *
 * Numbers have no sign and no leading zero.  Every accepted text is printed again as it
 * was read.
 *
 * Trust:  text may be hostile; a parsed address is well-formed, not permitted.
 * Memory: an em_address owns its text; nothing is allocated.
 */
#ifndef EM_OS_ADDRESS_H
#define EM_OS_ADDRESS_H

#include "base/em.h"

typedef enum em_address_kind {
    EM_ADDRESS_NONE = 0,
    EM_ADDRESS_VSOCK,
    EM_ADDRESS_UNIX,
    EM_ADDRESS_TCP,
} em_address_kind;

#define EM_ADDRESS_CID_ANY UINT32_MAX

enum {
    EM_ADDRESS_NAME = 256, /* longest host name or path, with its NUL */
    EM_ADDRESS_TEXT = 272, /* longest printed address, with its NUL */
};

typedef struct em_address {
    em_address_kind kind;
    uint32_t cid;               /* vsock */
    uint32_t port;              /* vsock, tcp; 0 lets the kernel choose when listening */
    char name[EM_ADDRESS_NAME]; /* tcp: host without brackets; unix: path; NUL-ended */
} em_address;

/* EM_ERR_ADDRESS for everything that is not one of the forms above. */
em_err em_address_parse(em_bytes text, em_address *ret_address);

/* The text form, NUL-ended ("none" for {0}). */
void em_address_print(const em_address *address, char ret_text[EM_ADDRESS_TEXT]);

/* The same place? */
bool em_address_same(const em_address *a, const em_address *b);

#endif
