/* X25519: RFC 7748's answers, libcrypto as oracle, points of small order, Wycheproof. */
#include "crypto/x25519.h"
#include "crypto/setup.h"
#include "tests/crypto/json.h"

#include <openssl/evp.h>

static em_x25519_secret secret_of(em_bytes b)
{
    em_x25519_secret s;

    memcpy(s.b, b.at, sizeof s.b);
    return s;
}

static em_x25519_public public_of(em_bytes b)
{
    em_x25519_public p;

    memcpy(p.b, b.at, sizeof p.b);
    return p;
}

/* RFC 7748 5.2: the base point, multiplied by what it was multiplied with before. */
static void rfc_7748_iterated(void)
{
    em_x25519_secret k = {{9}};
    em_x25519_public u = {{9}};

    for (unsigned i = 1; i <= 1000; i++) {
        em_x25519_shared out;
        CHECK_OK(em_x25519_shared_of(&k, &u, &out));
        memcpy(u.b, k.b, sizeof u.b);
        memcpy(k.b, out.b, sizeof k.b);
        if (i == 1)
            CHECK(em_same(EM_BYTES(k.b), test_hex("422c8e7a6227d7bca1350b3e2bb7279f"
                                                  "7897b87bb6854b783c60e80311ae3079")));
    }
    CHECK(em_same(EM_BYTES(k.b), test_hex("684cf59ba83309552800ef566f2f4d3c"
                                          "1c3887c49360e3875f2eb94d99532c51")));
}

static void agreement_is_libcryptos(void)
{
    test_random r = {1};

    for (unsigned i = 0; i < 50; i++) {
        em_x25519_secret a, b;
        em_x25519_public pa, pb;
        em_x25519_shared ab, ba;
        uint8_t want[32];
        size_t len = sizeof want;

        test_random_fill(&r, a.b, sizeof a.b);
        test_random_fill(&r, b.b, sizeof b.b);
        CHECK_OK(em_x25519_public_of(&a, &pa));
        CHECK_OK(em_x25519_public_of(&b, &pb));
        CHECK_OK(em_x25519_shared_of(&a, &pb, &ab));
        CHECK_OK(em_x25519_shared_of(&b, &pa, &ba));
        CHECK(em_ct_equal(ab.b, ba.b, sizeof ab.b));

        EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, a.b, 32);
        EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, pb.b, 32);
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(own, NULL);
        CHECK(EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, peer) == 1 &&
              EVP_PKEY_derive(c, want, &len) == 1);
        CHECK(em_ct_equal(ab.b, want, sizeof want));
        len = sizeof want;
        CHECK(EVP_PKEY_get_raw_public_key(own, want, &len) == 1);
        CHECK(em_ct_equal(pa.b, want, sizeof want));
        EVP_PKEY_CTX_free(c);
        EVP_PKEY_free(own);
        EVP_PKEY_free(peer);
    }
}

static void points_of_small_order_are_refused(void)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    em_x25519_secret s = {{0x42}};

    for (size_t i = 0; i < EM_COUNT(points); i++) {
        for (unsigned top = 0; top < 2; top++) { /* the top bit is ignored: RFC 7748 5 */
            em_x25519_public p = public_of(test_hex(points[i]));
            em_x25519_shared out = {{0xEE}};

            p.b[31] = (uint8_t)(p.b[31] | top << 7);
            CHECK_ERR(em_x25519_shared_of(&s, &p, &out), EM_ERR_ZERO_SHARED);
            CHECK(out.b[0] == 0xEE);
        }
    }
}

static bool one(json_t *group, json_t *test)
{
    em_bytes want = json_hex(test, "shared"), peer = json_hex(test, "public");
    em_x25519_secret s = secret_of(json_hex(test, "private"));
    em_x25519_shared got = {{0}};

    (void)group;
    CHECK(peer.len == EM_X25519_LEN && want.len == EM_X25519_LEN);
    em_x25519_public p = public_of(peer);
    em_err err = em_x25519_shared_of(&s, &p, &got);
    CHECK_ERR(err, em_all_zero(want) ? EM_ERR_ZERO_SHARED : EM_OK);
    CHECK(em_same(EM_BYTES(got.b), want)); /* zeros too: untouched on error */
    CHECK(!json_is(test, "result", "invalid"));
    return true;
}

static void wycheproof_x25519(void)
{
    CHECK(json_wycheproof("vectors/wycheproof/x25519_test.json", one) == 518);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(rfc_7748_iterated);
    RUN(agreement_is_libcryptos);
    RUN(points_of_small_order_are_refused);
    if (json_here("vectors/wycheproof/x25519_test.json")) RUN(wycheproof_x25519);
    return test_end();
}
