/* json_put.h - writes the texts of JSON; punctuation is written by the caller.
 *
 * Trust:  texts may come from outside; they are escaped.
 * Memory: into the caller's em_out, whose first overflow sticks.
 */
#ifndef EM_WIRE_JSON_PUT_H
#define EM_WIRE_JSON_PUT_H

#include "base/write.h"

/* A quoted and escaped text; EM_ERR_JSON_NOT_UTF8 becomes the writer's error. */
void em_json_put_text(em_out *o, em_bytes text);
void em_json_put_str(em_out *o, const char *text);

#endif
