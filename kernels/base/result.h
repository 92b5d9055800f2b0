// SPDX-License-Identifier: Apache-2.0
// Errors: what is thrown inside a folder, what is returned at its edge, and what aborts.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <version>
#ifdef __cpp_lib_source_location
#include <source_location>
#else
#include <experimental/source_location>
#endif
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace kvlink {

#ifdef __cpp_lib_source_location
using SourceLocation = std::source_location;
#else  // clang before 16, which the fuzz preset may find
using SourceLocation = std::experimental::source_location;
#endif

/// Persistent in JSON output and exit codes: append only, do not renumber.
enum class ErrorCode {
  kNotFound = 1,      ///< a named file, document, block or tensor does not exist
  kCorrupt = 2,       ///< bytes from outside contradict their own format or checksum
  kUnsupported = 3,   ///< well formed, but this program does not do it
  kOutOfMemory = 4,   ///< memory, context window or a byte budget is exhausted
  kIo = 5,            ///< the operating system refused or failed a file operation
  kDevice = 6,        ///< an accelerator failed
  kCancelled = 7,     ///< somebody asked to stop
  kInvalidInput = 8,  ///< the caller's request makes no sense as given
  kBusy = 9,          ///< another process or request holds the resource
};

/// Stable lower-case name of a code ("corrupt"), for JSON and logs.
const char* error_code_name(ErrorCode code);

/// What failed, on what, and what the user can do; one sentence each, no stack jargon.
struct Error {
  ErrorCode code = ErrorCode::kInvalidInput;
  std::string message;
  SourceLocation where = SourceLocation::current();
};

/// Thrown inside a folder; caught once at the folder's public edge by `returning`.
class Exception : public std::exception {
 public:
  explicit Exception(Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

[[noreturn]] inline void fail(ErrorCode code, std::string message,
                              SourceLocation where = SourceLocation::current()) {
  throw Exception(Error{code, std::move(message), where});
}

/// A value or an Error. Names follow std::expected, which replaces it under C++23.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void value() const {}
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

/// The value, or the error thrown as Exception: for use inside a folder.
template <typename T>
T value_or_throw(Result<T> result) {
  if (!result) throw Exception(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// Runs `body` and turns what it throws into an Error: the one catch at a folder's edge.
template <typename F>
auto returning(F&& body) -> Result<std::invoke_result_t<F>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      body();
      return {};
    } else {
      return body();
    }
  } catch (const Exception& e) {
    return e.error();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "not enough memory"};
  } catch (const std::exception& e) {
    return Error{ErrorCode::kIo, e.what()};
  }
}

[[noreturn]] inline void check_failed(const char* expression, SourceLocation where) {
  std::fprintf(stderr, "%s:%u: broken invariant: %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), expression);
  std::abort();
}

}  // namespace kvlink

/// A broken invariant of our own (never input from outside) aborts in every build.
#define KVLINK_CHECK(expression)                                                                 \
  do {                                                                                           \
    if (!(expression)) ::kvlink::check_failed(#expression, ::kvlink::SourceLocation::current()); \
  } while (false)
