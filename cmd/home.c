#include "cmd/home.h"

#include "base/write.h"
#include "os/file.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_SIGNERS_FILE = 16 << 10, HEX = 2 * EM_ED25519_PUBLIC_LEN };

em_err em_home_path(const char *name, char ret_path[EM_HOME_PATH])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char path[EM_HOME_PATH - 64]; /* room for a name behind it */
    int len;

    if (state != NULL && state[0] == '/')
        len = snprintf(path, sizeof path, "%s/ephemeralml", state);
    else if (home != NULL && home[0] == '/')
        len = snprintf(path, sizeof path, "%s/.local/state/ephemeralml", home);
    else
        return EM_ERR_NOT_FOUND;
    if (len < 0 || (size_t)len >= sizeof path || strlen(name) >= 63) return EM_ERR_LIMIT;
    EM_TRY(em_file_make_folder(path, 0700));
    snprintf(ret_path, EM_HOME_PATH, "%s/%s", path, name);
    return EM_OK;
}

/* The file's text; empty where there is none. */
static em_err read_signers(char *text, size_t cap, size_t *ret_len)
{
    char path[EM_HOME_PATH];

    EM_TRY(em_home_path("signers", path));
    em_err err = em_file_read(path, text, cap, ret_len);
    if (err != EM_ERR_NOT_FOUND) return err;
    *ret_len = 0;
    return EM_OK;
}

em_err em_home_signers(em_ed25519_public ret_signers[EM_MAX_SIGNERS], size_t *ret_n)
{
    char text[MAX_SIGNERS_FILE];
    size_t len, n = 0;

    EM_TRY(read_signers(text, sizeof text, &len));
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end != NULL ? (size_t)(end - text) - at : len - at, got;
        if (line > 0 && text[at] != '#') {
            if (n == EM_MAX_SIGNERS) return EM_ERR_LIMIT;
            if (line < HEX || (line > HEX && text[at + HEX] != ' ') ||
                em_text_from_hex(em_view(text + at, HEX), ret_signers[n].b,
                                 EM_ED25519_PUBLIC_LEN, &got) != EM_OK)
                return EM_ERR_FORMAT;
            n++;
        }
        at += line + 1;
    }
    *ret_n = n;
    return EM_OK;
}

em_err em_home_pin(const em_ed25519_public *signer, const char *name)
{
    em_ed25519_public pinned[EM_MAX_SIGNERS];
    char text[MAX_SIGNERS_FILE], path[EM_HOME_PATH];
    size_t n, len;

    EM_TRY(em_home_signers(pinned, &n));
    for (size_t i = 0; i < n; i++)
        if (em_same(EM_BYTES(pinned[i].b), EM_BYTES(signer->b))) return EM_ERR_EXISTS;
    if (n == EM_MAX_SIGNERS) return EM_ERR_LIMIT;
    EM_TRY(read_signers(text, sizeof text, &len));
    em_out o = em_out_over(text, sizeof text);
    o.len = len;
    if (len > 0 && text[len - 1] != '\n') em_write_u8(&o, '\n');
    em_write_hex(&o, EM_BYTES(signer->b));
    if (name != NULL && name[0] != 0) {
        em_write_u8(&o, ' ');
        for (const char *c = name; *c != 0; c++)
            em_write_u8(&o, (uint8_t)(*c < ' ' ? ' ' : *c));
    }
    em_write_u8(&o, '\n');
    EM_TRY(em_write_end(&o));
    EM_TRY(em_home_path("signers", path));
    return em_file_write(path, em_write_view(&o), 0600);
}
