// One tensor as a file of its own: `.npy`, or its bare elements.
#include <memory>
#include <optional>
#include <string>

#include <sconce/save.h>

#include "formats/numpy/writer.h"
#include "io/run_plan.h"
#include "model/run_options.h"
#include "tensor/elements.h"
#include "tensor/tensor_data.h"

namespace sconce {
namespace model {
namespace {

/// The elements of a tensor, laid out in full.
class Elements final : public io::Payload {
 public:
  explicit Elements(Tensor tensor) : tensor_(std::move(tensor)) {}
  [[nodiscard]] SourcePtr open() const override { return tensor::element_source(tensor_); }
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

}  // namespace
}  // namespace model

inline namespace v0 {

void save_npy(const Tensor& tensor, const std::string& path, const SaveOptions& options) {
  io::run_plan(formats::numpy::plan_npy(tensor), path, model::run_options(options));
}

void save_raw(const Tensor& tensor, const std::string& path, const SaveOptions& options) {
  (void)tensor::element_source(tensor);  // refuses what has no elements before a file is begun
  tensor::check_expansion(*tensor.data_handle(), Limits{});
  io::WritePlan plan;
  if (const std::uint64_t size = tensor::elements_nbytes(*tensor.data_handle()); size != 0)
    (void)plan.add_payload(std::make_shared<model::Elements>(tensor), size);
  io::run_plan(plan, path, model::run_options(options));
}

}  // namespace v0
}  // namespace sconce
