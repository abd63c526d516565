// The elements of one tensor as a payload of a write plan: row-major, little-endian, laid out in full.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "formats/storage_home.h"
#include "io/write_plan.h"
#include "tensor/elements.h"
#include "tensor/tensor_data.h"

namespace sconce::formats {

class TensorPayload final : public io::Payload {
 public:
  explicit TensorPayload(Tensor tensor) : tensor_(std::move(tensor)) {}
  [[nodiscard]] SourcePtr open() const override { return tensor::element_source(tensor_); }
  [[nodiscard]] Home home() const override { return home_of(tensor_.storage()); }
  [[nodiscard]] std::string record() const override { return tensor_.storage().record(); }
  [[nodiscard]] std::optional<std::uint32_t> expected_crc32() const override {
    // What the file records is the checksum of the whole storage as it lies there.
    const bool whole = tensor::is_plain(*tensor_.data_handle()) && tensor_.nbytes() == tensor_.storage().nbytes();
    const auto recorded = whole ? tensor_.storage().checksum() : std::nullopt;
    return recorded ? std::optional(recorded->crc32) : std::nullopt;
  }

 private:
  Tensor tensor_;
};

/// Adds all elements of a tensor to a plan. Errors: `wrong_type` for tensors without elements of their own; `limit`
/// for an expanded tensor that would be absurdly large.
inline void add_elements(io::WritePlan& plan, const Tensor& tensor) {
  (void)tensor::element_source(tensor);  // refuses what has no elements before a file is begun
  tensor::check_expansion(*tensor.data_handle(), Limits{});
  if (const std::uint64_t size = tensor::elements_nbytes(*tensor.data_handle()); size != 0)
    (void)plan.add_payload(std::make_shared<TensorPayload>(tensor), size);
}

}  // namespace sconce::formats
