// What the executor of plans needs to know of a storage's bytes.
#pragma once

#include <sconce/tensor.h>

#include "io/write_plan.h"

namespace sconce::formats {

/// Where the bytes of a storage are. What is read through a decompressor counts as memory: it is not in the file as it
/// is.
[[nodiscard]] inline io::Payload::Home home_of(const Storage& storage) {
  if (storage.device().type != DeviceType::cpu) return io::Payload::Home::device;
  const bool in_file = storage.nbytes() == 0 || storage.file_offset().has_value();
  return in_file ? io::Payload::Home::file : io::Payload::Home::memory;
}

}  // namespace sconce::formats
