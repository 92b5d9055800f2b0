// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include "kernels/cuda/blas.h"

namespace kvlink::cuda {
namespace {

constexpr std::int64_t kWorkspaceBytes = std::int64_t{32} << 20;
/// Of every operand, in bytes.
constexpr std::uint32_t kAlignment = 16;

cudaDataType_t data_type(DType t) {
  return t == DType::kF32 ? CUDA_R_32F : (t == DType::kF16 ? CUDA_R_16F : CUDA_R_16BF);
}

void check_blas(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const bool lost =
      status == CUBLAS_STATUS_EXECUTION_FAILED || status == CUBLAS_STATUS_INTERNAL_ERROR;
  throw DeviceError(lost ? Status::kLost : Status::kFailed,
                    std::string("cuBLASLt failed: ") + what + ", status " +
                        std::to_string(static_cast<int>(status)));
}

}  // namespace

bool BlasLibrary::resolve() {
  const auto find = [this](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library_, name));
    return function != nullptr;
  };
  Functions& f = functions_;
  return find(f.create, "cublasLtCreate") && find(f.destroy, "cublasLtDestroy") &&
         find(f.desc_create, "cublasLtMatmulDescCreate") &&
         find(f.desc_destroy, "cublasLtMatmulDescDestroy") &&
         find(f.desc_set, "cublasLtMatmulDescSetAttribute") &&
         find(f.layout_create, "cublasLtMatrixLayoutCreate") &&
         find(f.layout_destroy, "cublasLtMatrixLayoutDestroy") &&
         find(f.preference_create, "cublasLtMatmulPreferenceCreate") &&
         find(f.preference_destroy, "cublasLtMatmulPreferenceDestroy") &&
         find(f.preference_set, "cublasLtMatmulPreferenceSetAttribute") &&
         find(f.heuristic, "cublasLtMatmulAlgoGetHeuristic") && find(f.matmul, "cublasLtMatmul");
}

std::unique_ptr<BlasLibrary> BlasLibrary::open(Context& context, const char* file,
                                               std::string& words) {
  if (file != nullptr && *file == '\0') {
    words = "cuBLASLt is switched off";
    return nullptr;
  }
  const std::string name =
      file != nullptr ? std::string(file) : "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
  void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr && file == nullptr) {
    // A toolkit need not have told the system's linker where it is.
    library = dlopen(("/usr/local/cuda/lib64/" + name).c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  if (library == nullptr) {
    words = name + " is not installed";
    return nullptr;
  }
  std::unique_ptr<BlasLibrary> blas(new BlasLibrary(library));
  if (!blas->resolve()) {
    words = name + " lacks functions that are needed";
    return nullptr;
  }
  if (blas->functions_.create(&blas->handle_) != CUBLAS_STATUS_SUCCESS) {
    blas->handle_ = nullptr;
    words = name + " cannot work on this device";
    return nullptr;
  }
  blas->context_ = &context;
  blas->workspace_ = context.allocate(kWorkspaceBytes);
  words = "cuBLASLt";
  return blas;
}

BlasLibrary::~BlasLibrary() {
  for (auto& [shape, plan] : plans_) {
    if (plan.desc != nullptr) functions_.desc_destroy(plan.desc);
    for (cublasLtMatrixLayout_t layout : {plan.w, plan.x, plan.y}) {
      if (layout != nullptr) functions_.layout_destroy(layout);
    }
  }
  if (workspace_ != nullptr) context_->release(workspace_);
  if (handle_ != nullptr) functions_.destroy(handle_);
  dlclose(library_);
}

/// cuBLAS counts columns first: y^T [n, m] = w [n, k] x^T [k, m], where the rows of w and x, k
/// apart, are columns.
BlasLibrary::Plan BlasLibrary::make_plan(const MatmulCall& call) {
  Plan plan;
  const auto n = static_cast<std::uint64_t>(call.w.rows);
  const auto k = static_cast<std::uint64_t>(call.w.cols);
  const auto m = static_cast<std::uint64_t>(call.x.rows);
  const cublasOperation_t transpose = CUBLAS_OP_T;
  check_blas(functions_.desc_create(&plan.desc, CUBLAS_COMPUTE_32F, CUDA_R_32F), "description");
  check_blas(
      functions_.desc_set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSA, &transpose, sizeof(transpose)),
      "transposition");
  check_blas(functions_.layout_create(&plan.w, data_type(call.w.dtype), k, n, call.w.cols),
             "weights");
  check_blas(functions_.layout_create(&plan.x, data_type(call.x.dtype), k, m, call.x.row_stride),
             "activations");
  check_blas(functions_.layout_create(&plan.y, data_type(call.y.dtype), n, m, call.y.row_stride),
             "result");
  cublasLtMatmulPreference_t preference = nullptr;
  check_blas(functions_.preference_create(&preference), "preference");
  const auto bytes = static_cast<std::size_t>(kWorkspaceBytes);
  check_blas(functions_.preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                       sizeof(bytes)),
             "workspace");
  // Results may be slices of a matrix: what they are aligned to is less than what is assumed.
  const std::uint32_t alignment = kAlignment;
  for (const auto attribute :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    check_blas(functions_.preference_set(preference, attribute, &alignment, sizeof(alignment)),
               "alignment");
  }
  cublasLtMatmulHeuristicResult_t result = {};
  int n_results = 0;
  const cublasStatus_t status = functions_.heuristic(handle_, plan.desc, plan.w, plan.x, plan.y,
                                                     plan.y, preference, 1, &result, &n_results);
  functions_.preference_destroy(preference);
  plan.found = status == CUBLAS_STATUS_SUCCESS && n_results > 0;
  plan.algorithm = result.algo;
  return plan;
}

bool BlasLibrary::multiply(Context& context, const MatmulCall& call) {
  for (const void* operand : {call.x.data, const_cast<void*>(call.w.data), call.y.data}) {
    if (reinterpret_cast<std::uintptr_t>(operand) % kAlignment != 0) return false;
  }
  const Shape shape(call.x.rows, call.w.rows, call.w.cols, call.x.row_stride, call.y.row_stride,
                    call.x.dtype, call.y.dtype, call.accumulate != 0);
  auto found = plans_.find(shape);
  if (found == plans_.end()) found = plans_.emplace(shape, make_plan(call)).first;
  Plan& plan = found->second;
  if (!plan.found) return false;
  const float one = 1.0F;
  const float beta = call.accumulate != 0 ? 1.0F : 0.0F;
  const cublasStatus_t status =
      functions_.matmul(handle_, plan.desc, &one, call.w.data, plan.w, call.x.data, plan.x, &beta,
                        call.y.data, plan.y, call.y.data, plan.y, &plan.algorithm, workspace_,
                        static_cast<std::size_t>(kWorkspaceBytes), context.compute());
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE ||
      status == CUBLAS_STATUS_ARCH_MISMATCH) {
    // What was said to work does not: the kernels here do it, now and later.
    plan.found = false;
    return false;
  }
  check_blas(status, "product");
  return true;
}

}  // namespace kvlink::cuda
