/* version.c: the version of the library that runs. */
#include "yolotrain/version.h"

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

int yt_version(void) {
    return YT_VERSION;
}

const char *yt_version_text(void) {
    return TEXT(YT_VERSION_MAJOR) "." TEXT(YT_VERSION_MINOR) "." TEXT(YT_VERSION_PATCH);
}
