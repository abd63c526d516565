// Facts: ggml's docs/gguf.md, versions 1 to 3; gguf.cpp for the alignment.
#include "formats/foreign/gguf_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "base/checked.h"
#include "base/fail.h"
#include "base/text.h"

namespace sconce::formats::foreign {

namespace {

constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kArray = 9;
constexpr std::uint32_t kUint32 = 4;
// Bytes of the values of types 0 to 12; 0 for strings and arrays.
constexpr std::array<std::uint64_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr std::uint32_t kMostDimensions = 4;
constexpr std::size_t kMostDepth = 8;
constexpr const char* kFetch = "the file is damaged; fetch it again";

/// Passes over the metadata; throws what is wrong with it.
class Walk {
 public:
  explicit Walk(const SourcePtr& source) : reader_(source) {}

  /// Tensors that the file has.
  std::uint64_t run() {
    reader_.seek(4);
    version_ = reader_.u32();
    if (version_ > 0xFFFF)
      fail(ErrorCode::unsupported, "this is a big-endian GGUF file, which Sconce does not read", at_offset(4));
    const std::uint64_t tensors = count();
    const std::uint64_t values = count();
    for (std::uint64_t at = 0; at < values; ++at) key_and_value();
    std::uint64_t last = 0;
    std::uint64_t last_at = 0;
    for (std::uint64_t at = 0; at < tensors; ++at) {
      const std::uint64_t offset_at = tensor();
      if (offset_ < last) continue;
      last = offset_;
      last_at = offset_at;
    }
    if (any_elements_) require_data(last, last_at);
    return tensors;
  }

 private:
  std::uint64_t count() { return version_ == 1 ? reader_.u32() : reader_.u64(); }

  void skip(std::uint64_t bytes, const char* what) {
    const std::uint64_t at = reader_.offset();
    if (!reader_.has(bytes))
      fail(ErrorCode::truncated,
           "the GGUF file ends inside " + std::string(what) + " of " + std::to_string(bytes) + " bytes", at_offset(at),
           "the file is damaged or incomplete; fetch it again");
    reader_.seek(at + bytes);
  }

  void key_and_value() {
    const std::uint64_t size = count();
    const bool may_be_alignment = size == kAlignmentKey.size() && reader_.ensure(size) >= size;
    const bool alignment = may_be_alignment && reader_.take(kAlignmentKey.size()) == kAlignmentKey;
    if (!may_be_alignment) skip(size, "a key");
    const std::uint64_t at = reader_.offset();
    const std::uint32_t type = reader_.u32();
    if (alignment && type == kUint32) {
      alignment_ = reader_.u32();
      if (alignment_ == 0 || (alignment_ & (alignment_ - 1)) != 0)
        fail(ErrorCode::damaged, "the alignment of the GGUF file is no power of two", at_offset(at), kFetch);
    } else {
      value(type, at);
    }
  }

  /// Arrays can stand in arrays; the depth is limited, and what is left of the outer ones is kept in a list.
  void value(std::uint32_t type, std::uint64_t at) {
    std::vector<std::uint64_t> arrays;  // elements left, of arrays of arrays
    for (;;) {
      if (type >= kSizes.size())
        fail(ErrorCode::damaged, "the GGUF file has a value of type " + std::to_string(type) + "; 0 to 12 are known",
             at_offset(at), kFetch);
      if (type != kArray) {
        type == kString ? skip(count(), "a text") : skip(kSizes[type], "a value");
      } else {
        enter(arrays);
      }
      while (!arrays.empty() && arrays.back() == 0) arrays.pop_back();
      if (arrays.empty()) return;
      --arrays.back();
      type = kArray;
      at = reader_.offset();
    }
  }

  void enter(std::vector<std::uint64_t>& arrays) {
    const std::uint64_t at = reader_.offset();
    const std::uint32_t type = reader_.u32();
    const std::uint64_t length = count();
    if (type >= kSizes.size() || arrays.size() == kMostDepth)
      fail(ErrorCode::damaged, "the GGUF file has an array of a type that is not known", at_offset(at), kFetch);
    if (type == kArray) return arrays.push_back(length);
    if (type == kString) {
      for (std::uint64_t element = 0; element < length; ++element) skip(count(), "a text");
      return;
    }
    skip(checked_mul(length, kSizes[type]).value_or(UINT64_MAX), "an array");
  }

  /// Position of the field with the tensor's offset, which is left in offset_.
  std::uint64_t tensor() {
    skip(count(), "a tensor's name");
    const std::uint64_t at = reader_.offset();
    const std::uint32_t dimensions = reader_.u32();
    if (dimensions > kMostDimensions)
      fail(ErrorCode::damaged, "a tensor of the GGUF file has " + std::to_string(dimensions) + " dimensions",
           at_offset(at), kFetch);
    bool elements = true;
    for (std::uint32_t dimension = 0; dimension < dimensions; ++dimension) elements = count() != 0 && elements;
    skip(4, "a tensor's type");
    const std::uint64_t offset_at = reader_.offset();
    offset_ = reader_.u64();
    any_elements_ = any_elements_ || elements;
    return offset_at;
  }

  void require_data(std::uint64_t offset, std::uint64_t offset_at) {
    const std::uint64_t begin = align_up(reader_.offset(), alignment_);
    const auto first = checked_add(begin, offset);
    if (first && reader_.source()->reaches(*first) && reader_.source()->size() > *first) return;
    fail(ErrorCode::damaged,
         "a tensor of the GGUF file begins " + std::to_string(offset) + " bytes behind byte " + std::to_string(begin) +
             ", but the file has " + std::to_string(reader_.source()->size()) + " bytes",
         at_offset(offset_at), "the file is damaged or incomplete; fetch it again");
  }

  static constexpr std::string_view kAlignmentKey = "general.alignment";

  ByteReader reader_;
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::uint64_t offset_ = 0;
  bool any_elements_ = false;
};

}  // namespace

bool is_gguf(std::string_view head) { return head.starts_with("GGUF"); }

Finding gguf_finding(const SourcePtr& source) {
  try {
    const std::uint64_t tensors = Walk(source).run();
    return not_read("a GGUF file with " + with_commas(tensors) + (tensors == 1 ? " tensor" : " tensors"),
                    "llama.cpp reads it; for weights as tensors, use the model that it was made from", "gguf");
  } catch (const Error& error) {
    return {error.message(), error.advice(), error.code(), error.place().offset};
  }
}

}  // namespace sconce::formats::foreign
