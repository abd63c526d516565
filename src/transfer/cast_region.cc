#include "transfer/cast_region.h"

#include <algorithm>

#include "tensor/cast.h"
#include "tensor/swap.h"

namespace sconce::transfer {

std::uint64_t elements_in(const Region& region, std::uint64_t plain_bytes) {
  return plain_bytes / element_size(region.cast->from);
}

std::uint64_t cast_step(const Region& region, std::uint64_t most) {
  const std::uint64_t in = element_size(region.cast->from);
  return most / std::max<std::uint64_t>(in, element_size(region.cast->to)) * in;
}

std::uint64_t cast_offset(const Region& region, std::uint64_t plain_offset) {
  return elements_in(region, plain_offset) * element_size(region.cast->to);
}

std::span<const std::byte> prepare_cast(const Region& region, std::span<std::byte> plain) {
  const Cast& cast = *region.cast;
  const std::uint64_t count = elements_in(region, plain.size());
  const std::span<std::byte> elements = plain.first(count * element_size(cast.from));
  if (cast.order != std::endian::native) tensor::swap_in_place(elements, info(cast.from).swap_unit);
  if (cast.counter != nullptr && count != 0) {
    CastCounts counts;
    cast.counter->count(elements.data(), count, counts);
    cast.count(counts);
  }
  return elements;
}

void cast_into(const Region& region, std::span<std::byte> plain, std::byte* into, std::uint64_t whole) {
  const std::span<const std::byte> elements = prepare_cast(region, plain);
  tensor::cast_piece(region.cast->from, elements.data(), region.cast->to, into, elements_in(region, elements.size()),
                     whole);
}

}  // namespace sconce::transfer
