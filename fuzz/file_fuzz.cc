// A whole file, as load() and verify() meet it: recognised by its content, then read.
#include <sconce/verify.h>

#include "fuzz.h"

void sconce::fuzzing::fuzz(std::span<const std::byte> bytes) {
  LoadOptions options;
  options.limits = small_limits();
  exercise(load(memory_source(bytes), options));
  VerifyOptions checks;
  checks.limits = small_limits();
  checks.threads = 1;
  static_cast<void>(verify(memory_source(bytes), checks));
}
