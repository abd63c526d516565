#include "model/training/parameter_names.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "model/training/placement.h"

namespace sconce::model::training {

namespace {

constexpr std::size_t kMostMismatches = 20;  // findings of one optimizer

class Namer {
 public:
  Namer(ReadOptimizer& optimizer, std::span<const NamedModel> models, const Document& document,
        std::vector<TrainingFinding>& findings)
      : optimizer_(optimizer), models_(models), document_(document), findings_(findings) {
    for (const ParameterGroup& group : optimizer.state.groups) grouped_ += group.ids.size();
  }

  void run() {
    if (grouped_ == 0) return;
    if (by_group_names() || by_text_ids() || by_identity()) return;
    if (models_.empty()) return all_unnamed("the file has no model that could name it");
    if (is_flat()) return all_unnamed("the optimizer keeps all parameters as one flat tensor");
    if (models_.size() == 1)
      by_order(models_.front());
    else
      by_one_of_several();
  }

 private:
  std::vector<ParameterState>& parameters() { return optimizer_.state.parameters; }

  void all_unnamed(const std::string& why) {
    for (std::size_t at = 0; at < grouped_; ++at)
      if (parameters()[at].name.empty()) parameters()[at].why_unnamed = why;
  }

  void name(std::size_t at, std::string text) {
    parameters()[at].name = std::move(text);
    parameters()[at].why_unnamed.clear();
  }

  /// PyTorch from 2.6 on keeps names that were given with the parameters.
  bool by_group_names() {
    std::size_t named = 0;
    std::size_t at = 0;
    for (std::size_t group = 0; group < optimizer_.state.groups.size(); ++group) {
      const std::vector<std::string>& names = optimizer_.group_names[group];
      for (std::size_t each = 0; each < optimizer_.state.groups[group].ids.size(); ++each, ++at)
        if (each < names.size() && !names[each].empty()) {
          name(at, names[each]);
          ++named;
        }
    }
    if (named == 0) return false;
    optimizer_.state.named_by = "names in the groups";
    for (std::size_t each = 0; each < grouped_; ++each)
      if (parameters()[each].name.empty()) parameters()[each].why_unnamed = "its group has no names";
    check_names();
    return true;
  }

  /// FSDP and optimizers of single tensors have names as ids.
  bool by_text_ids() {
    if (!std::ranges::all_of(optimizer_.id_nodes, [&](NodeId id) { return document_.kind(id) == Kind::str; }))
      return false;
    for (std::size_t at = 0; at < grouped_; ++at) name(at, parameters()[at].id);
    optimizer_.state.named_by = "names as ids";
    check_names();
    return true;
  }

  /// A pickled optimizer holds the parameters themselves.
  bool by_identity() {
    if (!std::ranges::all_of(optimizer_.id_nodes, [&](NodeId id) { return is_tensor(document_, id); })) return false;
    std::unordered_map<NodeId, const std::string*> names;
    for (const NamedModel& model : models_)
      for (const ModelParameter& parameter : model.parameters.parameters)
        names.emplace(parameter.tensor, &parameter.name);
    std::size_t named = 0;
    for (std::size_t at = 0; at < grouped_; ++at) {
      const auto known = names.find(optimizer_.id_nodes[at]);
      if (known != names.end() && ++named != 0)
        name(at, *known->second);
      else
        parameters()[at].why_unnamed = "no model of the file has this tensor";
    }
    if (named != 0) optimizer_.state.named_by = "the parameters themselves";
    return named != 0;
  }

  bool is_flat() const {
    if (optimizer_.flattened) return true;
    const auto& all = optimizer_.state.parameters;
    if (grouped_ != optimizer_.state.groups.size() || models_.size() != 1) return false;
    std::uint64_t elements = 0;
    std::uint64_t of_model = 0;
    for (std::size_t at = 0; at < grouped_; ++at) {
      if (!all[at].shape || all[at].shape->size() != 1) return false;
      elements += static_cast<std::uint64_t>(all[at].shape->front());
    }
    for (const ModelParameter& parameter : models_.front().parameters.parameters) {
      std::uint64_t size = 1;
      for (const std::int64_t side : shape_of(document_, parameter.tensor)) size *= static_cast<std::uint64_t>(side);
      of_model += size;
    }
    return models_.front().parameters.parameters.size() > grouped_ && elements >= of_model;
  }

  /// Names that the optimizer brings with it, against the model.
  void check_names() {
    if (models_.size() != 1) return;
    std::unordered_map<std::string_view, NodeId> known;
    for (const ModelParameter& parameter : models_.front().parameters.parameters)
      known.emplace(parameter.name, parameter.tensor);
    for (std::size_t at = 0; at < grouped_; ++at) {
      const ParameterState& state = parameters()[at];
      const auto found = known.find(state.name);
      if (found != known.end() && state.shape && !std::ranges::equal(*state.shape, shape_of(document_, found->second)))
        mismatch(state, shape_of(document_, found->second));
    }
  }

  void mismatch(const ParameterState& state, std::span<const std::int64_t> wanted) {
    if (++mismatches_ > kMostMismatches) return;
    findings_.push_back({"wrong-shape", optimizer_.state.path,
                         "state of parameter " + state.id + " (" + state.name + ") has shape " +
                             shape_text(*state.shape) + ", the model's tensor has " + shape_text(wanted),
                         true});
  }

  void by_order(const NamedModel& model) {
    const Placement placement(optimizer_, model.parameters, document_);
    if (placement.possible()) return apply(placement, model);
    // As many as the model has, in one list, and only few shapes differ: the order is right, and state is wrong.
    if (optimizer_.state.groups.size() == 1 && grouped_ == model.parameters.parameters.size() && few_differ(model)) {
      for (std::size_t at = 0; at < grouped_; ++at) {
        const ModelParameter& parameter = model.parameters.parameters[at];
        name(at, parameter.name);
        if (differs(at, parameter)) mismatch(parameters()[at], shape_of(document_, parameter.tensor));
      }
      optimizer_.state.named_by = "order";
      return;
    }
    all_unnamed("its group's shapes do not occur in the model in this order");
    findings_.push_back(
        {"wrong-shape", optimizer_.state.path,
         "the shapes of its state are not those of the model's parameters in their order: " + std::to_string(grouped_) +
             " here, " + std::to_string(model.parameters.parameters.size()) + " in the model",
         grouped_ == model.parameters.parameters.size()});
  }

  bool differs(std::size_t at, const ModelParameter& parameter) const {
    const auto& shape = optimizer_.state.parameters[at].shape;
    return shape && !std::ranges::equal(*shape, shape_of(document_, parameter.tensor));
  }

  bool few_differ(const NamedModel& model) const {
    std::size_t count = 0;
    for (std::size_t at = 0; at < grouped_; ++at)
      count += differs(at, model.parameters.parameters[at]) ? std::size_t{1} : std::size_t{0};
    return count <= std::max<std::size_t>(1, grouped_ / 8);
  }

  void apply(const Placement& placement, const NamedModel& model) {
    const std::size_t of_model = model.parameters.parameters.size();
    std::size_t at = 0;
    for (std::size_t group = 0; group < placement.places().size(); ++group)
      for (const std::size_t place : placement.places()[group]) {
        if (place != Placement::kNone)
          name(at, model.parameters.parameters[place].name);
        else
          parameters()[at].why_unnamed = why_ambiguous(at, of_model);
        ++at;
      }
    if (placement.placed() == 0) return;
    const bool whole = optimizer_.state.groups.size() == 1 && grouped_ == of_model;
    optimizer_.state.named_by = whole ? "order" : "shapes";
  }

  std::string why_ambiguous(std::size_t at, std::size_t of_model) const {
    const ParameterState& state = optimizer_.state.parameters[at];
    if (!state.shape)
      return "its state has no tensor of its shape, and the model has " + std::to_string(of_model) +
             " parameters for " + std::to_string(grouped_);
    if (optimizer_.state.groups.size() > 1)
      return "several parameters of shape " + shape_text(*state.shape) +
             " fit, and the file does not say which of the groups has which";
    return "several parameters of shape " + shape_text(*state.shape) + " fit: the model has " +
           std::to_string(of_model) + ", the optimizer " + std::to_string(grouped_);
  }

  /// The one model in which every parameter has its one place; or all models behind one another.
  void by_one_of_several() {
    const NamedModel* only = nullptr;
    std::size_t fitting = 0;
    for (const NamedModel& model : models_) {
      if (model.parameters.parameters.size() < grouped_) continue;
      const Placement placement(optimizer_, model.parameters, document_);
      if (!placement.possible()) continue;
      ++fitting;
      only = &model;
    }
    NamedModel together = all_together();
    if (fitting == 0) {
      const Placement placement(optimizer_, together.parameters, document_);
      if (!placement.possible())
        return all_unnamed("it fits none of the file's " + std::to_string(models_.size()) + " models");
      return apply(placement, together);
    }
    if (fitting > 1)
      return all_unnamed("the file has " + std::to_string(fitting) + " models whose parameters it may be of");
    const Placement placement(optimizer_, only->parameters, document_);
    apply(placement, *only);
    for (std::size_t at = 0; at < grouped_; ++at)
      if (!parameters()[at].name.empty()) parameters()[at].name = joined(only->path, parameters()[at].name);
  }

  NamedModel all_together() const {
    NamedModel together;
    for (const NamedModel& model : models_)
      for (const ModelParameter& parameter : model.parameters.parameters)
        together.parameters.parameters.push_back({joined(model.path, parameter.name), parameter.tensor});
    return together;
  }

  ReadOptimizer& optimizer_;
  std::span<const NamedModel> models_;
  const Document& document_;
  std::vector<TrainingFinding>& findings_;
  std::size_t grouped_ = 0;  // parameters that groups have; orphans stand behind them
  std::size_t mismatches_ = 0;
};

}  // namespace

void name_parameters(ReadOptimizer& optimizer, std::span<const NamedModel> models, const Document& document,
                     std::vector<TrainingFinding>& findings) {
  Namer(optimizer, models, document, findings).run();
}

}  // namespace sconce::model::training
