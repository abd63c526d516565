#include "model/index_reader.h"

#include <algorithm>
#include <utility>

#include "base/endian.h"
#include "base/fail.h"
#include "tensor/elements.h"
#include "tensor/tensor_data.h"

namespace sconce::model {

namespace {

constexpr std::uint64_t kWindow = 8192;  // numbers

}  // namespace

IndexReader::IndexReader(const Tensor& tensor, std::string name, const Limits& limits)
    : name_(std::move(name)), size_(tensor.numel()), width_(tensor.dtype() == DType::int32 ? 4 : 8) {
  if (tensor.dtype() != DType::int32 && tensor.dtype() != DType::int64)
    fail(ErrorCode::damaged, name_ + " must be int32 or int64, not " + std::string(to_string(tensor.dtype())));
  if (!tensor.has_storage()) fail(ErrorCode::damaged, name_ + " have no elements");
  tensor::check_expansion(*tensor.data_handle(), limits);
  source_ = tensor::element_source(tensor);
}

void IndexReader::fill(std::uint64_t at) {
  const std::uint64_t count = std::min(kWindow, size_ - at);
  bytes_.resize(static_cast<std::size_t>(count * width_));
  source_->read_at(at * width_, bytes_);
  window_.resize(static_cast<std::size_t>(count));
  for (std::size_t n = 0; n < count; ++n) {
    const std::byte* element = bytes_.data() + n * width_;
    window_[n] = width_ == 8 ? static_cast<std::int64_t>(load_le<std::uint64_t>(element))
                             : static_cast<std::int32_t>(load_le<std::uint32_t>(element));
  }
  begin_ = at;
}

}  // namespace sconce::model
