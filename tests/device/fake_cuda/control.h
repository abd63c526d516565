// How tests rule the fake driver. The functions are found with dlsym, as those of the driver are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fake_cuda {

enum Thing : int { kBlocks, kPinned, kStreams, kEvents, kModules, kContexts, kStack, kThings };

/// Table that `fake_cuda_control` returns.
struct Control {
  /// Forgets all that was set. Streams do their work in threads of their own where `asynchronous`.
  void (*reset)(int devices, std::uint64_t memory, bool asynchronous);
  /// cuInit answers this.
  void (*init_code)(int code);
  /// The n-th call from now on, of that function or (null) of any, answers this code; 0: none.
  void (*fail)(const char* function, int n, int code);
  /// After so many calls all others answer CUDA_ERROR_ILLEGAL_ADDRESS.
  void (*lose_after)(int calls);
  /// The function that answered what fail() says, or null.
  const char* (*failed)();
  /// How many there are now; kStack: contexts on the stack of the calling thread.
  long (*live)(int thing);
  /// How often that function was called since reset().
  long (*calls)(const char* function);
};

}  // namespace fake_cuda
