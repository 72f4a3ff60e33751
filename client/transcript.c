#include "client/transcript.h"

enum { FIRST_PAGES = 64 << 10 };

void em_transcript_drop(em_transcript *t)
{
    em_map_drop(&t->bytes);
    em_map_drop(&t->index);
    *t = (em_transcript){0};
}

void em_transcript_clear(em_transcript *t)
{
    em_wipe(t->bytes.at, t->len);
    t->len = t->n = 0;
}

static em_err grow(em_map *pages, size_t used, size_t want)
{
    EM_DROP(em_map) bigger = {0};
    size_t cap = pages->len > 0 ? pages->len : FIRST_PAGES;

    if (want <= pages->len) return EM_OK;
    while (cap < want) cap *= 2;
    EM_TRY(em_map_anonymous(cap, 0, &bigger));
    if (used > 0) memcpy(bigger.at, pages->at, used);
    em_map_drop(pages);
    *pages = EM_TAKE(bigger);
    return EM_OK;
}

em_err em_transcript_add(em_transcript *t, em_record_type type, em_bytes body)
{
    size_t record = sizeof(em_evidence_record), len;

    EM_TRY(em_add(t->len, body.len, &len));
    if (len > EM_MAX_ANSWER || t->n == EM_MAX_EVIDENCE_RECORDS) return EM_ERR_LIMIT;
    EM_TRY(grow(&t->bytes, t->len, len));
    EM_TRY(grow(&t->index, t->n * record, (t->n + 1) * record));
    if (body.len > 0) memcpy(t->bytes.at + t->len, body.at, body.len);
    em_evidence_record *records = (em_evidence_record *)(void *)t->index.at;
    records[t->n++] = (em_evidence_record){.type = type, .body = {.len = body.len}};
    t->len = len;
    return EM_OK;
}

const em_evidence_record *em_transcript_records(em_transcript *t)
{
    em_evidence_record *records = (em_evidence_record *)(void *)t->index.at;
    const uint8_t *at = t->bytes.at;

    for (size_t i = 0; i < t->n; i++) {
        records[i].body.at = at;
        at += records[i].body.len;
    }
    return records;
}

em_bytes em_transcript_bytes(const em_transcript *t)
{
    return em_view(t->bytes.at, t->len);
}
