#include "os/address.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char any[] = "any";

static bool starts(em_bytes text, const char *with, em_bytes *ret_rest)
{
    size_t len = strlen(with);

    if (text.len < len || memcmp(text.at, with, len) != 0) return false;
    *ret_rest = em_view(text.at + len, text.len - len);
    return true;
}

/* Decimal without sign or leading zero. */
static em_err number(em_bytes text, uint32_t most, uint32_t *ret_number)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > 10) return EM_ERR_ADDRESS;
    if (text.at[0] == '0' && text.len > 1) return EM_ERR_ADDRESS;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') return EM_ERR_ADDRESS;
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    if (value > most) return EM_ERR_ADDRESS;
    *ret_number = (uint32_t)value;
    return EM_OK;
}

/* Cuts at the last colon: what is before, and the port behind. */
static em_err cut_port(em_bytes text, uint32_t most, em_bytes *ret_before,
                       uint32_t *ret_port)
{
    for (size_t i = text.len; i-- > 0;) {
        if (text.at[i] != ':') continue;
        EM_TRY(number(em_view(text.at + i + 1, text.len - i - 1), most, ret_port));
        *ret_before = em_view(text.at, i);
        return EM_OK;
    }
    return EM_ERR_ADDRESS;
}

static em_err parse_vsock(em_bytes text, em_address *a)
{
    em_bytes cid = {0};

    EM_TRY(cut_port(text, UINT32_MAX - 1, &cid, &a->port));
    if (em_same(cid, em_view(any, strlen(any))))
        a->cid = EM_ADDRESS_CID_ANY;
    else
        EM_TRY(number(cid, UINT32_MAX - 1, &a->cid));
    return EM_OK;
}

static em_err parse_unix(em_bytes path, em_address *a)
{
    if (path.len == 0 || path.len >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return EM_ERR_ADDRESS;
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] < 0x20 || path.at[i] == 0x7F) return EM_ERR_ADDRESS;
    memcpy(a->name, path.at, path.len);
    return EM_OK;
}

/* A name of RFC 1123 labels; one that could be taken for a number must be an IPv4 address
 * of four parts, since resolvers also read "1" and "0x7f.1" as addresses. */
static em_err check_host(const char *host, size_t len)
{
    size_t label = 0;
    bool last_numeric = true;

    if (len == 0 || len > 253) return EM_ERR_ADDRESS;
    for (size_t i = 0; i < len; i++) {
        char c = host[i];
        bool digit = c >= '0' && c <= '9';
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (c == '.') {
            if (label == 0 || i + 1 == len || host[i - 1] == '-') return EM_ERR_ADDRESS;
            label = 0;
            last_numeric = true;
            continue;
        }
        if (!digit && !letter && !(c == '-' && label > 0)) return EM_ERR_ADDRESS;
        if (label == 0) last_numeric = digit;
        if (++label > 63) return EM_ERR_ADDRESS;
    }
    if (host[len - 1] == '-') return EM_ERR_ADDRESS;
    struct in_addr v4;
    if (last_numeric && inet_pton(AF_INET, host, &v4) != 1) return EM_ERR_ADDRESS;
    return EM_OK;
}

static em_err parse_tcp(em_bytes text, em_address *a)
{
    em_bytes host = {0};

    EM_TRY(cut_port(text, UINT16_MAX, &host, &a->port));
    if (host.len == 0 || host.len >= sizeof a->name) return EM_ERR_ADDRESS;
    if (host.at[0] != '[') {
        memcpy(a->name, host.at, host.len);
        return check_host(a->name, host.len);
    }
    struct in6_addr v6;
    if (host.len < 4 || host.at[host.len - 1] != ']') return EM_ERR_ADDRESS;
    memcpy(a->name, host.at + 1, host.len - 2);
    if (memchr(a->name, 0, host.len - 2) != NULL) return EM_ERR_ADDRESS;
    return inet_pton(AF_INET6, a->name, &v6) == 1 ? EM_OK : EM_ERR_ADDRESS;
}

em_err em_address_parse(em_bytes text, em_address *ret_address)
{
    em_address a = {0};
    em_bytes rest = {0};

    if (starts(text, "vsock:", &rest)) {
        a.kind = EM_ADDRESS_VSOCK;
        EM_TRY(parse_vsock(rest, &a));
    } else if (starts(text, "unix:", &rest)) {
        a.kind = EM_ADDRESS_UNIX;
        EM_TRY(parse_unix(rest, &a));
    } else if (starts(text, "tcp:", &rest)) {
        a.kind = EM_ADDRESS_TCP;
        EM_TRY(parse_tcp(rest, &a));
    } else {
        return EM_ERR_ADDRESS;
    }
    *ret_address = a;
    return EM_OK;
}

/* ---- printing ---- */

typedef struct text {
    char *at;
    size_t len;
} text;

static void put(text *t, const char *s)
{
    for (; *s != 0 && t->len + 1 < EM_ADDRESS_TEXT; s++) t->at[t->len++] = *s;
    t->at[t->len] = 0;
}

static void put_number(text *t, uint32_t value)
{
    char digits[11] = {0};
    size_t i = sizeof digits - 1;

    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(t, digits + i);
}

void em_address_print(const em_address *address, char ret_text[EM_ADDRESS_TEXT])
{
    text t = {.at = ret_text};
    bool v6 = memchr(address->name, ':', sizeof address->name) != NULL;

    switch (address->kind) {
    case EM_ADDRESS_VSOCK:
        put(&t, "vsock:");
        if (address->cid == EM_ADDRESS_CID_ANY)
            put(&t, any);
        else
            put_number(&t, address->cid);
        put(&t, ":");
        put_number(&t, address->port);
        break;
    case EM_ADDRESS_UNIX:
        put(&t, "unix:");
        put(&t, address->name);
        break;
    case EM_ADDRESS_TCP:
        put(&t, v6 ? "tcp:[" : "tcp:");
        put(&t, address->name);
        put(&t, v6 ? "]:" : ":");
        put_number(&t, address->port);
        break;
    case EM_ADDRESS_NONE:
    default:
        put(&t, "none");
        break;
    }
}

bool em_address_same(const em_address *a, const em_address *b)
{
    return a->kind == b->kind && a->cid == b->cid && a->port == b->port &&
           strncmp(a->name, b->name, sizeof a->name) == 0;
}
