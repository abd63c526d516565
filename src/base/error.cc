#include <sconce/error.h>

#include <utility>

#include "base/text.h"

namespace sconce {
inline namespace v0 {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::wrong_type: return "wrong_type";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::truncated: return "truncated";
    case ErrorCode::damaged: return "damaged";
    case ErrorCode::checksum: return "checksum";
    case ErrorCode::hostile: return "hostile";
    case ErrorCode::limit: return "limit";
    case ErrorCode::io: return "io";
    case ErrorCode::memory: return "memory";
    case ErrorCode::device: return "device";
    case ErrorCode::exists: return "exists";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::cancelled: return "cancelled";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string message, ErrorPlace place, std::string advice)
    : std::runtime_error(message),
      code_(code),
      message_(std::move(message)),
      place_(std::move(place)),
      advice_(std::move(advice)) {
  compose();
}

Error& Error::add_place(const ErrorPlace& outer) {
  if (place_.file.empty()) place_.file = outer.file;
  if (!place_.offset) place_.offset = outer.offset;
  if (place_.record.empty()) place_.record = outer.record;
  if (place_.key.empty()) place_.key = outer.key;
  compose();
  return *this;
}

Error& Error::add_advice(std::string advice) {
  if (advice_.empty()) advice_ = std::move(advice);
  compose();
  return *this;
}

void Error::compose() {
  std::string line;
  if (!place_.file.empty()) line += escaped(place_.file) + ": ";
  if (!place_.record.empty()) line += "record " + escaped(place_.record) + ": ";
  if (place_.offset) line += "at byte " + std::to_string(*place_.offset) + ": ";
  if (!place_.key.empty()) line += "\"" + escaped(place_.key) + "\": ";
  line += escaped(message_);
  if (!advice_.empty()) line += "; " + escaped(advice_);
  line_ = std::move(line);
}

}  // namespace v0
}  // namespace sconce
