#include "transfer/made.h"

#include <algorithm>
#include <memory>

#include "base/hash.h"
#include "transfer/cast_region.h"
#include "transfer/pages.h"

namespace sconce::transfer {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

bool anywhere(const Opened& opened, std::uint64_t size) {
  return opened.extent.has_value() || opened.source->view(0, size) != nullptr;
}

/// `into` begins at an element, and ends at one.
void cast_made(const Region& region, const ByteSource& source, std::uint64_t offset, std::span<std::byte> into,
               Work& work, PartSum& sum) {
  const std::uint64_t in = element_size(region.cast->from);
  const std::uint64_t out = element_size(region.cast->to);
  const std::uint64_t begin = offset / out * in;
  // The last piece has what is behind the last element, too: the checksum is that of all bytes.
  const std::uint64_t end = offset + into.size() == region.size ? region.cast->size : begin + into.size() / out * in;
  const std::uint64_t step = cast_step(region, kCastPiece);
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(std::min(step, end - begin));
  for (std::uint64_t at = begin; at < end; at += step) {
    const std::span<std::byte> plain(buffer.get(), std::min(step, end - at));
    source.read_at(at, plain);
    if (region.crc32) sum.crc = crc32(sum.crc, plain);
    cast_into(region, plain, into.data() + (cast_offset(region, at) - offset), region.size);
    work.add(plain.size());
  }
  sum.size = end - begin;
}

}  // namespace

std::vector<MadePiece> cut_made(std::span<const Region> regions, const Plan& plan) {
  std::vector<MadePiece> pieces;
  for (std::size_t slot = 0; slot < plan.made.size(); ++slot) {
    const std::uint32_t region = plan.made[slot];
    const std::uint64_t size = regions[region].size;
    const std::uint64_t step =
        size > kTask && anywhere(plan.opened[region], regions[region].plain_size()) ? kTask : size;
    for (std::uint64_t at = 0; at < size; at += step) pieces.push_back({region, at, std::min(step, size - at), slot});
  }
  return pieces;
}

PartSum read_made(std::span<const Region> regions, const Plan& plan, const MadePiece& piece, std::span<std::byte> into,
                  Work& work) {
  const Region& region = regions[piece.region];
  const ByteSource& source = *plan.opened[piece.region].source;
  const std::size_t most = region.crc32 ? kCachePiece : kPiece;
  PartSum sum{piece.region, 0, piece.size};
  explained(region, [&] {
    if (region.cast) return cast_made(region, source, piece.offset, into, work, sum);
    for (std::size_t at = 0; at < into.size(); at += most) {
      const std::span<std::byte> part = into.subspan(at, std::min(most, into.size() - at));
      source.read_at(piece.offset + at, part);
      if (region.crc32) sum.crc = crc32(sum.crc, part);
      work.add(part.size());
    }
  });
  return sum;
}

}  // namespace sconce::transfer
