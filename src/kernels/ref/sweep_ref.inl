/* sweep_ref.inl: the loss over all logits and the optimizer steps. YT_REAL, YT_MAP: see conv_ref.inl. */

/* softplus(x) = log(1 + exp(x)) without overflow; its derivative is the sigmoid. */
static double ref_bce_background(const YT_MAP *x, YT_REAL weight, const YT_REAL *classes, const YT_MAP *d_x,
                                 int threads) {
    (void)threads;
    ptrdiff_t pixels = (ptrdiff_t)x->n * x->h * x->w;
    double sum = 0;
    for (ptrdiff_t p = 0; p < pixels; p++)
        for (int c = 0; c < x->c; c++) {
            double v = (double)x->data[p * x->ld + c], each = classes ? (double)classes[c] : 1;
            sum += each * ((v < 0 ? 0 : v) + log1p(exp(-fabs(v))));
            if (d_x->data) d_x->data[p * d_x->ld + c] = (YT_REAL)(each * (double)weight / (1 + exp(-v)));
        }
    return sum;
}
