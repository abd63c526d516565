// The OpenCL device that this machine has, for the tests of what is particular to OpenCL.
#pragma once

#include "device/device_suite.h"
#include "device/opencl_here.h"

namespace sconce::device {

class OpenCl : public testing::Test {
 protected:
  void SetUp() override { open(0); }
  /// The first device, with so much memory.
  void open(std::uint64_t memory) {
    Backend backend = opencl_here(memory);
    if (backend.ports.empty()) GTEST_SKIP() << "no OpenCL device here: " << backend.absence;
    port_ = backend.ports.front();
  }
  PortPtr port_;
};

}  // namespace sconce::device
