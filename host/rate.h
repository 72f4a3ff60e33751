/* rate.h - how often one address may connect: a bucket of tokens for each.
 *
 * Trust:  addresses are the peers'; what they can choose (an IPv6 host part) does not
 *         count: a /64 is one peer.
 * Memory: a fixed table; when it is full, the fullest bucket of a few makes room, which
 *         only ever forgives.
 */
#ifndef EM_HOST_RATE_H
#define EM_HOST_RATE_H

#include "os/address.h"

enum { EM_RATE_SLOTS = 4096, EM_RATE_WAYS = 8 };

typedef struct em_rate {
    uint64_t per_second, burst; /* per_second 0: no limit */
    uint64_t seed;              /* so that peers cannot choose to collide */
    struct em_rate_slot {
        uint8_t key[16];
        bool used;
        uint64_t millitokens, at_ms;
    } slot[EM_RATE_SLOTS];
} em_rate;

void em_rate_init(em_rate *r, uint64_t per_second, uint64_t burst, uint64_t seed);

/* May this peer connect once more?  Peers without a TCP address always may. */
bool em_rate_allow(em_rate *r, const em_address *peer, uint64_t now_ms);

#endif
