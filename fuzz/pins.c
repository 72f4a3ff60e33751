/* covers: tools/pins.c
 *
 * A list of pinned files.  What is taken names files inside a folder, and reads the same
 * once it is written. */
#include "tools/pins.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t text[EM_MAX_SOURCES * (EM_PINS_NAME + 70) + 512];
    static em_pins pins, again;
    em_problem problem = {0};
    em_out o = EM_OUT(text);

    pins = again = (em_pins){0};
    if (em_pins_read(em_view(data, size), "pins", &problem, &pins) != EM_OK) return 0;
    for (size_t i = 0; i < pins.n; i++)
        if (!em_pins_is_file(em_view(pins.pin[i].name, strlen(pins.pin[i].name))))
            abort();
    em_pins_put(&o, &pins);
    if (em_write_end(&o) != EM_OK) abort();
    if (em_pins_read(em_write_view(&o), "pins", &problem, &again) != EM_OK) abort();
    if (memcmp(&pins, &again, sizeof pins) != 0) abort();
    return 0;
}
