// A checkpoint whose bytes are in memory of the process.
#pragma once

#include <sconce/sconce.h>

#include <string>

namespace bench {

/// The file at `path`, moved as `options` say.
[[nodiscard]] sconce::Checkpoint owned(const std::string& path, const sconce::MoveOptions& options);

}  // namespace bench
