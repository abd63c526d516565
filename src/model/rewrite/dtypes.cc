// dtypes that the target does not have.
#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/torch_common/storage_classes.h"
#include "model/rewrite/derived_storage.h"
#include "model/rewrite/tensor_forms.h"
#include "tensor/cast.h"
#include "tensor/cast_source.h"
#include "tensor/numpy_code.h"
#include "tensor/storage_data.h"
#include "tree/references.h"

namespace sconce::model::rewrite {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;
using tree::TensorRecord;

namespace {

using Fate = Changes::Fate;

/// The nearest dtype that holds all numbers of another, as far as every PyTorch has it.
struct Nearest {
  DType from;
  DType to;
  bool same_bytes = false;  ///< no cast: PyTorch has no numbers for it, or two in one element
};
// float8 in float16: both lie in its range, with the smallest of e5m2fnuz (2^-17) among its subnormal numbers.
// float8_e8m0fnu is powers of two from 2^-127 on, which bfloat16 and float32 have as a subnormal number.
constexpr Nearest kNearest[] = {
    {DType::float8_e5m2, DType::float16},
    {DType::float8_e4m3fn, DType::float16},
    {DType::float8_e5m2fnuz, DType::float16},
    {DType::float8_e4m3fnuz, DType::float16},
    {DType::float8_e8m0fnu, DType::bfloat16},
    {DType::float8_e8m0fnu, DType::float32},
    {DType::bfloat16, DType::float32},
    {DType::uint16, DType::int32},
    {DType::uint32, DType::int64},
    {DType::uint64, DType::int64},
    {DType::complex32, DType::complex64},
    {DType::bcomplex32, DType::complex64},
    {DType::boolean, DType::uint8, true},
    {DType::float4_e2m1fn_x2, DType::uint8, true},
    {DType::bits8, DType::uint8, true},
    {DType::bits1x8, DType::uint8, true},
    {DType::bits2x4, DType::uint8, true},
    {DType::bits4x2, DType::uint8, true},
    {DType::bits16, DType::int16, true},
};

std::optional<Nearest> nearest_dtype(DType from, const Target& target) {
  for (const Nearest& row : kNearest)
    if (row.from == from && target.dtype(row.to) && (row.same_bytes || tensor::can_cast(from, row.to))) return row;
  return std::nullopt;
}

/// Whether all numbers of a storage of uint64 are below 2^63. Reads it.
bool fits_int64(const Storage& storage) {
  const SourcePtr source = open_storage(*storage.data());
  std::vector<std::byte> window(std::size_t{1} << 20);
  const std::uint64_t whole = storage.nbytes() - storage.nbytes() % 8;
  const std::size_t top = storage.byte_order() == std::endian::little ? 7 : 0;
  for (std::uint64_t at = 0; at < whole; at += window.size()) {
    const std::span part(window.data(), static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), whole - at)));
    source->read_at(at, part);
    for (std::size_t byte = top; byte < part.size(); byte += 8)
      if ((part[byte] & std::byte{0x80}) != std::byte{0}) return false;
  }
  return true;
}

class DTypePlan {
 public:
  DTypePlan(Checkpoint::State& state, const Target& target, bool cast, Changes& changes)
      : document_(*state.document), state_(state), target_(target), cast_(cast), changes_(changes) {}

  void run() {
    const std::vector<NodeId> nodes = tree::reachable(document_, state_.roots);
    for (const NodeId node : nodes) {
      if (document_.kind(node) == Kind::tensor) look(node);
      if (document_.kind(node) == Kind::dtype && !target_.weights_only) value(node);
    }
    changes_.name(state_);
    for (const auto& [node, nearest] : casts_) cast(node, nearest);
    for (const NodeId node : nodes)
      if (document_.kind(node) == Kind::tensor) follow_parts(node);
  }

 private:
  void remains(NodeId node, const std::string& what, std::string_view hint) {
    changes_.add(Fate::remaining, what + std::string(hint), node);
  }

  void look(NodeId node) {
    const TensorRecord& record = document_.tensor_record(node);
    if (target_.dtype(record.dtype)) return;
    const bool is_quantized = info(record.dtype).is_quantized;
    if (is_quantized || !record.has_storage()) {
      // Quantised ones were told by their form; a tensor that is made of others has their dtype.
      if (record.meta) remains(node, without(record.dtype), "");
      return;
    }
    // An array stays NumPy's, which has its dtypes whatever PyTorch has.
    if (record.numpy && !tensor::numpy_code(record.dtype).empty()) return;
    const auto nearest = nearest_dtype(record.dtype, target_);
    if (!nearest) return remains(node, without(record.dtype), ", nor one that holds its numbers");
    if (!cast_)
      return remains(node, without(record.dtype),
                     " (a cast to " + std::string(to_string(nearest->to)) + " " + std::string(kCastWouldDo) + ")");
    if (record.dtype == DType::uint64 && !fits(record.storage))
      return remains(node, without(record.dtype), ": it has numbers from 2^63 on, which int64 does not hold");
    std::string what = std::string(to_string(record.dtype)) + " becomes " + std::string(to_string(nearest->to));
    if (nearest->same_bytes) what += ", with the same bytes";
    changes_.add(Fate::changed, std::move(what), node);
    casts_.emplace_back(node, *nearest);
  }

  [[nodiscard]] std::string without(DType dtype) const {
    return "a tensor of " + std::string(to_string(dtype)) + ", which " + target_.name() + " does not have";
  }

  void value(NodeId node) {
    const auto dtype = dtype_from_string(document_.text(node));
    if (dtype && target_.dtype_value(*dtype)) return;
    remains(node, "torch." + std::string(document_.text(node)) + ", which " + target_.name() + " does not have", "");
  }

  bool fits(std::uint32_t storage) {
    const auto [entry, added] = fits_.try_emplace(storage, false);
    if (added) entry->second = fits_int64(document_.storage_at(storage));
    return entry->second;
  }

  /// Tensors of one storage stay tensors of one storage.
  void cast(NodeId node, const Nearest& nearest) {
    TensorRecord& record = document_.mutable_tensor(node);
    const auto [entry, added] = storages_.try_emplace({record.storage, nearest.from}, 0);
    if (added && nearest.same_bytes) {
      entry->second = storage_as(document_, record.storage, nearest.to);
    } else if (added) {
      const Storage typed = document_.storage_at(storage_as(document_, record.storage, nearest.from));
      Storage cast = tensor::cast_storage(typed, nearest.from, nearest.to);
      state_.casts.push_back(cast);
      entry->second = document_.add_storage(std::move(cast));
    }
    record.storage = entry->second;
    record.dtype = nearest.to;
  }

  /// A sparse or nested tensor is of the dtype of the part that has its numbers.
  void follow_parts(NodeId node) {
    const TensorRecord& record = document_.tensor_record(node);
    if (record.has_storage() || record.extra == nullptr || record.extra->qscheme != QScheme::none) return;
    for (std::uint32_t at = 0; at < record.extra->part_count; ++at) {
      const auto& part = record.extra->parts[at];
      const bool numbers = part.name == tree::PartName::values || part.name == tree::PartName::buffer;
      if (numbers && document_.kind(part.tensor) == Kind::tensor)
        document_.mutable_tensor(node).dtype = document_.tensor_record(part.tensor).dtype;
    }
  }

  Document& document_;
  Checkpoint::State& state_;
  const Target& target_;
  bool cast_;
  Changes& changes_;
  std::vector<std::pair<NodeId, Nearest>> casts_;
  std::map<std::pair<std::uint32_t, DType>, std::uint32_t> storages_;
  std::map<std::uint32_t, bool> fits_;
};

}  // namespace

void rewrite_dtypes(Checkpoint::State& state, const Target& target, bool cast, Changes& changes) {
  DTypePlan(state, target, cast, changes).run();
}

}  // namespace sconce::model::rewrite
