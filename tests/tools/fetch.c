/* Pins, names and URLs of em model fetch: what is taken, what is not, and the catalogue.
 */
#include "tools/fetch.h"

#include "crypto/setup.h"
#include "tests/tools/folder.h"
#include "tools/fetch_catalogue.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define COMMIT "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"

static em_bytes text_of(const char *text)
{
    return em_view(text, strlen(text));
}

static const char *repeat(char c, size_t n)
{
    static char text[512];

    if (n >= sizeof text) abort();
    memset(text, c, n);
    text[n] = 0;
    return text;
}

static void names_of_files(void)
{
    static const char *const good[] = {"config.json", "1_Pooling/config.json",
                                       "a/b/c/d",     "model-00001-of-00002.safetensors",
                                       "x.part.y",    "a..b"};
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "../x",
                                      "a/../b",
                                      "/etc/passwd",
                                      "a//b",
                                      "a/",
                                      "/",
                                      ".git/x",
                                      "-o",
                                      "a/-b",
                                      "a b",
                                      "a\\b",
                                      "a\nb",
                                      "a%2e",
                                      "caf\xc3\xa9",
                                      "a/b/c/d/e",
                                      "x.part",
                                      "x.part.etag",
                                      "a/.b",
                                      "~",
                                      "a;b",
                                      "a:b",
                                      "model.safetensors.part"};

    for (size_t i = 0; i < EM_COUNT(good); i++) {
        test_note("%s", good[i]);
        CHECK(em_pins_is_file(text_of(good[i])));
    }
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK(!em_pins_is_file(text_of(bad[i])));
    }
    CHECK(!em_pins_is_file(em_view("a\0b", 3)));
    CHECK(!em_pins_is_file((em_bytes){0}));
    CHECK(em_pins_is_file(text_of(repeat('a', 96))));
    CHECK(!em_pins_is_file(text_of(repeat('a', 97))));
}

static void names_of_repositories(void)
{
    CHECK(em_pins_is_repository(text_of("sentence-transformers/all-MiniLM-L6-v2")));
    CHECK(em_pins_is_repository(text_of("BAAI/bge-small-en-v1.5")));
    CHECK(!em_pins_is_repository(text_of("bge-small-en-v1.5")));
    CHECK(!em_pins_is_repository(text_of("a/b/c")));
    CHECK(!em_pins_is_repository(text_of("../b")));
    CHECK(!em_pins_is_repository(text_of("a/..")));
    CHECK(!em_pins_is_repository(text_of("/a")));
    CHECK(!em_pins_is_repository(text_of("a/b?x")));
    CHECK(!em_pins_is_repository(text_of("a/b#x")));
    CHECK(!em_pins_is_repository(text_of("a@b/c")));
    CHECK(!em_pins_is_repository(em_view("a/b\0c", 5)));
    CHECK(!em_pins_is_repository(text_of(repeat('/', 3))));
    CHECK(em_pins_is_revision(text_of(COMMIT)));
    CHECK(!em_pins_is_revision(text_of("main")));
    CHECK(!em_pins_is_revision(text_of(COMMIT "0")));
    CHECK(!em_pins_is_revision(text_of("C9745ED1D9F207416BE6D2E6F8DE32D1F16199BF")));
}

static const char good_list[] =
    "# repository a/b\n"
    "# revision " COMMIT "\n"
    "# any other words\n"
    "\n" HEX64 "  config.json\r\n" HEX64 " *1_Pooling/config.json\n"
    "#\n" HEX64 "  vocab.txt";

static void a_list_reads_and_writes(void)
{
    static em_pins pins, again;
    static uint8_t text[4096];
    em_out o = EM_OUT(text);

    pins = again = (em_pins){0};
    CHECK_OK(em_pins_read(text_of(good_list), "pins", &problem, &pins));
    CHECK(pins.n == 3 && strcmp(pins.pin[1].name, "1_Pooling/config.json") == 0);
    CHECK(pins.pin[2].sha256[0] == 0 && pins.pin[2].sha256[31] == 0xff);
    CHECK(strcmp(pins.repository, "a/b") == 0 && strcmp(pins.revision, COMMIT) == 0);
    em_pins_put(&o, &pins);
    CHECK_OK(em_write_end(&o));
    CHECK_OK(em_pins_read(em_write_view(&o), "pins", &problem, &again));
    CHECK(memcmp(&pins, &again, sizeof pins) == 0);
}

static em_err read_list(const char *text)
{
    static em_pins pins;

    pins = (em_pins){0};
    return em_pins_read(text_of(text), "pins", &problem, &pins);
}

static void bad_lists_are_refused_by_line(void)
{
    CHECK_OK(read_list(""));
    CHECK_PROBLEM(read_list("\n" HEX64 " x\n"), EM_ERR_FORMAT, "line 2", "sha256sum");
    CHECK_PROBLEM(read_list(HEX64 "  "), EM_ERR_FORMAT, "line 1");
    CHECK_PROBLEM(read_list(HEX64 "  ../x\n"), EM_ERR_FORMAT, "line 1", "../x");
    CHECK_PROBLEM(read_list(HEX64 "  /etc/passwd\n"), EM_ERR_FORMAT, "/etc/passwd");
    CHECK_PROBLEM(read_list(HEX64 "  a\n" HEX64 "  a\n"), EM_ERR_EXISTS, "line 2",
                  "twice");
    CHECK_PROBLEM(read_list("X" HEX64 "  a\n"), EM_ERR_FORMAT, "line 1");
    CHECK_PROBLEM(read_list("0123  a\n"), EM_ERR_FORMAT, "line 1");
    CHECK_PROBLEM(read_list("# repository ..\n"), EM_ERR_FORMAT, "repository");
    CHECK_PROBLEM(read_list("# revision main\n"), EM_ERR_FORMAT, "revision");
    CHECK_PROBLEM(read_list("# repository a/b\n# repository a/c\n"), EM_ERR_EXISTS,
                  "line 2");
    CHECK_OK(read_list("# repository a/b\n# repository a/b\n"));
}

static void lists_have_limits(void)
{
    static char text[EM_PINS_MAX_FILE + 2];
    static em_pins pins;
    size_t at = 0;

    for (int i = 0; i <= EM_MAX_SOURCES; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, HEX64 "  f%d\n", i);
    pins = (em_pins){0};
    CHECK_PROBLEM(em_pins_read(em_view(text, at), "pins", &problem, &pins), EM_ERR_LIMIT,
                  "line 65");
    CHECK(pins.n == EM_MAX_SOURCES);
    memset(text, '\n', sizeof text);
    CHECK_ERR(em_pins_read(em_view(text, sizeof text), "pins", &problem, &pins),
              EM_ERR_LIMIT);
    CHECK_ERR(em_pins_add(&pins, em_view("a\0b", 3), text_of(HEX64), &problem),
              EM_ERR_FORMAT);
}

static void urls(void)
{
    static const struct {
        const char *url;
        bool may_be_here, good, here;
    } table[] = {
        {"https://huggingface.co/a/b/resolve/x/y", false, true, false},
        {"https://cdn.example.com/x?signature=%2F&y=1", false, true, false},
        {"http://127.0.0.1:8080/", true, true, true},
        {"http://[::1]:8080/", true, true, true},
        {"http://localhost/", true, true, true},
        {"https://127.0.0.1:8080/", false, true, false},
        {"http://127.0.0.1:8080/", false, false, false},
        {"http://huggingface.co/", true, false, false},
        {"http://127.0.0.1.example.com/", true, false, false},
        {"http://localhost.example.com/", true, false, false},
        {"http://127.0.0.1@example.com/", true, false, false},
        {"https://user@huggingface.co/", false, false, false},
        {"https://user:secret@huggingface.co/", false, false, false},
        {"file:///etc/passwd", true, false, false},
        {"ftp://127.0.0.1/", true, false, false},
        {"gopher://127.0.0.1/", true, false, false},
        {"huggingface.co", false, false, false},
        {"//huggingface.co", false, false, false},
        {"https://", false, false, false},
        {"https://huggingface.co/a b", false, false, false},
        {"https://huggingface.co/a\r\nHost: x", false, false, false},
        {"", false, false, false},
    };
    bool here;

    for (size_t i = 0; i < EM_COUNT(table); i++) {
        test_note("%s", table[i].url);
        here = false;
        CHECK_ERR(
            em_fetch_http_check(table[i].url, table[i].may_be_here, &problem, &here),
            table[i].good ? EM_OK : EM_ERR_ADDRESS);
        CHECK(here == table[i].here);
    }
    char *url = test_alloc(EM_FETCH_HTTP_MAX_URL + 32);
    memset(url, 'a', EM_FETCH_HTTP_MAX_URL + 31);
    memcpy(url, "https://x/", 10);
    url[EM_FETCH_HTTP_MAX_URL + 31] = 0;
    CHECK_ERR(em_fetch_http_check(url, false, &problem, &here), EM_ERR_ADDRESS);
}

static void the_catalogue_is_in_order(void)
{
    const em_fetch_catalogue_model *m;
    static em_pins pins;

    for (size_t i = 0; (m = em_fetch_catalogue_at(i)) != NULL; i++) {
        test_note("%s", m->name);
        CHECK_OK(em_fetch_catalogue_pins(m, &pins));
        CHECK(pins.n == m->n && em_fetch_catalogue_find(m->name) == m);
        CHECK(em_fetch_catalogue_find(m->repository) == m);
        for (size_t k = 0; k < pins.n; k++) CHECK(pins.pin[k].len > 0);
    }
    CHECK(em_fetch_catalogue_find("all-minilm-l6-v2") != NULL);
    CHECK(em_fetch_catalogue_find("") == NULL);
}

/* Without a network: the files are there, and the pins are asked. */
static void folders_are_checked_in_place(void)
{
    static em_fetch_result result;
    static em_pins pins;
    em_fetch_http http = {.wait_ms = 1000};
    const em_fetch_options options = {.from = "http://127.0.0.1:1",
                                      .repository = "a/b",
                                      .revision = COMMIT,
                                      .folder = folder_path("in/place"),
                                      .pins = &pins,
                                      .limit = 1 << 20};
    static const char empty[] =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    pins = (em_pins){0};
    CHECK_OK(em_fetch_http_start(&http));
    CHECK_OK(em_pins_add(&pins, text_of("empty"), text_of(empty), &problem));
    CHECK_ERR(em_fetch_run(&http, &options, &problem, &result), EM_ERR_CONNECT);
    folder_write(folder_path("in/place/empty"), (em_bytes){0});
    CHECK_OK(em_fetch_run(&http, &options, &problem, &result));
    CHECK(result.pins.n == 1 && result.state[0] == EM_FETCH_HAD && result.received == 0);
    folder_write(folder_path("in/place/empty"), EM_STR("x"));
    CHECK_PROBLEM(em_fetch_run(&http, &options, &problem, &result), EM_ERR_PIN, "empty",
                  "e3b0c442");
    em_fetch_http_drop(&http);
}

static void the_real_model_is_what_the_catalogue_says(void)
{
    static em_fetch_result result;
    static em_pins pins;
    const char *real = test_minilm();
    em_fetch_http http = {.wait_ms = 1000};

    if (real == NULL) {
        test_skip("the_real_model", "its files are not here (mk/model.sh fetches them)");
        return;
    }
    CHECK_OK(em_fetch_catalogue_pins(em_fetch_catalogue_find("all-minilm-l6-v2"), &pins));
    const em_fetch_options options = {.from = "http://127.0.0.1:1",
                                      .repository = pins.repository,
                                      .revision = pins.revision,
                                      .folder = real,
                                      .pins = &pins,
                                      .limit = 1 << 30};
    CHECK_OK(em_fetch_http_start(&http));
    CHECK_OK(em_fetch_run(&http, &options, &problem, &result));
    em_fetch_http_drop(&http);
    for (size_t i = 0; i < result.pins.n; i++) {
        CHECK(result.state[i] == EM_FETCH_HAD);
        CHECK(result.pins.pin[i].len == pins.pin[i].len);
    }
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    folder_begin();
    RUN(names_of_files);
    RUN(names_of_repositories);
    RUN(a_list_reads_and_writes);
    RUN(bad_lists_are_refused_by_line);
    RUN(lists_have_limits);
    RUN(urls);
    RUN(the_catalogue_is_in_order);
    RUN(folders_are_checked_in_place);
    RUN(the_real_model_is_what_the_catalogue_says);
    return test_end();
}
