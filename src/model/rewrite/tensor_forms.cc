#include "model/rewrite/tensor_forms.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "formats/torch_common/encode_storages.h"
#include "formats/torch_common/storage_classes.h"
#include "model/rewrite/derived_storage.h"
#include "tensor/elements.h"
#include "tree/references.h"

namespace sconce::model::rewrite {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;
using tree::TensorRecord;

namespace {

using Fate = Changes::Fate;

class FormPlan {
 public:
  FormPlan(Checkpoint::State& state, const Target& target, SaveOptions& save, Changes& changes)
      : state_(state), document_(*state.document), target_(target), save_(save), changes_(changes) {}

  void run() {
    const std::vector<NodeId> nodes = tree::reachable(document_, state_.roots);
    const formats::torch_common::StorageUses uses(document_);
    for (const NodeId node : nodes) {
      if (document_.kind(node) == Kind::tensor) {
        attributes(node);
        form(node);
        if (!target_.untyped_tensors()) untyped(node, uses);
      } else if (document_.kind(node) == Kind::storage) {
        bare(node, uses);
      }
    }
    changes_.name(state_);
    apply();
  }

 private:
  void remains(const std::string& what, NodeId node) {
    changes_.add(Fate::remaining, what + ", which " + target_.name() + " does not open", node);
  }

  /// A class and Python attributes. Releases without a place for them lose them when they save, too.
  void attributes(NodeId node) {
    const TensorRecord& record = document_.tensor_record(node);
    if (record.parameter && !target_.parameters()) {
      changes_.add(Fate::changed, "a Parameter becomes a tensor", node);
      plain_parameters_.push_back(node);
    }
    if (record.extra == nullptr) return;
    const bool has_type = record.extra->type != kNoNode;
    const bool has_state = record.extra->state != kNoNode;
    if (record.layout == Layout::wrapper) {
      if (!target_.subclasses()) remains("a tensor that its class makes of others", node);
      return;
    }
    const bool keeps_type = has_type && target_.subclasses();
    if (has_type && !keeps_type) {
      changes_.add(Fate::dropped, "the class " + document_.class_name(record.extra->type) + " of a tensor", node);
      no_type_.push_back(node);
    }
    if (keeps_type && !has_state && !target_.subclass_without_state()) {
      changes_.add(Fate::changed, "a tensor of a class gets a state without attributes", node);
      empty_state_.push_back(node);
    }
    const bool keeps_state =
        keeps_type || (record.parameter ? target_.parameter_attributes() : target_.tensor_attributes());
    if (!has_state || keeps_state) return;
    for (const auto& [key, value] : document_.attributes(node)) {
      const bool named = document_.kind(key) == Kind::str && document_.text(key).size() <= 100;
      changes_.add(
          Fate::dropped,
          "attribute " + (named ? std::string(document_.text(key)) : std::string("(no text)")) + " of a tensor", node);
    }
    no_state_.push_back(node);
  }

  void form(NodeId node) {
    const TensorRecord& record = document_.tensor_record(node);
    const bool is_quantized = record.extra != nullptr && record.extra->qscheme != QScheme::none;
    switch (record.layout) {
      case Layout::sparse_coo:
        if (!target_.coo()) return remains("a sparse tensor", node);
        if (record.extra != nullptr && record.extra->has_coalesced && !target_.coalesced_flag()) {
          changes_.add(Fate::changed, "a sparse tensor does not say whether it is coalesced", node);
          no_flag_.push_back(node);
        }
        return;
      case Layout::sparse_csr:
      case Layout::sparse_csc:
      case Layout::sparse_bsr:
      case Layout::sparse_bsc:
        if (!target_.compressed(record.layout))
          return remains("a " + std::string(to_string(record.layout)) + " tensor", node);
        if (target_.old_csr()) {
          changes_.add(Fate::changed, "a sparse_csr tensor has the form of PyTorch 1.11 to 1.13", node);
          save_.old_sparse_csr = true;
        }
        return;
      case Layout::nested:
        if (!target_.nested()) remains("a nested tensor", node);
        return;
      case Layout::strided: break;
      default: return;
    }
    if (record.meta && !target_.meta()) return remains("a tensor of device meta", node);
    if (is_quantized && !target_.quantized(record.dtype))
      return remains("a quantised tensor of " + std::string(to_string(record.dtype)), node);
    if ((record.conj || record.neg) && record.has_storage() && !target_.lazy_bits()) {
      changes_.add(Fate::changed,
                   std::string(record.conj ? "a conjugated" : "a negated") +
                       " view becomes a tensor of its own, in row-major order",
                   node);
      resolved_.push_back(node);
    }
  }

  /// A storage that tensors of several dtypes show is an untyped one; without those, each dtype gets a copy.
  void untyped(NodeId node, const formats::torch_common::StorageUses& uses) {
    const TensorRecord& record = document_.tensor_record(node);
    if (!record.has_storage() || record.numpy || formats::torch_common::travels_untyped(record.dtype)) return;
    if (uses.written_dtype(record.storage)) return;
    changes_.add(Fate::changed, "tensors of several dtypes over one storage get a storage for each dtype", node);
    split_.push_back(node);
  }

  void bare(NodeId node, const formats::torch_common::StorageUses& uses) {
    const std::uint32_t number = document_.storage_number(node);
    if (target_.untyped_storages() || uses.written_dtype(number)) return;
    changes_.add(Fate::changed, "an untyped storage becomes one of bytes (torch.ByteStorage)", node);
    bytes_.push_back(node);
  }

  void apply() {
    for (const NodeId node : plain_parameters_) document_.mutable_tensor(node).parameter = false;
    for (const NodeId node : no_type_) document_.tensor_extra(node).type = kNoNode;
    for (const NodeId node : no_state_) document_.tensor_extra(node).state = kNoNode;
    for (const NodeId node : empty_state_) document_.tensor_extra(node).state = document_.dict();
    for (const NodeId node : no_flag_) document_.tensor_extra(node).has_coalesced = false;
    for (const NodeId node : split_) {
      TensorRecord& record = document_.mutable_tensor(node);
      record.storage = split_storage(record.storage, record.dtype);
    }
    for (const NodeId node : bytes_)
      document_.become(node, document_.storage(split_storage(document_.storage_number(node), DType::uint8),
                                               document_.storage_slice(node)));
    for (const NodeId node : resolved_) resolve(node);
  }

  std::uint32_t split_storage(std::uint32_t number, DType dtype) {
    const auto [entry, added] = parts_.try_emplace({number, dtype}, 0);
    if (added) entry->second = storage_as(document_, number, dtype);
    return entry->second;
  }

  /// Equal views of one storage stay views of one storage.
  void resolve(NodeId node) {
    const TensorRecord record = document_.tensor_record(node);
    const Tensor tensor = document_.tensor_handle(node);
    tensor::check_expansion(*tensor.data_handle(), state_.limits);
    const std::vector<std::int64_t> shape(record.shape().begin(), record.shape().end());
    View view{record.storage, record.offset, shape, document_.strides(record), record.conj, record.neg};
    const auto [entry, added] = views_.try_emplace(std::move(view), 0);
    if (added) {
      count(record, tensor);
      entry->second = storage_of_elements(document_, tensor);
    }
    TensorRecord plain = record;
    plain.storage = entry->second;
    plain.offset = 0;
    plain.conj = false;
    plain.neg = false;
    document_.become(node, document_.tensor(plain, shape, {}));
  }

  /// A file can have any number of views of one storage, at a few bytes each, and each is written out.
  void count(const TensorRecord& record, const Tensor& tensor) {
    constexpr std::uint64_t kAlways = std::uint64_t{64} << 20;
    constexpr std::uint64_t kTimes = 16;
    if (held_.insert(record.storage).second) held_bytes_ += tensor.storage().nbytes();
    written_bytes_ += tensor::elements_nbytes(*tensor.data_handle());
    if (written_bytes_ <= kAlways || written_bytes_ / kTimes <= held_bytes_) return;
    fail(ErrorCode::limit,
         "conjugated views of " + std::to_string(held_bytes_) + " bytes would take more than " +
             std::to_string(written_bytes_) + " as tensors of their own",
         {}, "PyTorch 2.0 and later read them as views");
  }

  using View =
      std::tuple<std::uint32_t, std::int64_t, std::vector<std::int64_t>, std::vector<std::int64_t>, bool, bool>;

  Checkpoint::State& state_;
  Document& document_;
  const Target& target_;
  SaveOptions& save_;
  Changes& changes_;
  std::vector<NodeId> plain_parameters_, no_type_, no_state_, empty_state_, no_flag_, resolved_, split_, bytes_;
  std::map<std::pair<std::uint32_t, DType>, std::uint32_t> parts_;
  std::map<View, std::uint32_t> views_;
  std::set<std::uint32_t> held_;  // storages that are written out as tensors
  std::uint64_t held_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace

void rewrite_tensor_forms(Checkpoint::State& state, const Target& target, SaveOptions& save, Changes& changes) {
  FormPlan(state, target, save, changes).run();
}

}  // namespace sconce::model::rewrite
