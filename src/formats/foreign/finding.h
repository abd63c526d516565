// What a file turned out to be, and what its owner can do about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sconce/error.h>

namespace sconce::formats::foreign {

struct Finding {
  std::string what;    ///< "this is a gzip file", "the GGUF file ends inside …"
  std::string advice;  ///< what to do next
  ErrorCode code = ErrorCode::unsupported;
  std::optional<std::uint64_t> offset;  ///< where it shows, if not from the first byte on
  std::string_view format = {};  ///< name of a model's format as docs/json.md has it; empty: no model, or nobody's
};

/// "this is WHAT; Sconce does not read it".
[[nodiscard]] inline Finding not_read(std::string_view what, std::string_view advice, std::string_view format = {}) {
  return {"this is " + std::string(what) + ", which Sconce does not read", std::string(advice), ErrorCode::unsupported,
          std::nullopt, format};
}

}  // namespace sconce::formats::foreign
