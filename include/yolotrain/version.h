/* version.h: the version of the library, and which functions are part of it. */
#ifndef YOLOTRAIN_VERSION_H
#define YOLOTRAIN_VERSION_H

/* Semantic versioning of everything that yolotrain.h includes: while the major version is 0, a new minor version may
 * change it, and the library's SOVERSION with it. CMakeLists.txt reads the version of the project from here. */
#define YT_VERSION_MAJOR 0
#define YT_VERSION_MINOR 1
#define YT_VERSION_PATCH 0

/* One number, to compare: 0.1.0 is 100. */
#define YT_VERSION (YT_VERSION_MAJOR * 10000 + YT_VERSION_MINOR * 100 + YT_VERSION_PATCH)

/* The functions of the library; everything else in it is hidden. */
#if defined(__GNUC__)
#    define YT_API                 __attribute__((visibility("default")))
#    define YT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#    define YT_API
#    define YT_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* YT_VERSION of the library that runs, which a program compares with that of the headers it was built with. Cannot
 * fail. */
YT_API int yt_version(void);

/* "0.1.0". Lent for the life of the process. */
YT_API const char *yt_version_text(void);

#ifdef __cplusplus
}
#endif

#endif
