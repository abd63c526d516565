#include "base/byte_reader.h"

#include <algorithm>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"

namespace sconce {

ByteReader::ByteReader(SourcePtr source, std::uint64_t begin, std::optional<std::uint64_t> end)
    : source_(std::move(source)), end_(end), window_at_(begin) {}

std::uint64_t ByteReader::end_of_input() const { return end_ ? *end_ : source_->size(); }

bool ByteReader::has(std::uint64_t bytes) const {
  const auto wanted = checked_add(offset(), bytes);
  if (!wanted || (end_ && *wanted > *end_)) return false;
  return static_cast<std::size_t>(last_ - next_) >= bytes || source_->reaches(*wanted);
}

std::size_t ByteReader::refill(std::size_t wanted) {
  const auto kept = static_cast<std::size_t>(last_ - next_);
  const std::uint64_t at = offset();
  const std::size_t target = std::max(wanted, kWindow);
  // As much as a window holds where that much is there; a stream that is still arriving is read no further than asked.
  std::uint64_t available = kept;
  const auto clipped = [&](std::uint64_t size) {
    return end_ ? std::min<std::uint64_t>(size, *end_ > at ? *end_ - at : 0) : size;
  };
  if (const std::uint64_t size = clipped(target); source_->reaches(at + size)) {
    available = size;
  } else if (const std::uint64_t least = clipped(wanted); source_->reaches(at + least)) {
    available = std::min<std::uint64_t>(target, end_of_input() - at);
  } else {
    available = end_of_input() > at ? end_of_input() - at : 0;
  }
  if (available <= kept) return kept;
  const auto fill = static_cast<std::size_t>(available);
  if (fill > capacity_) {
    auto larger = std::make_unique_for_overwrite<std::byte[]>(fill);
    if (kept != 0) std::memcpy(larger.get(), next_, kept);
    window_ = std::move(larger);
    capacity_ = fill;
  } else if (kept != 0) {
    std::memmove(window_.get(), next_, kept);
  }
  begin_ = next_ = window_.get();
  last_ = begin_ + kept;
  window_at_ = at;
  source_->read_at(at + kept, {window_.get() + kept, fill - kept});
  last_ = begin_ + fill;
  return fill;
}

void ByteReader::need(std::size_t bytes) {
  if (ensure(bytes) >= bytes) return;
  ErrorPlace place = at_offset(offset());
  fail(ErrorCode::truncated,
       std::to_string(bytes) + (bytes == 1 ? " more byte" : " more bytes") + " expected, but the data ends at byte " +
           std::to_string(end_of_input()),
       std::move(place), "fetch the file again");
}

void ByteReader::read(std::span<std::byte> into) {
  const std::size_t ready = std::min(static_cast<std::size_t>(last_ - next_), into.size());
  if (ready != 0) std::memcpy(into.data(), next_, ready);
  next_ += ready;
  if (ready == into.size()) return;
  const std::span<std::byte> rest = into.subspan(ready);
  if (!has(rest.size())) {
    next_ -= ready;
    ErrorPlace place = at_offset(offset());
    fail(ErrorCode::truncated,
         std::to_string(into.size()) + " bytes expected, but the data ends at byte " + std::to_string(end_of_input()),
         std::move(place), "fetch the file again");
  }
  const std::uint64_t at = offset();
  source_->read_at(at, rest);
  seek(at + rest.size());
}

std::optional<std::string_view> ByteReader::line(std::size_t limit) {
  std::size_t searched = 0;
  for (std::size_t wanted = 256;; wanted *= 2) {
    const std::size_t ready = ensure(std::min(wanted, limit));
    const std::size_t here = std::min(ready, limit);
    if (here > searched) {
      if (const void* found = std::memchr(next_ + searched, '\n', here - searched)) {
        const char* begin = reinterpret_cast<const char*>(next_);
        const auto size = static_cast<std::size_t>(static_cast<const char*>(found) - begin);
        next_ += size + 1;
        return std::string_view(begin, size);
      }
    }
    if (here == searched || here == limit) return std::nullopt;
    searched = here;
    wanted = std::max(wanted, here);
  }
}

void ByteReader::seek(std::uint64_t target) {
  if (target >= window_at_ && target - window_at_ <= static_cast<std::uint64_t>(last_ - begin_)) {
    next_ = begin_ + (target - window_at_);
    return;
  }
  window_at_ = target;
  begin_ = next_ = last_ = window_.get();
}

}  // namespace sconce
