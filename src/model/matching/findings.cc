#include "model/matching/findings.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "model/matching/near_names.h"

namespace sconce::model::matching {

namespace {

constexpr std::string_view kExtraState = "_extra_state";

std::string text_of(DType dtype, std::span<const std::int64_t> shape) {
  return std::string(to_string(dtype)) + " " + shape_text(shape);
}

std::string text_of(const TargetEntry& entry) { return entry.value ? "a value" : text_of(entry.dtype, entry.shape); }

std::string text_of(const Entry& entry) {
  return entry.tensor.defined() ? text_of(entry.tensor.dtype(), entry.tensor.shape()) : entry.python_type;
}

/// Bits without a meaning that PyTorch could convert, and several values in a byte.
bool is_packed(DType dtype) {
  switch (dtype) {
    case DType::bits1x8:
    case DType::bits2x4:
    case DType::bits4x2:
    case DType::bits8:
    case DType::bits16:
    case DType::float4_e2m1fn_x2:
    case DType::float6_e2m3:
    case DType::float6_e3m2: return true;
    default: return false;
  }
}

bool can_cast(DType from, DType to) {
  if (from == to) return true;
  return !info(from).is_quantized && !info(to).is_quantized && !is_packed(from) && !is_packed(to);
}

std::string why_no_cast(DType from, DType to) {
  if (info(from).is_quantized && !info(to).is_quantized)
    return "Copying from quantized Tensor to non-quantized Tensor is not allowed, please use dequantize to get a float "
           "Tensor from a quantized Tensor";
  return "there is no conversion from " + std::string(to_string(from)) + " to " + std::string(to_string(to));
}

std::string while_copying(const TargetEntry& entry, const Tensor& tensor, const std::string& why) {
  return "While copying the parameter named \"" + entry.name + "\", whose dimensions in the model are " +
         torch_size(entry.shape) + " and whose dimensions in the checkpoint are " + torch_size(tensor.shape()) +
         ", an exception occurred : ('" + why + "',).";
}

std::optional<std::string> why_unreadable(const Tensor& tensor) {
  if (tensor.is_meta()) return "Cannot copy out of meta tensor; no data!";
  if (to_string(tensor.layout()).starts_with("sparse"))
    return "copy_() between dense and sparse Tensors is not implemented! Found src layout = torch." +
           std::string(to_string(tensor.layout()));
  if (tensor.layout() != Layout::strided)
    return "a tensor of layout " + std::string(to_string(tensor.layout())) + " has no elements of its own";
  if (!tensor.has_storage()) return "the tensor has no elements of its own";
  return std::nullopt;
}

/// Modules of the target in PyTorch's order, by path.
class ModuleOrder {
 public:
  explicit ModuleOrder(const Target& target) {
    number_.emplace("", 0);
    for (const TargetModule& module : target.modules) add(module.path);
    for (const TargetEntry& entry : target.entries) add(module_of(entry.name));
  }

  /// Number of the innermost module that a name lies in.
  [[nodiscard]] std::size_t of(std::string_view name) const {
    for (std::string_view module = module_of(name);; module = module_of(module)) {
      const auto found = number_.find(module);
      if (found != number_.end()) return found->second;
    }
  }

 private:
  /// A module, and those that it lies in before it.
  void add(std::string_view path) {
    std::vector<std::string_view> fresh;
    for (; !number_.contains(path); path = module_of(path)) fresh.push_back(path);
    for (; !fresh.empty(); fresh.pop_back()) number_.emplace(fresh.back(), number_.size());
  }

  NameTable number_;
};

std::vector<std::size_t> unexpected_entries(const Matching& matching) {
  std::vector<std::size_t> unexpected;
  for (std::size_t at = 0; at < matching.used.size(); ++at) {
    const Entry& entry = matching.source.all[at];
    if (!matching.used[at] && !entry.left_out && matching.find_source(entry.now) == at) unexpected.push_back(at);
  }
  const ModuleOrder order(matching.target);
  std::vector<std::tuple<std::size_t, bool, std::size_t>> keys;
  for (const std::size_t at : unexpected) {
    const std::string& name = matching.source.all[at].now;
    keys.emplace_back(order.of(name), leaf_of(name) != kExtraState, at);
  }
  std::ranges::sort(keys);
  for (std::size_t at = 0; at < keys.size(); ++at) unexpected[at] = std::get<2>(keys[at]);
  return unexpected;
}

}  // namespace

namespace {

/// Fills in why a tensor cannot go to an entry; false where it can.
bool explain_tensor(const Matching& matching, std::size_t target, const Tensor& tensor, const MatchOptions& options,
                    MatchFinding& finding) {
  const TargetEntry& entry = matching.target.entries[target];
  finding.found = text_of(tensor.dtype(), tensor.shape());
  const bool exact = std::ranges::equal(tensor.shape(), entry.shape);
  const bool fits = exact || (shape_fits(tensor.shape(), entry.shape) && !info(tensor.dtype()).is_quantized);
  if (!fits && !takes_any_shape(matching, target)) {
    finding.kind = MatchFinding::Kind::shape;
    finding.skipped = options.skip_mismatched;
    finding.message = "size mismatch for " + entry.name + ": copying a param with shape " + torch_size(tensor.shape()) +
                      " from checkpoint, the shape in current model is " + torch_size(entry.shape) + ".";
    return true;
  }
  if (const std::optional<std::string> why = why_unreadable(tensor)) {
    finding.kind = MatchFinding::Kind::unreadable;
    finding.found += tensor.is_meta() ? ", meta" : ", " + std::string(to_string(tensor.layout()));
    finding.message = while_copying(entry, tensor, *why);
    return true;
  }
  if (options.assign || tensor.dtype() == entry.dtype) return false;
  const bool castable = can_cast(tensor.dtype(), entry.dtype);
  if (options.cast && castable) return false;
  finding.kind = MatchFinding::Kind::dtype;
  finding.message = castable ? "dtype mismatch for " + entry.name + ": copying a param with dtype " +
                                   std::string(to_string(tensor.dtype())) +
                                   " from checkpoint, the dtype in current model is " +
                                   std::string(to_string(entry.dtype)) + "."
                             : while_copying(entry, tensor, why_no_cast(tensor.dtype(), entry.dtype));
  return true;
}

}  // namespace

std::optional<MatchFinding> why_not(const Matching& matching, std::size_t target, const MatchOptions& options) {
  const TargetEntry& entry = matching.target.entries[target];
  const Place& place = matching.places[target];
  if (place.source == kNone || entry.value || leaf_of(entry.name) == kExtraState) return std::nullopt;
  const Entry& source = matching.source.all[place.source];
  const Tensor& tensor = place.tensor.defined() ? place.tensor : source.tensor;
  MatchFinding finding;
  finding.name = entry.name;
  finding.source = source.name;
  finding.expected = text_of(entry);
  if (tensor.defined()) {
    if (!explain_tensor(matching, target, tensor, options, finding)) return std::nullopt;
    return finding;
  }
  finding.kind = MatchFinding::Kind::unreadable;
  finding.found = source.python_type;
  finding.message = "While copying the parameter named \"" + entry.name +
                    "\", expected torch.Tensor or Tensor-like object from checkpoint but received <class '" +
                    source.python_type + "'>";
  return finding;
}

void add_names(const Matching& matching, MatchReport& report) {
  std::vector<NamedShape> missing;
  for (std::size_t at = 0; at < matching.places.size(); ++at) {
    const TargetEntry& entry = matching.target.entries[at];
    if (!matching.places[at].taken() && matching.find_target(entry.name) == at)
      missing.push_back({entry.name, entry.shape, !entry.value});
  }
  const std::vector<std::size_t> unexpected = unexpected_entries(matching);
  std::vector<NamedShape> surplus;
  for (const std::size_t at : unexpected) {
    const Entry& entry = matching.source.all[at];
    surplus.push_back({entry.now, entry.tensor.defined() ? entry.tensor.shape() : std::span<const std::int64_t>(),
                       entry.tensor.defined()});
  }
  if (!missing.empty()) {
    NearNames near(surplus);
    for (const NamedShape& wanted : missing) {
      MatchFinding& finding = report.findings.emplace_back();
      finding.kind = MatchFinding::Kind::missing;
      finding.name = std::string(wanted.name);
      finding.expected = text_of(matching.target.entries[matching.find_target(wanted.name)]);
      finding.message = "Missing key(s) in state_dict: \"" + finding.name + "\".";
      finding.suggestions = near.nearest_to(wanted);
    }
  }
  if (unexpected.empty()) return;
  NearNames near(missing);
  for (std::size_t at = 0; at < unexpected.size(); ++at) {
    const Entry& entry = matching.source.all[unexpected[at]];
    MatchFinding& finding = report.findings.emplace_back();
    finding.kind = MatchFinding::Kind::unexpected;
    finding.name = entry.now;
    finding.source = entry.name;
    finding.found = text_of(entry);
    finding.message = "Unexpected key(s) in state_dict: \"" + finding.name + "\".";
    finding.suggestions = near.nearest_to(surplus[at]);
  }
}

void add_collisions(const Matching& matching, MatchReport& report) {
  for (std::size_t at = 0; at < matching.source.all.size(); ++at) {
    const Entry& entry = matching.source.all[at];
    const std::size_t first = matching.find_source(entry.now);
    if (entry.left_out || first == at) continue;
    MatchFinding& finding = report.findings.emplace_back();
    finding.kind = MatchFinding::Kind::collision;
    finding.name = entry.now;
    finding.source = entry.name;
    finding.found = text_of(entry);
    const std::string& other = matching.source.all[first].name;
    finding.message = other == entry.name
                          ? "the checkpoint has two entries that read \"" + entry.name + "\""
                          : "\"" + other + "\" and \"" + entry.name + "\" both become \"" + entry.now + "\"";
    finding.skipped = matching.find_target(entry.now) == kNone;
  }
  for (std::size_t at = 0; at < matching.target.entries.size(); ++at) {
    const std::string& name = matching.target.entries[at].name;
    if (matching.find_target(name) == at) continue;
    MatchFinding& finding = report.findings.emplace_back();
    finding.kind = MatchFinding::Kind::collision;
    finding.name = name;
    finding.message = "the model has two entries named \"" + name + "\"";
  }
}

}  // namespace sconce::model::matching
