/* quantize.h: a network whose convolutions are computed in integers of 8 bits (Jacob et al. 2018, arXiv 1712.05877;
 * Nagel et al. 2021, arXiv 2106.08295): a value is scale * (code - zero).
 *
 * Codes of maps are 0 to 255 on one scale per map, of weights -127 to 127 around 0 on one scale per output channel,
 * and of biases 32 bits on the product of both, so that the sums are integers. The last convolutions of the head, whose
 * results are logits and distances, stay in floats, and so does what is computed inside an attention.
 */
#ifndef YT_EXPORT_QUANTIZE_H
#define YT_EXPORT_QUANTIZE_H

#include "export/calibrate.h"
#include "model/model.h"

enum { YTI_CODE_MAX = 255, YTI_WEIGHT_CODE_MAX = 127 };

/* Codes of a map. */
typedef struct yti_codes {
    float scale; /* 0: the map stays in floats */
    int zero;    /* the code of 0, 0 to YTI_CODE_MAX */
} yti_codes;

typedef struct yti_quantization {
    int n_nodes;
    yti_codes *maps; /* by node of the graph */
    float **weights; /* by node: [output channels] scales of a convolution in integers; NULL: it is none */
    int n_convs;     /* convolutions in integers */
    int n_float;     /* those that stay in floats */
    const yti_model *model;
} yti_quantization;

/* Chooses scales by what was seen and rounds the weights of the model, in place, to what the codes stand for. The model
 * is split (yti_model_fuse_split) and lives longer. kept: of yti_calibration_range. */
yt_status yti_quantize(yti_model *model, const yti_calibration *calibration, double kept, yti_quantization *out,
                       yt_err *err);
void yti_quantization_free(yti_quantization *quantization);

/* A forward run that is shown to this observer computes what the integers do: every map is rounded to its codes as soon
 * as it is complete. Sums are those of the engine, in floats, whose error is far below a step of the scale. */
yti_graph_observer yti_quantization_observer(const yti_quantization *quantization);

/* The code of a weight; ties to even, as QuantizeLinear. */
int yti_weight_code(float value, float scale);

/* On the scale of a bias: of its input times that of the weights of its channel. */
int32_t yti_bias_code(float value, float scale);

#endif
