/* The functions of the kernels of exact sums. sums/exact_kernel.c has the table of those that a
 * build contains, and struct exact_kernel describes them. */
#ifndef MEANTIME_SUMS_EXACT_VECTOR_H
#define MEANTIME_SUMS_EXACT_VECTOR_H

#include "sums/exact_kernel.h"

void avx512_exact_sum(const double *y, size_t blocks, struct exact_windows *windows);
void avx512_exact_squares(const double *y, size_t blocks, struct exact_windows *windows);

void avx2_exact_sum(const double *y, size_t blocks, struct exact_windows *windows);
void avx2_exact_squares(const double *y, size_t blocks, struct exact_windows *windows);

void neon_exact_sum(const double *y, size_t blocks, struct exact_windows *windows);
void neon_exact_squares(const double *y, size_t blocks, struct exact_windows *windows);

void portable_exact_sum(const double *y, size_t blocks, struct exact_windows *windows);
void portable_exact_squares(const double *y, size_t blocks, struct exact_windows *windows);

#endif
