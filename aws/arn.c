#include "aws/arn.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* What stands in front of the next colon, which is taken too. */
static em_bytes take_part(em_bytes *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->at, ':', rest->len) : NULL;
    em_bytes part = {rest->at, end == NULL ? rest->len : (size_t)(end - rest->at)};
    size_t used = end == NULL ? part.len : part.len + 1;

    if (used > 0) *rest = em_view(rest->at + used, rest->len - used);
    return part;
}

static bool is_partition(em_bytes text)
{
    return em_same(text, EM_STR("aws")) || em_same(text, EM_STR("aws-cn")) ||
           em_same(text, EM_STR("aws-us-gov"));
}

/* us-east-1: becomes a label of a host name. */
static bool is_region(em_bytes text)
{
    if (text.len < 3 || text.len > 32) return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool at_end = i == 0 || i == text.len - 1;
        if (!is_digit(c) && !(c >= 'a' && c <= 'z') && (c != '-' || at_end)) return false;
    }
    return true;
}

static bool is_account(em_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_digit(text.at[i])) return false;
    return text.len == 12;
}

/* A UUID, or a multi-region key's mrk- and 32 digits. */
static bool is_key_id(em_bytes text)
{
    static const char uuid[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
    static const char mrk[] = "mrk-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh";
    const char *shape = text.len > 0 && text.at[0] == 'm' ? mrk : uuid;

    if (text.len != sizeof uuid - 1) return false; /* both have 36 characters */
    for (size_t i = 0; i < text.len; i++)
        if (shape[i] == 'h' ? !is_hex(text.at[i]) : text.at[i] != (uint8_t)shape[i])
            return false;
    return true;
}

em_err em_arn_parse(em_bytes text, em_arn *ret_arn)
{
    const em_bytes key = EM_STR("key/");
    em_bytes rest = text;

    if (text.len > EM_ARN_MAX) return EM_ERR_FORMAT;
    if (!em_same(take_part(&rest), EM_STR("arn"))) return EM_ERR_FORMAT;
    em_arn arn = {.partition = take_part(&rest)};
    if (!em_same(take_part(&rest), EM_STR("kms"))) return EM_ERR_FORMAT;
    arn.region = take_part(&rest);
    arn.account = take_part(&rest);
    if (rest.len < key.len || !em_same(em_view(rest.at, key.len), key))
        return EM_ERR_FORMAT;
    arn.key_id = em_view(rest.at + key.len, rest.len - key.len);
    if (!is_partition(arn.partition) || !is_region(arn.region) ||
        !is_account(arn.account) || !is_key_id(arn.key_id))
        return EM_ERR_FORMAT;
    *ret_arn = arn;
    return EM_OK;
}

void em_arn_put_host(em_out *o, const em_arn *arn)
{
    em_write_bytes(o, EM_STR("kms."));
    em_write_bytes(o, arn->region);
    em_write_bytes(o, EM_STR(".amazonaws.com"));
    if (em_same(arn->partition, EM_STR("aws-cn"))) em_write_bytes(o, EM_STR(".cn"));
}
