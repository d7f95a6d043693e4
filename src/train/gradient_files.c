/* gradient_files.c: gradients.csv, in long form, one row per number:
 *
 *   step,epoch,layer,name,kind,stat,value
 *
 * step is the number of batches done before that one (0: at initialisation), epoch counts from 1 as in results.csv,
 * layer is the row of the model YAML, name a parameter, the module of a row or the path of a block in it; kind and stat
 * are words of the tables in flow.h. Numbers that are not known are left out.
 */
#include "train/gradient_files.h"
#include "train/csv_log.h"
#include "yt/file.h"

#include <stdlib.h>

yt_status yti_gradient_files_open(yti_gradient_files *files, const yt_train_info *info, yt_err *err) {
    files->csv_path = yt_path_join(info->folder, "gradients.csv");
    if (!files->csv_path) return yt_fail(err, YT_NO_MEMORY, "no memory for the name of gradients.csv");
    return yt_csv_open(files->csv_path, "step,epoch,layer,name,kind,stat,value", info->first_step,
                       &files->csv, err);
}

static void write_record(FILE *file, const yti_flow_step *step, const yti_flow_record *r) {
    for (int s = 0; s < YT_FLOW_STATS; s++) {
        const yt_flow_stat stat = (yt_flow_stat)s;
        const double value = yt_flow_has(r->kind, stat) ? yt_flow_value(&r->stats, stat) : (double)NAN;
        if (!isnan(value))
            fprintf(file, "%lld,%d,%d,%s,%s,%s,%.6g\n", (long long)step->batch.step, step->batch.epoch + 1,
                    r->row, r->name, yt_flow_kind_word(r->kind), yt_flow_stat_word(stat), value);
    }
}

yt_status yti_gradient_files_write(yti_gradient_files *files, const yti_flow_step *step, yt_err *err) {
    for (size_t i = 0; i < step->count; i++) write_record(files->csv, step, &step->records[i]);
    return yt_csv_flush(files->csv, files->csv_path, err);
}

void yti_gradient_files_close(yti_gradient_files *files) {
    if (files->csv) fclose(files->csv); /* every step was flushed and checked */
    free(files->csv_path);
}
