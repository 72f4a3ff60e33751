/* Replays a corpus folder through LLVMFuzzerTestOneInput without an engine, so that every
 * test run on every compiler sees every input that fuzzing ever found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    unsigned n = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

    if (dir == NULL) {
        printf("not ok replay: no corpus folder\n");
        return 1;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[1024];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        FILE *f = fopen(path, "rb");
        if (f == NULL) continue;
        fseek(f, 0, SEEK_END);
        long len = ftell(f);
        rewind(f);
        uint8_t *at = malloc(len > 0 ? (size_t)len : 1);
        if (at == NULL || fread(at, 1, (size_t)len, f) != (size_t)len) {
            printf("not ok replay: %s cannot be read\n", path);
            return 1;
        }
        fclose(f);
        LLVMFuzzerTestOneInput(at, (size_t)len);
        free(at);
        n++;
    }
    closedir(dir);
    printf("%s replay of %u inputs of %s\n", n > 0 ? "ok" : "not ok", n, argv[1]);
    return n > 0 ? 0 : 1;
}
