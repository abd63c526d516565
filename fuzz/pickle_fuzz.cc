// The pickle machine with the resolver of torch's names: a stream of opcodes.
#include "formats/pytorch/bare_pickle.h"

#include "fuzz.h"

void sconce::fuzzing::fuzz(std::span<const std::byte> bytes) {
  exercise(open_as(formats::pytorch::open_bare_pickle, bytes));
}
