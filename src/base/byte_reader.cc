#include "base/byte_reader.h"

#include <algorithm>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"

namespace sconce {

ByteReader::ByteReader(SourcePtr source, std::uint64_t begin, std::optional<std::uint64_t> end)
    : source_(std::move(source)), end_(end), window_at_(begin) {}

std::uint64_t ByteReader::end_of_input() const { return end_ && source_->reaches(*end_) ? *end_ : source_->size(); }

bool ByteReader::has(std::uint64_t bytes) const {
  if (bytes <= static_cast<std::size_t>(last_ - next_)) return true;
  const auto wanted = checked_add(offset(), bytes);
  return wanted && (!end_ || *wanted <= *end_) && source_->reaches(*wanted);
}

/// How many bytes are left, counted up to `most`.
std::uint64_t ByteReader::available(std::uint64_t most) const {
  const std::uint64_t at = offset();
  const std::uint64_t end = end_.value_or(UINT64_MAX);
  const std::uint64_t wanted = end > at ? std::min(most, end - at) : 0;
  if (source_->reaches(at + wanted)) return wanted;
  const std::uint64_t size = source_->size();  // a stream has arrived to its end, or it would reach so far
  return size > at ? std::min(wanted, size - at) : 0;
}

std::size_t ByteReader::refill(std::size_t wanted) {
  const auto kept = static_cast<std::size_t>(last_ - next_);
  const std::uint64_t at = offset();
  const auto fill = static_cast<std::size_t>(available(std::max(wanted, kWindow)));
  if (fill <= kept) return kept;
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
  if (ensure(bytes) < bytes) too_short(bytes);
}

void ByteReader::too_short(std::uint64_t bytes) const {
  fail(ErrorCode::truncated,
       std::to_string(bytes) + (bytes == 1 ? " more byte" : " more bytes") + " expected, but the data ends at byte " +
           std::to_string(end_of_input()),
       at_offset(offset()), "fetch the file again");
}

void ByteReader::read(std::span<std::byte> into) {
  if (!has(into.size())) too_short(into.size());
  const std::size_t ready = std::min(static_cast<std::size_t>(last_ - next_), into.size());
  if (ready != 0) std::memcpy(into.data(), next_, ready);
  const std::uint64_t at = offset() + ready;
  const std::span<std::byte> rest = into.subspan(ready);
  if (!rest.empty()) source_->read_at(at, rest);
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
