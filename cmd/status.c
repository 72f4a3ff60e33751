#include "cmd/dial.h"
#include "cmd/group.h"
#include "cmd/lines.h"
#include "wire/text.h"

#include <jansson.h>
#include <stdio.h>

static const char program[] = "em status";

static const struct {
    unsigned bit;
    const char *name;
} ops[] = {{EM_CLIENT_OP_EMBED, "embed"},
           {EM_CLIENT_OP_CLASSIFY, "classify"},
           {EM_CLIENT_OP_RERANK, "rerank"}};

/* What the manifest adds: ops, labels, activation, prompts. */
static void add_words(json_t *model, const em_client_model *m)
{
    json_t *does = json_array(), *labels = json_array(), *prompts = json_object();

    for (size_t i = 0; i < EM_COUNT(ops); i++)
        if (m->ops & ops[i].bit) json_array_append_new(does, json_string(ops[i].name));
    for (size_t i = 0; i < m->n_labels; i++)
        json_array_append_new(labels, json_string(m->label[i]));
    for (size_t i = 0; i < m->n_prompts; i++)
        json_object_set_new(prompts, m->prompt[i].name, json_string(m->prompt[i].text));
    json_object_set_new(model, "ops", does);
    json_object_set_new(model, "labels", labels);
    json_object_set_new(model, "activation", json_string(m->activation));
    json_object_set_new(model, "prompts", prompts);
}

static void print_words(const em_client_model *m)
{
    enum { SHOWN = 12 };

    const char *between = "    for";

    for (size_t i = 0; i < EM_COUNT(ops); i++) {
        if (!(m->ops & ops[i].bit)) continue;
        printf("%s em %s", between, ops[i].name);
        between = " and";
    }
    printf("\n");
    if (m->n_labels > 0) {
        printf("    labels (%s):", m->activation);
        for (size_t i = 0; i < m->n_labels && i < SHOWN; i++)
            printf("%s %s", i > 0 ? "," : "", m->label[i]);
        printf(m->n_labels > SHOWN ? " ... %zu of them\n" : "\n", m->n_labels);
    }
    for (size_t i = 0; i < m->n_prompts; i++) {
        const char *text = m->prompt[i].text;
        char shown[4 * EM_MAX_PROMPT + 8];
        em_lines_escape(em_view(text, strlen(text)), shown, sizeof shown);
        printf("    prompt %s: \"%s\"\n", m->prompt[i].name, shown);
    }
}

static json_t *to_json(const em_client_status *s, const em_client_model *m, size_t n)
{
    json_t *models = json_array();

    for (size_t i = 0; i < n; i++) {
        char hash[65];
        em_lines_put_hex(EM_BYTES(m[i].manifest), hash);
        json_t *model = json_pack(
            "{s:s,s:s,s:I,s:s,s:s,s:i,s:i}", "id", m[i].id, "version", m[i].version,
            "number", (json_int_t)m[i].number, "profile", m[i].profile, "manifest", hash,
            "dim", (int)m[i].dim, "max_tokens", (int)m[i].max_tokens);
        add_words(model, &m[i]);
        json_array_append_new(models, model);
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:o}", "mode", s->mode,
                     "deployment", s->deployment, "configuration", s->configuration,
                     "software", s->software, "uptime_ms", (json_int_t)s->uptime_ms,
                     "session_left_ms", (json_int_t)s->left_ms, "bytes_in",
                     (json_int_t)s->bytes_in, "bytes_out", (json_int_t)s->bytes_out,
                     "models", models);
}

static void print_people(const em_client_status *s, const em_client_model *m, size_t n)
{
    char until[40] = "";

    printf("deployment %s, configuration %s, em-enclave %s, %s, up %llu s\n",
           s->deployment, s->configuration, s->software, s->mode,
           (unsigned long long)s->uptime_ms / 1000);
    for (size_t i = 0; i < n; i++) {
        em_out o = em_out_over(until, sizeof until - 1);
        em_text_put_time(&o, m[i].not_after_ms);
        until[o.len] = 0;
        printf("model %s %s (number %llu): %u numbers, at most %u tokens, %s, until %s\n",
               m[i].id, m[i].version, (unsigned long long)m[i].number, m[i].dim,
               m[i].max_tokens, m[i].profile, until);
        print_words(&m[i]);
    }
}

int em_status_command(int argc, char **argv)
{
    em_dial dial = {0};
    em_client_error error;
    em_client_model models[8];
    em_client_status status;
    size_t n_models = 0, n;
    bool json = false;
    em_arg table[EM_DIAL_ARGS + 1] = {
        [EM_DIAL_ARGS] = {.name = "json", .help = "one JSON object", .flag = &json}};
    const em_args args = {.program = program,
                          .summary = "ask an enclave for its models and state",
                          .usage = "--to ADDR --deployment NAME --policy FILE [--json]",
                          .arg = table,
                          .n = EM_COUNT(table)};
    char **rest;

    em_dial_args(&dial, table);
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    int code = em_dial_open(&dial, program, json);
    if (code == EM_EXIT_OK) {
        em_dial_tell(&dial);
        if (em_client_models(dial.client, models, &n_models, &error) != EM_CLIENT_OK ||
            em_client_status_of(dial.client, &status, &error) != EM_CLIENT_OK) {
            code = em_dial_fail(program, &error, json);
        } else if (json) {
            json_t *out = to_json(&status, models, n_models);
            json_dumpf(out, stdout, JSON_COMPACT);
            printf("\n");
            json_decref(out);
        } else {
            print_people(&status, models, n_models);
        }
    }
    em_dial_drop(&dial);
    return code;
}
