/* Evaluation of sixteen linear classifiers, by hand, with AVX-512 intrinsics: the yardstick of `avx512.py`.
 *
 * The same work on the same data as `engine/kernels/evaluation.py`: float32 logits of sixteen models (lanes) over
 * sparse rows, softmax over the classes, sum of losses in nats and number of correct classifications (of equal logits
 * the first counts). Images come in blocks, classes are the outer loop, so that one class's weights stay in the
 * nearest cache; pixels are listed once per block, padded to fours; two classes share their reading; the logarithms of
 * many softmax sums are one logarithm of their product in double precision.
 *
 *     cc -O3 -march=native -shared -fPIC avx512_evaluation.c -lm
 */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define LANES 16
#define BLOCK 64

/* exp of x <= 0, relative error below 2e-7: the polynomial of Cephes; 0 below -87. */
static inline __m512 exponential(__m512 x)
{
    const __m512 lowest = _mm512_set1_ps(-87.0f), magic = _mm512_set1_ps(12582912.0f);
    const __mmask16 tiny = _mm512_cmp_ps_mask(x, lowest, _CMP_LT_OQ);
    x = _mm512_max_ps(x, lowest);
    const __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(1.44269504088896341f), magic);
    const __m512 k = _mm512_sub_ps(shifted, magic);
    __m512 r = _mm512_fmadd_ps(k, _mm512_set1_ps(-0.693359375f), x);
    r = _mm512_fmadd_ps(k, _mm512_set1_ps(2.12194440e-4f), r);
    __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(1.9875691500e-4f), r, _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
    const __m512i bits = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    const __m512 power = _mm512_castsi512_ps(_mm512_add_epi32(bits, _mm512_set1_epi32(127 << 23)));
    return _mm512_maskz_mul_ps(_knot_mask16(tiny), p, power);
}

static inline void add_logarithm(double *sum, __m512d *low, __m512d *high)
{
    double factors[LANES];
    _mm512_storeu_pd(factors, *low);
    _mm512_storeu_pd(factors + 8, *high);
    for (int lane = 0; lane < LANES; lane++)
        sum[lane] += log(factors[lane]);
    *low = *high = _mm512_set1_pd(1.0);
}

/* weights: (n_classes, n_features, 16) and biases: (n_classes, 16), at multiples of 64 bytes; n_classes even.
 * indptr, indices, values, labels: n_images sparse rows with their classes. loss, n_correct: (16,), sums, out.
 * Returns 0, or 1 where memory ran out. */
int evaluate_sixteen(const float *weights, const float *biases, const int64_t *indptr, const int32_t *indices,
                     const float *values, const int64_t *labels, int64_t n_images, int64_t n_features,
                     int64_t n_classes, int64_t n_factors, double *loss, double *n_correct)
{
    const size_t room = (size_t)BLOCK * (size_t)(n_features + 4);
    float *logits = aligned_alloc(64, sizeof(float) * (size_t)(BLOCK * n_classes * LANES));
    uint32_t *row = aligned_alloc(64, sizeof(uint32_t) * room);
    float *x = aligned_alloc(64, sizeof(float) * room);
    int64_t start[BLOCK + 1];
    double logarithms[LANES] = {0};
    __m512d low = _mm512_set1_pd(1.0), high = low;
    __m512d distance_low = _mm512_setzero_pd(), distance_high = distance_low;
    __m512i correct = _mm512_setzero_si512();
    int64_t factors = 0;
    if (!logits || !row || !x) {
        free(logits), free(row), free(x);
        return 1;
    }
    for (int64_t first = 0; first < n_images; first += BLOCK) {
        const int64_t n = n_images - first < BLOCK ? n_images - first : BLOCK;
        int64_t listed = 0;
        for (int64_t i = 0; i < n; i++) {
            start[i] = listed;
            for (int64_t k = indptr[first + i]; k < indptr[first + i + 1]; k++, listed++) {
                row[listed] = (uint32_t)indices[k] * LANES;
                x[listed] = values[k];
            }
            for (; listed % 4; listed++) {
                row[listed] = 0;
                x[listed] = 0;
            }
        }
        start[n] = listed;
        for (int64_t c = 0; c < n_classes; c += 2) {
            const float *w = weights + c * n_features * LANES, *u = w + n_features * LANES;
            const __m512 bias = _mm512_load_ps(biases + c * LANES), other = _mm512_load_ps(biases + (c + 1) * LANES);
            for (int64_t i = 0; i < n; i++) {
                __m512 s0 = bias, s1 = _mm512_setzero_ps(), s2 = s1, s3 = s1;
                __m512 t0 = other, t1 = s1, t2 = s1, t3 = s1;
                for (int64_t k = start[i]; k < start[i + 1]; k += 4) {
                    /* One load for four inputs; each is then spread by an in-register permutation. */
                    const __m512 four = _mm512_broadcast_f32x4(_mm_load_ps(x + k));
                    const __m512 x0 = _mm512_permute_ps(four, 0x00), x1 = _mm512_permute_ps(four, 0x55);
                    const __m512 x2 = _mm512_permute_ps(four, 0xAA), x3 = _mm512_permute_ps(four, 0xFF);
                    s0 = _mm512_fmadd_ps(x0, _mm512_load_ps(w + row[k]), s0);
                    t0 = _mm512_fmadd_ps(x0, _mm512_load_ps(u + row[k]), t0);
                    s1 = _mm512_fmadd_ps(x1, _mm512_load_ps(w + row[k + 1]), s1);
                    t1 = _mm512_fmadd_ps(x1, _mm512_load_ps(u + row[k + 1]), t1);
                    s2 = _mm512_fmadd_ps(x2, _mm512_load_ps(w + row[k + 2]), s2);
                    t2 = _mm512_fmadd_ps(x2, _mm512_load_ps(u + row[k + 2]), t2);
                    s3 = _mm512_fmadd_ps(x3, _mm512_load_ps(w + row[k + 3]), s3);
                    t3 = _mm512_fmadd_ps(x3, _mm512_load_ps(u + row[k + 3]), t3);
                }
                float *z = logits + (i * n_classes + c) * LANES;
                _mm512_store_ps(z, _mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
                _mm512_store_ps(z + LANES, _mm512_add_ps(_mm512_add_ps(t0, t1), _mm512_add_ps(t2, t3)));
            }
        }
        for (int64_t i = 0; i < n; i++) {
            const float *z = logits + i * n_classes * LANES;
            const int64_t label = labels[first + i];
            __m512 largest = _mm512_load_ps(z), total = _mm512_setzero_ps();
            __m512i chosen = _mm512_setzero_si512();
            for (int64_t c = 1; c < n_classes; c++) {
                const __m512 logit = _mm512_load_ps(z + c * LANES);
                const __mmask16 larger = _mm512_cmp_ps_mask(largest, logit, _CMP_LT_OQ);
                chosen = _mm512_mask_set1_epi32(chosen, larger, (int)c);
                largest = _mm512_mask_mov_ps(largest, larger, logit);
            }
            for (int64_t c = 0; c < n_classes; c++)
                total = _mm512_add_ps(total, exponential(_mm512_sub_ps(_mm512_load_ps(z + c * LANES), largest)));
            const __m512 distance = _mm512_sub_ps(_mm512_load_ps(z + label * LANES), largest);
            const __mmask16 right = _mm512_cmpeq_epi32_mask(chosen, _mm512_set1_epi32((int)label));
            correct = _mm512_mask_add_epi32(correct, right, correct, _mm512_set1_epi32(1));
            distance_low = _mm512_add_pd(distance_low, _mm512_cvtps_pd(_mm512_castps512_ps256(distance)));
            distance_high = _mm512_add_pd(distance_high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(distance, 1)));
            low = _mm512_mul_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(total)));
            high = _mm512_mul_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(total, 1)));
            if (++factors == n_factors) {
                add_logarithm(logarithms, &low, &high);
                factors = 0;
            }
        }
    }
    add_logarithm(logarithms, &low, &high);
    double distances[LANES];
    int32_t counts[LANES];
    _mm512_storeu_pd(distances, distance_low);
    _mm512_storeu_pd(distances + 8, distance_high);
    _mm512_storeu_si512(counts, correct);
    for (int lane = 0; lane < LANES; lane++) {
        loss[lane] = logarithms[lane] - distances[lane];
        n_correct[lane] = counts[lane];
    }
    free(logits), free(row), free(x);
    return 0;
}
