#include "wire/cbor.h"

/* What a finished array or map leaves behind is closed late, when the next item begins:
 * so that em_cbor.depth after entering is the same for empty and for full ones. */

enum { TEXT_HEAD_MAX = 9 };

static const uint8_t BREAK = 0xFF;

typedef enum major {
    MAJOR_UINT,
    MAJOR_NINT,
    MAJOR_BYTES,
    MAJOR_TEXT,
    MAJOR_ARRAY,
    MAJOR_MAP,
    MAJOR_TAG,
    MAJOR_SIMPLE,
} major;

typedef struct head {
    major major;
    uint64_t arg;
    bool is_open; /* an indefinite map; arg is meaningless */
} head;

static em_cbor over(em_bytes item, em_cbor_profile profile)
{
    em_cbor c = {.in = {.left = item}, .profile = profile};

    c.level[0].left = 1;
    return c;
}

em_cbor em_cbor_over(em_bytes item)
{
    return over(item, EM_CBOR_STRICT);
}

em_cbor em_cbor_over_foreign(em_bytes item)
{
    return over(item, EM_CBOR_FOREIGN);
}

void em_cbor_fail(em_cbor *c, em_err err)
{
    em_read_fail(&c->in, err);
}

em_err em_cbor_ok(const em_cbor *c)
{
    return em_read_ok(&c->in);
}

static bool is_ok(const em_cbor *c)
{
    return em_read_ok(&c->in) == EM_OK;
}

static bool is_finished(const struct em_cbor_level *level)
{
    return !level->is_open && level->left == 0;
}

static bool at_break(const em_cbor *c)
{
    return c->level[c->depth].is_open && c->in.left.len > 0 && c->in.left.at[0] == BREAK;
}

/* RFC 8949 4.2.1: keys in the bytewise order of their encodings. */
static void key_done(em_cbor *c, struct em_cbor_level *level)
{
    em_bytes key = {level->key, (size_t)(c->in.left.at - level->key)};

    if (c->profile == EM_CBOR_STRICT && level->last.len > 0) {
        int order = em_order(level->last, key);
        if (order == 0) em_cbor_fail(c, EM_ERR_CBOR_DUPLICATE);
        if (order > 0) em_cbor_fail(c, EM_ERR_CBOR_UNSORTED);
    }
    level->last = key;
}

/* The item that the current level was waiting for is complete. */
static void item_done(em_cbor *c)
{
    struct em_cbor_level *level = &c->level[c->depth];

    if (level->is_map && level->left % 2 == 1) key_done(c, level);
}

/* Close finished levels, down to depth `floor` at the lowest. */
static void settle(em_cbor *c, unsigned floor)
{
    while (c->depth > floor && is_finished(&c->level[c->depth])) {
        c->depth--;
        item_done(c);
    }
}

static void begin_item(em_cbor *c)
{
    settle(c, 0);
    struct em_cbor_level *level = &c->level[c->depth];

    if (is_finished(level)) { /* only the outermost one can be */
        em_cbor_fail(c, c->in.left.len > 0 ? EM_ERR_CBOR_TRAILING : EM_ERR_CBOR_SHORT);
        return;
    }
    if (level->is_map && level->left % 2 == 0) level->key = c->in.left.at;
    level->left--;
}

static em_err check_simple(unsigned info)
{
    if (info >= 25) return EM_ERR_CBOR_FLOAT;
    return info >= 20 && info <= 22 ? EM_OK : EM_ERR_CBOR_SIMPLE;
}

/* Additional information 28 to 31: reserved, or of indefinite length. */
static em_err check_unsized(const em_cbor *c, major m, unsigned info, bool *ret_open)
{
    bool can_be_open = m == MAJOR_MAP && c->profile == EM_CBOR_FOREIGN && c->depth == 0;

    if (info != 31 || m == MAJOR_UINT || m == MAJOR_NINT || m == MAJOR_TAG)
        return EM_ERR_CBOR_RESERVED;
    if (!can_be_open) return EM_ERR_CBOR_INDEFINITE;
    *ret_open = true;
    return EM_OK;
}

/* RFC 8949 3: initial byte and argument, held to the profile. */
static em_err read_head(em_cbor *c, head *ret_head)
{
    if (c->in.left.len == 0) return EM_ERR_CBOR_SHORT;
    uint8_t first = em_read_u8(&c->in);
    unsigned info = first & 31;
    head h = {.major = (major)(first >> 5), .arg = info};

    if (info >= 28) {
        EM_TRY(check_unsized(c, h.major, info, &h.is_open));
    } else if (info >= 24) {
        size_t len = (size_t)1 << (info - 24);
        if (c->in.left.len < len) return EM_ERR_CBOR_SHORT;
        em_bytes arg = em_read_bytes(&c->in, len);
        h.arg = 0;
        for (size_t i = 0; i < len; i++) h.arg = h.arg << 8 | arg.at[i];
    }
    if (h.major == MAJOR_SIMPLE) EM_TRY(check_simple(info));
    static const uint64_t least[] = {24, 1 << 8, 1 << 16, (uint64_t)1 << 32};
    if (info >= 24 && info <= 27 && h.arg < least[info - 24])
        return EM_ERR_CBOR_NOT_SHORTEST;
    if (h.major == MAJOR_TAG) return EM_ERR_CBOR_TAG;
    *ret_head = h;
    return EM_OK;
}

/* The next item's head; a zero head of the wanted type after an error. */
static head next(em_cbor *c)
{
    head h = {0};

    if (is_ok(c)) begin_item(c);
    if (is_ok(c)) em_cbor_fail(c, read_head(c, &h));
    return h;
}

static head next_of(em_cbor *c, major m)
{
    head h = next(c);

    if (is_ok(c) && h.major != m) em_cbor_fail(c, EM_ERR_CBOR_TYPE);
    return is_ok(c) ? h : (head){0};
}

/* A string's bytes, `max` at most. */
static em_bytes string(em_cbor *c, head h, uint64_t max)
{
    if (is_ok(c) && h.arg > max) em_cbor_fail(c, EM_ERR_LIMIT);
    if (is_ok(c) && h.arg > c->in.left.len) em_cbor_fail(c, EM_ERR_CBOR_SHORT);
    if (!is_ok(c)) return (em_bytes){0};

    em_bytes got = em_read_bytes(&c->in, (size_t)h.arg);
    if (h.major == MAJOR_TEXT) {
        if (!em_is_utf8(got)) em_cbor_fail(c, EM_ERR_CBOR_NOT_UTF8);
        if (got.len > 0 && memchr(got.at, 0, got.len)) em_cbor_fail(c, EM_ERR_CBOR_NUL);
    }
    item_done(c);
    return is_ok(c) ? got : (em_bytes){0};
}

/* Enter an array or map.  An item takes a byte at least, so a count beyond the bytes that
 * are left is refused before anything is counted. */
static uint64_t enter(em_cbor *c, head h, uint64_t max)
{
    uint64_t per = h.major == MAJOR_MAP ? 2 : 1;

    if (!is_ok(c)) return 0;
    if (!h.is_open && h.arg > max) em_cbor_fail(c, EM_ERR_LIMIT);
    if (!h.is_open && h.arg > c->in.left.len / per) em_cbor_fail(c, EM_ERR_CBOR_SHORT);
    if (c->depth == EM_MAX_CBOR_DEPTH) em_cbor_fail(c, EM_ERR_CBOR_DEPTH);
    if (!is_ok(c)) return 0;

    c->level[++c->depth] = (struct em_cbor_level){
        .left = h.is_open ? UINT64_MAX - 1 : h.arg * per, /* even: a key comes next */
        .is_map = h.major == MAJOR_MAP,
        .is_open = h.is_open,
    };
    return h.is_open ? UINT64_MAX : h.arg;
}

em_cbor_kind em_cbor_peek(const em_cbor *c)
{
    unsigned depth = c->depth;

    while (depth > 0 && is_finished(&c->level[depth])) depth--;
    if (!is_ok(c) || is_finished(&c->level[depth]) || c->in.left.len == 0)
        return EM_CBOR_NONE;
    uint8_t first = c->in.left.at[0];
    switch ((major)(first >> 5)) {
    case MAJOR_UINT:
        return EM_CBOR_UINT;
    case MAJOR_NINT:
        return EM_CBOR_NINT;
    case MAJOR_BYTES:
        return EM_CBOR_BYTES;
    case MAJOR_TEXT:
        return EM_CBOR_TEXT;
    case MAJOR_ARRAY:
        return EM_CBOR_ARRAY;
    case MAJOR_MAP:
        return EM_CBOR_MAP;
    case MAJOR_TAG:
        return EM_CBOR_NONE;
    case MAJOR_SIMPLE:
        break;
    }
    if (first == 0xF4) return EM_CBOR_FALSE;
    if (first == 0xF5) return EM_CBOR_TRUE;
    return first == 0xF6 ? EM_CBOR_NULL : EM_CBOR_NONE;
}

uint64_t em_cbor_uint(em_cbor *c)
{
    head h = next_of(c, MAJOR_UINT);

    if (is_ok(c)) item_done(c);
    return is_ok(c) ? h.arg : 0;
}

int64_t em_cbor_int(em_cbor *c)
{
    head h = next(c);

    if (is_ok(c) && h.major != MAJOR_UINT && h.major != MAJOR_NINT)
        em_cbor_fail(c, EM_ERR_CBOR_TYPE);
    if (is_ok(c) && h.arg > INT64_MAX) em_cbor_fail(c, EM_ERR_RANGE);
    if (is_ok(c)) item_done(c);
    if (!is_ok(c)) return 0;
    return h.major == MAJOR_NINT ? -1 - (int64_t)h.arg : (int64_t)h.arg;
}

static uint64_t simple(em_cbor *c, uint64_t least, uint64_t most)
{
    head h = next_of(c, MAJOR_SIMPLE);

    if (is_ok(c) && (h.arg < least || h.arg > most)) em_cbor_fail(c, EM_ERR_CBOR_TYPE);
    if (is_ok(c)) item_done(c);
    return is_ok(c) ? h.arg : 0;
}

bool em_cbor_bool(em_cbor *c)
{
    return simple(c, 20, 21) == 21;
}

void em_cbor_null(em_cbor *c)
{
    (void)simple(c, 22, 22);
}

em_bytes em_cbor_bytes(em_cbor *c)
{
    return string(c, next_of(c, MAJOR_BYTES), UINT64_MAX);
}

em_bytes em_cbor_text(em_cbor *c)
{
    return string(c, next_of(c, MAJOR_TEXT), UINT64_MAX);
}

em_bytes em_cbor_bytes_max(em_cbor *c, size_t max)
{
    return string(c, next_of(c, MAJOR_BYTES), max);
}

em_bytes em_cbor_text_max(em_cbor *c, size_t max)
{
    return string(c, next_of(c, MAJOR_TEXT), max);
}

void em_cbor_bytes_into(em_cbor *c, void *to, size_t len)
{
    em_bytes got = em_cbor_bytes(c);

    if (is_ok(c) && got.len != len) em_cbor_fail(c, EM_ERR_RANGE);
    if (is_ok(c) && len > 0) memcpy(to, got.at, len);
}

uint64_t em_cbor_array(em_cbor *c, uint64_t max)
{
    return enter(c, next_of(c, MAJOR_ARRAY), max);
}

uint64_t em_cbor_map(em_cbor *c, uint64_t max)
{
    return enter(c, next_of(c, MAJOR_MAP), max);
}

void em_cbor_array_of(em_cbor *c, uint64_t n)
{
    uint64_t got = em_cbor_array(c, UINT64_MAX);

    if (got != n) em_cbor_fail(c, EM_ERR_CBOR_TYPE);
}

void em_cbor_map_of(em_cbor *c, uint64_t n)
{
    uint64_t got = em_cbor_map(c, UINT64_MAX);

    if (got != n) em_cbor_fail(c, EM_ERR_CBOR_KEY);
}

bool em_cbor_more(em_cbor *c, unsigned depth)
{
    if (!is_ok(c)) return false;
    settle(c, depth);
    if (!is_ok(c) || c->depth < depth) return false;
    if (c->depth > depth) return true;
    struct em_cbor_level *level = &c->level[depth];

    /* a break in a key's place ends an indefinite map; elsewhere the next read says why
     */
    if (at_break(c) && level->left % 2 == 0) {
        (void)em_read_u8(&c->in);
        level->is_open = 0;
        level->left = 0;
    }
    return !is_finished(level);
}

bool em_cbor_key(em_cbor *c, const char *key)
{
    em_bytes text = em_view(key, strlen(key));
    uint8_t buf[TEXT_HEAD_MAX];
    em_out o = EM_OUT(buf);

    if (!is_ok(c)) return false;
    settle(c, 0);
    const struct em_cbor_level *level = &c->level[c->depth];
    if (!is_ok(c) || !level->is_map || level->left % 2 != 0 || is_finished(level))
        return false;

    em_cbor_put_text_head(&o, text.len);
    em_bytes left = c->in.left;
    if (left.len < o.len || left.len - o.len < text.len ||
        !em_same(em_view(left.at, o.len), em_write_view(&o)) ||
        !em_same(em_view(left.at + o.len, text.len), text))
        return false;
    (void)em_cbor_text(c); /* which also checks its place in the order */
    return is_ok(c);
}

void em_cbor_want(em_cbor *c, const char *key)
{
    if (!em_cbor_key(c, key)) em_cbor_fail(c, EM_ERR_CBOR_KEY);
}

/* One item of any type; arrays and maps are entered. */
static void step(em_cbor *c)
{
    head h = next(c);

    if (!is_ok(c)) return;
    switch (h.major) {
    case MAJOR_BYTES:
    case MAJOR_TEXT:
        (void)string(c, h, UINT64_MAX);
        return;
    case MAJOR_ARRAY:
    case MAJOR_MAP:
        (void)enter(c, h, UINT64_MAX);
        return;
    case MAJOR_UINT:
    case MAJOR_NINT:
    case MAJOR_TAG:
    case MAJOR_SIMPLE:
        item_done(c);
        return;
    }
}

em_bytes em_cbor_skip(em_cbor *c)
{
    if (is_ok(c)) settle(c, 0);
    const uint8_t *start = c->in.left.at;
    unsigned depth = c->depth;

    step(c);
    while (is_ok(c) && c->depth > depth) {
        if (em_cbor_more(c, c->depth))
            step(c);
        else
            settle(c, depth);
    }
    return is_ok(c) ? em_view(start, (size_t)(c->in.left.at - start)) : (em_bytes){0};
}

em_err em_cbor_end(const em_cbor *c)
{
    unsigned depth = c->depth;

    EM_TRY(em_cbor_ok(c));
    while (depth > 0 && is_finished(&c->level[depth])) depth--;
    if (!is_finished(&c->level[depth])) return EM_ERR_CBOR_SHORT;
    return c->in.left.len == 0 ? EM_OK : EM_ERR_CBOR_TRAILING;
}

em_err em_cbor_check(em_bytes item)
{
    em_cbor c = em_cbor_over(item);

    (void)em_cbor_skip(&c);
    return em_cbor_end(&c);
}
