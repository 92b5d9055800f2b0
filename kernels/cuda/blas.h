// SPDX-License-Identifier: Apache-2.0
// cuBLASLt, found at run time: packages do not carry it, and without it the kernels here do the
// work.
#pragma once

#include <cublasLt.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "kernels/cuda/context.h"

namespace kvlink::cuda {

/// Owns the library, its handle, its workspace and what was chosen for every shape met so far.
struct BlasLibrary {
  /// Null, with the reason in `words`, when it is not there.
  static std::unique_ptr<BlasLibrary> open(Context& context, const char* file, std::string& words);
  ~BlasLibrary();

  /// y = x w^T (+ y) with 16-bit x and w of one type. False: this shape has no algorithm.
  bool multiply(Context& context, const MatmulCall& call);

 private:
  struct Functions {
    decltype(&cublasLtCreate) create;
    decltype(&cublasLtDestroy) destroy;
    decltype(&cublasLtMatmulDescCreate) desc_create;
    decltype(&cublasLtMatmulDescDestroy) desc_destroy;
    decltype(&cublasLtMatmulDescSetAttribute) desc_set;
    decltype(&cublasLtMatrixLayoutCreate) layout_create;
    decltype(&cublasLtMatrixLayoutDestroy) layout_destroy;
    decltype(&cublasLtMatmulPreferenceCreate) preference_create;
    decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy;
    decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set;
    decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;
    decltype(&cublasLtMatmul) matmul;
  };
  /// What one shape needs at every call.
  struct Plan {
    cublasLtMatmulDesc_t desc = nullptr;
    cublasLtMatrixLayout_t w = nullptr, x = nullptr, y = nullptr;
    cublasLtMatmulAlgo_t algorithm = {};
    bool found = false;
  };
  using Shape = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                           DType, DType, bool>;

  explicit BlasLibrary(void* library) : library_(library) {}
  bool resolve();
  Plan make_plan(const MatmulCall& call);

  void* library_;
  Functions functions_ = {};
  cublasLtHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
  Context* context_ = nullptr;
  std::map<Shape, Plan> plans_;
};

}  // namespace kvlink::cuda
