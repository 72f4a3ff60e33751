/* Addresses: one strict text form for each kind, printed as it was read. */
#include "os/address.h"
#include "tests/support/test.h"

static em_err parse(const char *text, em_address *a)
{
    return em_address_parse(em_view(text, strlen(text)), a);
}

static void every_good_form_reads_and_prints_again(void)
{
    static const char *good[] = {
        "vsock:16:5000",
        "vsock:3:0",
        "vsock:any:5005",
        "vsock:4294967294:4294967294",
        "unix:/run/em/enclave.sock",
        "unix:relative.sock",
        "unix:/with space:and:colons",
        "tcp:127.0.0.1:0",
        "tcp:0.0.0.0:65535",
        "tcp:localhost:8080",
        "tcp:kms.eu-central-1.amazonaws.com:443",
        "tcp:a-b.c_d.e1:1",
        "tcp:3com.com:1",
        "tcp:[::1]:443",
        "tcp:[fe80::1:2]:9",
        "tcp:[::ffff:1.2.3.4]:9",
    };
    char text[EM_ADDRESS_TEXT];
    em_address a, b;

    for (size_t i = 0; i < EM_COUNT(good); i++) {
        test_note("%s", good[i]);
        CHECK_OK(parse(good[i], &a));
        em_address_print(&a, text);
        CHECK(strcmp(text, good[i]) == 0);
        CHECK_OK(parse(text, &b));
        CHECK(em_address_same(&a, &b));
    }
}

static void every_other_form_is_refused(void)
{
    static const char *bad[] = {
        "",
        "vsock",
        "vsock:",
        "vsock:16",
        "vsock:16:",
        "vsock::5000",
        "vsock:016:5000",
        "vsock:16:05",
        "vsock:+1:5",
        "vsock:-1:5",
        "vsock:16:5000 ",
        " vsock:16:5000",
        "vsock:4294967295:1",
        "vsock:1:4294967295",
        "vsock:4294967296:1",
        "vsock:99999999999:1",
        "vsock:Any:1",
        "vsock:1:any",
        "VSOCK:1:2",
        "unix:",
        "unix:a\nb",
        "unix:a\x7f",
        "tcp:",
        "tcp:host",
        "tcp:host:",
        "tcp::80",
        "tcp:host:65536",
        "tcp:host:080",
        "tcp:host:8o",
        "tcp:ho st:80",
        "tcp:host.:80",
        "tcp:.host:80",
        "tcp:a..b:80",
        "tcp:-a:80",
        "tcp:a-:80",
        "tcp:a-.b:80",
        "tcp:1:80",
        "tcp:127.1:80",
        "tcp:256.0.0.1:80",
        "tcp:1.2.3.4.5:80",
        "tcp:0x7f.1:80",
        "tcp:127.0.0.01:80",
        "tcp:::1:80",
        "tcp:[::1:80",
        "tcp:::1]:80",
        "tcp:[]:80",
        "tcp:[::g]:80",
        "tcp:[1.2.3.4]:80",
        "tcp:[::1]80",
        "tcp:[fe80::1%eth0]:80",
        "tcp:[::1]x:80",
        "tcp:user@host:80",
        "udp:1.2.3.4:5",
        "/run/socket",
        "http://host:80",
    };
    em_address a = {.cid = 77};

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK_ERR(parse(bad[i], &a), EM_ERR_ADDRESS);
        CHECK(a.cid == 77);
    }
    CHECK_ERR(em_address_parse(EM_STR("tcp:ho\0st:80"), &a), EM_ERR_ADDRESS);
    CHECK_ERR(em_address_parse(EM_STR("tcp:[::1\0]:80"), &a), EM_ERR_ADDRESS);
    CHECK_ERR(em_address_parse(EM_STR("unix:a\0b"), &a), EM_ERR_ADDRESS);
}

static void lengths_are_limited(void)
{
    char text[600];
    em_address a;

    for (size_t len = 1; len < 300; len++) {
        memcpy(text, "unix:", 5);
        memset(text + 5, 'p', len);
        em_err want = len <= 107 ? EM_OK : EM_ERR_ADDRESS;
        CHECK_ERR(em_address_parse(em_view(text, 5 + len), &a), want);

        /* one label has at most 63 letters, a name at most 253 */
        memcpy(text, "tcp:", 4);
        for (size_t i = 0; i < len; i++) text[4 + i] = i % 50 == 49 ? '.' : 'h';
        memcpy(text + 4 + len, ":80", 3);
        want = len <= 253 && len % 50 != 0 ? EM_OK : EM_ERR_ADDRESS;
        CHECK_ERR(em_address_parse(em_view(text, 4 + len + 3), &a), want);
        memset(text + 4, 'h', len);
        want = len <= 63 ? EM_OK : EM_ERR_ADDRESS;
        CHECK_ERR(em_address_parse(em_view(text, 4 + len + 3), &a), want);
    }
    char longest[EM_ADDRESS_TEXT];
    memset(&a, 0, sizeof a);
    a.kind = EM_ADDRESS_TCP;
    a.port = 65535;
    memset(a.name, 'x', sizeof a.name - 1);
    em_address_print(&a, longest);
    CHECK(strlen(longest) == 4 + 255 + 6);
}

static bool accepts(em_bytes input, void *arg)
{
    em_address a = {0}, again;
    char text[EM_ADDRESS_TEXT];
    size_t *mismatches = arg;

    if (em_address_parse(input, &a) != EM_OK) return false;
    em_address_print(&a, text);
    if (em_address_parse(em_view(text, strlen(text)), &again) != EM_OK ||
        !em_address_same(&a, &again) || !em_same(input, em_view(text, strlen(text))))
        ++*mismatches;
    return true;
}

static void whatever_is_accepted_prints_as_it_was_read(void)
{
    static const char *good[] = {"vsock:16:5000", "unix:/run/em.sock",
                                 "tcp:kms.eu-central-1.amazonaws.com:443",
                                 "tcp:[fe80::1:2]:9", "tcp:10.0.0.7:80"};
    size_t mismatches = 0;

    for (size_t i = 0; i < EM_COUNT(good); i++)
        (void)test_abuse(em_view(good[i], strlen(good[i])), accepts, &mismatches);
    CHECK(mismatches == 0);
}

int main(void)
{
    RUN(every_good_form_reads_and_prints_again);
    RUN(every_other_form_is_refused);
    RUN(lengths_are_limited);
    RUN(whatever_is_accepted_prints_as_it_was_read);
    return test_end();
}
