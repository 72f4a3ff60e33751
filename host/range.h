/* range.h - the Range header of RFC 9110 §14.2, one range at most.
 *
 * Trust:  the header is hostile; the size is the file's.
 * Memory: none.
 */
#ifndef EM_HOST_RANGE_H
#define EM_HOST_RANGE_H

#include "base/em.h"

typedef struct em_range {
    uint64_t first, len; /* len is at least 1 */
} em_range;

/* "bytes=A-B", "bytes=A-" or "bytes=-N" of a file of `size` bytes; B and N beyond the end
 * mean the end, however large.  EM_ERR_RANGE for what names no byte of the file, for
 * several ranges, and for everything else. */
em_err em_range_parse(em_bytes header, uint64_t size, em_range *ret_range);

#endif
