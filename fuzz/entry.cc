// Where libFuzzer, or the replaying main, enters.
#include <sconce/error.h>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    sconce::fuzzing::fuzz(std::as_bytes(std::span(data, size)));
  } catch (const sconce::Error& error) {
    sconce::fuzzing::require(!error.message().empty(), "an error says what is wrong\n");
  }
  return 0;
}
