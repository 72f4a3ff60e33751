#include "os/note.h"
#include "base/write.h"
#include "os/clock.h"

#include <errno.h>
#include <unistd.h>

static const char *const *event_names;
static size_t event_count;

void em_note_names(const char *const *names, size_t n)
{
    event_names = names;
    event_count = n;
}

/* Seconds since the machine started, with three decimals. */
static void write_time(em_out *o)
{
    uint64_t now = em_clock_monotonic_ms(), part = now % 1000;

    em_write_decimal(o, now / 1000);
    em_write_bytes(o, EM_STR("."));
    if (part < 100) em_write_bytes(o, EM_STR("0"));
    if (part < 10) em_write_bytes(o, EM_STR("0"));
    em_write_decimal(o, part);
}

void em_note(em_event what, uint64_t a, uint64_t b)
{
    uint8_t line[256];
    em_out o = EM_OUT(line);

    em_write_bytes(&o, EM_STR("em-enclave "));
    write_time(&o);
    em_write_bytes(&o, EM_STR(" "));
    if (what < event_count)
        em_write_bytes(&o, em_view(event_names[what], strlen(event_names[what])));
    else
        em_write_decimal(&o, what);
    em_write_bytes(&o, EM_STR(" "));
    em_write_decimal(&o, a);
    em_write_bytes(&o, EM_STR(" "));
    em_write_decimal(&o, b);
    em_write_bytes(&o, EM_STR("\n"));

    int before = errno;
    em_bytes text = em_write_view(&o);
    (void)!write(STDERR_FILENO, text.at, text.len); /* nobody to tell */
    errno = before;
}
