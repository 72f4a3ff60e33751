/* lines.h - a report for people and for machines.
 *
 * Trust:  a report's subject may hold hostile text: it is escaped here.
 * Memory: json values are the caller's to free.
 */
#ifndef EM_CMD_LINES_H
#define EM_CMD_LINES_H

#include "base/write.h"
#include "trust/report.h"

#include <jansson.h>

/* "PASS 1.3  DOC_CHAIN  the certificate chain is valid" for every check that was looked
 * at. */
void em_lines_print(const em_report *report);

/* [{name, clause, result}…]; failures have "error" and perhaps "subject", skips "why". */
json_t *em_lines_json(const em_report *report);

/* How many lines there are of each result. */
typedef struct em_lines_count {
    unsigned pass, fail, skip;
} em_lines_count;
em_lines_count em_lines_of(const em_report *report);

/* Lower-case hexadecimal, NUL-ended; `text` has room for 2 * bytes.len + 1. */
void em_lines_put_hex(em_bytes bytes, char *text);

/* A hexadecimal JSON text; printable ASCII of hostile bytes, others as "\xNN". */
json_t *em_lines_hex(em_bytes bytes);
void em_lines_escape(em_bytes bytes, char *text, size_t cap);

/* An RFC 3339 time in UTC. */
enum { EM_LINES_TIME = 40 };
void em_lines_time(uint64_t ms, char text[EM_LINES_TIME]);

#endif
