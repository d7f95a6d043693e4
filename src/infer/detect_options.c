/* detect_options.c: the words and meanings of detect_options.h. */
#include "infer/detect_options.h"
#include "base/cpu.h"

const char *const yti_nms_words[] = {
#define NMS_WORD(code, word) word,
    YT_NMS_MAP(NMS_WORD)
#undef NMS_WORD
        NULL};

yti_nms yti_nms_of(const yti_option_value *value) {
    return (yti_nms)value->number;
}

int yti_threads_of(const yti_option_value *value) {
    return value->is_auto ? yti_cpu_cores() : (int)value->number;
}
