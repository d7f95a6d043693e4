/* replay.c: reads every file of the named folders through the fuzzed reader, for builds without libFuzzer. */
#include "base/file.h"
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_BYTES = 1 << 26, MAX_PATH = 4096 };

static int replay_folder(const char *folder) {
    struct dirent **entries;
    const int count = scandir(folder, &entries, NULL, alphasort);
    int replayed = 0;
    for (int i = 0; i < count; i++) {
        char path[MAX_PATH], *data = NULL;
        size_t size = 0;
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && yti_file_read(path, MAX_BYTES, &data, &size, NULL) == YT_OK) {
            LLVMFuzzerTestOneInput((const uint8_t *)data, size);
            replayed++;
        }
        free(data);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return replayed;
}

int main(int argc, char **argv) {
    int replayed = 0;
    for (int i = 1; i < argc; i++) replayed += replay_folder(argv[i]);
    printf("%d files read\n", replayed);
    return replayed > 0 ? 0 : 1; /* an empty corpus checks nothing */
}
