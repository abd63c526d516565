#include "transfer/range_reader.h"

#include <algorithm>
#include <cstring>

#include "base/memory_block.h"
#include "transfer/pages.h"
#include "transfer/read_file.h"

namespace sconce::transfer {
namespace {

// Where no checksum asks for smaller pieces: how often progress is told and cancellation looked for.
constexpr std::size_t kPiece = std::size_t{4} << 20;

std::size_t piece_size(const RangeSums& sums) { return sums.wanted() ? kCachePiece : kPiece; }

template <typename Body>
void for_pieces(std::size_t size, std::size_t most, Body&& body) {
  for (std::size_t at = 0; at < size; at += most) body(at, std::min(most, size - at));
}

}  // namespace

RangeReader::RangeReader(std::span<const Region> regions, const Plan& plan, const Access& access, Work& work,
                         unsigned workers)
    : regions_(regions), plan_(plan), access_(access), work_(work), rings_(workers) {}

RangeReader::~RangeReader() = default;

std::vector<PartSum> RangeReader::read(const Range& range, std::byte* memory, unsigned worker) {
  work_.check();
  try {
    return read_explained(range, memory, worker);
  } catch (Error& error) {
    if (error.code() != ErrorCode::truncated && error.code() != ErrorCode::io) throw;
    const Region& region = regions_[plan_.parts[range.first].region];
    if (region.explain) region.explain(error);
    throw;
  }
}

std::vector<PartSum> RangeReader::read_explained(const Range& range, std::byte* memory, unsigned worker) {
  RangeSums sums(regions_, plan_, plan_.runs[range.run], range.first, range.offset, range.end());
  const std::span<std::byte> into(memory, range.size);
  switch (range.way) {
    case Way::copy: copy_mapped(range, into, sums); break;
    case Way::direct: read_direct(range, into, sums); break;
    case Way::ring: read_ring(range, into, sums, worker); break;
    default: read_cached(range, into, sums); break;
  }
  std::uint64_t compared = 0;
  std::vector<PartSum> left = sums.finish(compared);
  compared_ += compared;
  return left;
}

void RangeReader::read_cached(const Range& range, std::span<std::byte> into, RangeSums& sums) {
  for_pieces(into.size(), piece_size(sums), [&](std::size_t at, std::size_t size) {
    const std::span<std::byte> piece = into.subspan(at, size);
    read_file(plan_.files[range.file], range.offset + at, piece);
    sums.add(piece);
    work_.add(size);
  });
}

void RangeReader::copy_mapped(const Range& range, std::span<std::byte> into, RangeSums& sums) {
  const MappedPart mapped(plan_.files[range.file], range.offset, range.size);
  for_pieces(into.size(), piece_size(sums), [&](std::size_t at, std::size_t size) {
    const std::span<std::byte> piece = into.subspan(at, size);
    std::memcpy(piece.data(), mapped.bytes().data() + at, size);
    sums.add(piece);
    work_.add(size);
  });
}

void RangeReader::read_direct(const Range& range, std::span<std::byte> into, RangeSums& sums) {
  populate(into);
  access_.direct[range.file]->read(plan_.files[range.file], range.offset, into);
  sum_up(into, sums);
}

void RangeReader::read_ring(const Range& range, std::span<std::byte> into, RangeSums& sums, unsigned worker) {
  if (!rings_[worker]) rings_[worker] = Ring::open();
  if (!rings_[worker]) return read_direct(range, into, sums);  // there was one when the way was chosen, and no more now
  rings_[worker]->read(plan_.files[range.file], *access_.direct[range.file], range.offset, into,
                       [&](std::span<std::byte> arrived) { sum_up(arrived, sums); });
}

void RangeReader::sum_up(std::span<std::byte> arrived, RangeSums& sums) {
  for_pieces(arrived.size(), piece_size(sums), [&](std::size_t at, std::size_t size) {
    sums.add(arrived.subspan(at, size));
    work_.add(size);
  });
}

}  // namespace sconce::transfer
