// safetensors: the length, the JSON header, the ranges.
#include "formats/safetensors/reader.h"

#include "fuzz.h"

void sconce::fuzzing::fuzz(std::span<const std::byte> bytes) {
  exercise(open_as(formats::safetensors::open_safetensors, bytes));
}
