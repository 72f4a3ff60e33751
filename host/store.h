/* store.h - bundles from a folder, over HTTP/1.1.
 *
 *     GET or HEAD /NAME   NAME: 1..128 of A-Z a-z 0-9 . _ -, not beginning with a dot
 *
 *     200  the whole file           404  no such regular file in the folder
 *     206  one range of it          405  another method
 *     416  see host/range.h         400  a query
 *
 * Names are compared as they came: nothing is percent-decoded.  Links are not followed,
 * folders and devices are not files.  If-Range cannot be satisfied (there are no
 * validators) and gives the whole file, as RFC 9110 §13.1.5 wants.
 *
 * Trust:  the client is whoever reaches the address; the folder is the operator's.  What
 *         is in it is ciphertext: nothing here knows more.
 * Memory: a thread or two of libmicrohttpd's and one descriptor a request.
 */
#ifndef EM_HOST_STORE_H
#define EM_HOST_STORE_H

#include "host/metrics.h"
#include "host/web.h"

enum { EM_STORE_NAME = 128 };

typedef struct em_store {
    em_web web;
    int folder;
    em_metrics *metrics;
} em_store;

/* Serves `folder` on `listener` (which stays the caller's).  EM_ERR_NOT_FOUND where the
 * folder is none.  `store` must stay in place. */
em_err em_store_start(em_store *store, const char *folder,
                      const em_stream_listener *listener, uint32_t only_cid,
                      em_metrics *metrics);
void em_store_drop(em_store *store);

/* Would this target be looked up ("/NAME")? */
bool em_store_good_target(const char *target);

#endif
