#include "transfer/made.h"

#include <algorithm>

#include "base/hash.h"
#include "transfer/pages.h"

namespace sconce::transfer {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

bool anywhere(const Opened& opened, std::uint64_t size) {
  return opened.extent.has_value() || opened.source->view(0, size) != nullptr;
}

}  // namespace

std::vector<MadePiece> cut_made(std::span<const Region> regions, const Plan& plan) {
  std::vector<MadePiece> pieces;
  for (std::size_t slot = 0; slot < plan.made.size(); ++slot) {
    const std::uint32_t region = plan.made[slot];
    const std::uint64_t size = regions[region].size;
    const std::uint64_t step = size > kTask && anywhere(plan.opened[region], size) ? kTask : size;
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
