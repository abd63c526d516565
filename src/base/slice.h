// Sources made of other sources.
#pragma once

#include <cstdint>
#include <string>

#include <sconce/byte_source.h>

namespace sconce {

/// A part of a source, which it keeps alive. Errors: `truncated` where the source does not reach so far.
[[nodiscard]] SourcePtr slice(SourcePtr source, std::uint64_t offset, std::uint64_t size);

/// The bytes of a string that the source owns.
[[nodiscard]] SourcePtr string_source(std::string text, std::string name = "memory");

/// The Error of a read that goes past the end of a source.
[[noreturn]] void past_end(const ByteSource& source, std::uint64_t offset, std::uint64_t size);

}  // namespace sconce
