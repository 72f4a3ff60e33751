/* em_setup shuts out configuration files: a child whose OPENSSL_CONF breaks libcrypto. */
#include "crypto/setup.h"
#include "crypto/aead.h"
#include "tests/support/test.h"

#include <openssl/crypto.h>
#include <sys/wait.h>
#include <unistd.h>

static char conf[] = "/tmp/em-setup-XXXXXX";

/* Under this configuration no algorithm can be fetched. */
static const char hostile[] = "openssl_conf = init\n[init]\nalg_section = algs\n"
                              "[algs]\ndefault_properties = provider=nobody\n";

/* In a child: initialise as told, then seal.  0 when sealing worked. */
static int child(bool ours)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        em_aead_key key = {{1}};
        uint8_t nonce[12] = {2}, out[17];

        setenv("OPENSSL_CONF", conf, 1);
        if (ours) {
            if (em_setup() != EM_OK) _exit(2);
        } else if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1) {
            _exit(3);
        }
        _exit(em_aead_seal(EM_AEAD_AES_256_GCM, &key, nonce, (em_bytes){0}, EM_STR("x"),
                           out) == EM_OK
                  ? 0
                  : 1);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_hostile_configuration_file_has_no_effect(void)
{
    int fd = mkstemp(conf);

    REQUIRE(fd >= 0);
    CHECK(write(fd, hostile, sizeof hostile - 1) == (ssize_t)sizeof hostile - 1);
    close(fd);
    CHECK(child(false) != 0); /* so the file does harm where it is read */
    CHECK(child(true) == 0);
    unlink(conf);
}

static void setting_up_twice_and_seeding_are_harmless(void)
{
    static uint8_t much[100000];

    CHECK_OK(em_setup());
    CHECK_OK(em_setup());
    em_setup_seed((em_bytes){0});
    em_setup_seed(EM_STR("entropy"));
    em_setup_seed(EM_BYTES(much));
}

int main(void)
{
    RUN(a_hostile_configuration_file_has_no_effect);
    RUN(setting_up_twice_and_seeding_are_harmless);
    return test_end();
}
