#include "host/rate.h"

#include <arpa/inet.h>

void em_rate_init(em_rate *r, uint64_t per_second, uint64_t burst, uint64_t seed)
{
    memset(r, 0, sizeof *r);
    /* a bucket of thousandths must not overflow */
    r->per_second = per_second < UINT32_MAX ? per_second : UINT32_MAX;
    r->burst = burst < 1 ? 1 : burst < UINT32_MAX ? burst : UINT32_MAX;
    r->seed = seed;
}

static bool key_of(const em_address *peer, uint8_t key[16])
{
    memset(key, 0, 16);
    if (peer->kind != EM_ADDRESS_TCP) return false;
    if (inet_pton(AF_INET, peer->name, key + 12) == 1) return true;
    if (inet_pton(AF_INET6, peer->name, key) != 1) return false;
    /* an IPv4 address in IPv6 clothes is the IPv4 address */
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (memcmp(key, mapped, 12) == 0)
        memset(key, 0, 12);
    else
        memset(key + 8, 0, 8);
    return true;
}

/* Mixes the seed and the key (splitmix64's finalizer). */
static uint64_t hash(uint64_t seed, const uint8_t key[16])
{
    uint64_t h = seed;

    for (int i = 0; i < 16; i += 8) {
        uint64_t part;
        memcpy(&part, key + i, 8);
        h += part + 0x9E3779B97F4A7C15u;
        h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9u;
        h = (h ^ (h >> 27)) * 0x94D049BB133111EBu;
        h ^= h >> 31;
    }
    return h;
}

static void refill(const em_rate *r, struct em_rate_slot *s, uint64_t now_ms)
{
    uint64_t full = r->burst * 1000;
    uint64_t passed = now_ms > s->at_ms ? now_ms - s->at_ms : 0;

    s->at_ms = now_ms;
    /* one token a millisecond for each thousand a second: rate * ms millitokens */
    if (passed > full / r->per_second + 1)
        s->millitokens = full;
    else
        s->millitokens += passed * r->per_second;
    if (s->millitokens > full) s->millitokens = full;
}

bool em_rate_allow(em_rate *r, const em_address *peer, uint64_t now_ms)
{
    uint8_t key[16];
    struct em_rate_slot *mine = NULL, *victim = NULL;

    if (r->per_second == 0 || !key_of(peer, key)) return true;
    size_t set = hash(r->seed, key) % (EM_RATE_SLOTS / EM_RATE_WAYS) * EM_RATE_WAYS;
    for (size_t i = set; i < set + EM_RATE_WAYS && mine == NULL; i++) {
        struct em_rate_slot *s = &r->slot[i];
        if (s->used) refill(r, s, now_ms);
        if (s->used && memcmp(s->key, key, sizeof key) == 0) mine = s;
        if (victim == NULL || (victim->used && !s->used) ||
            (victim->used && s->millitokens > victim->millitokens))
            victim = s;
    }
    if (mine == NULL) {
        mine = victim;
        *mine = (struct em_rate_slot){
            .used = true, .millitokens = r->burst * 1000, .at_ms = now_ms};
        memcpy(mine->key, key, sizeof key);
    }
    if (mine->millitokens < 1000) return false;
    mine->millitokens -= 1000;
    return true;
}
