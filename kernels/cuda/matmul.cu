// SPDX-License-Identifier: Apache-2.0
// Activations times weights. At most kFewRows rows: a warp per few outputs, weights decoded in
// registers (of one row multiplied as they are unpacked), f32 sums. More rows: cuBLASLt on 16-bit
// weights where it is there and they are (or the product is large enough to make them), else tiles
// decoded into shared memory, 16-bit products with f32 sums.
#include <cuda_warp_matrix.h>

#include "kernels/cuda/blas.h"
#include "kernels/cuda/context.h"
#include "kernels/cuda/decode.h"

namespace kvlink::cuda {
namespace {

constexpr std::int64_t kFewRows = 8;
/// From so many rows on, writing the weights out in 16 bits costs less than decoding them again in
/// every tile of 64 rows.
constexpr std::int64_t kWorthDequantizing = 192;

struct Product {
  Matrix x;
  const std::uint8_t* w;
  std::int64_t w_row_bytes, n, k;
  Matrix y;
  bool accumulate;
};

KVLINK_DEVICE void write_out(const Product& p, std::int64_t r, std::int64_t o, float v) {
  const std::int64_t at = r * p.y.row_stride + o;
  if (p.accumulate) {
    static_cast<float*>(p.y.data)[at] += v;
  } else {
    store_one(p.y.data, p.y.dtype, at, v);
  }
}

/// Sixteen activations of a unit.
KVLINK_DEVICE void load_unit(const float* row, std::int64_t unit, float (&v)[kUnit]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const auto part = *reinterpret_cast<const float4*>(row + unit_element(unit, i / 2) + i % 2 * 4);
    v[4 * i] = part.x;
    v[4 * i + 1] = part.y;
    v[4 * i + 2] = part.z;
    v[4 * i + 3] = part.w;
  }
}

/// Four warps; each has kOutputs rows of w and all of the at most kRows rows of x.
template <DType kType, int kRows, int kOutputs>
__global__ void few_rows_kernel(Product p) {
  constexpr int kWarps = 4;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t first = (std::int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp) * kOutputs;
  float sums[kOutputs][kRows] = {};
  for (std::int64_t unit = lane; unit < p.k / kUnit; unit += kWarp) {
    float w[kOutputs][kUnit];
#pragma unroll
    for (int o = 0; o < kOutputs; ++o) {
      const std::int64_t row = first + o < p.n ? first + o : p.n - 1;
      decode_unit<kType>(p.w + row * p.w_row_bytes, unit, w[o]);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      if (r >= p.x.rows) continue;
      float x[kUnit];
      load_unit(static_cast<const float*>(p.x.data) + r * p.x.row_stride, unit, x);
#pragma unroll
      for (int o = 0; o < kOutputs; ++o) {
#pragma unroll
        for (int i = 0; i < kUnit; ++i) sums[o][r] = fmaf(x[i], w[o][i], sums[o][r]);
      }
    }
  }
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const float sum = warp_sum(sums[o][r]);
      if (lane == 0 && first + o < p.n && r < p.x.rows) write_out(p, r, first + o, sum);
    }
  }
}

/// The same for one row of x and weights in blocks: a unit is multiplied as it is unpacked.
template <DType kType, int kOutputs>
__global__ void __launch_bounds__(128) one_row_kernel(Product p) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t first = (std::int64_t{blockIdx.x} * 4 + threadIdx.x / kWarp) * kOutputs;
  float sums[kOutputs] = {};
#pragma unroll 2
  for (std::int64_t unit = lane; unit < p.k / kUnit; unit += kWarp) {
    float x[kUnit];
    load_unit(static_cast<const float*>(p.x.data), unit, x);
    float x_sums[2] = {};
#pragma unroll
    for (int i = 0; i < kUnit; ++i) x_sums[i / 8] += x[i];
#pragma unroll
    for (int o = 0; o < kOutputs; ++o) {
      const std::int64_t row = first + o < p.n ? first + o : p.n - 1;
      sums[o] += dot_unit<kType>(p.w + row * p.w_row_bytes, unit, x, x_sums);
    }
  }
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) {
    const float sum = warp_sum(sums[o]);
    if (lane == 0 && first + o < p.n) write_out(p, 0, first + o, sum);
  }
}

/// Any plain type, any width and alignment (LoRA factors, small test models): a warp per output.
__global__ void odd_width_kernel(Product p, DType w_dtype) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t o = std::int64_t{blockIdx.x} * 4 + threadIdx.x / kWarp;
  const std::int64_t r = blockIdx.y;
  if (o >= p.n) return;
  float sum = 0.0F;
  for (std::int64_t i = lane; i < p.k; i += kWarp) {
    sum = fmaf(load_one(p.x.data, p.x.dtype, r * p.x.row_stride + i),
               load_one(p.w + o * p.w_row_bytes, w_dtype, i), sum);
  }
  sum = warp_sum(sum);
  if (lane == 0) write_out(p, r, o, sum);
}

// Tiles. -----------------------------------------------------------------------------------------

constexpr int kTile = 64;            // rows of x and of w
constexpr int kDepth = 64;           // inputs at a time
constexpr int kStride = kDepth + 8;  // 16-bit elements; keeps matrix rows in different banks

template <Half kHalf>
KVLINK_DEVICE std::uint16_t half_bits(float v) {
  return kHalf == Half::kF16 ? f16_activation(v) : bf16_bits(v);
}
template <Half kHalf>
KVLINK_DEVICE unsigned pack(float a, float b) {
  return half_bits<kHalf>(a) | static_cast<unsigned>(half_bits<kHalf>(b)) << 16;
}

/// Sixteen bytes of eight numbers.
template <Half kHalf>
KVLINK_DEVICE void store_run(std::uint16_t* to, const float* v) {
  *reinterpret_cast<uint4*>(to) = {pack<kHalf>(v[0], v[1]), pack<kHalf>(v[2], v[3]),
                                   pack<kHalf>(v[4], v[5]), pack<kHalf>(v[6], v[7])};
}

template <DType kType, Half kHalf>
KVLINK_DEVICE void fill_weights(const Product& p, std::int64_t first, std::int64_t depth,
                                std::uint16_t (*tile)[kStride]) {
  constexpr int kUnits = kDepth / kUnit;
#pragma unroll
  for (int i = 0; i < kTile * kUnits / 128; ++i) {
    const int index = static_cast<int>(threadIdx.x) + i * 128;
    const int row = index / kUnits;
    const std::int64_t unit = depth / kUnit + index % kUnits;
    float v[kUnit] = {};
    if (first + row < p.n && unit * kUnit < p.k) {
      decode_unit<kType>(p.w + (first + row) * p.w_row_bytes, unit, v);
    }
    const auto column = static_cast<int>(unit_element(index % kUnits, 0));
    store_run<kHalf>(&tile[row][column], v);
    store_run<kHalf>(&tile[row][column + 16], v + 8);
  }
}

template <Half kHalf>
KVLINK_DEVICE void fill_activations(const Product& p, std::int64_t first, std::int64_t depth,
                                    std::uint16_t (*tile)[kStride]) {
  constexpr int kRuns = kDepth / 8;
#pragma unroll
  for (int i = 0; i < kTile * kRuns / 128; ++i) {
    const int index = static_cast<int>(threadIdx.x) + i * 128;
    const int row = index / kRuns;
    const int column = index % kRuns * 8;
    float v[8] = {};
    if (first + row < p.x.rows && depth + column < p.k) {
      const std::int64_t at = (first + row) * p.x.row_stride + depth + column;
#pragma unroll
      for (int j = 0; j < 8; ++j) v[j] = load_one(p.x.data, p.x.dtype, at + j);
    }
    store_run<kHalf>(&tile[row][column], v);
  }
}

/// Four warps, each 32 x 32 of the 64 x 64 outputs: two by four tiles of 16 x 8.
template <DType kType, Half kHalf>
__global__ void __launch_bounds__(128) tile_kernel(Product p) {
  __shared__ __align__(16) std::uint16_t xs[kTile][kStride];
  __shared__ __align__(16) std::uint16_t ws[kTile][kStride];
  const std::int64_t first_output = std::int64_t{blockIdx.x} * kTile;
  const std::int64_t first_row = std::int64_t{blockIdx.y} * kTile;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int row0 = warp / 2 * 32;
  const int col0 = warp % 2 * 32;
  float sums[2][4][4] = {};
  for (std::int64_t depth = 0; depth < p.k; depth += kDepth) {
    __syncthreads();
    fill_activations<kHalf>(p, first_row, depth, xs);
    fill_weights<kType, kHalf>(p, first_output, depth, ws);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kDepth; k += 16) {
      unsigned a[2][4];
      unsigned b[2][4];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        // Matrices in the order of a fragment: rows 0-7 and 8-15 at k, then both at k + 8.
        load_matrix_x4(a[i], &xs[row0 + 16 * i + lane % 16][k + lane / 16 * 8]);
        // Two tiles of eight outputs: k and k + 8 of the first, then of the second.
        load_matrix_x4(b[i], &ws[col0 + 16 * i + lane / 16 * 8 + lane % 8][k + lane / 8 % 2 * 8]);
      }
#pragma unroll
      for (int i = 0; i < 2; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const unsigned part[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
          mma_16x8x16<kHalf>(sums[i][j], a[i], part);
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const std::int64_t r = first_row + row0 + 16 * i + lane / 4 + e / 2 * 8;
        const std::int64_t o = first_output + col0 + 8 * j + lane % 4 * 2 + e % 2;
        if (r < p.x.rows && o < p.n) write_out(p, r, o, sums[i][j][e]);
      }
    }
  }
}

// Choosing. --------------------------------------------------------------------------------------

bool is_half(DType t) { return t == DType::kF16 || t == DType::kBF16; }

Product product_of(const MatmulCall& call) {
  return {call.x,
          static_cast<const std::uint8_t*>(call.w.data),
          row_bytes(call.w.dtype, call.w.cols),
          call.w.rows,
          call.w.cols,
          call.y,
          call.accumulate != 0};
}

void few_rows(Context& context, const MatmulCall& call) {
  const Product p = product_of(call);
  for_weight_type(call.w.dtype, [&]<DType kType>() {
    if (call.x.rows == 1) {
      constexpr int kOutputs = 4;
      const auto kernel = [] {
        if constexpr (is_plain<kType>()) {
          return few_rows_kernel<kType, 1, kOutputs>;
        } else {
          return one_row_kernel<kType, kOutputs>;
        }
      }();
      launch(context, "matmul", kernel, dim3(blocks_for(p.n, 4 * kOutputs)), 128, 0, p);
    } else {
      constexpr int kOutputs = 2;
      launch(context, "matmul", few_rows_kernel<kType, kFewRows, kOutputs>,
             dim3(blocks_for(p.n, 4 * kOutputs)), 128, 0, p);
    }
  });
}

void tiles(Context& context, const MatmulCall& call) {
  const Product p = product_of(call);
  const dim3 grid(blocks_for(p.n, kTile), blocks_for(p.x.rows, kTile));
  for_weight_type(call.w.dtype, [&]<DType kType>() {
    if (call.w.wide_dtype == DType::kBF16) {
      launch(context, "matmul", tile_kernel<kType, Half::kBF16>, grid, 128, 0, p);
    } else {
      launch(context, "matmul", tile_kernel<kType, Half::kF16>, grid, 128, 0, p);
    }
  });
}

bool is_aligned(const MatmulCall& call) {
  if (block_elements(call.w.dtype) > 1) return true;
  return call.w.cols % 32 == 0 && reinterpret_cast<std::uintptr_t>(call.w.data) % 16 == 0;
}

/// Whether cuBLASLt takes it, with or without making 16-bit weights first.
bool goes_to_blas(const Context& context, const MatmulCall& call) {
  if (context.blas == nullptr || call.x.rows <= kFewRows || !is_half(call.w.wide_dtype)) {
    return false;
  }
  if (call.x.dtype != call.w.wide_dtype || call.x.row_stride % 8 != 0 || call.w.cols % 8 != 0) {
    return false;
  }
  if (call.w.dtype == call.w.wide_dtype || call.w.wide != nullptr) return true;
  return call.x.rows >= kWorthDequantizing && is_half(call.w.wide_dtype);
}

}  // namespace

std::int64_t matmul_scratch(const Context& context, const MatmulCall& call) {
  if (!goes_to_blas(context, call) || call.w.wide != nullptr || call.w.dtype == call.w.wide_dtype) {
    return 0;
  }
  return call.w.rows * call.w.cols * 2;
}

void matmul(Context& context, const MatmulCall& call) {
  require(call.x.cols == call.w.cols && call.y.cols == call.w.rows && call.x.rows == call.y.rows,
          "matmul: shapes");
  require(call.accumulate == 0 || call.y.dtype == DType::kF32, "matmul: accumulates in f32 only");
  require(call.w.dtype != DType::kQ8Kv && call.w.cols % block_elements(call.w.dtype) == 0,
          "matmul: weights");
  if (call.x.rows == 0) return;
  if (goes_to_blas(context, call)) {
    MatmulCall wide = call;
    if (call.w.dtype != call.w.wide_dtype && call.w.wide == nullptr) {
      void* made = context.scratch(matmul_scratch(context, call));
      dequantize(context,
                 {call.w, {made, call.w.rows, call.w.cols, call.w.cols, call.w.wide_dtype}});
      wide.w.data = made;
    } else if (call.w.wide != nullptr) {
      wide.w.data = call.w.wide;
    }
    wide.w.dtype = call.w.wide_dtype;
    if (context.blas->multiply(context, wide)) return;
  }
  const bool tile = call.x.rows > kFewRows && is_half(call.w.wide_dtype) && is_aligned(call);
  const bool f32_rows = call.x.dtype == DType::kF32 && call.x.row_stride % 4 == 0 &&
                        reinterpret_cast<std::uintptr_t>(call.x.data) % 16 == 0;
  if (tile) {
    tiles(context, call);
  } else if (is_aligned(call) && f32_rows) {
    // f32 models have no 16-bit products at all: eight rows at a time.
    for (std::int64_t from = 0; from < call.x.rows; from += kFewRows) {
      MatmulCall part = call;
      part.x.rows = part.y.rows = call.x.rows - from < kFewRows ? call.x.rows - from : kFewRows;
      part.x.data = static_cast<float*>(call.x.data) + from * call.x.row_stride;
      const std::int64_t size = call.y.dtype == DType::kF32 ? 4 : 2;
      part.y.data = static_cast<std::uint8_t*>(call.y.data) + from * call.y.row_stride * size;
      few_rows(context, part);
    }
  } else {
    require(block_elements(call.w.dtype) == 1,
            "matmul: quantised weights want f32 activations at multiples of 16 bytes");
    launch(context, "matmul", odd_width_kernel,
           dim3(blocks_for(call.w.rows, 4), blocks_for(call.x.rows, 1)), 128, 0, product_of(call),
           call.w.dtype);
  }
}

}  // namespace kvlink::cuda
