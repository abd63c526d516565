#include "transfer/checksums.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "base/hash.h"
#include "transfer/work.h"

namespace sconce::transfer {
namespace {

std::string hex(std::uint32_t value) {
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", value);
  return text.data();
}

}  // namespace

void compare_checksum(const Region& region, std::uint32_t crc) {
  if (crc == *region.crc32) return;
  explained(region, [&] {
    fail(ErrorCode::checksum, "the CRC-32 of the data is " + hex(crc) + ", but the file records " + hex(*region.crc32),
         {}, "fetch the file again, or skip checksums to go on");
  });
}

RangeSums::RangeSums(std::span<const Region> regions, const Plan& plan, const Run& run, std::size_t first,
                     std::uint64_t begin, std::uint64_t end)
    : regions_(regions), begin_(begin), end_(end), at_(begin) {
  for (std::size_t at = first; at < run.last && plan.parts[at].offset < end; ++at) {
    const Part& part = plan.parts[at];
    if (part.end() > begin && regions[part.region].crc32) sums_.push_back({part.region, 0, part.offset, part.end()});
  }
}

void RangeSums::add(std::span<const std::byte> bytes) {
  const std::uint64_t begin = at_;
  at_ += bytes.size();
  while (low_ < sums_.size() && sums_[low_].end <= begin) ++low_;
  for (std::size_t at = low_; at < sums_.size() && sums_[at].begin < at_; ++at) {
    Sum& sum = sums_[at];
    const std::uint64_t from = std::max(sum.begin, begin);
    const std::uint64_t to = std::min(sum.end, at_);
    if (from < to) sum.crc = crc32(sum.crc, bytes.subspan(from - begin, to - from));
  }
}

std::vector<PartSum> RangeSums::finish(std::uint64_t& compared) const {
  std::vector<PartSum> left;
  for (const Sum& sum : sums_) {
    if (sum.begin >= begin_ && sum.end <= end_) {
      compare_checksum(regions_[sum.region], sum.crc);
      ++compared;
    } else {
      left.push_back({sum.region, sum.crc, std::min(sum.end, end_) - std::max(sum.begin, begin_)});
    }
  }
  return left;
}

void FoldedSums::add(std::span<const PartSum> sums) {
  for (const PartSum& next : sums) {
    PartSum& sum = sums_[next.region];
    sum.crc = sum.size == 0 ? next.crc : crc32_combine(sum.crc, next.crc, next.size);
    sum.size += next.size;
  }
}

void FoldedSums::compare(std::uint64_t& compared) const {
  for (std::size_t region = 0; region < sums_.size(); ++region) {
    if (sums_[region].size == 0) continue;
    compare_checksum(regions_[region], sums_[region].crc);
    ++compared;
  }
}

}  // namespace sconce::transfer
