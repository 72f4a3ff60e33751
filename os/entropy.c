#include "os/entropy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

em_err em_entropy_fill(void *to, size_t len)
{
    uint8_t *at = to;

    for (size_t have = 0; have < len;) {
        ssize_t got = getrandom(at + have, len - have, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            em_wipe(to, len);
            return EM_ERR_ENTROPY;
        }
        have += (size_t)got;
    }
    return EM_OK;
}

em_err em_entropy_mix(em_bytes seed)
{
    int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return EM_ERR_ENTROPY;

    size_t done = 0;
    while (done < seed.len) {
        ssize_t n = write(fd, seed.at + done, seed.len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    (void)close(fd);
    return done == seed.len ? EM_OK : EM_ERR_ENTROPY;
}
