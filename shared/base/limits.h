/* limits.h - every maximum there is, so that each is checked before anything is taken.
 *
 * Trust:  none: numbers.  A limit that both ends must share is part of the protocol
 *         (docs/FORMATS.md).
 * Memory: none.
 */
#ifndef EM_BASE_LIMITS_H
#define EM_BASE_LIMITS_H

enum {
    /* formats */
    EM_MAX_CBOR_DEPTH = 16,
    EM_MAX_JSON_DEPTH = 32,
    EM_MAX_JSON_BYTES =
        1 << 20, /* what reaches the enclave: configuration, KMS answers */
    EM_MAX_HTTP_HEAD = 16 << 10,
    EM_MAX_HTTP_HEADERS = 64,

    /* attestation documents: PROTOCOL 1 */
    EM_MAX_DOCUMENT = 16 << 10,
    EM_MAX_DOCUMENT_FIELD = 1024, /* public_key, user_data, nonce */
    EM_MAX_CERT = 1024,           /* the NSM API's own limit */
    EM_MAX_CHAIN = 8,             /* certificates, leaf included */
    EM_MAX_PCRS = 32,
    EM_PCR_LEN = 48,
    EM_MAX_MODULE_ID = 128,
    EM_FRESH_DEFAULT_MS = 5 * 60 * 1000,
    EM_FRESH_MAX_MS = 15 * 60 * 1000,
    EM_CLOCK_LEEWAY_MS = 60 * 1000,

    /* receipts and evidence */
    EM_MAX_RECEIPT = 64 << 10,
    EM_MAX_CLAIM_TEXT = 256,
    EM_MAX_EVIDENCE = 32 << 20,
    EM_MAX_EVIDENCE_RECORDS = 4096, /* of one request or answer */
    EM_MAX_CRLS = EM_MAX_CHAIN,
    EM_MAX_CRL = 64 << 10,
    EM_MAX_PARAMETERS = 1024, /* one encoded map in a companion */

    /* policy and manifests */
    EM_MAX_POLICY = 64 << 10,
    EM_MAX_POLICY_DAYS = 90,
    EM_MAX_ROOTS = 8,
    EM_MAX_TUPLES = 32,
    EM_MAX_PUBLISHERS = 32,
    EM_MAX_REVOKED = 256,
    EM_MAX_SIGNERS = 8, /* pinned policy signers */
    EM_MAX_POLICIES_SEEN = 64,
    EM_MAX_POLICY_STATE = 32 << 10,
    EM_MAX_MODELS = 8, /* manifests in one user_data */
    EM_MAX_MODEL_ID = 128,
    EM_MAX_VERSION_TEXT = 64,
    EM_MAX_DEPLOYMENT = 128,
    EM_MAX_MANIFEST = 32 << 10,
    EM_MAX_SOURCES = 64, /* files that a model was made from */
    EM_MAX_SOURCE_NAME = 256,
    EM_MAX_KMS_KEY = 256,
    EM_MAX_LICENCE = 128,
    EM_MAX_PROFILE = 32,
    EM_MAX_TENSORS = 1024,
    EM_MAX_TENSOR_NAME = 128,
    EM_MAX_DIMENSION = 1 << 24, /* any one number of a model's shape */
    EM_MAX_LABELS = 256,        /* of a classifier */
    EM_MAX_LABEL = 64,          /* bytes of one's name */
    EM_MAX_PROMPTS = 8,         /* texts to put before an input */
    EM_MAX_PROMPT_NAME = 32,
    EM_MAX_PROMPT = 512,

    /* bundles */
    EM_CHUNK_DEFAULT = 1 << 20,
    EM_CHUNK_MIN = 4 << 10,
    EM_CHUNK_MAX = 4 << 20,
    EM_MAX_CHUNKS = 1 << 20,
    EM_MAX_WRAPPED_KEY = 6 << 10, /* what KMS may answer */

    /* sessions: PROTOCOL 2.  Body limits per record type. */
    EM_RECORD_HEAD = 6,
    EM_MAX_HELLO = 512,
    EM_MAX_ATTEST = EM_MAX_DOCUMENT + EM_MAX_MODELS * EM_MAX_MANIFEST + 1024,
    EM_OPEN_LEN = 32,
    EM_TAG_LEN = 16,
    EM_PAD_MIN = 256, /* sealed plaintexts are 2^k or 3 * 2^(k-1) bytes, in between */
    EM_PAD_MAX = 64 << 10, /* u32 length, body and padding of the largest: what a session
                              must hold at once, so that 256 of them cost 32 MiB */
    EM_MAX_DATA_BODY = EM_PAD_MAX - 4, /* one DATA record's body, opened */
    EM_MAX_END_BODY = 4 << 10,
    EM_MAX_RECEIPT_BODY = 16 << 10,
    EM_MAX_AUTH_BODY = 4 << 10,
    EM_MAX_HOST_BODY = 8,
    EM_MAX_USER_DATA = 512,
    EM_HELLO_WAIT_MS = 30 * 1000,  /* the enclave for C1 */
    EM_ATTEST_WAIT_MS = 60 * 1000, /* the client for E1: the NSM answers one at a time */
    EM_OPEN_WAIT_MS = 30 * 1000,
    EM_AUTH_WAIT_MS = 30 * 1000,
    EM_SESSION_LIFE_MS = 60 * 60 * 1000,
    EM_SESSION_MESSAGES = 1 << 16,
    EM_MAX_REQUEST = 8 << 20, /* bytes of one request's bodies */
    EM_MAX_ANSWER = 20 << 20, /* bytes of one answer's DATA and END; a request and its
                                 answer fit an evidence file */
    EM_MAX_INPUTS = 1024,     /* texts in one request */
    EM_MAX_TEXT = 1 << 20,    /* bytes of one of them */
    EM_MAX_DIM = 8192,        /* numbers in one vector: a row fits a DATA record */
    EM_SALT_LEN = 16,

    /* encoders: engine/plan.h */
    EM_MAX_LAYERS = 48,
    EM_MAX_HIDDEN = 4096,
    EM_MAX_INTERMEDIATE = 16384,
    EM_MAX_HEAD = 128, /* hidden / heads */
    EM_MAX_VOCAB = 1 << 20,
    EM_MAX_POSITIONS = 8192,
    EM_MAX_TYPES = 16,
    EM_MAX_BATCH_TOKENS = 1 << 16,
    EM_MAX_WORKERS = 256,

    /* tokenizers: engine/wordpiece.h */
    EM_MAX_TOKEN_BYTES = 512, /* one entry of a vocabulary */
    EM_MAX_ADDED_TOKENS = 4096,
    EM_MAX_WORD_CHARS = 512, /* longer words are unknown without a search */

    /* the enclave */
    EM_MAX_SESSIONS = 256,
    EM_MAX_PENDING_HANDSHAKES = 64,
    EM_KEY_RELEASE_TRIES = 3,

    /* the host */
    EM_MAX_RELAY_CONNECTIONS = 1024,
    EM_RELAY_BUFFER = 64 << 10,
};

/* Bytes of everything that one session may send or be sent. */
#define EM_SESSION_BYTES ((uint64_t)4 << 30)

/* The largest bundle plaintext. */
#define EM_MAX_BUNDLE ((uint64_t)64 << 30)

#endif
