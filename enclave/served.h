/* served.h - a model that is loaded and whole: manifest, weights, tokenizer, plan.
 *
 * Trust:  made only from an em_bundle_image, a fact.
 * Memory: owns its pages; constant after em_served_bind, shared by every session.
 */
#ifndef EM_ENCLAVE_SERVED_H
#define EM_ENCLAVE_SERVED_H

#include "infer/bind.h"
#include "os/map.h"

typedef struct em_served {
    em_map head;    /* the bundle's head: manifest bytes, views of the body point here */
    em_map tensors; /* the manifest's tensor array */
    em_map image;
    em_bytes signed_manifest;
    em_manifest manifest;
    em_wordpiece words;
    em_bert bert;
    em_plan plan;  /* of all workers together */
    em_plan alone; /* of one worker: what differs lies at the end of its scratch */
} em_served;
void em_served_drop(em_served *s);

/* Bind engine and tokenizer to the whole image of s->manifest.  `limits` as the
 * configuration says; em_bind_image's errors. */
em_err em_served_bind(em_served *s, const em_bundle_image *image, em_plan_limits limits);

#endif
