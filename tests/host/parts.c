/* The parts that need no socket: ranges, breaker, rate, metrics, options. */
#include "host/breaker.h"
#include "host/metrics.h"
#include "host/options.h"
#include "host/range.h"
#include "host/rate.h"
#include "host/relay.h"
#include "host/store.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- Range ---- */

static void ranges_are_rfc_9110s(void)
{
    static const struct {
        const char *header;
        uint64_t size, first, len; /* len 0: refused */
    } row[] = {
        {"bytes=0-0", 10, 0, 1},
        {"bytes=0-9", 10, 0, 10},
        {"bytes=0-", 10, 0, 10},
        {"bytes=9-", 10, 9, 1},
        {"bytes=3-5", 10, 3, 3},
        {"bytes=3-500", 10, 3, 7},
        {"bytes=3-18446744073709551615", 10, 3, 7},
        {"bytes=3-99999999999999999999999999", 10, 3, 7},
        {"bytes=-1", 10, 9, 1},
        {"bytes=-10", 10, 0, 10},
        {"bytes=-11", 10, 0, 10},
        {"bytes=-99999999999999999999999", 10, 0, 10},
        {"bytes=007-008", 10, 7, 2},
        {"bytes=0-18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"bytes=10-", 10, 0, 0},
        {"bytes=10-20", 10, 0, 0},
        {"bytes=99999999999999999999-", 10, 0, 0},
        {"bytes=5-4", 10, 0, 0},
        {"bytes=-0", 10, 0, 0},
        {"bytes=0-", 0, 0, 0},
        {"bytes=-5", 0, 0, 0},
        {"bytes=", 10, 0, 0},
        {"bytes=-", 10, 0, 0},
        {"bytes=--1", 10, 0, 0},
        {"bytes=1--2", 10, 0, 0},
        {"bytes=-1-2", 10, 0, 0},
        {"bytes=1", 10, 0, 0},
        {"bytes=a-b", 10, 0, 0},
        {"bytes=1-2,4-5", 10, 0, 0},
        {"bytes= 1-2", 10, 0, 0},
        {"bytes=1-2 ", 10, 0, 0},
        {"bytes=+1-2", 10, 0, 0},
        {"bytes=0x1-2", 10, 0, 0},
        {"bytes 1-2", 10, 0, 0},
        {"Bytes=1-2", 10, 0, 0},
        {"items=1-2", 10, 0, 0},
        {"", 10, 0, 0},
        {"b", 10, 0, 0},
    };
    for (size_t i = 0; i < EM_COUNT(row); i++) {
        em_range r = {77, 78};
        em_bytes header = em_view(row[i].header, strlen(row[i].header));
        test_note("%s", row[i].header);
        CHECK_ERR(em_range_parse(header, row[i].size, &r),
                  row[i].len > 0 ? EM_OK : EM_ERR_RANGE);
        CHECK(row[i].len > 0 ? r.first == row[i].first && r.len == row[i].len
                             : r.first == 77 && r.len == 78);
    }
    em_range r;
    CHECK_ERR(em_range_parse(em_view(NULL, 0), 10, &r), EM_ERR_RANGE);
}

static bool range_in_bounds(em_bytes header, void *arg)
{
    em_range r;
    size_t *bad = arg;

    if (em_range_parse(header, 1000, &r) != EM_OK) return false;
    if (r.len == 0 || r.first >= 1000 || r.len > 1000 - r.first) ++*bad;
    return true;
}

static void no_range_leaves_the_file(void)
{
    size_t bad = 0;

    (void)test_abuse(EM_STR("bytes=123-456"), range_in_bounds, &bad);
    (void)test_abuse(EM_STR("bytes=-456"), range_in_bounds, &bad);
    (void)test_abuse(EM_STR("bytes=18446744073709551615-18446744073709551615"),
                     range_in_bounds, &bad);
    CHECK(bad == 0);
}

/* ---- the breaker ---- */

static void a_breaker_opens_probes_and_closes(void)
{
    em_breaker b;

    em_breaker_init(&b, 3, 1000, 4000);
    for (int i = 0; i < 2; i++) {
        CHECK(em_breaker_may(&b, 10));
        CHECK(!em_breaker_report(&b, false, 10));
    }
    CHECK(em_breaker_may(&b, 10));
    CHECK(!em_breaker_report(&b, true, 10)); /* in a row, not in all */
    for (int i = 0; i < 3; i++) CHECK(em_breaker_may(&b, 20));
    CHECK(!em_breaker_report(&b, false, 20) && !em_breaker_report(&b, false, 20));
    CHECK(em_breaker_report(&b, false, 20) && b.state == EM_BREAKER_OPEN);
    CHECK(!em_breaker_may(&b, 20) && !em_breaker_may(&b, 1019));
    CHECK(em_breaker_may(&b, 1020) && b.state == EM_BREAKER_HALF_OPEN);
    CHECK(!em_breaker_may(&b, 1020) && !em_breaker_may(&b, 99999)); /* one probe */
    CHECK(em_breaker_report(&b, false, 1100) && b.state == EM_BREAKER_OPEN);
    CHECK(!em_breaker_may(&b, 3099) && em_breaker_may(&b, 3100)); /* 2000 */
    CHECK(em_breaker_report(&b, false, 3100));
    CHECK(!em_breaker_may(&b, 7099) && em_breaker_may(&b, 7100)); /* 4000 */
    CHECK(em_breaker_report(&b, false, 7100));
    CHECK(!em_breaker_may(&b, 11099) && em_breaker_may(&b, 11100)); /* not more */
    CHECK(em_breaker_report(&b, true, 11200) && b.state == EM_BREAKER_CLOSED);
    CHECK(em_breaker_may(&b, 11200));
    CHECK(!em_breaker_report(&b, false, 11200)); /* counted anew */
}

static void late_results_are_understood(void)
{
    em_breaker b;

    em_breaker_init(&b, 1, 1000, 4000);
    CHECK(em_breaker_may(&b, 0) && em_breaker_may(&b, 0) && em_breaker_may(&b, 0));
    CHECK(em_breaker_report(&b, false, 0));
    CHECK(!em_breaker_report(&b, false, 500)); /* a second one does not lengthen it */
    CHECK(b.until_ms == 1000);
    CHECK(em_breaker_report(&b, true, 600) && b.state == EM_BREAKER_CLOSED);
}

/* ---- rates ---- */

static em_address peer(const char *name)
{
    em_address a = {.kind = EM_ADDRESS_TCP, .port = 1234};

    snprintf(a.name, sizeof a.name, "%s", name);
    return a;
}

static void an_address_has_its_rate(void)
{
    static em_rate r;
    em_address a = peer("192.0.2.1"), b = peer("192.0.2.2");
    em_address mapped = peer("::ffff:192.0.2.1");

    em_rate_init(&r, 2, 5, 42);
    for (int i = 0; i < 5; i++) CHECK(em_rate_allow(&r, &a, 1000));
    CHECK(!em_rate_allow(&r, &a, 1000) && !em_rate_allow(&r, &a, 1499));
    CHECK(!em_rate_allow(&r, &mapped, 1499)); /* the same peer */
    CHECK(em_rate_allow(&r, &b, 1499));
    CHECK(em_rate_allow(&r, &a, 1500) && !em_rate_allow(&r, &a, 1500));
    for (int i = 0; i < 5; i++) CHECK(em_rate_allow(&r, &a, 1000000)); /* never above */
    CHECK(!em_rate_allow(&r, &a, 1000000));
    CHECK(em_rate_allow(&r, &a, UINT64_MAX)); /* and no overflow */
    CHECK(em_rate_allow(&r, &a, 0));          /* nor a clock that steps back */
}

static void an_ipv6_network_is_one_peer_and_others_are_free(void)
{
    static em_rate r;
    em_address a = peer("2001:db8::1"), b = peer("2001:db8::ffff:1:2");
    em_address c = peer("2001:db8:0:1::1");
    em_address local = {.kind = EM_ADDRESS_UNIX}, vm = {.kind = EM_ADDRESS_VSOCK};

    em_rate_init(&r, 1, 1, 7);
    CHECK(em_rate_allow(&r, &a, 0) && !em_rate_allow(&r, &b, 0));
    CHECK(em_rate_allow(&r, &c, 0));
    for (int i = 0; i < 10; i++)
        CHECK(em_rate_allow(&r, &local, 0) && em_rate_allow(&r, &vm, 0));
    em_rate_init(&r, 0, 1, 7);
    for (int i = 0; i < 10; i++) CHECK(em_rate_allow(&r, &a, 0));
}

/* Many addresses push others out; whoever is being limited stays. */
static void a_flood_of_addresses_does_not_free_the_limited(void)
{
    static em_rate r;
    em_address loud = peer("198.51.100.7"), other = {0};
    char name[32];

    em_rate_init(&r, 1, 2, 99);
    CHECK(em_rate_allow(&r, &loud, 0) && em_rate_allow(&r, &loud, 0));
    CHECK(!em_rate_allow(&r, &loud, 0));
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        other = peer(name);
        CHECK(em_rate_allow(&r, &other, 0));
    }
    CHECK(!em_rate_allow(&r, &loud, 0));
}

/* ---- metrics ---- */

static void metrics_are_prometheus_text(void)
{
    static uint8_t page[EM_METRICS_PAGE + 1];
    static em_metrics m = {.started_ms = 1700000000123};
    em_out o = em_out_over(page, EM_METRICS_PAGE);
    size_t samples = 0, types = 0;

    em_metrics_add(&m, EM_METRIC_ACCEPTED, 3);
    em_metrics_add(&m, EM_METRIC_OPEN, 1);
    em_metrics_lower(&m, EM_METRIC_OPEN);
    em_metrics_set(&m, EM_METRIC_BYTES_OUT, UINT64_MAX);
    em_metrics_put(&m, &o);
    CHECK_OK(em_write_end(&o));
    const char *text = (const char *)page;
    CHECK(strstr(text, "\nem_host_connections_total 3\n") != NULL);
    CHECK(strstr(text, "\nem_host_connections_open 0\n") != NULL);
    CHECK(strstr(text, "\nem_host_bytes_total{direction=\"to_client\"} "
                       "18446744073709551615\n") != NULL);
    CHECK(strstr(text, "\nem_host_start_time_seconds 1700000000\n") != NULL);
    CHECK(strstr(text, "\nem_host_build_info{version=\"") != NULL);
    static char copy[EM_METRICS_PAGE + 1];
    memcpy(copy, page, sizeof copy);
    char family[64] = "";
    for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char name[64], kind[16];
        test_note("%s", line);
        if (sscanf(line, "# TYPE %63s %15s", name, kind) == 2) {
            types++;
            CHECK(strcmp(kind, "counter") == 0 || strcmp(kind, "gauge") == 0);
            size_t len = strlen(name);
            bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;
            CHECK(total == (strcmp(kind, "counter") == 0));
            strcpy(family, name);
            continue;
        }
        if (strncmp(line, "# HELP ", 7) == 0) {
            CHECK(strchr(line + 7, ' ') != NULL && strlen(strchr(line + 7, ' ')) > 5);
            continue;
        }
        samples++; /* belongs to the family above it */
        CHECK(strncmp(line, family, strlen(family)) == 0);
        CHECK(strspn(strrchr(line, ' ') + 1, "0123456789") ==
              strlen(strrchr(line, ' ') + 1));
    }
    CHECK(samples == EM_METRIC_COUNT_ + 2 && types >= 15);
}

/* ---- the HOST record ---- */

static void host_records_are_these_bytes(void)
{
    static const uint8_t want[13] = {9, 1, 0, 0, 0, 7, 0xA1, 0x64, 'c', 'o', 'd', 'e', 0};

    for (unsigned code = EM_RELAY_BUSY; code <= EM_RELAY_STARTING; code++) {
        em_bytes got = em_relay_words((em_relay_code)code);
        CHECK(got.len == 13 && memcmp(got.at, want, 12) == 0 && got.at[12] == code);
    }
    CHECK((int)EM_RELAY_BUSY == 3 && (int)EM_RELAY_NO_ENCLAVE == 4);
    CHECK((int)EM_RELAY_HUNG_UP == 5 && (int)EM_RELAY_STARTING == 6);
}

/* ---- names in the store ---- */

static void only_plain_names_are_looked_up(void)
{
    static const char *good[] = {"/a", "/minilm-v1.bundle", "/A_b-C.9", "/a..b", "/-"};
    static const char *bad[] = {"",          "/",        "a",     "//a",   "/.",
                                "/..",       "/.hidden", "/../a", "/a/b",  "/a/../b",
                                "/%2e%2e",   "/a%00",    "/a b",  "/a\\b", "/a\nb",
                                "/\xC3\xA9", "/a:b",     "/~",    "/a?b",  "/a/"};
    char longest[140];

    for (size_t i = 0; i < EM_COUNT(good); i++) CHECK(em_store_good_target(good[i]));
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK(!em_store_good_target(bad[i]));
    }
    memset(longest, 'n', sizeof longest);
    longest[0] = '/';
    longest[129] = 0;
    CHECK(em_store_good_target(longest));
    longest[129] = 'n';
    longest[130] = 0;
    CHECK(!em_store_good_target(longest));
}

/* ---- options ---- */

static void forwards_are_read_in_one_way_only(void)
{
    em_options_forward f = {0};

    CHECK_OK(em_options_forward_parse(
        EM_STR("vsock:3:5002=tcp:kms.eu-central-1.amazonaws.com:443"), &f));
    CHECK(f.listen.kind == EM_ADDRESS_VSOCK && f.to.port == 443);
    CHECK_OK(em_options_forward_parse(EM_STR("unix:/a=b=tcp:h:1"), &f));
    CHECK(strcmp(f.listen.name, "/a=b") == 0);
    CHECK_ERR(em_options_forward_parse(EM_STR("unix:/a=tcp:h:1=tcp:h:1"), &f), EM_OK);
    CHECK_ERR(em_options_forward_parse(EM_STR("unix:/a=unix:/b=unix:/c"), &f),
              EM_ERR_ADDRESS);
    CHECK_ERR(em_options_forward_parse(EM_STR("tcp:h:1"), &f), EM_ERR_ADDRESS);
    CHECK_ERR(em_options_forward_parse(EM_STR("tcp:h:1="), &f), EM_ERR_ADDRESS);
    CHECK_ERR(em_options_forward_parse(EM_STR("=tcp:h:1"), &f), EM_ERR_ADDRESS);
    CHECK_ERR(em_options_forward_parse(EM_STR("tcp:h:1=*"), &f), EM_ERR_ADDRESS);
}

static void local_addresses(void)
{
    static const struct {
        const char *text;
        bool local;
    } row[] = {
        {"unix:/x", true},          {"vsock:3:5", true},
        {"tcp:127.0.0.1:1", true},  {"tcp:127.9.8.7:1", true},
        {"tcp:[::1]:1", true},      {"tcp:0.0.0.0:1", false},
        {"tcp:10.0.0.1:1", false},  {"tcp:[::]:1", false},
        {"tcp:localhost:1", false}, {"tcp:128.0.0.1:1", false},
        {"tcp:[fe80::1]:1", false},
    };
    for (size_t i = 0; i < EM_COUNT(row); i++) {
        em_address a;
        CHECK_OK(em_address_parse(em_view(row[i].text, strlen(row[i].text)), &a));
        CHECK(em_options_is_local(&a) == row[i].local);
    }
}

/* What em_options_read says; its messages go nowhere. */
static em_args_next read_words(char **words, em_options *o)
{
    int argc = 0, before = dup(2), none = open("/dev/null", O_WRONLY);

    while (words[argc] != NULL) argc++;
    fflush(stderr);
    dup2(none, 2);
    em_args_next next = em_options_read(argc, words, o);
    fflush(stderr);
    dup2(before, 2);
    close(before);
    close(none);
    return next;
}
static char *word(const char *text)
{
    return strdup(text);
}

static void options_are_read_and_judged(void)
{
    static const char *bad[][6] = {
        {"--listen", "tcp:127.0.0.1:0"},
        {"--enclave", "unix:/x"},
        {"--store", "/tmp"},
        {"--store-listen", "unix:/s"},
        {"--credentials", "imds"},
        {"--credentials", "imds", "--credentials-listen", "tcp:0.0.0.0:0"},
        {"--credentials", "imds", "--credentials-listen", "tcp:localhost:0"},
        {"--credentials", "/nonexistent", "--credentials-listen", "unix:/c"},
        {"--credentials", "/etc/passwd", "--credentials-listen", "unix:/c"},
        {"--credentials-listen", "unix:/c"},
        {"--forward", "tcp:0.0.0.0:1=tcp:h:1"},
        {"--forward", "tcp:h:1"},
        {"--admin", "9090"},
        {"--max-connections", "0"},
        {"--max-connections", "1025"},
        {"--rate", "x"},
        {"--breaker", "0"},
        {"--log", "loud"},
        {"--config", "/nonexistent"},
        {"--unknown", "x"},
        {"positional"},
    };
    em_options o;

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        char *words[12] = {word("em-host")};
        size_t n = 1;
        /* the first two rows are bad by lacking the other one */
        if (i >= 2) {
            words[n++] = word("--listen=tcp:127.0.0.1:0");
            words[n++] = word("--enclave=unix:/x");
        }
        for (size_t k = 0; k < 6 && bad[i][k] != NULL; k++) words[n++] = word(bad[i][k]);
        test_note("%s %s", bad[i][0], bad[i][1] != NULL ? bad[i][1] : "");
        CHECK(read_words(words, &o) == EM_ARGS_BAD);
        for (size_t k = 0; k < n; k++) free(words[k]);
    }
}

static void a_file_of_options_comes_before_the_command_line(void)
{
    char path[] = "/tmp/em-test-conf-XXXXXX";
    static const char text[] = "# em-host\n"
                               "listen tcp:127.0.0.1:7443\n"
                               "  enclave   vsock:16:5000  \r\n"
                               "\n"
                               "forward unix:/a=tcp:h:1\n"
                               "forward unix:/b=tcp:h:2\n"
                               "max-connections 7\n"
                               "json";
    int fd = mkstemp(path);
    em_options o = {0};

    CHECK(write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(fd);
    char *words[] = {word("em-host"),           word("--config"), word(path),
                     word("--max-connections"), word("9"),        NULL};
    CHECK(read_words(words, &o) == EM_ARGS_RUN);
    CHECK(o.listen.port == 7443 && o.enclave.cid == 16 && o.n_forward == 2 && o.json);
    CHECK(o.max_connections == 9 && o.forward[1].to.port == 2);
    for (size_t i = 0; words[i] != NULL; i++) free(words[i]);
    unlink(path);
}

int main(void)
{
    RUN(ranges_are_rfc_9110s);
    RUN(no_range_leaves_the_file);
    RUN(a_breaker_opens_probes_and_closes);
    RUN(late_results_are_understood);
    RUN(an_address_has_its_rate);
    RUN(an_ipv6_network_is_one_peer_and_others_are_free);
    RUN(a_flood_of_addresses_does_not_free_the_limited);
    RUN(metrics_are_prometheus_text);
    RUN(host_records_are_these_bytes);
    RUN(only_plain_names_are_looked_up);
    RUN(forwards_are_read_in_one_way_only);
    RUN(local_addresses);
    RUN(options_are_read_and_judged);
    RUN(a_file_of_options_comes_before_the_command_line);
    return test_end();
}
