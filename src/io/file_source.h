// A regular file as a source.
#pragma once

#include <cstdint>
#include <string>

#include <sconce/byte_source.h>

#include "io/descriptor.h"

namespace sconce::io {

/// The first `size` bytes of an open regular file. Bytes are read with positioned reads; view() maps the whole file
/// once, when it is first called, where `access` and the file system allow it.
[[nodiscard]] SourcePtr file_source(Descriptor descriptor, std::uint64_t size, std::string name, FileAccess access);

/// Whether statfs's `type` names a file system behind a network or another process, where a lost connection would make
/// every touch of a mapping a SIGBUS.
[[nodiscard]] bool is_remote(std::uint32_t type) noexcept;

}  // namespace sconce::io
