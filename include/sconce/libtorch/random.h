// torch's random state: what makes rand, randn, randperm, dropout and shuffles give the same numbers on the other side.
//
//   Python                                C++
//   d["rng"] = torch.get_rng_state()      fresh["rng"] = sconce::libtorch::rng_state();
//   torch.set_rng_state(d["rng"])         sconce::libtorch::set_rng_state(checkpoint["rng"].as_tensor());
//
// The CPU's generator is a Mersenne twister of 5056 bytes, the same in Python and C++ and from PyTorch 1.5 to 2.14;
// that of a GPU is a seed and an offset of 16 bytes. What one version draws from the same state, another may draw
// otherwise. Thread rule: may be called from any thread; the generators have locks.
#pragma once

#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <torch/cuda.h>

#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <sconce/error.h>
#include <sconce/libtorch/tensor.h>
#include <sconce/value.h>

namespace sconce::inline v0::libtorch {

namespace detail {

inline ::at::Generator generator_of(::at::Device device) { return ::at::globalContext().defaultGenerator(device); }

inline Tensor state_of(::at::Generator generator) {
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return from_tensor(generator.get_state());
}

/// Errors: `invalid_argument` where this is no state of that generator.
inline void set_state(::at::Generator generator, const Tensor& state) {
  constexpr std::uint64_t kMost = 64 * 1024;  // of a hostile file; the largest real one has 5056 bytes
  if (!state.defined() || state.dtype() != DType::uint8 || state.dim() != 1 || state.numel() == 0 ||
      state.numel() > kMost)
    throw Error(ErrorCode::invalid_argument, "a random state is a tensor of bytes (uint8) with one dimension");
  const ::at::Tensor bytes = to_tensor(state.contiguous(), Sharing::copy);
  const std::lock_guard<std::mutex> lock(generator.mutex());
  const ::at::Tensor before = generator.get_state();
  try {
    generator.set_state(bytes);
  } catch (const ::c10::Error& error) {
    generator.set_state(before);
    throw Error(ErrorCode::invalid_argument,
                "libtorch does not take this random state: " + std::string(error.what_without_backtrace()));
  }
}

}  // namespace detail

/// The state of the CPU's generator, as torch.get_rng_state() gives it: 5056 bytes.
[[nodiscard]] inline Tensor rng_state() { return detail::state_of(detail::generator_of(::at::kCPU)); }

/// As torch.set_rng_state(). Errors: `invalid_argument` where it is no such state; the generator is as it was.
inline void set_rng_state(const Tensor& state) { detail::set_state(detail::generator_of(::at::kCPU), state); }

/// The states of all GPUs, as torch.cuda.get_rng_state_all(): a list to be saved, empty where there is no GPU.
[[nodiscard]] inline std::vector<Tensor> cuda_rng_states() {
  std::vector<Tensor> states;
  const auto count = ::torch::cuda::is_available() ? static_cast<std::size_t>(::torch::cuda::device_count()) : 0;
  for (std::size_t at = 0; at < count; ++at)
    states.push_back(
        detail::state_of(detail::generator_of(::at::Device(::at::kCUDA, static_cast<::c10::DeviceIndex>(at)))));
  return states;
}

/// As torch.cuda.set_rng_state_all(), for the GPUs that are here; a file from a machine with more of them is no error.
/// `states`: a list of tensors, as Python saved it. Errors: `invalid_argument`, as set_rng_state(); all are as they
/// were.
inline void set_cuda_rng_states(const Value& states) {
  const auto here = ::torch::cuda::is_available() ? static_cast<std::size_t>(::torch::cuda::device_count()) : 0;
  const auto generator = [](std::size_t at) {
    return detail::generator_of(::at::Device(::at::kCUDA, static_cast<::c10::DeviceIndex>(at)));
  };
  std::vector<Tensor> wanted;
  for (const Value& state : states.elements()) wanted.push_back(state.as_tensor());
  const std::vector<Tensor> before = cuda_rng_states();
  for (std::size_t at = 0; at < wanted.size() && at < here; ++at) try {
      detail::set_state(generator(at), wanted[at]);
    } catch (...) {
      for (std::size_t back = 0; back < at; ++back) detail::set_state(generator(back), before[back]);
      throw;
    }
}

}  // namespace sconce::inline v0::libtorch
