#include "cmd/embed_run.h"
#include "cmd/group.h"

#include <stdio.h>

static const char program[] = "em embed";

typedef struct embed_options {
    em_dial dial;
    em_arg_list file;
    const char *model, *evidence, *prompt, *field, *format, *out;
    uint64_t batch;
    bool json, jsonl, refuse;
} embed_options;

static int wrong(const char *what)
{
    fprintf(stderr, "%s: %s\ntry: %s --help\n", program, what, program);
    return EM_EXIT_CANNOT;
}

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);

    return len > tail && memcmp(text + len - tail, end, tail) == 0;
}

/* What is written where nothing is said: what a person reads for a few texts, what a
 * program reads otherwise. */
static em_embed_format usual_format(const embed_options *o)
{
    if (o->out != NULL && ends_in(o->out, ".npy")) return EM_EMBED_NPY;
    if (o->out != NULL && ends_in(o->out, ".f32")) return EM_EMBED_F32;
    return o->json || o->jsonl || o->out != NULL || o->file.n > 0 ? EM_EMBED_JSONL
                                                                  : EM_EMBED_PEOPLE;
}

static int embed(embed_options *o, const char *const *words, size_t n)
{
    static const char *const standard_input[] = {"-"};
    em_embed_in in;
    em_embed_run run = {.program = program,
                        .dial = &o->dial,
                        .model = o->model,
                        .evidence = o->evidence,
                        .prompt = o->prompt,
                        .refuse = o->refuse,
                        .json = o->json,
                        .most = (size_t)o->batch,
                        .in = &in,
                        .format = usual_format(o),
                        .out = o->out};

    if (o->format != NULL && !em_embed_out_format(o->format, &run.format))
        return wrong("--format is text, jsonl, npy or f32");
    if (o->json && run.format != EM_EMBED_JSONL)
        return wrong("--json is --format jsonl: leave one of the two out");
    if (o->batch < 1 || o->batch > EM_MAX_INPUTS) return wrong("--batch is 1 to 1024");
    if (o->field != NULL && !o->jsonl) return wrong("--field goes with --jsonl");
    if (n > 0 && (o->file.n > 0 || o->jsonl))
        return wrong("texts come from arguments or from files, not from both");
    if (n > 0) {
        em_embed_in_words(&in, words, n);
        run.expected = n;
    } else {
        const char *const *file = o->file.n > 0 ? o->file.at : standard_input;
        em_embed_in_files(&in, file, o->file.n > 0 ? o->file.n : 1,
                          !o->jsonl          ? NULL
                          : o->field != NULL ? o->field
                                             : "text");
    }
    int code = em_embed_run_all(&run);
    em_embed_in_drop(&in);
    return code;
}

int em_embed_command(int argc, char **argv)
{
    static embed_options o = {.batch = EM_MAX_INPUTS};
    em_arg table[EM_DIAL_ARGS + 12] = {
        [EM_DIAL_ARGS] = {.name = "model",
                          .letter = 'm',
                          .value = "ID",
                          .help = "which model, where the enclave serves several",
                          .text = &o.model},
        {.name = "prompt",
         .letter = 'P',
         .value = "NAME",
         .help = "put this prompt of the model's before every text: models\ntrained "
                 "with \"query: \" want it (em status lists them)",
         .text = &o.prompt},
        {.name = "file",
         .letter = 'f',
         .value = "FILE",
         .help = "texts from a file, one a line; - is standard input;\nmay be given many "
                 "times",
         .each = &o.file},
        {.name = "jsonl",
         .help = "each line is a JSON text, or an object with the text\nin \"text\"; its "
                 "\"id\" (text or integer) goes with the vector",
         .flag = &o.jsonl},
        {.name = "field",
         .value = "NAME",
         .help = "the member that is the text (text)",
         .text = &o.field},
        {.name = "format",
         .value = "FORMAT",
         .help = "text: for people (what arguments and standard input give)\n"
                 "jsonl: an object a text (with --json, --jsonl, --file, --out)\n"
                 "npy: a NumPy file (with --out X.npy)\n"
                 "f32: rows of little-endian float32 (with --out X.f32)",
         .text = &o.format},
        {.name = "out",
         .letter = 'o',
         .value = "FILE",
         .help = "write there; FILE.part until it is whole",
         .text = &o.out},
        {.name = "evidence",
         .letter = 'e',
         .value = "FILE",
         .help =
             "write an evidence file: em verify FILE checks it, years\nlater; further "
             "requests go to FILE.2, FILE.3 ...",
         .text = &o.evidence},
        {.name = "batch",
         .value = "N",
         .help = "texts in one request (1024): fewer give answers sooner",
         .number = &o.batch},
        {.name = "refuse-truncation",
         .help = "an error where a text is too long for the model, instead of a cut",
         .flag = &o.refuse},
        {.name = "no-truncate", .help = "the same", .flag = &o.refuse},
        {.name = "json",
         .help = "one JSON object a text, with its whole vector; errors too",
         .flag = &o.json},
    };
    const em_args args = {
        .program = program,
        .summary = "turn texts into vectors inside an attested enclave",
        .usage = "--to ADDR --deployment NAME --policy FILE [options] [TEXT...]",
        .details =
            "Without TEXT and --file, every line of standard input is one text.  Input "
            "of "
            "any\nlength is cut into requests of at most 1024 texts and 8 MiB; vectors "
            "are "
            "written\nas they come, in order.  Where a line is bad (not UTF-8, NUL, "
            "broken "
            "JSON), those\nbefore it are still written, and the error names the line.\n\n"
            "The enclave is verified before a byte of a text is sent, and every receipt\n"
            "before a vector is printed.\n\n"
            "exit codes: 0 done, 1 refused, 2 could not run, 3 truncated, 130 "
            "interrupted\n",
        .arg = table,
        .n = EM_COUNT(table),
        .max = EM_MAX_INPUTS};
    char **rest;
    size_t n;

    em_dial_args(&o.dial, table);
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    int code = embed(&o, (const char *const *)rest, n);
    em_dial_drop(&o.dial);
    return code;
}
