// What the fuzz targets share. A target defines fuzz(); whatever it throws that is no sconce::Error, and whatever a
// sanitizer says, is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include <sconce/checkpoint.h>
#include <sconce/options.h>

#include "formats/format.h"

namespace sconce::fuzzing {

/// One input. Errors are what bad input gets: they are caught around this.
void fuzz(std::span<const std::byte> bytes);

/// Limits under which an input of a fuzzer ends soon: the code paths are those of the defaults.
[[nodiscard]] Limits small_limits();

/// Opens bytes with the reader of one format, without asking whether it is this format.
[[nodiscard]] Checkpoint open_as(formats::Opened (*open)(const formats::OpenContext&),
                                 std::span<const std::byte> bytes);

/// Uses everything that a checkpoint offers to read: names, paths, text, elements, state_dict, facts, verify's records.
/// What single tensors or values refuse is caught; what remains must hold.
void exercise(const Checkpoint& checkpoint);

/// A property that does not hold is a crash.
inline void require(bool holds, std::string_view property) {
  if (holds) return;
  // Read by people in the fuzzer's output.
  static_cast<void>(std::fwrite(property.data(), 1, property.size(), stderr));
  std::abort();
}

}  // namespace sconce::fuzzing
