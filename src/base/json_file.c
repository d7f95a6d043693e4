/* json_file.c: see json_file.h. */
#include "base/json_file.h"
#include "base/file.h"

#include <cjson/cJSON.h>

yt_status yti_json_write(cJSON *json, const char *path, yt_err *err) {
    char *text = json ? cJSON_Print(json) : NULL;
    cJSON_Delete(json);
    if (!text) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory", path);
    yti_file_writer writer;
    yt_status status = yti_file_writer_open(path, &writer, err);
    if (status == YT_OK) {
        fprintf(writer.stream, "%s\n", text);
        status = yti_file_writer_commit(&writer, err);
    }
    cJSON_free(text);
    return status;
}
