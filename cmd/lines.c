#include "cmd/lines.h"

#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

void em_lines_escape(em_bytes bytes, char *text, size_t cap)
{
    size_t at = 0;

    for (size_t i = 0; i < bytes.len && at + 5 < cap; i++) {
        uint8_t c = bytes.at[i];
        if (c >= ' ' && c < 127 && c != '\\')
            text[at++] = (char)c;
        else
            at += (size_t)snprintf(text + at, cap - at, "\\x%02x", c);
    }
    text[at] = 0;
}

void em_lines_time(uint64_t ms, char text[EM_LINES_TIME])
{
    em_out o = em_out_over(text, EM_LINES_TIME - 1);

    em_text_put_time(&o, ms);
    text[o.len] = 0;
}

void em_lines_put_hex(em_bytes bytes, char *text)
{
    em_out o = em_out_over(text, 2 * bytes.len);

    em_write_hex(&o, bytes);
    text[o.len] = 0;
}

json_t *em_lines_hex(em_bytes bytes)
{
    char *text = malloc(2 * bytes.len + 1);
    if (text == NULL) return json_null();

    em_lines_put_hex(bytes, text);
    json_t *json = json_string(text);
    free(text);
    return json;
}

static const char *word_of(em_result result)
{
    return result == EM_RESULT_PASS ? "PASS" : result == EM_RESULT_FAIL ? "FAIL" : "SKIP";
}

void em_lines_print(const em_report *report)
{
    for (int i = 0; i < EM_CHECK_COUNT_; i++) {
        const em_report_line *line = &report->line[i];
        em_check check = (em_check)i;
        if (line->result == EM_RESULT_NONE) continue;
        printf("%s  %-4s %-20s %s", word_of(line->result), em_report_clause(check),
               em_report_name(check), em_report_text(check));
        if (line->result == EM_RESULT_FAIL) {
            char subject[EM_REPORT_SUBJECT * 4 + 1] = "";
            if (check == report->failed)
                em_lines_escape(em_view(report->subject, report->subject_len), subject,
                                sizeof subject);
            printf(": NO: %s (%s%s%s)", em_err_text(line->err), em_err_name(line->err),
                   subject[0] != 0 ? ": " : "", subject);
        }
        if (line->result == EM_RESULT_SKIP)
            printf(": %s", em_report_skip_text((em_skip)line->detail));
        printf("\n");
    }
}

json_t *em_lines_json(const em_report *report)
{
    json_t *list = json_array();

    for (int i = 0; i < EM_CHECK_COUNT_; i++) {
        const em_report_line *line = &report->line[i];
        em_check check = (em_check)i;
        if (line->result == EM_RESULT_NONE) continue;
        json_t *row = json_pack("{s:s,s:s,s:s}", "name", em_report_name(check), "clause",
                                em_report_clause(check), "result",
                                em_report_result_name(line->result));
        if (line->result == EM_RESULT_FAIL) {
            char subject[EM_REPORT_SUBJECT * 4 + 1] = "";
            json_object_set_new(row, "error", json_string(em_err_name(line->err)));
            if (check == report->failed)
                em_lines_escape(em_view(report->subject, report->subject_len), subject,
                                sizeof subject);
            if (subject[0] != 0)
                json_object_set_new(row, "subject", json_string(subject));
        }
        if (line->result == EM_RESULT_SKIP)
            json_object_set_new(row, "why",
                                json_string(em_report_skip_text((em_skip)line->detail)));
        json_array_append_new(list, row);
    }
    return list;
}

em_lines_count em_lines_of(const em_report *report)
{
    em_lines_count n = {0};

    for (int i = 0; i < EM_CHECK_COUNT_; i++) {
        n.pass += report->line[i].result == EM_RESULT_PASS;
        n.fail += report->line[i].result == EM_RESULT_FAIL;
        n.skip += report->line[i].result == EM_RESULT_SKIP;
    }
    return n;
}
