/* CMS: our two shapes, libcrypto's CMS as writer and reader, every cut, every flip,
 * paddings. */
#include "crypto/cms.h"
#include "crypto/ber.h"
#include "crypto/setup.h"
#include "tests/crypto/json.h"
#include "tests/crypto/keys_tables.h"

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static em_rsa_key key;
static uint8_t spki_at[EM_RSA_SPKI_MAX];
static em_bytes spki;

static em_bytes sealed(em_bytes plain, bool indefinite)
{
    uint8_t *at = test_alloc(EM_CMS_MAX + 2048);
    em_out o = em_out_over(at, EM_CMS_MAX + 2048);
    em_cms_key cek = {{1, 2, 3}};
    static const uint8_t iv[16] = {4, 5, 6};

    CHECK_OK(em_cms_seal(spki, &cek, iv, plain, indefinite, &o));
    return em_write_view(&o);
}

static EVP_PKEY *oracle_key(void)
{
    const unsigned char *at = keys_rsa_pkcs8;

    return d2i_AutoPrivateKey(NULL, &at, (long)sizeof keys_rsa_pkcs8);
}

/* ---- both shapes ---------------------------------------------------------------------
 */

static void both_shapes_open_here_and_by_libcrypto(void)
{
    static uint8_t plain[EM_CMS_MAX_PLAIN], out[EM_CMS_MAX];
    static const size_t lengths[] = {
        0,   1,   15,  16,  17,   32,   100,  111,  112,  239,
        240, 983, 984, 999, 1000, 1001, 1984, 2000, 5000, EM_CMS_MAX_PLAIN};
    EVP_PKEY *k = oracle_key();
    test_random r = {1};

    test_random_fill(&r, plain, sizeof plain);
    for (size_t i = 0; i < 2 * EM_COUNT(lengths); i++) {
        bool indefinite = i % 2 == 1;
        em_bytes p = em_view(plain, lengths[i / 2]), ber = sealed(p, indefinite);
        size_t len = 0;
        em_cms parts;

        test_note("%zu bytes, %s", p.len, indefinite ? "indefinite" : "definite");
        CHECK_OK(em_cms_parse(ber, &parts));
        CHECK(parts.len == p.len / 16 * 16 + 16);
        CHECK(parts.n_parts == (indefinite ? (parts.len + 999) / 1000 : 1));
        memset(out, 0xEE, sizeof out);
        CHECK_OK(em_cms_open(&key, ber, out, sizeof out, &len));
        CHECK(em_same(em_view(out, len), p));
        CHECK(em_all_zero(em_view(out + len, sizeof out - len)));
        CHECK_OK(em_cms_open(&key, ber, out, parts.len, &len));
        CHECK_ERR(em_cms_open(&key, ber, out, parts.len - 1, &len), EM_ERR_FULL);

        const unsigned char *at = ber.at;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)ber.len);
        BIO *mem = BIO_new(BIO_s_mem());
        char *data;
        REQUIRE(cms != NULL && at == ber.at + ber.len);
        CHECK(CMS_decrypt(cms, k, NULL, NULL, mem, CMS_BINARY) == 1);
        long got = BIO_get_mem_data(mem, &data);
        CHECK(em_same(em_view(data, (size_t)got), p));
        BIO_free(mem);
        CMS_ContentInfo_free(cms);
    }
    EVP_PKEY_free(k);
}

static X509 *recipient(EVP_PKEY *k)
{
    X509 *x = X509_new();
    X509_NAME *n = X509_get_subject_name(x);

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 4711);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const uint8_t *)"kms", -1, -1, 0);
    X509_set_issuer_name(x, n);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, k);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_key_identifier,
                                            "00112233445566778899");
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    CHECK(X509_sign(x, k, EVP_sha256()) > 0);
    return x;
}

/* What libcrypto's CMS writes for `x`; `md` is OAEP's hash, NULL for PKCS#1 v1.5. */
static em_bytes by_libcrypto(X509 *x, const EVP_MD *md, const EVP_CIPHER *cipher,
                             em_bytes plain, unsigned flags)
{
    BIO *in = BIO_new_mem_buf(plain.at, (int)plain.len), *out = BIO_new(BIO_s_mem());
    CMS_ContentInfo *cms =
        CMS_encrypt(NULL, NULL, cipher, CMS_BINARY | CMS_PARTIAL | CMS_STREAM);
    CMS_RecipientInfo *ri = CMS_add1_recipient_cert(
        cms, x, CMS_KEY_PARAM | CMS_BINARY | (flags & CMS_USE_KEYID));
    EVP_PKEY_CTX *c = CMS_RecipientInfo_get0_pkey_ctx(ri);
    char *data;

    if (md != NULL)
        CHECK(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(c, md) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(c, md) == 1);
    if (flags & CMS_STREAM) {
        CHECK(i2d_CMS_bio_stream(out, cms, in, CMS_STREAM | CMS_BINARY) == 1);
    } else {
        CHECK(CMS_final(cms, in, NULL, CMS_BINARY) == 1);
        CHECK(i2d_CMS_bio(out, cms) == 1);
    }
    size_t len = (size_t)BIO_get_mem_data(out, &data);
    uint8_t *kept = test_alloc(len);
    memcpy(kept, data, len);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
    BIO_free(out);
    return em_view(kept, len);
}

static void what_libcrypto_writes_opens(void)
{
    static uint8_t plain[5000], out[5100];
    EVP_PKEY *k = oracle_key();
    X509 *x = recipient(k);
    test_random r = {2};
    size_t len;

    test_random_fill(&r, plain, sizeof plain);
    for (size_t n = 0; n < sizeof plain; n = n * 2 + 1) {
        for (unsigned way = 0; way < 4; way++) {
            unsigned flags = (way & 1 ? CMS_STREAM : 0) | (way & 2 ? CMS_USE_KEYID : 0);
            em_bytes p = em_view(plain, n);
            em_bytes ber = by_libcrypto(x, EVP_sha256(), EVP_aes_256_cbc(), p, flags);
            test_note("%zu bytes, way %u", n, way);
            CHECK_OK(em_cms_open(&key, ber, out, sizeof out, &len));
            CHECK(em_same(em_view(out, len), p));
        }
    }
    em_bytes p = EM_STR("other algorithms");
    em_cms parts;
    static const struct {
        const char *what;
        bool v15, sha1, aes128;
    } others[] = {{"v1.5", true, false, false},
                  {"SHA-1", false, true, false},
                  {"AES-128", false, false, true}};
    for (size_t i = 0; i < EM_COUNT(others); i++) {
        const EVP_MD *md = others[i].v15    ? NULL
                           : others[i].sha1 ? EVP_sha1()
                                            : EVP_sha256();
        test_note("%s", others[i].what);
        CHECK_ERR(em_cms_parse(by_libcrypto(x, md,
                                            others[i].aes128 ? EVP_aes_128_cbc()
                                                             : EVP_aes_256_cbc(),
                                            p, 0),
                               &parts),
                  EM_ERR_CMS_MALFORMED);
    }
    X509_free(x);
    EVP_PKEY_free(k);
}

/* ---- abuse ---------------------------------------------------------------------------
 */

static bool parses(em_bytes ber, void *arg)
{
    em_cms parts;
    em_err err = em_cms_parse(ber, &parts);

    (void)arg;
    CHECK(err == EM_OK || err == EM_ERR_CMS_MALFORMED);
    return err == EM_OK;
}

static bool within(em_bytes part, const uint8_t *at)
{
    return at >= part.at && at < part.at + part.len;
}

/* Flips may pass only where bytes are opaque: key identifier, wrapped key, IV, content.
 */
static void cuts_and_structural_flips_are_malformed(void)
{
    uint8_t plain[2500] = {0};

    for (unsigned shape = 0; shape < 2; shape++) {
        em_bytes good = sealed(EM_BYTES(plain), shape == 1);
        uint8_t *copy = test_alloc(good.len + 1);
        em_cms parts;

        CHECK_OK(em_cms_parse(good, &parts));
        CHECK(test_abuse(good, parses, NULL).cuts_accepted == 0);
        memcpy(copy, good.at, good.len);
        copy[good.len] = 0;
        CHECK(!parses(em_view(copy, good.len + 1), NULL));
        const uint8_t *ski = memmem(good.at, good.len, "\x80\x20", 2), *iv = NULL;
        REQUIRE(ski != NULL);
        iv = memmem(good.at, good.len, parts.iv, sizeof parts.iv);
        for (size_t i = 0; i < good.len * 8; i++) {
            const uint8_t *at = good.at + i / 8;
            bool opaque = within(em_view(ski + 2, 32), at) ||
                          within(em_view(iv, 16), at) || within(parts.wrapped_key, at);
            for (size_t n = 0; n < parts.n_parts; n++)
                opaque = opaque || within(parts.part[n], at);
            copy[i / 8] ^= (uint8_t)(1u << i % 8);
            test_note("bit %zu of shape %u", i, shape);
            CHECK(parses(em_view(copy, good.len), NULL) == opaque);
            copy[i / 8] ^= (uint8_t)(1u << i % 8);
        }
    }
}

static em_bytes patched(em_bytes ber, em_bytes old, em_bytes new)
{
    uint8_t *copy = test_alloc(ber.len);

    memcpy(copy, ber.at, ber.len);
    CHECK(old.len == new.len);
    memcpy(copy + (old.at - ber.at), new.at, new.len);
    return em_view(copy, ber.len);
}

static void all_that_does_not_open_is_one_error(void)
{
    uint8_t out[64], wrapped[256], bad[16];
    em_bytes ber = sealed(EM_STR("0123456789abcdef0123456789abcdef"), false);
    em_cms parts;
    size_t len = 4711;
    EM_DROP(em_rsa_key) other = {0};

    CHECK_OK(em_cms_parse(ber, &parts));
    CHECK(parts.part[0].len == 48);
    /* another's key */
    CHECK_OK(em_rsa_generate(&other));
    memset(out, 0xEE, sizeof out);
    CHECK_ERR(em_cms_open(&other, ber, out, sizeof out, &len), EM_ERR_CMS_OPEN_FAILED);
    CHECK(em_all_zero(EM_BYTES(out)));
    /* content keys of other lengths than 32 */
    static const size_t lengths[] = {0, 16, 24, 31, 33, 64};
    for (size_t i = 0; i < EM_COUNT(lengths); i++) {
        static const uint8_t many[64] = {1, 2, 3};
        size_t wrapped_len;
        CHECK_OK(em_rsa_oaep_seal(spki, em_view(many, lengths[i]), wrapped, 256,
                                  &wrapped_len));
        em_bytes got = patched(ber, parts.wrapped_key, EM_BYTES(wrapped));
        memset(out, 0xEE, sizeof out);
        CHECK_ERR(em_cms_open(&key, got, out, sizeof out, &len), EM_ERR_CMS_OPEN_FAILED);
        CHECK(em_all_zero(EM_BYTES(out)));
    }
    /* a wrapped key with one bit wrong; a last block with one bit wrong */
    memcpy(wrapped, parts.wrapped_key.at, 256);
    wrapped[200] ^= 1;
    CHECK_ERR(em_cms_open(&key, patched(ber, parts.wrapped_key, EM_BYTES(wrapped)), out,
                          sizeof out, &len),
              EM_ERR_CMS_OPEN_FAILED);
    em_bytes second = em_view(parts.part[0].at + 16, 16); /* XORs into the padding */
    memcpy(bad, second.at, 16);
    bad[3] ^= 1;
    CHECK_ERR(
        em_cms_open(&key, patched(ber, second, EM_BYTES(bad)), out, sizeof out, &len),
        EM_ERR_CMS_OPEN_FAILED);
    CHECK(len == 4711);
    CHECK_OK(em_cms_open(&key, ber, out, sizeof out, &len));
    CHECK(len == 32);
}

/* RFC 5652 6.3, naively: the length of the padding or 0. */
static unsigned padding_of(const uint8_t block[16])
{
    unsigned count = block[15];

    if (count < 1 || count > 16) return 0;
    for (unsigned i = 16 - count; i < 16; i++)
        if (block[i] != count) return 0;
    return count;
}

/* Last blocks that end in each octet there is, right for it but for one place or for
 * none. */
static void padding_is_judged_whole(void)
{
    em_bytes ber = sealed(EM_STR("0123456789abcdef"), false); /* two blocks */
    em_cms parts;
    unsigned seen = 0;

    CHECK_OK(em_cms_parse(ber, &parts));
    for (unsigned count = 0; count < 256; count++) {
        for (unsigned wrong = 0; wrong <= 16; wrong++) { /* 16: nowhere */
            uint8_t first[16], want[16], out[32];
            size_t len = 0;

            if (count > 17 && wrong % 5 != 0 && wrong < 15) continue;
            for (unsigned i = 0; i < 16; i++) {
                want[i] = (uint8_t)(i + count < 16 ? 0xA5 : count);
                if (i == wrong) want[i] ^= 0x80;
                /* the block was 16 times 16; what comes before it XORs into it */
                first[i] = (uint8_t)(parts.part[0].at[i] ^ 16 ^ want[i]);
            }
            unsigned pad = padding_of(want);
            em_bytes got = patched(ber, em_view(parts.part[0].at, 16), EM_BYTES(first));
            test_note("count %u, octet %u wrong", count, wrong);
            CHECK_ERR(em_cms_open(&key, got, out, sizeof out, &len),
                      pad > 0 ? EM_OK : EM_ERR_CMS_OPEN_FAILED);
            CHECK(pad == 0 ? em_all_zero(EM_BYTES(out)) : len == 32 - pad);
            seen += pad > 0;
        }
    }
    CHECK(seen > 16 + 120);
}

static void hostile_ber_is_malformed(void)
{
    static const char *const bad[] = {
        "",
        "30",
        "3080",
        "30800000",
        "30820000",
        "3084ffffffff",
        "308500000000ff",
        "30ff",
        "3084ffffffff06092a864886f70d010703",
        "308006092a864886f70d010703a080308002010231003080",
        "308006092a864886f70d010703a0803080020102318030800201028000",
        "1f8080",
        "bf8f8f8f8f",
        "0000",
    };
    uint8_t deep[EM_CMS_MAX + 1];

    for (size_t i = 0; i < EM_COUNT(bad); i++) CHECK(!parses(test_hex(bad[i]), NULL));
    for (size_t i = 0; i < sizeof deep; i++) deep[i] = i % 2 == 0 ? 0x30 : 0x80;
    CHECK(!parses(em_view(deep, EM_CMS_MAX), NULL));
    CHECK(!parses(EM_BYTES(deep), NULL));

    /* the walker itself: its stack ends where it says */
    em_ber b = em_ber_over(em_view(deep, 64));
    for (unsigned i = 0; i < EM_BER_DEPTH; i++) em_ber_enter(&b, EM_BER_SEQUENCE);
    CHECK(b.err == EM_OK);
    em_ber_enter(&b, EM_BER_SEQUENCE);
    CHECK_ERR(em_ber_end(&b), EM_ERR_LIMIT);
    b = em_ber_over(EM_STR("\x30\x03\x02\x01\x05"));
    em_ber_enter(&b, EM_BER_SEQUENCE);
    em_ber_leave(&b); /* leaving early */
    CHECK_ERR(em_ber_end(&b), EM_ERR_FORMAT);
    b = em_ber_over(EM_STR("\x30\x03\x02\x02\x05\x06"));
    em_ber_enter(&b, EM_BER_SEQUENCE);
    em_ber_value(&b, EM_BER_INTEGER); /* reaches past its parent */
    CHECK_ERR(em_ber_end(&b), EM_ERR_SHORT);
    b = em_ber_over(EM_STR("\x02\x01\x05\x00"));
    em_ber_value(&b, EM_BER_INTEGER);
    CHECK_ERR(em_ber_end(&b), EM_ERR_TRAILING);
}

/* 65 pieces of 16 bytes; then content that is no whole block, and none at all. */
static void content_of_wrong_shape_is_malformed(void)
{
    uint8_t plain[975] = {0}; /* 976 bytes of ciphertext in one piece */
    em_bytes ber = sealed(EM_BYTES(plain), true);
    em_cms parts;

    CHECK_OK(em_cms_parse(ber, &parts));
    CHECK(parts.n_parts == 1);
    size_t head = (size_t)(parts.part[0].at - 4 - ber.at); /* up to 04 82 LL LL */
    for (unsigned n = 0; n <= 66; n++) {
        uint8_t buf[4096];
        em_out o = EM_OUT(buf);

        em_write_bytes(&o, em_view(ber.at, head));
        for (unsigned i = 0; i < n; i++) {
            em_write_bytes(&o, EM_STR("\x04\x10"));
            em_write_bytes(&o, em_view(parts.part[0].at, 16));
        }
        em_write_zeros(&o, 10);
        test_note("%u pieces", n);
        CHECK_OK(em_write_end(&o));
        CHECK(parses(em_write_view(&o), NULL) == (n >= 1 && n <= EM_CMS_MAX_PARTS));
    }
    for (uint8_t len = 0; len < 40; len++) {
        uint8_t buf[4096];
        em_out o = EM_OUT(buf);

        em_write_bytes(&o, em_view(ber.at, head));
        em_write_u8(&o, 4);
        em_write_u8(&o, len);
        em_write_zeros(&o, len);
        em_write_zeros(&o, 10);
        CHECK(parses(em_write_view(&o), NULL) == (len == 16 || len == 32));
    }
}

static void sealing_refuses_what_it_cannot_write(void)
{
    uint8_t plain[EM_CMS_MAX_PLAIN + 1] = {0}, buf[600];
    static const uint8_t iv[16] = {0};
    em_cms_key cek = {{0}};
    em_out o = EM_OUT(buf), small = em_out_over(buf, 300);

    CHECK_ERR(em_cms_seal(spki, &cek, iv, EM_BYTES(plain), false, &o), EM_ERR_LIMIT);
    CHECK_ERR(em_cms_seal(em_view(spki.at, 100), &cek, iv, EM_STR("x"), false, &o),
              EM_ERR_BAD_KEY);
    CHECK(o.len == 0);
    CHECK_ERR(em_cms_seal(spki, &cek, iv, EM_STR("x"), false, &small), EM_ERR_FULL);
}

/* ---- vectors -------------------------------------------------------------------------
 */

static void kms_samples(void)
{
    em_bytes pkcs8 =
        test_file(test_shared("vectors/kms-cms/enclaver_test_rsa2048_pkcs8.der"));
    em_bytes ber =
        test_file(test_shared("vectors/kms-cms/enclaver_ciphertext_for_recipient.ber"));
    em_bytes want = test_file(test_shared("vectors/kms-cms/enclaver_plaintext.txt"));
    EM_DROP(em_rsa_key) theirs = {0};
    uint8_t out[64];
    size_t len = 0;

    CHECK_OK(em_rsa_from_pkcs8(pkcs8, &theirs));
    CHECK_OK(em_cms_open(&theirs, ber, out, sizeof out, &len));
    CHECK(want.len > 0 && em_same(em_view(out, len), want));
    CHECK(test_abuse(ber, parses, NULL).cuts_accepted == 0);
    for (char n = '1'; n <= '3'; n++) {
        char path[] = "vectors/kms-cms/rustcrypto_kms_ciphertext_for_recipient_1.ber";
        em_cms parts;
        path[strlen(path) - 5] = n;
        test_note("%s", path);
        ber = test_file(test_shared(path));
        CHECK_OK(em_cms_parse(ber, &parts));
        CHECK_ERR(em_cms_open(&key, ber, out, sizeof out, &len), EM_ERR_CMS_OPEN_FAILED);
        CHECK(test_abuse(ber, parses, NULL).cuts_accepted == 0);
    }
}

/* The loose pieces of one answer, put back together. */
static void kms_pieces(void)
{
    em_bytes ct = test_file(test_shared("vectors/kms-cms/sdkc_ciphertext_out.bin"));
    em_bytes wrapped =
        test_file(test_shared("vectors/kms-cms/sdkc_encrypted_key_out.bin"));
    em_bytes iv = test_file(test_shared("vectors/kms-cms/sdkc_iv_out.bin"));
    em_bytes ber = sealed(EM_STR("0123456789abcdef0123456789abcdef"), true);
    em_cms parts;
    uint8_t out[64];
    size_t len;

    CHECK_OK(em_cms_parse(ber, &parts));
    ber = patched(ber, parts.wrapped_key, wrapped);
    CHECK_OK(em_cms_parse(ber, &parts));
    ber = patched(ber, parts.part[0], ct);
    CHECK_OK(em_cms_parse(ber, &parts));
    CHECK(em_same(parts.wrapped_key, wrapped) && em_same(parts.part[0], ct));
    CHECK(iv.len == sizeof parts.iv);
    CHECK_ERR(em_cms_open(&key, ber, out, sizeof out, &len), EM_ERR_CMS_OPEN_FAILED);
}

static size_t other_keys;

static bool one_cbc(json_t *group, json_t *test)
{
    em_bytes cek = json_hex(test, "key"), iv = json_hex(test, "iv"),
             ct = json_hex(test, "ct"), msg = json_hex(test, "msg");
    uint8_t filler[512] = {0}, buf[2048], out[512];
    em_out o = EM_OUT(buf);
    em_cms_key k;
    em_cms parts;
    size_t len;

    (void)group;
    if (cek.len != sizeof k.b || iv.len != EM_CMS_BLOCK) {
        other_keys++;
        return false;
    }
    memcpy(k.b, cek.at, sizeof k.b);
    size_t blocks = ct.len / 16 > 0 ? ct.len / 16 : 1;
    CHECK_OK(em_cms_seal(spki, &k, iv.at, em_view(filler, 16 * blocks - 1), false, &o));
    em_bytes ber = em_write_view(&o);
    CHECK_OK(em_cms_parse(ber, &parts));
    if (ct.len != parts.len) { /* no whole block: cannot stand in a CMS that parses */
        CHECK(json_is(test, "result", "invalid"));
        return true;
    }
    em_err err =
        em_cms_open(&key, patched(ber, parts.part[0], ct), out, sizeof out, &len);
    bool valid = json_is(test, "result", "valid");
    CHECK_ERR(err, valid ? EM_OK : EM_ERR_CMS_OPEN_FAILED);
    if (valid) CHECK(em_same(em_view(out, len), msg));
    return true;
}

static void wycheproof_aes_cbc_pkcs5(void)
{
    size_t ran = json_wycheproof("vectors/wycheproof/aes_cbc_pkcs5_test.json", one_cbc);

    CHECK(ran > 60 && ran + other_keys == 216);
    test_skip("wycheproof aes_cbc_pkcs5", "%zu of other key lengths", other_keys);
}

int main(void)
{
    size_t len;

    if (em_setup() != EM_OK || em_rsa_from_pkcs8(EM_BYTES(keys_rsa_pkcs8), &key) ||
        em_rsa_spki(&key, spki_at, &len) != EM_OK)
        return 1;
    spki = em_view(spki_at, len);
    RUN(both_shapes_open_here_and_by_libcrypto);
    RUN(what_libcrypto_writes_opens);
    RUN(cuts_and_structural_flips_are_malformed);
    RUN(all_that_does_not_open_is_one_error);
    RUN(padding_is_judged_whole);
    RUN(hostile_ber_is_malformed);
    RUN(content_of_wrong_shape_is_malformed);
    RUN(sealing_refuses_what_it_cannot_write);
    if (json_here("vectors/kms-cms/enclaver_ciphertext_for_recipient.ber")) {
        RUN(kms_samples);
        RUN(kms_pieces);
    }
    if (json_here("vectors/wycheproof/aes_cbc_pkcs5_test.json"))
        RUN(wycheproof_aes_cbc_pkcs5);
    return test_end();
}
