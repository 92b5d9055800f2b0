// SPDX-License-Identifier: Apache-2.0
// cuBLASLt on the host, by its definition: column-major d = alpha op(a) b + beta c.
#include <cstring>

#include "kernels/base/dtype.h"
#include "tests/cuda_host/include/cublasLt.h"

namespace {

float value(const void* p, cudaDataType_t type, std::uint64_t i) {
  if (type == CUDA_R_32F) return static_cast<const float*>(p)[i];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(p)[i];
  return type == CUDA_R_16F ? kvlink::f16_to_f32(bits) : kvlink::bf16_to_f32(bits);
}

void set(void* p, cudaDataType_t type, std::uint64_t i, float v) {
  if (type == CUDA_R_32F) {
    static_cast<float*>(p)[i] = v;
  } else {
    static_cast<std::uint16_t*>(p)[i] =
        type == CUDA_R_16F ? kvlink::f32_to_f16(v) : kvlink::f32_to_bf16(v);
  }
}

template <typename T, typename... Arguments>
cublasStatus_t create(T** object, Arguments... arguments) {
  *object = new T{arguments...};
  return CUBLAS_STATUS_SUCCESS;
}
template <typename T>
cublasStatus_t destroy(T* object) {
  delete object;
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) { return create(handle); }
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy(handle); }
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t,
                                        cudaDataType_t) {
  return create(desc, CUBLAS_OP_N);
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) { return destroy(desc); }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc,
                                              cublasLtMatmulDescAttributes_t, const void* v,
                                              std::size_t bytes) {
  std::memcpy(&desc->transpose_a, v, bytes);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type,
                                          std::uint64_t rows, std::uint64_t cols,
                                          std::int64_t stride) {
  return create(layout, type, rows, cols, stride);
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroy(layout);
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return create(preference, std::size_t{0});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy(preference);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* v, std::size_t bytes) {
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
    std::memcpy(&preference->workspace, v, bytes);
  }
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int,
                                              cublasLtMatmulHeuristicResult_t* results,
                                              int* n_results) {
  // As the real one may: some shape (13 columns here) has no algorithm.
  *n_results = b->cols == 13 ? 0 : 1;
  results[0] = {};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t la, const void* b,
                              cublasLtMatrixLayout_t lb, const void* beta, const void* c,
                              cublasLtMatrixLayout_t lc, void* d, cublasLtMatrixLayout_t ld,
                              const cublasLtMatmulAlgo_t*, void*, std::size_t,
                              cudaStream_t stream) {
  if (desc->transpose_a != CUBLAS_OP_T || la->rows != lb->rows || la->cols != ld->rows ||
      lb->cols != ld->cols || la->type != lb->type || la->type == CUDA_R_32F) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const float scale = *static_cast<const float*>(alpha);
  const float keep = *static_cast<const float*>(beta);
  const FakeLayout a_layout = *la;
  const FakeLayout b_layout = *lb;
  const FakeLayout c_layout = *lc;
  const FakeLayout d_layout = *ld;
  const auto at = [](const FakeLayout& l, std::uint64_t r, std::uint64_t column) {
    return column * static_cast<std::uint64_t>(l.stride) + r;
  };
  const cudaError_t done = fake::submit(stream, [=] {
    for (std::uint64_t i = 0; i < d_layout.rows; ++i) {
      for (std::uint64_t j = 0; j < d_layout.cols; ++j) {
        float sum = 0.0F;
        for (std::uint64_t k = 0; k < a_layout.rows; ++k) {
          sum += value(a, a_layout.type, at(a_layout, k, i)) *
                 value(b, b_layout.type, at(b_layout, k, j));
        }
        const float before =
            keep == 0.0F ? 0.0F : keep * value(c, c_layout.type, at(c_layout, i, j));
        set(d, d_layout.type, at(d_layout, i, j), scale * sum + before);
      }
    }
  });
  return done == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // extern "C"
