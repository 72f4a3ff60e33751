/* guest.h - one client's session: handshake, request, answer, receipt.
 *
 * Runs on the loop's thread only.  What takes long goes out (a document to the NSM's
 * thread, an inference to the runner) and comes back by a flag that the loop looks at
 * when woken.
 *
 * Trust:  everything that comes from the client, and when.
 * Memory: one slot a guest, its pages sized at the configuration's limits; wiped at the
 * end.
 */
#ifndef EM_ENCLAVE_GUEST_H
#define EM_ENCLAVE_GUEST_H

#include "enclave/identity.h"
#include "enclave/work.h"
#include "session/session_server.h"

/* Who holds a thing that another thread works on. */
typedef enum em_guest_turn {
    EM_GUEST_OURS = 0, /* nothing is out */
    EM_GUEST_OUT,      /* another thread has it */
    EM_GUEST_BACK,     /* it is done and waits for us */
} em_guest_turn;

typedef struct em_guest {
    const em_identity *id;
    em_session session;
    em_map pages;  /* small requests, the session's two buffers */
    uint8_t *body; /* EM_MAX_DATA_BODY of scratch, shared by all guests */
    unsigned models;
    bool open; /* past OPEN and AUTH */

    /* the handshake */
    em_x25519_secret secret;
    em_x25519_public public;
    uint8_t c1_nonce[EM_HELLO_NONCE_LEN], nonce[32];
    uint8_t user_data[EM_MAX_USER_DATA];
    size_t user_data_len;
    uint8_t document[EM_MAX_DOCUMENT];
    size_t document_len;
    em_err attest_err;
    atomic_uchar attesting; /* em_guest_turn */
    uint8_t document_sha256[EM_SHA256_LEN];
    em_time document_time;
    em_document claims; /* views into document */

    /* the outstanding request */
    em_work work;
    em_schedule_account account;
    bool working; /* the runner has it, until work.over */
    bool answering;
    em_err refused; /* the request will be answered with this error */
    size_t sent_rows;
    bool sent_end;
    uint64_t tokens;
    uint8_t salt[EM_SALT_LEN];
} em_guest;
EM_HOLDS_SECRET(em_guest);

/* What the loop must do for a guest after a call. */
typedef enum em_guest_wish {
    EM_GUEST_NOTHING = 0,
    EM_GUEST_ATTEST, /* hand it to the NSM's thread: em_guest_attest */
    EM_GUEST_WORK,   /* hand guest->work to the runner */
} em_guest_wish;

/* Bytes of pages a guest of these models needs. */
size_t em_guest_pages(const em_identity *id);

/* Start in a slot that is wiped or was ended.  `body` has EM_MAX_DATA_BODY bytes and may
 * be shared by all guests, like the budget of their requests. */
em_err em_guest_start(em_guest *g, const em_identity *id, uint8_t *body,
                      em_work_budget *budget);

/* Wipe and free; nothing may be out. */
void em_guest_end(em_guest *g);

/* Bytes from the client.  Every error ends the session. */
em_err em_guest_feed(em_guest *g, em_bytes in, em_guest_wish *ret_wish);

/* On the NSM's thread, while g->attesting is OUT. */
void em_guest_attest(em_guest *g, em_attestor *attestor);

/* Back on the loop's thread: E1 becomes pending. */
em_err em_guest_attested(em_guest *g);

/* The work is over, or was not taken (err): the answer begins. */
void em_guest_worked(em_guest *g);
void em_guest_refuse(em_guest *g, em_err err);

/* Seal as much of the answer as there is room for; call when output has been sent. */
em_err em_guest_answer(em_guest *g);

#endif
