/* The tree against RFC 9162's definition, written down a second time. */
#include "bundle/merkle.h"

#include "crypto/setup.h"
#include "tests/support/test.h"

#include <openssl/sha.h>

/* MTH(D[n]) of RFC 9162 2.1.1, recursively, over leaf i = the i bytes 0, 1, 2 ... */
static void mth(size_t first, size_t n, uint8_t ret[32])
{
    uint8_t in[1 + 512] = {0};

    if (n == 0) {
        SHA256(in, 0, ret);
    } else if (n == 1) {
        in[0] = 0;
        for (size_t i = 0; i < first; i++) in[1 + i] = (uint8_t)i;
        SHA256(in, 1 + first, ret);
    } else {
        size_t k = 1;
        while (2 * k < n) k *= 2;
        in[0] = 1;
        mth(first, k, in + 1);
        mth(first + k, n - k, in + 33);
        SHA256(in, 65, ret);
    }
}

static void every_tree_up_to_300_leaves(void)
{
    uint8_t leaf[300], hash[32], want[32], got[32];
    em_merkle tree = {0};

    for (size_t i = 0; i < sizeof leaf; i++) leaf[i] = (uint8_t)i;
    for (size_t n = 0; n <= 300; n++) {
        mth(0, n, want);
        em_merkle_root(&tree, got);
        test_note("%zu leaves", n);
        CHECK(em_same(EM_BYTES(got), EM_BYTES(want)));
        if (n == 300) break;
        em_merkle_leaf(em_view(leaf, n), hash);
        em_merkle_add(&tree, hash);
    }
}

/* The eight leaves that certificate-transparency logs are tested with. */
static void the_known_tree(void)
{
    static const char *leaves[] = {"",
                                   "00",
                                   "10",
                                   "2021",
                                   "3031",
                                   "40414243",
                                   "5051525354555657",
                                   "606162636465666768696a6b6c6d6e6f"};
    static const char *roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    em_merkle tree = {0};
    uint8_t hash[32], root[32];

    for (size_t i = 0; i < EM_COUNT(leaves); i++) {
        em_merkle_leaf(test_hex(leaves[i]), hash);
        em_merkle_add(&tree, hash);
        em_merkle_root(&tree, root);
        CHECK(em_same(EM_BYTES(root), test_hex(roots[i])));
    }
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(every_tree_up_to_300_leaves);
    RUN(the_known_tree);
    return test_end();
}
