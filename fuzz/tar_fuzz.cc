// The tar of PyTorch 0.1.
#include "formats/pytorch/tar_reader.h"

#include "fuzz.h"

void sconce::fuzzing::fuzz(std::span<const std::byte> bytes) {
  exercise(open_as(formats::pytorch::open_torch_tar, bytes));
}
