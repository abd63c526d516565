// The tree that a sidecar describes, built without recursion.
#include <algorithm>
#include <string>
#include <utility>

#include "base/fail.h"
#include "formats/safetensors/node_table.h"
#include "formats/safetensors/restored_storages.h"
#include "formats/safetensors/sidecar.h"

namespace sconce::formats::safetensors {

namespace {

using tree::kNoNode;
using tree::NodeId;
using tree::PartName;

[[noreturn]] void contradiction(std::string message) { fail(ErrorCode::damaged, std::move(message)); }

/// The parts that a tensor must have to be one.
std::vector<PartName> needed_parts(const SavedTensor& tensor) {
  switch (tensor.layout) {
    case Layout::sparse_coo: return {PartName::indices, PartName::values};
    case Layout::sparse_csr:
    case Layout::sparse_bsr: return {PartName::crow_indices, PartName::col_indices, PartName::values};
    case Layout::sparse_csc:
    case Layout::sparse_bsc: return {PartName::ccol_indices, PartName::row_indices, PartName::values};
    case Layout::nested: return {PartName::buffer, PartName::sizes, PartName::strides, PartName::storage_offsets};
    default: break;
  }
  if (tensor.qscheme == QScheme::per_channel_affine) return {PartName::scales, PartName::zero_points};
  return {};
}

class Restorer {
 public:
  Restorer(tree::Document& document, NodeTable table, std::vector<MatchedTensor> matched)
      : document_(document), table_(std::move(table)), matched_(std::move(matched)) {}

  std::vector<NodeId> build(const SourcePtr& source, const StorageOrigin* origin) {
    for (SavedNode& node : table_.nodes) begin(node);
    for (SavedNode& node : table_.nodes)
      if (node.made == kNoNode) node.made = make(node);
    for (const SavedNode& node : table_.nodes) fill(node);
    for (const SavedNode& node : table_.nodes) set_attributes(node);
    add_storages(source, origin);
    std::vector<NodeId> roots;
    for (const std::uint32_t root : table_.roots) roots.push_back(node_of(root));
    if (roots.empty()) contradiction("it has no root");
    return roots;
  }

 private:
  /// What is filled later is there first, so that cycles go through it.
  void begin(SavedNode& node) {
    if (node.made != kNoNode) return;
    if (node.kind == Kind::list) node.made = document_.list();
    if (node.kind == Kind::dict) node.made = document_.dict(node.flavor);
    if (node.kind == Kind::set) node.made = document_.set(Kind::set);
  }

  /// None stands where something is left out.
  NodeId node_of(std::uint32_t number) const {
    if (number == kNotHeld) return document_.none();
    const NodeId made = table_.nodes[number].made;
    if (made == kNoNode) contradiction("node " + std::to_string(number) + " is made of nodes that come after it");
    return made;
  }

  NodeId make(const SavedNode& node) {
    if (node.kind == Kind::tensor) return make_tensor(node.first);
    if (node.kind == Kind::storage) return make_storage_node(node.first);
    std::vector<NodeId> elements;
    for (const std::uint32_t number : table_.operands_of(node)) elements.push_back(node_of(number));
    if (node.kind != Kind::frozenset) {
      if (node.kind == Kind::size)
        for (const NodeId element : elements)
          if (document_.kind(element) != Kind::integer) contradiction("a size that is no integer");
      return document_.tuple(elements, node.kind);
    }
    const NodeId made = document_.set(Kind::frozenset);
    for (const NodeId element : elements) insert(made, element, kNoNode);
    return made;
  }

  void insert(NodeId dict, NodeId key, NodeId value) {
    const std::uint32_t before = document_.dict_record(dict).count;
    if (!document_.dict_set(dict, key, value) || document_.dict_record(dict).count == before)
      contradiction("a dict or set has a key twice, or one that cannot be a key");
  }

  void fill(const SavedNode& node) {
    if (node.kind != Kind::list && node.kind != Kind::dict && node.kind != Kind::set) return;
    const auto operands = table_.operands_of(node);
    if (node.kind == Kind::dict) {
      for (std::size_t at = node.of_object ? 0 : 2; at < operands.size(); at += 2)
        insert_entry(node, operands[at], node_of(operands[at + 1]));
    } else {
      for (const std::uint32_t number : operands) {
        const NodeId element = node_of(number);
        if (node.kind == Kind::list)
          document_.list_append(node.made, {&element, 1});
        else
          insert(node.made, element, kNoNode);
      }
    }
  }

  void insert_entry(const SavedNode& node, std::uint32_t key, NodeId value) {
    if (node.of_object)
      (void)document_.dict_set(node.made, key, value);  // two parts of an object can have one name: the last counts
    else
      insert(node.made, node_of(key), value);
  }

  void set_attributes(const SavedNode& node) {
    if (node.kind != Kind::dict || node.of_object || node.count < 2) return;
    const auto operands = table_.operands_of(node);
    if (operands[1] != kNotHeld) {
      const NodeId factory = node_of(operands[1]);
      if (document_.kind(factory) != Kind::global) contradiction("the factory of a defaultdict must be a global");
      document_.set_dict_flavor(node.made, node.flavor, factory);
    }
    if (operands[0] == kNotHeld) return;
    const NodeId attributes = node_of(operands[0]);
    if (document_.kind(attributes) != Kind::dict) contradiction("the attributes of a dict must be a dict");
    const NodeId mine = document_.dict_attributes(node.made);
    const tree::DictRecord record = document_.dict_record(attributes);
    for (std::size_t at = 0; at < record.count; ++at)
      (void)document_.dict_set(mine, record.pairs[2 * at], record.pairs[2 * at + 1]);
  }

  // ------------------------------------------------------------------------------------------------------ tensors

  NodeId make_tensor(std::uint32_t number) {
    const SavedTensor& saved = table_.tensors[number];
    const bool composite = saved.names.empty();
    check_form(saved);
    tree::TensorRecord record;
    record.layout = saved.layout;
    record.parameter = saved.parameter;
    record.requires_grad = saved.requires_grad;
    record.numpy = saved.numpy;
    record.fortran = saved.fortran;
    const View& view = matched_[number].view;
    record.dtype = composite ? *saved.dtype : view.dtype;
    record.offset = composite ? 0 : view.offset;
    const NodeId made = document_.tensor(record, composite ? saved.shape : view.shape,
                                         composite ? std::vector<std::int64_t>() : view.strides);
    if (has_extra(saved)) add_extra(made, saved);
    waiting_.emplace_back(made, number);
    return made;
  }

  void check_form(const SavedTensor& saved) const {
    const bool made_of_parts = saved.layout != Layout::strided && saved.layout != Layout::mkldnn;
    if (made_of_parts != saved.names.empty()) contradiction("a tensor of parts that has elements of its own, or none");
    if (saved.names.empty() && !saved.dtype) contradiction("a tensor of parts without a dtype");
    for (const PartName name : needed_parts(saved))
      if (std::ranges::find(saved.parts, name, [](const auto& part) { return part.first; }) == saved.parts.end())
        contradiction("a tensor has no " + std::string(tree::to_string(name)));
    for (const auto& [name, part] : saved.parts)
      if (document_.kind(node_of(part)) != Kind::tensor) contradiction("a part of a tensor that is no tensor");
    if (saved.type != kNotHeld && document_.kind(node_of(saved.type)) != Kind::global)
      contradiction("the class of a tensor must be a global");
  }

  static bool has_extra(const SavedTensor& saved) {
    return saved.qscheme != QScheme::none || saved.coalesced || !saved.device.empty() || !saved.parts.empty() ||
           saved.type != kNotHeld || saved.state != kNotHeld;
  }

  void add_extra(NodeId tensor, const SavedTensor& saved) {
    tree::TensorExtra& extra = document_.tensor_extra(tensor);
    extra.qscheme = saved.qscheme;
    extra.scale = saved.scale;
    extra.zero_point = saved.zero_point;
    extra.axis = saved.axis;
    extra.has_coalesced = saved.coalesced.has_value();
    extra.coalesced = saved.coalesced.value_or(false);
    extra.device = document_.keep(saved.device);
    extra.from_cpu_tensor = saved.from_cpu;
    for (const auto& [name, part] : saved.parts) extra.parts[extra.part_count++] = {name, node_of(part)};
    if (saved.type != kNotHeld) extra.type = node_of(saved.type);
    if (saved.state != kNotHeld) extra.state = node_of(saved.state);
  }

  /// A bare storage shows bytes of a storage; which one is known when all else is proven.
  NodeId make_storage_node(std::uint32_t number) {
    const SavedTensor& saved = table_.tensors[number];
    if (saved.names.empty() || !saved.storage || !is_dense(matched_[number].view))
      contradiction("a bare storage without bytes");
    const Interval interval = *interval_of(matched_[number].view);
    const NodeId made = document_.storage(0, {interval.begin, interval.end - interval.begin});
    waiting_.emplace_back(made, number);
    return made;
  }

  void add_storages(const SourcePtr& source, const StorageOrigin* origin) {
    const std::vector<std::uint32_t> numbers = make_storages(document_, table_, matched_, source, origin);
    for (const auto& [node, tensor] : waiting_) {
      if (numbers[tensor] == kNotHeld) continue;
      if (document_.kind(node) == Kind::tensor)
        document_.mutable_tensor(node).storage = numbers[tensor];
      else
        document_.become(node, document_.storage(numbers[tensor], document_.storage_slice(node)));
    }
  }

  tree::Document& document_;
  NodeTable table_;
  std::vector<MatchedTensor> matched_;
  std::vector<std::pair<NodeId, std::uint32_t>> waiting_;  // for their storages
};

}  // namespace

std::vector<NodeId> restore_tree(tree::Document& document, std::string_view sidecar, const Header& header,
                                 const SourcePtr& source, const StorageOrigin* origin) {
  NodeTable table = read_node_table(document, sidecar);
  std::vector<MatchedTensor> matched = match_tensors(table, header);
  return Restorer(document, std::move(table), std::move(matched)).build(source, origin);
}

}  // namespace sconce::formats::safetensors
