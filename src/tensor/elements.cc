#include "tensor/elements.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/slice.h"
#include "tensor/packed.h"
#include "tensor/resolve.h"
#include "tensor/shape.h"
#include "tensor/storage_data.h"
#include "tensor/strided_read.h"
#include "tensor/tensor_data.h"

namespace sconce::tensor {
namespace {

unsigned bits_of(const TensorData& tensor) noexcept { return info(tensor.dtype).bits; }

/// Where `element` bytes of every element lie in the storage, and where they go in row-major order.
StridedCopy row_major(const TensorData& tensor, std::size_t element) {
  StridedCopy copy;
  copy.element = element;
  const std::vector<std::int64_t> dense = contiguous_strides(tensor.shape());
  for (std::size_t dim = 0; dim < tensor.shape().size(); ++dim)
    copy.add({static_cast<std::uint64_t>(tensor.shape()[dim]),
              static_cast<std::uint64_t>(tensor.strides()[dim]) * element,
              static_cast<std::uint64_t>(dense[dim]) * element});
  return copy;
}

void require_elements(const TensorData& tensor) {
  if (tensor.has_storage) return;
  if (tensor.meta) fail(ErrorCode::wrong_type, "a meta tensor has a shape, but no elements");
  fail(ErrorCode::wrong_type,
       "a tensor of layout " + std::string(to_string(tensor.layout)) + " has no elements of its own", {},
       "read its parts()");
}

/// The elements of a tensor whose elements fill whole bytes, in row-major order and little-endian.
class ElementSource final : public ByteSource {
 public:
  ElementSource(std::shared_ptr<const TensorData> tensor, SourcePtr storage)
      : tensor_(std::move(tensor)),
        storage_(std::move(storage)),
        element_(bits_of(*tensor_) / 8),
        copy_(row_major(*tensor_, element_)),
        resolution_(resolution(tensor_->dtype, tensor_->storage.byte_order(), std::endian::little, tensor_->conj,
                               tensor_->neg)),
        base_(static_cast<std::uint64_t>(tensor_->offset) * element_),
        size_(elements_nbytes(*tensor_)) {}

  std::uint64_t size() const override { return size_; }
  const std::string& name() const noexcept override { return storage_->name(); }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), size_)) past_end(*this, offset, into.size());
    // Readers ask for whole elements, but for the ends of what they want.
    if (const std::size_t skip = offset % element_; skip != 0) {
      const std::size_t taken = std::min(into.size(), element_ - skip);
      read_part(offset / element_, skip, into.first(taken));
      offset += taken;
      into = into.subspan(taken);
    }
    const std::size_t whole = into.size() / element_ * element_;
    if (whole != 0) read_whole(offset / element_, into.first(whole));
    if (whole != into.size()) read_part(offset / element_ + whole / element_, 0, into.subspan(whole));
  }

 private:
  void read_whole(std::uint64_t first, std::span<std::byte> into) const {
    read_strided(*storage_, base_, copy_, first, first + into.size() / element_, into.data());
    resolve(tensor_->dtype, resolution_, std::endian::little, into);
  }
  void read_part(std::uint64_t at, std::size_t skip, std::span<std::byte> into) const {
    std::array<std::byte, 16> element;
    read_whole(at, std::span(element).first(element_));
    std::memcpy(into.data(), element.data() + skip, into.size());
  }

  std::shared_ptr<const TensorData> tensor_;
  SourcePtr storage_;
  std::size_t element_;
  StridedCopy copy_;
  Resolution resolution_;
  std::uint64_t base_;
  std::uint64_t size_;
};

/// The elements of a tensor whose elements share bytes, packed again in row-major order.
class PackedElementSource final : public ByteSource {
 public:
  PackedElementSource(std::shared_ptr<const TensorData> tensor, const SourcePtr& storage)
      : tensor_(std::move(tensor)),
        unpacked_(unpacked_source(storage, bits_of(*tensor_))),
        bits_(bits_of(*tensor_)),
        group_bytes_(std::lcm(bits_, 8U) / 8),
        copy_(row_major(*tensor_, 1)),
        count_(copy_.count()),
        size_(elements_nbytes(*tensor_)) {}

  std::uint64_t size() const override { return size_; }
  const std::string& name() const noexcept override { return unpacked_->name(); }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), size_)) past_end(*this, offset, into.size());
    while (!into.empty()) {
      // Groups of elements that fill whole bytes; the last group of all may be cut short.
      const std::uint64_t group = offset / group_bytes_;
      const std::size_t skip = offset % group_bytes_;
      const std::size_t wanted = std::min(into.size(), kPacked - skip);
      read_groups(group, skip, into.first(wanted));
      offset += wanted;
      into = into.subspan(wanted);
    }
  }

 private:
  static constexpr std::size_t kPacked = 12288;  // bytes at a time, a multiple of every group

  void read_groups(std::uint64_t group, std::size_t skip, std::span<std::byte> into) const {
    const std::uint64_t first = group * (std::uint64_t{group_bytes_} * 8 / bits_);
    const std::uint64_t bytes = skip + into.size();
    const std::uint64_t last = std::min<std::uint64_t>(count_, first + (bytes * 8 + bits_ - 1) / bits_);
    std::vector<std::byte> elements(static_cast<std::size_t>(last - first));
    read_strided(*unpacked_, static_cast<std::uint64_t>(tensor_->offset), copy_, first, last, elements.data());
    std::vector<std::byte> packed((elements.size() * bits_ + 7) / 8);
    pack(elements, bits_, packed);
    std::memcpy(into.data(), packed.data() + skip, into.size());
  }

  std::shared_ptr<const TensorData> tensor_;
  SourcePtr unpacked_;
  unsigned bits_;
  unsigned group_bytes_;
  StridedCopy copy_;
  std::uint64_t count_;
  std::uint64_t size_;
};

}  // namespace

bool is_plain(const TensorData& tensor) noexcept {
  const bool whole_byte = static_cast<std::uint64_t>(tensor.offset) % 8 * bits_of(tensor) % 8 == 0;
  const bool in_order = info(tensor.dtype).swap_unit == 1 || tensor.storage.byte_order() == std::endian::little;
  return tensor.has_storage && whole_byte && in_order && !tensor.neg &&
         !(tensor.conj && info(tensor.dtype).is_complex) && is_contiguous(tensor.shape(), tensor.strides());
}

std::uint64_t byte_offset(const TensorData& tensor) noexcept {
  const auto offset = static_cast<std::uint64_t>(tensor.offset);
  const std::uint64_t bits = bits_of(tensor);
  // Proven inside the storage, so that nothing overflows.
  return bits % 8 == 0 ? offset * (bits / 8) : offset / 8 * bits + offset % 8 * bits / 8;
}

std::uint64_t elements_nbytes(const TensorData& tensor) {
  const auto numel = numel_of(tensor.shape());
  const auto bytes = numel ? bytes_of(tensor.dtype, *numel) : std::nullopt;
  if (!bytes) fail(ErrorCode::limit, "the elements of this tensor take more than 2^64 bytes");
  return *bytes;
}

void copy_elements(const TensorData& tensor, std::uint64_t first, std::span<std::byte> into) {
  // A handle that does not own: the source is gone before this returns.
  const Tensor handle(std::shared_ptr<const TensorData>(std::shared_ptr<const TensorData>(), &tensor));
  const std::uint64_t unit = bits_of(tensor) < 8 ? 1 : bits_of(tensor) / 8;
  element_source(handle)->read_at(first * unit, into);
}

SourcePtr element_source(const Tensor& tensor) {
  const std::shared_ptr<const TensorData>& data = tensor.data_handle();
  if (data == nullptr) fail(ErrorCode::invalid_argument, "an undefined tensor has no elements");
  require_elements(*data);
  const std::uint64_t size = elements_nbytes(*data);
  if (size == 0) return memory_source({});
  SourcePtr storage = open_storage(*data->storage.data());
  if (is_plain(*data)) return slice(std::move(storage), byte_offset(*data), size);
  if (bits_of(*data) < 8) return std::make_shared<PackedElementSource>(data, storage);
  return std::make_shared<ElementSource>(data, std::move(storage));
}

void check_expansion(const TensorData& tensor, const Limits& limits) {
  const std::uint64_t bytes = elements_nbytes(tensor);
  if (!tensor.has_storage || bytes <= limits.memory_base) return;
  if (bytes / std::max<std::uint64_t>(tensor.storage.nbytes(), 1) <= limits.expansion) return;
  fail(ErrorCode::limit,
       "laid out in full, this tensor would take " + std::to_string(bytes) + " bytes, from a storage of " +
           std::to_string(tensor.storage.nbytes()),
       {}, "raise Limits::expansion if the file is trusted");
}

}  // namespace sconce::tensor
