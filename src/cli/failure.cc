#include "cli/failure.h"

#include <unistd.h>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/output.h"

namespace sconce::cli {

int exit_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::wrong_type: return kUsage;
    case ErrorCode::not_found: return kNo;
    case ErrorCode::truncated:
    case ErrorCode::damaged:
    case ErrorCode::checksum:
    case ErrorCode::hostile:
    case ErrorCode::limit: return kDamaged;
    case ErrorCode::io:
    case ErrorCode::memory:
    case ErrorCode::device:
    case ErrorCode::exists: return kInputOutput;
    case ErrorCode::unsupported: return kUnsupported;
    case ErrorCode::cancelled: return kInterrupted;
  }
  return kDamaged;
}

namespace {

void text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(std::string_view(text));
}

}  // namespace

std::string error_json(const Error& error) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("error").begin_object();
  json.member("code", to_string(error.code())).member("message", std::string_view(error.message()));
  text_or_null(json, "file", error.place().file);
  json.key("offset");
  error.place().offset ? json.value(*error.place().offset) : json.null();
  text_or_null(json, "record", error.place().record);
  text_or_null(json, "key", error.place().key);
  text_or_null(json, "advice", error.advice());
  json.end_object().end_object();
  return out;
}

int report(const Error& error, bool json) {
  try {
    // What cannot be written here cannot be reported either; the exit code is still told.
    (void)write_all(STDERR_FILENO, std::string("sconce: ") + error.what() + "\n", "standard error");
    if (json) (void)write_all(STDOUT_FILENO, error_json(error) + "\n", "standard output");
  } catch (const Error& second) {
    return exit_code(error.code()) == kClean ? exit_code(second.code()) : exit_code(error.code());
  }
  return exit_code(error.code());
}

int worse(int a, int b) noexcept {
  const auto rank = [](int code) {
    switch (code) {
      case kClean: return 0;
      case kNo: return 1;
      case kUnsupported: return 2;
      case kDamaged: return 3;
      case kInputOutput: return 4;
      default: return 5;
    }
  };
  return rank(a) >= rank(b) ? a : b;
}

}  // namespace sconce::cli
