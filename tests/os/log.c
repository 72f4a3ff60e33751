/* The lines that programs write: structured, bounded, never torn. */
#include "os/log.h"
#include "os/note.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

static char got[1 << 17];

/* What `write` puts on standard error. */
static void capture(void (*write_lines)(void))
{
    char path[] = "/tmp/em-test-log-XXXXXX";
    int fd = mkstemp(path), before = dup(2);

    fflush(stderr);
    dup2(fd, 2);
    write_lines();
    dup2(before, 2);
    close(before);
    ssize_t n = pread(fd, got, sizeof got - 1, 0);
    got[n > 0 ? n : 0] = 0;
    close(fd);
    unlink(path);
}

static em_address peer = {.kind = EM_ADDRESS_TCP, .port = 40112, .name = "127.0.0.1"};
static em_address odd = {.kind = EM_ADDRESS_UNIX, .name = "/tmp/a\"b\\c d\n\x01\xFF"};

static void lines(void)
{
    EM_LOG(EM_LOG_DEBUG, "not.this");
    EM_LOG(EM_LOG_INFO, "plain");
    EM_LOG(EM_LOG_WARN, "relay.open", EM_LOG_ADDRESS("peer", &peer),
           EM_LOG_NUMBER("open", UINT64_MAX), EM_LOG_TEXT("state", "half-open"),
           EM_LOG_ERR("why", EM_ERR_TIMEOUT), EM_LOG_ADDRESS("odd", &odd),
           EM_LOG_NUMBER("zero", 0));
}

static void text_lines(void)
{
    int year, month, day, hour, minute, second, ms;
    char level[16], rest[512];

    em_log_setup(EM_LOG_INFO, false);
    capture(lines);
    CHECK(strstr(got, "not.this") == NULL);
    char *second_line = strchr(got, '\n');
    REQUIRE(second_line != NULL);
    CHECK(sscanf(second_line + 1, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %15s %511[^\n]", &year,
                 &month, &day, &hour, &minute, &second, &ms, level, rest) == 9);
    CHECK(year >= 2024 && month >= 1 && month <= 12 && day >= 1 &&
          strcmp(level, "warn") == 0);
    CHECK(strcmp(rest,
                 "relay.open peer=tcp:127.0.0.1:40112 open=18446744073709551615 "
                 "state=half-open why=TIMEOUT odd=unix:/tmp/a?b?c?d??? zero=0") == 0);
}

static void json_lines(void)
{
    em_log_setup(EM_LOG_DEBUG, true);
    capture(lines);
    size_t n = 0;
    for (char *line = strtok(got, "\n"); line != NULL; line = strtok(NULL, "\n"), n++) {
        json_error_t error;
        json_t *j =
            json_loads(line, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
        CHECK(j != NULL);
        CHECK(json_is_string(json_object_get(j, "time")));
        CHECK(json_is_string(json_object_get(j, "event")));
        if (n == 2) {
            CHECK(strcmp(json_string_value(json_object_get(j, "peer")),
                         "tcp:127.0.0.1:40112") == 0);
            CHECK(json_real_value(json_object_get(j, "zero")) == 0.0);
            CHECK(json_object_size(j) == 9);
        }
        json_decref(j);
    }
    CHECK(n == 3);
}

static em_address longest;

static void long_lines(void)
{
    longest.kind = EM_ADDRESS_UNIX;
    memset(longest.name, 'p', sizeof longest.name - 1);
    EM_LOG(EM_LOG_ERROR, "long", EM_LOG_ADDRESS("a", &longest),
           EM_LOG_ADDRESS("b", &longest), EM_LOG_ADDRESS("c", &longest),
           EM_LOG_ADDRESS("d", &longest), EM_LOG_NUMBER("e", 5));
}

static void a_line_that_is_too_long_stays_whole(void)
{
    em_log_setup(EM_LOG_INFO, true);
    capture(long_lines);
    size_t len = strlen(got);
    CHECK(len <= 1024 && len > 700 && got[len - 1] == '\n');
    json_error_t error;
    json_t *j = json_loads(got, 0, &error);
    CHECK(j != NULL && json_object_get(j, "c") != NULL &&
          json_object_get(j, "d") == NULL);
    json_decref(j);
}

static void write_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) EM_LOG(EM_LOG_INFO, "many", EM_LOG_NUMBER("x", 123456));
}

static void many_lines(void)
{
    em_thread t[3] = {0};
    for (int i = 0; i < 3; i++) (void)!em_thread_start(write_many, NULL, "log", &t[i]);
    for (int i = 0; i < 3; i++) em_thread_drop(&t[i]);
}

static void lines_of_threads_do_not_mix(void)
{
    size_t n = 0;

    em_log_setup(EM_LOG_INFO, false);
    capture(many_lines);
    for (char *line = strtok(got, "\n"); line != NULL; line = strtok(NULL, "\n"), n++)
        CHECK(strlen(line) == 24 + 5 + 5 + 9 && strcmp(line + 34, " x=123456") == 0);
    CHECK(n == 600);
}

static void quiet_is_quiet_and_levels_have_names(void)
{
    em_log_level l = EM_LOG_INFO;

    em_log_setup(EM_LOG_QUIET, false);
    capture(lines);
    CHECK(got[0] == 0);
    CHECK_OK(em_log_level_parse(EM_STR("error"), &l));
    CHECK(l == EM_LOG_ERROR);
    CHECK_OK(em_log_level_parse(EM_STR("quiet"), &l));
    CHECK_ERR(em_log_level_parse(EM_STR("Error"), &l), EM_ERR_RANGE);
    CHECK_ERR(em_log_level_parse(EM_STR(""), &l), EM_ERR_RANGE);
    CHECK(l == EM_LOG_QUIET);
}

static void note_twice(void)
{
    static const char *const names[] = {"boot", "session_open"};

    em_note(1, 2, 3);
    em_note_names(names, 2);
    em_note(1, UINT64_MAX, 0);
    em_note(2, 0, 0);
}

static void a_note_is_a_name_and_two_integers(void)
{
    unsigned long a, b;
    char fraction[8];

    capture(note_twice);
    char *line = strtok(got, "\n");
    REQUIRE(line != NULL);
    CHECK(sscanf(line, "em-enclave %lu.%7[0-9] 1 2 3", &a, fraction) == 2);
    CHECK(strlen(fraction) == 3);
    line = strtok(NULL, "\n");
    REQUIRE(line != NULL);
    CHECK(sscanf(line, "em-enclave %lu.%lu", &a, &b) == 2);
    CHECK(strstr(line, " session_open 18446744073709551615 0") != NULL);
    line = strtok(NULL, "\n");
    REQUIRE(line != NULL);
    CHECK(strcmp(line + strlen(line) - 6, " 2 0 0") == 0);
}

int main(void)
{
    RUN(text_lines);
    RUN(json_lines);
    RUN(a_line_that_is_too_long_stays_whole);
    RUN(lines_of_threads_do_not_mix);
    RUN(quiet_is_quiet_and_levels_have_names);
    RUN(a_note_is_a_name_and_two_integers);
    return test_end();
}
