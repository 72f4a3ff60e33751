#include "os/log.h"
#include "base/write.h"
#include "os/clock.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static em_log_level threshold = EM_LOG_INFO;
static bool as_json;

static const char *const level_names[] = {"debug", "info", "warn", "error", "quiet"};

void em_log_setup(em_log_level least, bool json)
{
    __atomic_store_n(&threshold, least, __ATOMIC_RELAXED);
    __atomic_store_n(&as_json, json, __ATOMIC_RELAXED);
}

em_err em_log_level_parse(em_bytes text, em_log_level *ret_level)
{
    for (size_t i = 0; i < EM_COUNT(level_names); i++) {
        if (!em_same(text, em_view(level_names[i], strlen(level_names[i])))) continue;
        *ret_level = (em_log_level)i;
        return EM_OK;
    }
    return EM_ERR_RANGE;
}

static void put(em_out *o, const char *text)
{
    em_write_bytes(o, em_view(text, strlen(text)));
}

/* Only what can break neither form: a path in an address may hold anything. */
static void put_clean(em_out *o, const char *text)
{
    for (; *text != 0; text++) {
        uint8_t c = (uint8_t)*text;
        bool clean = c > 0x20 && c < 0x7F && c != '"' && c != '\\';
        em_write_u8(o, clean ? c : '?');
    }
}

static void put_digits(em_out *o, uint64_t value, unsigned width)
{
    uint64_t least = 10;

    for (unsigned i = 1; i < width; i++, least *= 10)
        if (value < least) put(o, "0");
    em_write_decimal(o, value);
}

static void put_time(em_out *o)
{
    uint64_t now = em_clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm t = {0};

    (void)gmtime_r(&seconds, &t);
    put_digits(o, (uint64_t)t.tm_year + 1900, 4);
    put(o, "-");
    put_digits(o, (uint64_t)t.tm_mon + 1, 2);
    put(o, "-");
    put_digits(o, (uint64_t)t.tm_mday, 2);
    put(o, "T");
    put_digits(o, (uint64_t)t.tm_hour, 2);
    put(o, ":");
    put_digits(o, (uint64_t)t.tm_min, 2);
    put(o, ":");
    put_digits(o, (uint64_t)t.tm_sec, 2);
    put(o, ".");
    put_digits(o, now % 1000, 3);
    put(o, "Z");
}

static void put_field(em_out *o, const em_log_field *f, bool json)
{
    char text[EM_ADDRESS_TEXT];
    const char *value = f->text;

    if (f->address != NULL) {
        em_address_print(f->address, text);
        value = text;
    }
    if (f->err != NULL) value = em_err_name(*f->err);
    put(o, json ? ",\"" : " ");
    put_clean(o, f->name);
    put(o, json ? "\":" : "=");
    if (value == NULL) {
        em_write_decimal(o, f->number);
    } else {
        if (json) put(o, "\"");
        put_clean(o, value);
        if (json) put(o, "\"");
    }
}

void em_log_write(em_log_level level, const char *event, const em_log_field *fields)
{
    uint8_t line[1024];
    em_out o = em_out_over(line, sizeof line - 2); /* room for the end */
    bool json = __atomic_load_n(&as_json, __ATOMIC_RELAXED);

    if (level >= EM_LOG_QUIET || level < __atomic_load_n(&threshold, __ATOMIC_RELAXED))
        return;
    if (json) put(&o, "{\"time\":\"");
    put_time(&o);
    put(&o, json ? "\",\"level\":\"" : " ");
    put(&o, level_names[level]);
    put(&o, json ? "\",\"event\":\"" : " ");
    put_clean(&o, event);
    if (json) put(&o, "\"");
    for (; fields->name != NULL; fields++) {
        size_t whole = o.len;
        put_field(&o, fields, json);
        if (em_write_end(&o) == EM_OK) continue;
        o.len = whole; /* a field that does not fit is left out, the line stays whole */
        break;
    }
    size_t len = o.len;
    if (json) line[len++] = '}';
    line[len++] = '\n';
    int before = errno;
    (void)!write(STDERR_FILENO, line, len); /* nobody to tell */
    errno = before;
}
