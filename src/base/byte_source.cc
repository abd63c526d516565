#include <sconce/byte_source.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"

namespace sconce {
inline namespace v0 {

ByteSource::~ByteSource() = default;
ByteSink::~ByteSink() = default;

const std::byte* ByteSource::view(std::uint64_t, std::uint64_t) const { return nullptr; }
std::optional<FileExtent> ByteSource::extent(std::uint64_t, std::uint64_t) const { return std::nullopt; }

namespace {

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string name)
      : bytes_(bytes), owner_(std::move(owner)), name_(std::move(name)) {}

  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), bytes_.size())) past_end(*this, offset, into.size());
    if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
  }
  const std::byte* view(std::uint64_t offset, std::uint64_t size) const override {
    if (!fits(offset, size, bytes_.size())) past_end(*this, offset, size);
    return bytes_.data() + offset;
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::string name_;
};

class SliceSource final : public ByteSource {
 public:
  SliceSource(SourcePtr source, std::uint64_t offset, std::uint64_t size)
      : source_(std::move(source)), offset_(offset), size_(size) {}

  std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    check(offset, into.size());
    source_->read_at(offset_ + offset, into);
  }
  const std::byte* view(std::uint64_t offset, std::uint64_t size) const override {
    check(offset, size);
    return source_->view(offset_ + offset, size);
  }
  std::optional<FileExtent> extent(std::uint64_t offset, std::uint64_t size) const override {
    check(offset, size);
    return source_->extent(offset_ + offset, size);
  }
  const std::string& name() const noexcept override { return source_->name(); }

  /// A part of this part, counted from the start of the whole, so that errors name offsets that people can look up.
  SourcePtr part(std::uint64_t offset, std::uint64_t size) const {
    check(offset, size);
    return std::make_shared<SliceSource>(source_, offset_ + offset, size);
  }

 private:
  void check(std::uint64_t offset, std::uint64_t size) const {
    if (fits(offset, size, size_)) return;
    ErrorPlace place = at_offset(offset_ + std::min(offset, size_));
    place.file = name();
    fail(ErrorCode::truncated,
         std::to_string(size) + " bytes expected, but the part that holds them ends at byte " +
             std::to_string(offset_ + size_),
         std::move(place), "fetch the file again");
  }

  SourcePtr source_;
  std::uint64_t offset_;
  std::uint64_t size_;
};

}  // namespace

SourcePtr memory_source(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string name) {
  return std::make_shared<MemorySource>(bytes, std::move(owner), std::move(name));
}

}  // namespace v0

void past_end(const ByteSource& source, std::uint64_t offset, std::uint64_t size) {
  ErrorPlace place = at_offset(offset);
  place.file = source.name();
  fail(ErrorCode::truncated,
       std::to_string(size) + " bytes expected, but the data ends at byte " + std::to_string(source.size()),
       std::move(place), "fetch the file again");
}

SourcePtr slice(SourcePtr source, std::uint64_t offset, std::uint64_t size) {
  if (const auto* outer = dynamic_cast<const SliceSource*>(source.get())) return outer->part(offset, size);
  if (const auto end = checked_add(offset, size); !end || !source->reaches(*end)) past_end(*source, offset, size);
  return std::make_shared<SliceSource>(std::move(source), offset, size);
}

SourcePtr string_source(std::string text, std::string name) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  return memory_source(std::as_bytes(std::span(*owner)), owner, std::move(name));
}

}  // namespace sconce
