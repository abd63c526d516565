// Opening a path that is to be loaded.
#pragma once

#include <string>

#include <sconce/byte_source.h>

namespace sconce::model {

/// As open_file(), but a folder that is a model of its own (a distributed checkpoint) is named. Errors: `io`,
/// `unsupported`.
[[nodiscard]] SourcePtr open_model(const std::string& path, FileAccess access);

}  // namespace sconce::model
