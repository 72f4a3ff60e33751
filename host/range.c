#include "host/range.h"

/* Digits only; what does not fit 64 bits is as good as the largest number that does. */
static em_err number(em_bytes text, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (text.len == 0) return EM_ERR_RANGE;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') return EM_ERR_RANGE;
        uint64_t digit = (uint64_t)(text.at[i] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *ret_value = value;
    return EM_OK;
}

em_err em_range_parse(em_bytes header, uint64_t size, em_range *ret_range)
{
    static const char unit[] = "bytes=";
    const size_t unit_len = sizeof unit - 1;
    uint64_t first = 0, last = UINT64_MAX;

    if (header.len < unit_len || memcmp(header.at, unit, unit_len) != 0)
        return EM_ERR_RANGE;
    em_bytes rest = em_view(header.at + unit_len, header.len - unit_len);
    const uint8_t *dash = rest.len == 0 ? NULL : memchr(rest.at, '-', rest.len);
    if (dash == NULL) return EM_ERR_RANGE;
    em_bytes before = em_view(rest.at, (size_t)(dash - rest.at));
    em_bytes behind = em_view(dash + 1, rest.len - before.len - 1);

    if (before.len == 0) {
        uint64_t suffix = 0;
        EM_TRY(number(behind, &suffix));
        if (suffix == 0 || size == 0) return EM_ERR_RANGE;
        first = suffix >= size ? 0 : size - suffix;
    } else {
        EM_TRY(number(before, &first));
        if (behind.len > 0) EM_TRY(number(behind, &last));
    }
    if (last < first || first >= size) return EM_ERR_RANGE;
    if (last >= size) last = size - 1;
    *ret_range = (em_range){.first = first, .len = last - first + 1};
    return EM_OK;
}
