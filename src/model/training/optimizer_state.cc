#include "model/training/optimizer_state.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "model/training/algorithm_of.h"
#include "model/training/recognise.h"
#include "tree/repr.h"

namespace sconce::model::training {

namespace {

/// State entries that have the shape of their parameter, whatever the algorithm (sources: algorithm_of.cc).
constexpr std::array<std::string_view, 22> kParameterShaped = {
    "exp_avg",     "exp_avg_sq",   "max_exp_avg_sq", "momentum_buffer", "square_avg",   "grad_avg", "acc_delta",
    "sum",         "exp_inf",      "prev",           "step_size",       "ax",           "state1",   "state2",
    "exp_avg_var", "exp_avg_diff", "hessian",        "master_param",    "neg_pre_grad", "z",        "p0",
    "delta"};

bool is_parameter_shaped(std::string_view name) {
  return std::ranges::find(kParameterShaped, name) != kParameterShaped.end();
}

/// The second half of what bitsandbytes keeps, wrapped so that FSDP leaves it alone (bitsandbytes/optim/optimizer.py).
constexpr std::string_view kWrappedQuantState = "__bnb_optimizer_quant_state__";

class Reader {
 public:
  Reader(const std::shared_ptr<Document>& document, NodeId node, const std::string& path, std::size_t& room,
         std::vector<TrainingFinding>& findings)
      : handle_(document), document_(*document), outer_(node), path_(path), room_(room), findings_(findings) {
    read_.state.path = path;
  }

  ReadOptimizer run() {
    const NodeId inner = optimizer_inside(document_, outer_);
    if (inner == kNoNode) return std::move(read_);
    inner_path_ = inner == outer_ ? path_ : joined(path_, inner_name(inner));
    state_ = field(document_, inner, "state");
    groups(field(document_, inner, "param_groups"));
    orphans();
    name_class(inner);
    note_truncation();
    return std::move(read_);
  }

 private:
  void finding(std::string kind, std::string path, std::string message, bool wrong = true) {
    constexpr std::size_t kMost = 50;  // of a kind, for one optimizer
    if (++found_[kind] <= kMost) findings_.push_back({std::move(kind), std::move(path), std::move(message), wrong});
  }

  std::string inner_name(NodeId inner) const {
    for (const tree::Child& child : fields(document_, outer_))
      if (child.value == inner) return tree::step_text(document_, child);
    return {};
  }

  Value value(NodeId node) const { return {handle_, node}; }

  void groups(NodeId list) {
    const auto elements = document_.elements(list);
    for (std::size_t at = 0; at < elements.size() && room_ != 0; ++at) group(elements[at], at);
    if (elements.empty()) finding("no-groups", inner_path_, "the optimizer has no parameter groups");
  }

  void group(NodeId node, std::size_t number) {
    ParameterGroup group;
    std::vector<std::string> names;
    const std::string path = joined(inner_path_, "param_groups." + std::to_string(number));
    NodeId params = kNoNode;
    for (const tree::Child& child : fields(document_, node)) {
      const std::string name = tree::step_text(document_, child);
      if (name == "params")
        params = child.value;
      else if (name == "param_names")
        names = texts(child.value);
      else if (spend(name.size()))
        group.settings.emplace_back(name, value(child.value));
    }
    const std::optional<double> group_step = step_of_group(node);
    parameters(params, path, group, group_step);
    if (!names.empty() && names.size() != group.ids.size()) {
      finding("wrong-names", path,
              std::to_string(names.size()) + " names for " + std::to_string(group.ids.size()) + " parameters");
      names.clear();
    }
    read_.state.groups.push_back(std::move(group));
    read_.group_names.push_back(std::move(names));
  }

  /// apex's FusedAdam counts steps by group.
  std::optional<double> step_of_group(NodeId group) const {
    const NodeId step = field(document_, group, "step");
    return step != kNoNode && is_number(document_, step) ? number_of(document_, step) : std::nullopt;
  }

  std::vector<std::string> texts(NodeId list) {
    std::vector<std::string> result;
    if (!tree::is_sequence(document_.kind(list))) return result;
    for (const NodeId element : document_.elements(list)) {
      if (!spend(text_of(document_, element).size())) break;
      result.emplace_back(text_of(document_, element));
    }
    return result;
  }

  void parameters(NodeId params, const std::string& path, ParameterGroup& group, std::optional<double> group_step) {
    if (params == kNoNode || !tree::is_sequence(document_.kind(params))) {
      if (params != kNoNode && document_.kind(params) != Kind::none && is_tensor(document_, params)) {
        parameter(params, path, group, group_step);  // a single tensor instead of a list
        return;
      }
      finding("group-without-parameters", path, "the group has no list of parameters");
      return;
    }
    const auto elements = document_.elements(params);
    if (elements.empty()) finding("group-without-parameters", path, "the group's list of parameters is empty", false);
    for (const NodeId element : elements) {
      if (!spend(2 * text_of(document_, element).size())) return;
      parameter(element, path, group, group_step);
    }
  }

  /// Ids are integers, names, or the parameters themselves where a whole optimizer was pickled.
  std::string id_text(NodeId id) const {
    switch (document_.kind(id)) {
      case Kind::str: return std::string(document_.text(id));
      case Kind::integer: return tree::integer_text(document_, id);
      case Kind::tensor: return "#" + std::to_string(read_.state.parameters.size());
      default: return tree::key_text(document_, id);
    }
  }

  void parameter(NodeId id, const std::string& path, ParameterGroup& group, std::optional<double> group_step) {
    ParameterState state;
    state.id = id_text(id);
    state.index = read_.state.parameters.size();
    group.ids.push_back(state.id);
    const std::uint64_t key = key_of(id);
    if (!known_.emplace(key, *state.index).second)
      finding("duplicate-id", path, "parameter " + state.id + " is in the groups twice");
    const NodeId entries = state_of(id);
    if (entries != kNoNode) read_entries(entries, state);
    if (!state.step) state.step = group_step;
    if (is_tensor(document_, id)) {
      const auto shape = shape_of(document_, id);
      state.shape.emplace(shape.begin(), shape.end());
    }
    read_.state.parameters.push_back(std::move(state));
    read_.id_nodes.push_back(id);
  }

  /// Equal ids are equal: strings and small integers by value, everything else by identity.
  std::uint64_t key_of(NodeId id) const {
    if (document_.kind(id) == Kind::integer && !document_.is_big(id))
      return static_cast<std::uint64_t>(document_.integer_value(id)) << 1 | 1;
    return std::uint64_t{id} << 1;
  }

  NodeId state_of(NodeId id) const {
    if (state_ == kNoNode || document_.kind(state_) != Kind::dict) return kNoNode;
    return document_.dict_get(state_, id);
  }

  void read_entries(NodeId entries, ParameterState& state) {
    if (document_.kind(entries) != Kind::dict) {
      if (document_.kind(entries) != Kind::none)
        finding("wrong-state", joined(inner_path_, "state." + state.id), "the state of a parameter is no dict");
      return;
    }
    for (const tree::Child& child : fields(document_, entries)) {
      const std::string name = tree::step_text(document_, child);
      if (name == kWrappedQuantState && document_.kind(child.value) == Kind::dict && child.value != entries) {
        for (const tree::Child& inside : fields(document_, child.value))
          entry(tree::step_text(document_, inside), inside.value, state);
        continue;
      }
      entry(name, child.value, state);
    }
    factored_shape(state);
  }

  void entry(std::string name, NodeId node, ParameterState& state) {
    if (!spend(name.size())) return;
    if ((name == "step" || name == "n_iter") && is_number(document_, node)) state.step = number_of(document_, node);
    if (is_tensor(document_, node)) {
      const tree::TensorRecord& record = document_.tensor_record(node);
      if (state.device.empty() || record.ndim != 0) state.device = document_.device(record);
      if (is_parameter_shaped(name)) check_shape(name, record, state);
    }
    state.entries.emplace_back(std::move(name), value(node));
  }

  /// The entries of one state agree on the shape of their parameter.
  void check_shape(const std::string& name, const tree::TensorRecord& record, ParameterState& state) {
    const auto shape = record.shape();
    if (!state.shape) {
      state.shape.emplace(shape.begin(), shape.end());
    } else if (!std::ranges::equal(*state.shape, shape)) {
      finding("wrong-shape", joined(inner_path_, "state." + state.id + "." + name),
              "its shape is " + shape_text(shape) + ", that of the entries before it is " + shape_text(*state.shape));
    }
  }

  /// Adafactor keeps sums over rows and over columns; GaLore what a projector leaves, which says nothing.
  void factored_shape(ParameterState& state) const {
    if (std::ranges::any_of(state.entries, [](const auto& entry) { return entry.first == "projector"; }))
      state.shape.reset();
    if (state.shape) return;
    const Value* row = nullptr;
    const Value* column = nullptr;
    for (const auto& [name, value] : state.entries) {
      if (!value.is_tensor()) continue;
      if (name == "row_var" || name == "exp_avg_sq_row") row = &value;
      if (name == "col_var" || name == "exp_avg_sq_col") column = &value;
      if (name == "variance") {
        const auto shape = shape_of(document_, value.node());
        state.shape.emplace(shape.begin(), shape.end());
      }
    }
    if (row == nullptr || column == nullptr) return;
    const auto rows = shape_of(document_, row->node());
    const auto columns = shape_of(document_, column->node());
    if (rows.empty() || columns.empty()) return;
    std::vector<std::int64_t> shape(rows.begin(), rows.end());
    if (rows.size() == columns.size() && rows.size() > 1 && rows.back() == 1)
      shape.back() = columns.back();  // torch.optim.Adafactor keeps the dimension
    else
      shape.push_back(columns.back());
    if (!state.shape) state.shape = std::move(shape);
  }

  /// State of parameters that no group has.
  void orphans() {
    if (state_ == kNoNode) return;
    if (document_.kind(state_) != Kind::dict) {
      if (document_.kind(state_) != Kind::list && document_.kind(state_) != Kind::object)
        finding("wrong-state", joined(inner_path_, "state"), "the state is no dict");
      return;
    }
    const tree::DictRecord& dict = document_.dict_record(state_);
    for (std::size_t at = 0; at < dict.count && room_ != 0; ++at) {
      const NodeId id = dict.pairs[2 * at];
      if (known_.contains(key_of(id))) continue;
      if (!spend(text_of(document_, id).size())) break;
      ParameterState state;
      state.id = id_text(id);
      state.why_unnamed = "no group has this parameter";
      finding("state-of-no-group", joined(inner_path_, "state." + state.id),
              "there is state for parameter " + state.id + ", which is in no group");
      read_entries(dict.pairs[2 * at + 1], state);
      read_.state.parameters.push_back(std::move(state));
      read_.id_nodes.push_back(id);
    }
  }

  void name_class(NodeId inner) {
    OptimizerState& state = read_.state;
    const std::string class_name = document_.kind(inner) == Kind::object ? document_.class_name(inner) : std::string();
    if (!class_name.empty()) {
      state.algorithm = class_name.substr(class_name.rfind('.') + 1);
      state.algorithm_inferred = false;
      state.algorithm_evidence = "the pickled class " + class_name;
    } else {
      Algorithm algorithm = algorithm_of(state);
      state.algorithm = std::move(algorithm.name);
      state.algorithm_evidence = std::move(algorithm.evidence);
    }
    state.form = form_of(state);
    if (inner == outer_) return;
    const bool masters = std::ranges::any_of(fields(document_, outer_), [&](const tree::Child& child) {
      const std::string name = tree::step_text(document_, child);
      return name.starts_with("fp32") || name == "single_partition_of_fp32_groups";
    });
    if (masters)
      state.form += state.form.empty() ? "16-bit with 32-bit master weights" : ", 16-bit with 32-bit master weights";
  }

  /// For one thing that is listed, with text of this size.
  bool spend(std::size_t text = 0) {
    const std::size_t price = 1 + text / 64;
    if (room_ < price) room_ = 0;
    if (room_ == 0) return false;
    room_ -= price;
    return true;
  }

  void note_truncation() {
    if (room_ == 0) finding("too-much", path_, "there are more parameters and entries of state than are listed", false);
  }

  std::shared_ptr<Document> handle_;
  const Document& document_;
  NodeId outer_;
  NodeId state_ = kNoNode;
  const std::string& path_;
  std::string inner_path_;
  std::size_t& room_;
  std::vector<TrainingFinding>& findings_;
  std::unordered_map<std::string, std::size_t> found_;
  std::unordered_map<std::uint64_t, std::size_t> known_;
  ReadOptimizer read_;
};

}  // namespace

ReadOptimizer read_optimizer(const std::shared_ptr<Document>& document, NodeId node, const std::string& path,
                             std::size_t& room, std::vector<TrainingFinding>& findings) {
  return Reader(document, node, path, room, findings).run();
}

}  // namespace sconce::model::training
