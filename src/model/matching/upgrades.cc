// State_dicts of older versions of PyTorch's classes. Each function names the source that it follows; versions are
// those of `_metadata`, and a state_dict without it counts as older than version 1, as in PyTorch.
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "model/matching/matching.h"

namespace sconce::model::matching {

namespace {

bool older_than(std::optional<std::int64_t> version, std::int64_t first) { return !version || *version < first; }

/// A number of an entry of the target beside another, by its leaf.
std::size_t beside(const Matching& matching, std::string_view module, std::string_view leaf) {
  return matching.find_target(joined(module, leaf));
}

/// torch/nn/modules/batchnorm.py, _NormBase: version 2 added num_batches_tracked. PyTorch 1.13 writes 0; 2.x leaves
/// what the module has.
void fill_batches_tracked(Matching& matching, std::size_t at, std::string_view module) {
  const TargetEntry& entry = matching.target.entries[at];
  const std::size_t mean = beside(matching, module, "running_mean");
  if (!entry.shape.empty() || mean == kNone || beside(matching, module, "running_var") == kNone) return;
  const std::size_t sibling = matching.places[mean].source;
  const auto version = sibling != kNone ? matching.version_of(sibling) : matching.source.version_of(module);
  if (!older_than(version, 2)) return;
  Place& place = matching.places[at];
  const std::int64_t zero[] = {0};
  place.tensor = Tensor::from(std::span<const std::int64_t>(zero), {});
  place.keeps = true;
  place.upgrade = "num_batches_tracked of a BatchNorm that was saved before there was one";
}

/// torch/ao/quantization/observer.py, UniformQuantizationObserverBase: version 2 made eps a buffer. PyTorch writes it
/// for older ones whatever the state_dict has.
void fill_observer_eps(Matching& matching, std::size_t at, std::string_view module) {
  const TargetEntry& entry = matching.target.entries[at];
  const std::size_t least = beside(matching, module, "min_val");
  if (entry.shape != std::vector<std::int64_t>{1} || entry.dtype != DType::float32 || least == kNone) return;
  if (beside(matching, module, "max_val") == kNone) return;
  const std::size_t sibling = matching.places[least].source;
  const auto version = sibling != kNone ? matching.version_of(sibling) : matching.source.version_of(module);
  if (!older_than(version, 2)) return;
  const float eps[] = {std::numeric_limits<float>::epsilon()};
  matching.places[at].source = kNone;
  matching.places[at].tensor = Tensor::from(std::span<const float>(eps), {1});
  matching.places[at].upgrade = "eps of an observer that was saved before it was a buffer";
}

/// A name that became another within its module.
struct Moved {
  std::string_view to, from;
  std::string_view mark;  ///< what the source's module has, too: it is of that class
  std::int64_t version;   ///< the first with the new name
  std::string_view what;
};

constexpr Moved kMoved[] = {
    // torch/ao/nn/intrinsic/qat/modules/conv_fused.py, _ConvBnNd: version 2 has its BatchNorm as a module.
    {"bn.weight", "gamma", "gamma", 2, "ConvBn of version 1"},
    {"bn.bias", "beta", "gamma", 2, "ConvBn of version 1"},
    {"bn.running_mean", "running_mean", "gamma", 2, "ConvBn of version 1"},
    {"bn.running_var", "running_var", "gamma", 2, "ConvBn of version 1"},
    {"bn.num_batches_tracked", "num_batches_tracked", "gamma", 2, "ConvBn of version 1"},
    // torch/ao/quantization/observer.py, PerChannelMinMaxObserver: version 3 renamed these.
    {"min_val", "min_vals", "max_vals", 3, "per-channel observer before version 3"},
    {"max_val", "max_vals", "min_vals", 3, "per-channel observer before version 3"},
};

void take_moved(Matching& matching, std::size_t at) {
  const std::string_view name = matching.target.entries[at].name;
  for (const Moved& moved : kMoved) {
    if (!name.ends_with(moved.to)) continue;
    std::string_view module = name.substr(0, name.size() - moved.to.size());
    if (!module.empty() && !module.ends_with('.')) continue;
    if (!module.empty()) module.remove_suffix(1);
    const std::size_t from = matching.find_unused(joined(module, moved.from));
    if (from == kNone || matching.find_source(joined(module, moved.mark)) == kNone) continue;
    if (!older_than(matching.version_of(from), moved.version)) continue;
    matching.link(at, from, std::string(moved.what));
    return;
  }
}

/// Rows `third` of three of a tensor.
Tensor third_of(const Tensor& whole, std::int64_t third) {
  std::vector<std::int64_t> shape(whole.shape().begin(), whole.shape().end());
  shape[0] /= 3;
  return Tensor::over(whole.storage(), whole.dtype(), shape, whole.strides(),
                      whole.storage_offset() + third * shape[0] * whole.strides()[0]);
}

/// Projections of attention that are saved in one piece, and how they are called apart.
struct Projections {
  std::array<std::string_view, 3> apart;
  std::string_view whole;
};

/// Those of torch.nn.MultiheadAttention (with and without kdim), and of fairseq.
constexpr Projections kProjections[] = {{{"q_proj_weight", "k_proj_weight", "v_proj_weight"}, "in_proj_weight"},
                                        {{"q_proj.weight", "k_proj.weight", "v_proj.weight"}, "in_proj_weight"},
                                        {{"q_proj.bias", "k_proj.bias", "v_proj.bias"}, "in_proj_bias"}};

bool can_be_split(const Tensor& whole) {
  return whole.defined() && whole.layout() == Layout::strided && whole.has_storage() && whole.dim() != 0 &&
         whole.shape()[0] % 3 == 0 && !whole.is_conj() && !whole.is_neg() && !info(whole.dtype()).is_quantized;
}

/// Splits what is saved in one piece into views, where the three are missing and have its shape.
bool split(Matching& matching, std::string_view attention, const Projections& projections) {
  const std::size_t from = matching.find_unused(joined(attention, projections.whole));
  if (from == kNone || !can_be_split(matching.source.all[from].tensor)) return false;
  const Tensor& whole = matching.source.all[from].tensor;
  std::vector<std::int64_t> shape(whole.shape().begin(), whole.shape().end());
  shape[0] /= 3;
  std::array<std::size_t, 3> targets{};
  for (std::size_t third = 0; third < 3; ++third) {
    targets[third] = beside(matching, attention, projections.apart[third]);
    if (targets[third] == kNone || matching.places[targets[third]].taken()) return false;
    if (matching.target.entries[targets[third]].shape != shape) return false;
  }
  for (std::size_t third = 0; third < 3; ++third) {
    matching.link(targets[third], from, std::string(projections.whole) + " split in three");
    matching.places[targets[third]].tensor = third_of(whole, static_cast<std::int64_t>(third));
  }
  return true;
}

/// PyTorch's own classes never changed between the two forms; that they hold the same is what both compute.
void split_attention(Matching& matching, std::size_t at) {
  const std::string_view name = matching.target.entries[at].name;
  for (const Projections& projections : kProjections) {
    if (!name.ends_with(projections.apart[0])) continue;
    std::string_view attention = name.substr(0, name.size() - projections.apart[0].size());
    if (!attention.empty() && !attention.ends_with('.')) continue;
    if (!attention.empty()) attention.remove_suffix(1);
    if (split(matching, attention, projections)) return;
  }
}

/// "BatchNorm2d", also of "torch::nn::BatchNorm2dImpl".
std::string_view plain_type(std::string_view type) {
  if (const std::size_t colons = type.rfind("::"); colons != std::string_view::npos) type.remove_prefix(colons + 2);
  if (type.ends_with("Impl")) type.remove_suffix(4);
  return type;
}

/// torch/nn/modules/instancenorm.py, _InstanceNorm: before 0.4 it always had running stats. PyTorch refuses them,
/// strict or not, where the module tracks none.
void refuse_running_stats(Matching& matching, const TargetModule& module) {
  const std::string_view type = plain_type(module.type);
  if (!type.starts_with("InstanceNorm") && !type.starts_with("LazyInstanceNorm")) return;
  if (beside(matching, module.path, "running_mean") != kNone) return;
  std::string names;
  std::string first;
  for (const std::string_view leaf : {"running_mean", "running_var"}) {
    const std::size_t found = matching.find_unused(joined(module.path, leaf));
    if (found == kNone || matching.version_of(found)) continue;
    matching.used[found] = true;
    const std::string& name = matching.source.all[found].now;
    names += (names.empty() ? "\"" : " and \"") + name + "\"";
    if (first.empty()) first = name;
  }
  if (names.empty()) return;
  MatchFinding finding;
  finding.kind = MatchFinding::Kind::obsolete;
  finding.name = first;
  finding.source = matching.source.all[matching.find_source(first)].name;
  const std::string klass(type);
  finding.message = "Unexpected running stats buffer(s) " + names + " for " + klass +
                    " with track_running_stats=False. If state_dict is a checkpoint saved before 0.4.0, this may be "
                    "expected because " +
                    klass +
                    " does not track running stats by default since 0.4.0. Please remove "
                    "these keys from state_dict. If the running stats are actually needed, instead set "
                    "track_running_stats=True in " +
                    klass + " to enable them. See the documentation of " + klass + " for details.";
  matching.refused.push_back(std::move(finding));
}

}  // namespace

void upgrade_names(Matching& matching) {
  // Names first: what is filled in asks for the version of its siblings.
  for (std::size_t at = 0; at < matching.places.size(); ++at) {
    if (matching.places[at].taken() || matching.target.entries[at].value) continue;
    take_moved(matching, at);
    if (!matching.places[at].taken()) split_attention(matching, at);
  }
  for (std::size_t at = 0; at < matching.places.size(); ++at) {
    if (matching.target.entries[at].value) continue;
    const std::string_view name = matching.target.entries[at].name;
    if (leaf_of(name) == "num_batches_tracked" && !matching.places[at].taken())
      fill_batches_tracked(matching, at, module_of(name));
    if (leaf_of(name) == "eps") fill_observer_eps(matching, at, module_of(name));
  }
  for (const TargetModule& module : matching.target.modules) refuse_running_stats(matching, module);
}

bool takes_any_shape(const Matching& matching, std::size_t target) {
  const TargetEntry& entry = matching.target.entries[target];
  const std::string_view module = module_of(entry.name);
  const std::string_view leaf = leaf_of(entry.name);
  const auto has = [&](std::string_view name) { return beside(matching, module, name) != kNone; };
  // torch/ao/quantization/fake_quantize.py, FakeQuantize: resizes both.
  if (leaf == "scale" || leaf == "zero_point") return has("fake_quant_enabled") && has("observer_enabled");
  // observer.py: PerChannelMinMaxObserver resizes, HistogramObserver sets the attribute.
  if (leaf == "min_val" || leaf == "max_val") return has("eps") && (entry.shape.size() == 1 || has("histogram"));
  return false;
}

std::vector<std::string> upgrades_made(const Matching& matching) {
  std::map<std::string_view, std::size_t> counts;
  for (const Place& place : matching.places)
    if (!place.upgrade.empty()) ++counts[place.upgrade];
  std::vector<std::string> lines;
  for (const auto& [what, count] : counts)
    lines.push_back("upgrade: " + std::string(what) + (count == 1 ? "" : " (" + std::to_string(count) + " entries)"));
  return lines;
}

}  // namespace sconce::model::matching
