// NumPy's .npy.
#include "formats/numpy/reader.h"

#include "fuzz.h"

void sconce::fuzzing::fuzz(std::span<const std::byte> bytes) { exercise(open_as(formats::numpy::open_npy, bytes)); }
