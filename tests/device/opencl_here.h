// OpenCL for tests: where there is none, they say so; where there is PoCL, it leaves nothing behind.
#pragma once

#include <cstdlib>
#include <optional>

#include "device/opencl/opencl.h"
#include "io/temporary_folder.h"

namespace sconce::device {

/// PoCL keeps what it compiled in the user's cache folder, unless it is told of another. ctest gives all tests one in
/// the build folder, so that a kernel is built once; a test program that is run by itself takes one of its own.
class PoclCache {
 public:
  PoclCache() {
    if (std::getenv("POCL_CACHE_DIR") != nullptr) return;
    folder_.emplace();
    setenv("POCL_CACHE_DIR", folder_->path().c_str(), 1);
  }

 private:
  std::optional<test::TemporaryFolder> folder_;
};

/// What there is of OpenCL on this machine.
inline Backend opencl_here(std::uint64_t memory = 0) {
  static const PoclCache cache;
  DeviceSearch search;
  search.opencl_memory = memory;
  return open_opencl(search);
}

}  // namespace sconce::device
