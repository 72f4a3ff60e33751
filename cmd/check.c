#include "cmd/check_op.h"
#include "cmd/commands.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_REQUEST = 32 << 20 };

static const struct {
    const char *name;
    em_check_op *run;
    const char *help;
} ops[] = {
    {"nitro-document", em_check_nitro, "an attestation document of AWS Nitro Enclaves"},
    {"air-receipt", em_check_air, "an AIR v1 receipt"},
    {"cbor", em_check_cbor, "one item of our deterministic CBOR"},
    {"cose-sign1", em_check_cose, "a COSE_Sign1 under a key (ES384, EdDSA)"},
    {"hpke-open", em_check_hpke, "open an HPKE ciphertext (RFC 9180, base mode)"},
    {"kms-cms", em_check_cms, "open a CiphertextForRecipient of AWS KMS"},
    {"evidence", em_check_evidence, "an evidence file, as em verify does"},
    {"tokenize", em_check_tokenize, "texts to token ids by a tokenizer.json"},
    {"embed", em_check_embed, "texts to vectors by a Hugging Face folder"},
};

static void malformed(em_check_answer *answer, em_err err, const char *detail)
{
    em_check_answer_set(answer, EM_VERDICT_MALFORMED, err, "%s", detail);
}

/* ---- the request ---- */

/* All of standard input; one byte more than is allowed says that there is more. */
static em_err read_all(char **ret_text, size_t *ret_len)
{
    char *text = NULL;
    size_t len = 0, cap = 0;

    for (;;) {
        if (len == cap) {
            cap = cap == 0 ? 64 << 10 : 2 * cap;
            char *more = realloc(text, cap);
            if (more == NULL) {
                free(text);
                return EM_ERR_MEMORY;
            }
            text = more;
        }
        size_t got = fread(text + len, 1, cap - len, stdin);
        len += got;
        if (got == 0 || len > MAX_REQUEST) break;
    }
    if (ferror(stdin)) {
        free(text);
        return EM_ERR_IO;
    }
    *ret_text = text;
    *ret_len = len;
    return EM_OK;
}

static json_t *parse(const char *text, size_t len, em_check_answer *answer)
{
    json_error_t error;
    json_t *request =
        json_loadb(text, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);

    if (request != NULL) return request;
    em_err err = json_error_code(&error) == json_error_duplicate_key
                     ? EM_ERR_JSON_DUPLICATE
                     : EM_ERR_JSON_SYNTAX;
    em_check_answer_set(answer, EM_VERDICT_MALFORMED, err, "line %d, column %d: %s",
                        error.line, error.column, error.text);
    return NULL;
}

static void dispatch(const json_t *request, em_check_answer *answer)
{
    EM_DROP(em_check_ask_root) root = {0};
    em_check_ask ask = {.root = &root, .object = request, .where = ""};
    em_bytes name = em_check_ask_text(&ask, "op", EM_CHECK_NEEDED);

    if (root.err == EM_OK) {
        size_t i = 0;
        while (i < EM_COUNT(ops) &&
               !em_same(name, em_view(ops[i].name, strlen(ops[i].name))))
            i++;
        if (i < EM_COUNT(ops))
            ops[i].run(&ask, answer);
        else
            em_check_answer_set(answer, EM_VERDICT_UNSUPPORTED, EM_ERR_UNSUPPORTED,
                                "there is no such op: em check --list names them");
    }
    if (root.err == EM_ERR_MEMORY)
        em_check_answer_refuse(answer, root.err, NULL);
    else if (root.err != EM_OK)
        malformed(answer, root.err, root.text);
}

static void check(em_check_answer *answer)
{
    char *text = NULL;
    size_t len = 0;
    em_err err = read_all(&text, &len);

    if (err != EM_OK) {
        em_check_answer_file(answer, err, "standard input cannot be read");
        return;
    }
    if (len > MAX_REQUEST) {
        malformed(answer, EM_ERR_LIMIT, "a request has at most 32 MiB");
        free(text);
        return;
    }
    json_t *request = parse(text, len, answer);
    em_wipe(text, len);
    free(text);
    if (request == NULL) return;
    if (json_is_object(request))
        dispatch(request, answer);
    else
        malformed(answer, EM_ERR_JSON_TYPE, "a request is one JSON object");
    json_decref(request);
}

/* ---- the command line ---- */

static int list(void)
{
    for (size_t i = 0; i < EM_COUNT(ops); i++) printf("%s\n", ops[i].name);
    return EM_EXIT_OK;
}

static const em_args args = {
    .program = "em check",
    .summary = "verify one artefact for another program (JSON in, JSON out)",
    .usage = "< REQUEST",
    .details =
        "  --list                  print the operations, one a line\n\n"
        "Reads one JSON object, at most 32 MiB, from standard input, for instance\n"
        "  {\"op\": \"cbor\", \"hex\": \"a10102\"}\n"
        "and writes one: {\"verdict\", \"code\", \"detail\", \"facts\"}.  Hexadecimal is "
        "lower\n"
        "case, base64 standard and padded, times are integers.\n\n"
        "exit codes: 0 accept, 10 reject, 20 unsupported, 30 malformed, 1 error\n",
};

static bool is(const char *word, const char *option)
{
    return strcmp(word, option) == 0;
}

int em_check_command(int argc, char **argv)
{
    EM_DROP(em_check_answer) answer = {.verdict = EM_VERDICT_ERROR};
    char **rest;
    size_t n;

    if (argc == 2 && is(argv[1], "--list")) return list();
    if (argc == 2 &&
        (is(argv[1], "--help") || is(argv[1], "-h") || is(argv[1], "--version"))) {
        (void)em_args_parse(&args, argc, argv, &rest, &n);
        return EM_EXIT_OK;
    }
    em_check_answer_set(&answer, EM_VERDICT_ERROR, EM_ERR_INTERNAL, "no answer");
    if (argc > 1)
        malformed(&answer, EM_ERR_FORMAT,
                  "em check takes no arguments but --list, --help and --version: the "
                  "request comes on standard input");
    else
        check(&answer);
    return em_check_answer_print(&answer);
}
