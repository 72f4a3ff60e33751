#include "tools/bundlefile.h"

#include "bundle/bundle_open.h"
#include "bundle/merkle.h"

#include <stdlib.h>

em_err em_bundlefile_open(const char *path, em_problem *problem, em_bundlefile *ret_file)
{
    em_bundlefile *f = ret_file;

    memset(f, 0, sizeof *f);
    em_err err = em_map_file(path, &f->map);
    if (err == EM_OK) err = em_bundle_head_parse(em_map_view(&f->map), &f->head);
    if (err == EM_ERR_SHORT)
        return em_problem_set(problem, err, path, "too short to be a bundle");
    if (err == EM_ERR_BUNDLE_MALFORMED)
        return em_problem_set(problem, err, path, "does not begin as a bundle does");
    if (err == EM_OK) err = em_manifest_parse(f->head.manifest, f->tensors, &f->claims);
    if (err == EM_OK) err = em_manifest_hash(f->head.manifest, f->hash);
    if (err != EM_OK) return em_problem_err(problem, err, path);
    uint64_t want = em_bundle_head_file_len(&f->claims);
    if (f->map.len != want)
        return em_problem_set(problem, EM_ERR_BUNDLE_COUNT, path,
                              "has %zu bytes where its manifest asks for %llu",
                              f->map.len, (unsigned long long)want);
    return EM_OK;
}

void em_bundlefile_drop(em_bundlefile *file)
{
    em_map_drop(&file->map);
}

/* Sealed chunk i; the file's length was checked when it was opened. */
static em_bytes chunk_of(const em_bundlefile *f, uint32_t i)
{
    em_bundle_span s;

    if (em_bundle_head_span(&f->claims, i, &s) != EM_OK) return (em_bytes){0};
    return em_view(f->map.at + s.file_at, s.sealed_len);
}

em_err em_bundlefile_check_root(const em_bundlefile *file, em_problem *problem)
{
    uint8_t hash[EM_SHA256_LEN];
    em_merkle tree = {0};

    for (uint32_t i = 0; i < file->claims.n_chunks; i++) {
        em_merkle_leaf(chunk_of(file, i), hash);
        em_merkle_add(&tree, hash);
    }
    em_merkle_root(&tree, hash);
    if (!em_same(EM_BYTES(hash), EM_BYTES(file->claims.root)))
        return em_problem_err(problem, EM_ERR_BUNDLE_ROOT, "chunks");
    return EM_OK;
}

/* Facts in a place of their own, so that nothing believes the file's claims. */
static em_err verify(const em_bundlefile *f, const em_publisher *publishers, size_t n,
                     uint64_t now_ms, em_problem *problem, em_tensor *tensors,
                     em_manifest *ret_manifest)
{
    em_err err = em_manifest_verify(f->head.manifest, publishers, n, now_ms, tensors,
                                    ret_manifest);
    if (err != EM_OK) return em_problem_err(problem, err, "manifest");
    return EM_OK;
}

em_err em_bundlefile_verify(const em_bundlefile *file, const em_publisher *publishers,
                            size_t n, uint64_t now_ms, em_problem *problem)
{
    em_manifest manifest;

    em_tensor *tensors = calloc(EM_MAX_TENSORS, sizeof *tensors);
    if (tensors == NULL) return em_problem_err(problem, EM_ERR_MEMORY, "manifest");
    em_err err = verify(file, publishers, n, now_ms, problem, tensors, &manifest);
    free(tensors);
    if (err != EM_OK) return err;
    return em_bundlefile_check_root(file, problem);
}

static em_err unseal(const em_bundlefile *f, const em_manifest *manifest,
                     const em_content_key *key, em_bundle_slot *slots, em_map *image,
                     em_problem *problem)
{
    EM_DROP(em_bundle_open) open = {0};
    em_bundle_image got;
    uint32_t n = manifest->body.n_chunks;

    em_err err =
        em_bundle_open_init(manifest, key, image->at, image->len, slots, n, &open);
    if (err != EM_OK) return em_problem_err(problem, err, "content key");
    for (uint32_t i = 0; i < n; i++) {
        err = em_bundle_open_chunk(&open, i, chunk_of(f, i));
        if (err != EM_OK)
            return em_problem_set(problem, err, "chunks", "chunk %u of %u: %s", i, n,
                                  em_err_text(err));
    }
    err = em_bundle_open_finish(&open, &got);
    if (err != EM_OK) return em_problem_err(problem, err, "chunks");
    return EM_OK;
}

em_err em_bundlefile_unseal(const em_bundlefile *file, const em_publisher *publishers,
                            size_t n, uint64_t now_ms, const em_content_key *key,
                            em_problem *problem, em_map *ret_image)
{
    EM_DROP(em_map) image = {0};
    em_manifest m;

    em_tensor *tensors = calloc(EM_MAX_TENSORS, sizeof *tensors);
    em_bundle_slot *slots = calloc(file->claims.n_chunks, sizeof *slots);
    em_err err = tensors != NULL && slots != NULL ? EM_OK : EM_ERR_MEMORY;
    if (err == EM_OK) err = em_map_anonymous((size_t)file->claims.image_len, 0, &image);
    if (err != EM_OK) (void)em_problem_err(problem, err, "image");
    if (err == EM_OK) err = verify(file, publishers, n, now_ms, problem, tensors, &m);
    if (err == EM_OK) err = unseal(file, &m, key, slots, &image, problem);
    free(tensors);
    free(slots);
    if (err != EM_OK) return err;
    *ret_image = EM_TAKE(image);
    return EM_OK;
}
