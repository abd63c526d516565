// The fake driver of CUDA, for tests.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "device/cuda/api.h"
#include "device/cuda/cuda.h"
#include "device/fake_cuda/control.h"

namespace sconce::device {

/// One at a time: a process has one driver.
class FakeCuda {
 public:
  explicit FakeCuda(int devices = 1, std::uint64_t memory = std::uint64_t{256} << 20, bool asynchronous = false) {
    void* const library = dlopen(SCONCE_FAKE_CUDA, RTLD_NOW | RTLD_LOCAL);
    void* const symbol = library != nullptr ? dlsym(library, "fake_cuda_control") : nullptr;
    if (symbol == nullptr) throw std::runtime_error("the fake driver cannot be opened: " + std::string(dlerror()));
    const fake_cuda::Control* (*get)() = nullptr;
    std::memcpy(&get, &symbol, sizeof get);
    control_ = get();
    control_->reset(devices, memory, asynchronous);
  }
  [[nodiscard]] const fake_cuda::Control* operator->() const noexcept { return control_; }

  [[nodiscard]] static DeviceSearch search() {
    DeviceSearch search;
    search.cuda_library = SCONCE_FAKE_CUDA;
    search.opencl = false;
    return search;
  }
  /// For tests that play the program beside Sconce.
  [[nodiscard]] static std::shared_ptr<const cuda::Api> api() {
    std::string why;
    auto api = cuda::open_api(SCONCE_FAKE_CUDA, why);
    EXPECT_NE(api, nullptr) << why;
    return api;
  }
  /// What was not given back, in words; empty where all was.
  [[nodiscard]] std::string leftovers() const {
    constexpr const char* kNames[] = {"blocks", "pinned blocks", "streams", "events", "modules", "contexts", "current"};
    std::string text;
    for (int thing = 0; thing < fake_cuda::kThings; ++thing)
      if (const long count = control_->live(thing); count != 0)
        text += std::to_string(count) + " " + kNames[thing] + " ";
    return text;
  }

 private:
  const fake_cuda::Control* control_ = nullptr;
};

}  // namespace sconce::device
