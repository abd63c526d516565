#include "archive/inflate.h"

#include <libdeflate.h>

#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"

namespace sconce::archive {
namespace {

/// An inflated record; gives its memory back when nobody holds it any more.
class InflatedSource final : public ByteSource {
 public:
  InflatedSource(const DeflatedBytes& record, std::shared_ptr<InflatedRecords::Memory> memory)
      : bytes_(inflate_all(record)), size_(record.size), name_(record.compressed->name()), memory_(std::move(memory)) {}
  ~InflatedSource() override { memory_->give_back(size_); }

  std::uint64_t size() const override { return size_; }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), size_)) past_end(*this, offset, into.size());
    if (!into.empty()) std::memcpy(into.data(), bytes_.get() + offset, into.size());
  }
  const std::byte* view(std::uint64_t offset, std::uint64_t size) const override {
    if (!fits(offset, size, size_)) past_end(*this, offset, size);
    return bytes_.get() + offset;
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::uint64_t size_;
  std::string name_;
  std::shared_ptr<InflatedRecords::Memory> memory_;
};

const char* explain(libdeflate_result result) noexcept {
  switch (result) {
    case LIBDEFLATE_SHORT_OUTPUT: return "the compressed record inflates to fewer bytes than the directory says";
    case LIBDEFLATE_INSUFFICIENT_SPACE: return "the compressed record inflates to more bytes than the directory says";
    default: return "the record's compressed bytes are broken";
  }
}

}  // namespace

std::unique_ptr<std::byte[]> inflate_all(const DeflatedBytes& record) {
  // Copied, never viewed through a mapping: nobody may change the bytes while they are decoded.
  const std::uint64_t compressed_size = record.compressed->size();
  auto compressed = std::make_unique_for_overwrite<std::byte[]>(compressed_size);
  record.compressed->read_at(0, {compressed.get(), compressed_size});
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(record.size);
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  if (decompressor == nullptr) throw std::bad_alloc();
  std::size_t consumed = 0;
  const libdeflate_result result = libdeflate_deflate_decompress_ex(
      decompressor.get(), compressed.get(), compressed_size, bytes.get(), record.size, &consumed, nullptr);
  if (result != LIBDEFLATE_SUCCESS) fail(ErrorCode::damaged, explain(result), record.place);
  if (consumed != compressed_size) {
    fail(ErrorCode::damaged,
         std::to_string(compressed_size - consumed) + " bytes behind the end of the record's compressed stream",
         record.place);
  }
  return bytes;
}

bool InflatedRecords::Memory::take(std::uint64_t bytes) noexcept {
  std::uint64_t used = used_.load();
  do {
    if (bytes > limit_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

SourcePtr InflatedRecords::open(std::uint32_t number, DeflatedBytes record) {
  if (SourcePtr source = held(number)) return source;
  const bool small = record.size <= kWhole && record.compressed->size() <= kWhole;
  if (!small || !memory_->take(record.size)) return inflating_source(std::move(record));
  SourcePtr source;
  try {
    source = std::make_shared<InflatedSource>(record, memory_);
  } catch (...) {
    memory_->give_back(record.size);
    throw;
  }
  hold(number, source);
  return source;
}

SourcePtr InflatedRecords::held(std::uint32_t number) {
  const std::scoped_lock lock(mutex_);
  const auto found = held_.find(number);
  return found == held_.end() ? nullptr : found->second.lock();
}

void InflatedRecords::hold(std::uint32_t number, const SourcePtr& source) {
  constexpr std::size_t kMost = 1024;
  const std::scoped_lock lock(mutex_);
  if (held_.size() >= kMost) std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
  if (held_.size() < kMost) held_[number] = source;
}

}  // namespace sconce::archive
