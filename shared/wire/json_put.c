#include "wire/json_put.h"

static void put_byte(em_out *o, uint8_t byte)
{
    if (byte == '"' || byte == '\\') {
        em_write_u8(o, '\\');
        em_write_u8(o, byte);
    } else if (byte < 0x20) {
        em_write_bytes(o, EM_STR("\\u00"));
        em_write_hex(o, em_view(&byte, 1));
    } else {
        em_write_u8(o, byte);
    }
}

void em_json_put_text(em_out *o, em_bytes text)
{
    if (!em_is_utf8(text)) em_write_fail(o, EM_ERR_JSON_NOT_UTF8);
    em_write_u8(o, '"');
    for (size_t i = 0; i < text.len; i++) put_byte(o, text.at[i]);
    em_write_u8(o, '"');
}

void em_json_put_str(em_out *o, const char *text)
{
    em_json_put_text(o, em_view(text, strlen(text)));
}
