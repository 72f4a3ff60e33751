/* log.h - one structured line per event on standard error, for programs outside the
 * enclave.
 *
 *     2026-01-02T03:04:05.678Z info relay.open peer=tcp:127.0.0.1:40112 open=3
 *     {"time":"...","level":"info","event":"relay.open","peer":"...","open":3}
 *
 * Trust:  no call can carry payload: a field is a number, an address, an error, or a text
 *         that stands in the source.
 * Memory: a line is built on the stack and written at once (at most 1 KiB).
 */
#ifndef EM_OS_LOG_H
#define EM_OS_LOG_H

#include "os/address.h"

typedef enum em_log_level {
    EM_LOG_DEBUG = 0,
    EM_LOG_INFO,
    EM_LOG_WARN,
    EM_LOG_ERROR,
    EM_LOG_QUIET, /* as a threshold: nothing */
} em_log_level;

typedef struct em_log_field {
    const char *name;          /* a literal; NULL: no field */
    const char *text;          /* a literal, or */
    const em_address *address; /* an address, or */
    const em_err *err;         /* an error, or */
    uint64_t number;           /* a number */
} em_log_field;

#define EM_LOG_NUMBER(key, value) ((em_log_field){.name = "" key, .number = (value)})
#define EM_LOG_TEXT(key, literal) ((em_log_field){.name = "" key, .text = "" literal})
#define EM_LOG_ADDRESS(key, value) ((em_log_field){.name = "" key, .address = (value)})
#define EM_LOG_ERR(key, value) ((em_log_field){.name = "" key, .err = &(em_err){(value)}})

/* EM_LOG(EM_LOG_INFO, "relay.open", EM_LOG_NUMBER("open", n), ...) */
#define EM_LOG(level, event, ...)                                                        \
    em_log_write((level), "" event, (const em_log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

/* `fields` ends with one without a name. */
void em_log_write(em_log_level level, const char *event, const em_log_field *fields);

/* Lines below `least` are not written.  At start: EM_LOG_INFO as text. */
void em_log_setup(em_log_level least, bool json);

/* "debug", "info", "warn", "error", "quiet"; EM_ERR_RANGE otherwise. */
em_err em_log_level_parse(em_bytes text, em_log_level *ret_level);

#endif
