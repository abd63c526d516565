// The stream of several pickles that torch.save wrote before 1.6.
#include "formats/pytorch/legacy_reader.h"

#include "fuzz.h"

void sconce::fuzzing::fuzz(std::span<const std::byte> bytes) {
  exercise(open_as(formats::pytorch::open_legacy_stream, bytes));
}
