#include "base/model.h"

em_err em_model_tensor_len(em_layout layout, uint32_t rows, uint32_t cols,
                           uint64_t *ret_len)
{
    static const struct {
        uint8_t bytes, rows, cols; /* of a number; what rows and columns are rounded to */
    } of[] = {
        [EM_LAYOUT_ROWS] = {4, 1, 1},          [EM_LAYOUT_PANEL16] = {4, 16, 1},
        [EM_LAYOUT_ROWS_BF16] = {2, 1, 1},     [EM_LAYOUT_PANEL16_BF16] = {2, 16, 1},
        [EM_LAYOUT_PANEL16_INT8] = {1, 16, 4}, [EM_LAYOUT_ROWS_I32] = {4, 1, 1},
    };
    uint64_t high, wide, len;

    if (layout < EM_LAYOUT_ROWS || layout >= EM_LAYOUT_COUNT_) return EM_ERR_RANGE;
    high = ((uint64_t)rows + of[layout].rows - 1) / of[layout].rows * of[layout].rows;
    wide = ((uint64_t)cols + of[layout].cols - 1) / of[layout].cols * of[layout].cols;
    if (__builtin_mul_overflow(high * of[layout].bytes, wide, &len)) return EM_ERR_LIMIT;
    *ret_len = len;
    return EM_OK;
}
