/* check_answer.h - what `em check` answers: a verdict, a code, and the facts where there
 * are any; one JSON object on standard output.
 *
 * Trust:  codes and facts may hold text out of hostile input: they are escaped as JSON.
 * Memory: an answer owns its facts.
 */
#ifndef EM_CMD_CHECK_ANSWER_H
#define EM_CMD_CHECK_ANSWER_H

#include "trust/report.h"

#include <jansson.h>

/* The numbers are exit codes. */
typedef enum em_verdict {
    EM_VERDICT_ACCEPT = 0,
    EM_VERDICT_ERROR = 1,        /* could not run */
    EM_VERDICT_REJECT = 10,      /* the artefact was read and refused */
    EM_VERDICT_UNSUPPORTED = 20, /* not offered by this build or processor */
    EM_VERDICT_MALFORMED = 30,   /* the request itself */
} em_verdict;

typedef struct em_check_answer {
    em_verdict verdict;
    size_t code_len;
    char code[64 + EM_REPORT_SUBJECT];
    char detail[768]; /* printable ASCII */
    json_t *facts;    /* NULL for none */
} em_check_answer;

void em_check_answer_drop(em_check_answer *answer);

/* Takes the facts over; NULL, as jansson gives it without memory, becomes an error. */
void em_check_answer_accept(em_check_answer *answer, json_t *facts);

/* Verdict and code that belong to an error: reject, but "unsupported" for what this build
 * lacks and "error" (INTERNAL) for what is our fault.  `about`, which may be NULL, stands
 * in the detail. */
void em_check_answer_refuse(em_check_answer *answer, em_err err, const char *about);

/* The same for work on files: what cannot be read is an error (IO).  `detail` is the
 * whole sentence; "" or NULL for the error's own. */
void em_check_answer_file(em_check_answer *answer, em_err err, const char *detail);

/* A verdict of its own. */
__attribute__((format(printf, 4, 5))) void em_check_answer_set(em_check_answer *answer,
                                                               em_verdict verdict,
                                                               em_err code,
                                                               const char *detail, ...);

/* Adds ":SUBJECT" to the code. */
void em_check_answer_subject(em_check_answer *answer, em_bytes subject);

/* Writes the object and a newline; the exit code.  Integers of the facts are unsigned:
 * the 64 bits of a json_int_t are printed as such. */
int em_check_answer_print(const em_check_answer *answer);

#endif
