/* COSE_Sign1: parts out, Sig_structure in; the working group's examples byte by byte
 * (their signatures are checked in tests/trust/cose_examples.c). */
#include "wire/cose.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <jansson.h>

static const uint8_t protected_bytes[] = {0xA1, 0x01, 0x27};

static em_bytes example(bool tagged)
{
    size_t cap = 256;
    em_out o = em_out_over(test_alloc(cap), cap);
    uint8_t sig[64];

    memset(sig, 0x5A, sizeof sig);
    em_cose_put_sign1(&o, tagged, EM_BYTES(protected_bytes), EM_STR("payload"),
                      EM_BYTES(sig));
    CHECK_OK(em_write_end(&o));
    return em_write_view(&o);
}

static void what_is_written_parses(void)
{
    em_cose_sign1 got = {0};
    em_bytes plain = example(false), tagged = example(true);

    CHECK(plain.at[0] == 0x84 && tagged.at[0] == 0xD2 && tagged.len == plain.len + 1);
    CHECK_OK(em_cose_parse(plain, EM_COSE_UNTAGGED, &got));
    CHECK(em_same(got.protected, EM_BYTES(protected_bytes)));
    CHECK(em_same(got.unprotected, EM_STR("\xA0")));
    CHECK(got.has_payload && em_same(got.payload, EM_STR("payload")));
    CHECK(got.signature.len == 64 && got.signature.at[63] == 0x5A);
    CHECK_OK(em_cose_parse(tagged, EM_COSE_TAGGED, &got));
    CHECK_OK(em_cose_parse(tagged, EM_COSE_EITHER, &got));
    CHECK_OK(em_cose_parse(plain, EM_COSE_EITHER, &got));
    CHECK_ERR(em_cose_parse(tagged, EM_COSE_UNTAGGED, &got), EM_ERR_COSE_DECODE_FAILED);
    CHECK_ERR(em_cose_parse(plain, EM_COSE_TAGGED, &got), EM_ERR_COSE_DECODE_FAILED);
}

static void the_signed_bytes_are_rfc_9052s(void)
{
    /* 84 | 6a "Signature1" | 43 a10127 | 42 "xy" | 47 "payload" */
    em_bytes want = test_hex("846a5369676e61747572653143a1012742787947"
                             "7061796c6f6164");
    em_cose_sign1 got = {0};
    em_bytes tbs = {0};
    uint8_t buf[64];

    CHECK_OK(em_cose_parse(example(false), EM_COSE_UNTAGGED, &got));
    CHECK_OK(em_cose_tbs(&got, EM_STR("xy"), buf, sizeof buf, &tbs));
    CHECK(em_same(tbs, want));
    CHECK_ERR(em_cose_tbs(&got, EM_STR("xy"), buf, want.len - 1, &tbs), EM_ERR_FULL);
    em_out head = EM_OUT(buf);
    em_cose_put_tbs_head(&head, EM_BYTES(protected_bytes), EM_STR("xy"), 7);
    CHECK(em_same(em_write_view(&head), em_view(want.at, want.len - 7)));
}

static void every_breach_is_one_error(void)
{
    static const char *bad[] = {
        "",
        "84",
        "83 40 a0 40",              /* three members */
        "85 40 a0 40 40 40",        /* five */
        "84 40 a0 40",              /* cut */
        "84 40 a0 40 40 00",        /* something behind */
        "84 a0 a0 40 40",           /* protected not wrapped */
        "84 40 40 40 40",           /* unprotected not a map */
        "84 40 a0 60 40",           /* payload a text */
        "84 40 a0 f4 40",           /* payload false */
        "84 40 a0 40 f6",           /* signature nil */
        "84 5800 a0 40 40",         /* length not shortest */
        "9804 40 a0 40 40",         /* array length not shortest */
        "9f 40 a0 40 40 ff",        /* indefinite */
        "84 40 bfff 40 40",         /* indefinite unprotected */
        "84 40 a2 0100 0100 40 40", /* a label twice */
        "d2 d2 84 40 a0 40 40",     /* tagged twice */
        "d812 84 40 a0 40 40",      /* tag not shortest */
        "d1 84 40 a0 40 40",        /* COSE_Mac0 */
        "d9d9f7 84 40 a0 40 40",    /* self-described CBOR */
    };
    em_cose_sign1 got = {.has_payload = true};

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        char packed[64];
        size_t n = 0;
        for (const char *p = bad[i]; *p != 0; p++)
            if (*p != ' ') packed[n++] = *p;
        packed[n] = 0;
        test_note("%s", bad[i]);
        CHECK_ERR(em_cose_parse(test_hex(packed), EM_COSE_EITHER, &got),
                  EM_ERR_COSE_DECODE_FAILED);
    }
    CHECK(got.has_payload && got.signature.len == 0); /* untouched */
    /* what others may do: labels in any order, a detached payload */
    CHECK_OK(em_cose_parse(test_hex("8440a204000126f640"), EM_COSE_UNTAGGED, &got));
    CHECK(!got.has_payload && got.unprotected.len == 5);
}

static bool parse(em_bytes input, void *arg)
{
    em_cose_sign1 got;
    uint8_t buf[256];
    em_bytes tbs;

    (void)arg;
    if (em_cose_parse(input, EM_COSE_TAGGED, &got) != EM_OK) return false;
    return em_cose_tbs(&got, (em_bytes){0}, buf, sizeof buf, &tbs) == EM_OK;
}

static void cuts_never_parse_and_flips_stay_in_bounds(void)
{
    test_abuse_result r = test_abuse(example(true), parse, NULL);

    CHECK(r.cuts_accepted == 0);
    CHECK(r.flips_accepted > 0); /* a flipped payload is still an envelope */
}

static const char *text_at(const json_t *object, const char *a, const char *b)
{
    return json_string_value(json_object_get(json_object_get(object, a), b));
}

/* Our Sig_structure is the example's ToBeSign; tampered ones may fail in the envelope. */
static void check_sign0(const json_t *file, const char *name)
{
    const json_t *input = json_object_get(file, "input");
    const char *external = text_at(input, "sign0", "external");
    em_bytes in = test_hex(text_at(file, "output", "cbor"));
    em_cose_sign1 got;
    uint8_t buf[256];
    em_bytes tbs = {0};

    test_note("%s", name);
    if (strcmp(name, "sign-fail-01.json") == 0) { /* another tag than 18 */
        CHECK_ERR(em_cose_parse(in, EM_COSE_EITHER, &got), EM_ERR_COSE_DECODE_FAILED);
        return;
    }
    CHECK_OK(em_cose_parse(in, EM_COSE_EITHER, &got));
    CHECK_OK(
        em_cose_tbs(&got, test_hex(external ? external : ""), buf, sizeof buf, &tbs));
    bool same = em_same(tbs, test_hex(text_at(file, "intermediates", "ToBeSign_hex")));
    bool fails = json_is_true(json_object_get(file, "fail"));
    /* sign-fail-02 and -03.. change what is signed; none of the others may differ */
    CHECK(same == !fails);
}

static void working_group_examples(void)
{
    static const char *folders[] = {"RFC8152", "ecdsa-examples", "eddsa-examples",
                                    "sign1-tests", "x509-examples"};
    size_t done = 0, others = 0;

    for (size_t i = 0; i < EM_COUNT(folders); i++) {
        char path[512];
        snprintf(path, sizeof path, "vectors/cose-wg/%s", folders[i]);
        const char *folder = test_shared(path);
        DIR *d = folder == NULL ? NULL : opendir(folder);
        REQUIRE(d != NULL);
        char base[512];
        snprintf(base, sizeof base, "%s", folder);
        for (struct dirent *e; (e = readdir(d)) != NULL;) {
            char file_path[1024];
            if (strstr(e->d_name, ".json") == NULL) continue;
            snprintf(file_path, sizeof file_path, "%s/%s", base, e->d_name);
            json_t *file = json_load_file(file_path, 0, NULL);
            REQUIRE(file != NULL);
            if (json_object_get(json_object_get(file, "input"), "sign0") != NULL) {
                check_sign0(file, e->d_name);
                done++;
            } else {
                others++;
            }
            json_decref(file);
        }
        closedir(d);
    }
    CHECK(done == 16);
    test_skip("working_group_examples_of_other_structures",
              "%zu of COSE_Sign, COSE_Encrypt and COSE_Mac, which we do not read",
              others);
}

int main(void)
{
    RUN(what_is_written_parses);
    RUN(the_signed_bytes_are_rfc_9052s);
    RUN(every_breach_is_one_error);
    RUN(cuts_never_parse_and_flips_stay_in_bounds);
    if (test_shared("vectors/cose-wg") != NULL)
        RUN(working_group_examples);
    else
        test_skip("working_group_examples", "no vectors/cose-wg");
    return test_end();
}
