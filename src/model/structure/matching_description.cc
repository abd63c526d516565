#include "model/structure/matching_description.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/fail.h"
#include "model/structure/limits.h"
#include "model/structure/order.h"
#include "tensor/elements.h"
#include "tensor/tensor_data.h"

namespace sconce::model::structure {
namespace {

/// A tensor that a state_dict of the described model has.
struct DescribedName {
  std::string name;
  const ModuleTensor* tensor;
  std::string one;  ///< name of the tensor that it is, where that is described as one with others
};

/// All names, those of modules that are met again at each of their places. Errors: `limit`.
class DescribedNames {
 public:
  explicit DescribedNames(const ModuleTree& tree) : tree_(tree), budget_(most_names(tree)) {}

  std::vector<DescribedName> list() {
    open_.push_back({0, {}});
    while (!open_.empty()) {
      const auto [node, path] = std::move(open_.back());
      open_.pop_back();
      const std::size_t place = is_met_again(tree_, node) ? tree_.nodes[node].same_as : node;
      const bool inside_itself = place != node && is_around(place, node);
      if (inside_itself) continue;
      add_tensors(place, path);
      const std::vector<std::size_t>& children = tree_.nodes[place].children;
      for (auto child = children.rbegin(); child != children.rend(); ++child) {
        spend(1);
        open_.emplace_back(*child, joined(path, tree_.nodes[*child].name));
      }
    }
    return std::move(names_);
  }

 private:
  /// Modules that are used again and again have exponentially many names; as many as walks follow is enough.
  static std::uint64_t most_names(const ModuleTree& tree) {
    std::uint64_t things = tree.nodes.size();
    for (const ModuleNode& node : tree.nodes) things += node.tensors.size();
    return 100'000 + 16 * things;
  }

  [[nodiscard]] bool is_around(std::size_t outer, std::size_t inner) const {
    while (tree_.nodes[inner].depth > tree_.nodes[outer].depth) inner = tree_.nodes[inner].parent;
    return inner == outer;
  }

  void add_tensors(std::size_t place, const std::string& path) {
    const ModuleNode& node = tree_.nodes[place];
    for (const ModuleTensor& tensor : node.tensors) {
      spend(1);
      budget_.text(2 * path.size() + tensor.name.size());
      names_.push_back({joined(path, tensor.name), &tensor,
                        tensor.same_as.empty() ? joined(node.path, tensor.name) : tensor.same_as});
    }
  }

  void spend(std::uint64_t steps) {
    if (!budget_.take(steps))
      fail(ErrorCode::limit, "the described modules, wherever they are used, have absurdly many names",
           in_record(std::string(kStructurePart)));
  }

  const ModuleTree& tree_;
  TreeBudget budget_;
  std::vector<std::pair<std::size_t, std::string>> open_;
  std::vector<DescribedName> names_;
};

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t at = 0; at < shape.size(); ++at) text += (at == 0 ? "" : ", ") + std::to_string(shape[at]);
  return text + "]";
}

void add(std::vector<std::string>& findings, std::string text) {
  constexpr std::size_t kMost = 1000;
  if (findings.size() < kMost) findings.push_back(std::move(text));
}

bool is_same_place(const Tensor& a, const Tensor& b) {
  return a.has_storage() && b.has_storage() && a.storage().is(b.storage()) && a.storage_offset() == b.storage_offset();
}

bool has_same_elements(const Tensor& a, const Tensor& b) {
  if (!a.has_storage() || !b.has_storage()) return true;
  if (a.dtype() != b.dtype() || !std::ranges::equal(a.shape(), b.shape())) return false;
  const SourcePtr first = tensor::element_source(a);
  const SourcePtr second = tensor::element_source(b);
  if (first->size() != second->size()) return false;
  constexpr std::size_t kWindow = std::size_t{256} << 10;
  std::vector<std::byte> x(kWindow);
  std::vector<std::byte> y(kWindow);
  for (std::uint64_t done = 0; done < first->size();) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, first->size() - done));
    first->read_at(done, std::span(x).first(part));
    second->read_at(done, std::span(y).first(part));
    if (std::memcmp(x.data(), y.data(), part) != 0) return false;
    done += part;
  }
  return true;
}

std::unordered_map<std::string_view, const Tensor*> by_name(const StateDict& state_dict) {
  std::unordered_map<std::string_view, const Tensor*> tensors;
  for (const NamedTensor& tensor : state_dict) tensors.emplace(tensor.name, &tensor.tensor);
  return tensors;
}

}  // namespace

DescriptionMatch match_description(const ModuleTree& described, const StateDict& state_dict,
                                   const MatchOptions& options) {
  DescriptionMatch match;
  auto tensors = by_name(state_dict);
  std::unordered_map<std::string_view, std::pair<std::string_view, const Tensor*>> first_of;  // of those that are one
  const std::vector<DescribedName> names = DescribedNames(described).list();
  for (const DescribedName& name : names) {
    const auto found = tensors.find(name.name);
    // A buffer that a state_dict leaves out is in what was made of a whole module.
    if (found == tensors.end() && !name.tensor->persistent) continue;
    if (found == tensors.end()) {
      add(match.names, "\"" + name.name + "\" is described, and is not in the model");
      continue;
    }
    const Tensor& wanted = name.tensor->tensor;
    const Tensor& tensor = *found->second;
    tensors.erase(found);
    if (!std::ranges::equal(wanted.shape(), tensor.shape()))
      add(match.names, "\"" + name.name + "\" is described with the shape " + shape_text(wanted.shape()) +
                           ", and has " + shape_text(tensor.shape()));
    if (wanted.dtype() != tensor.dtype())
      add(match.dtypes, "\"" + name.name + "\" is described as " + std::string(to_string(wanted.dtype())) +
                            ", and is " + std::string(to_string(tensor.dtype())));
    const auto [one, fresh] = first_of.try_emplace(name.one, name.name, &tensor);
    if (fresh || !options.read_ties || is_same_place(*one->second.second, tensor)) continue;
    if (!has_same_elements(*one->second.second, tensor))
      add(match.ties, "\"" + name.name + "\" and \"" + std::string(one->second.first) +
                          "\" are described as one tensor, and have different values");
  }
  if (options.allow_more) return match;
  for (const NamedTensor& tensor : state_dict)
    if (tensors.contains(tensor.name)) add(match.names, "\"" + tensor.name + "\" is not described");
  return match;
}

void take_tensors(ModuleTree& described, const StateDict& state_dict) {
  const auto tensors = by_name(state_dict);
  for (ModuleNode& node : described.nodes)
    for (ModuleTensor& tensor : node.tensors)
      if (const auto found = tensors.find(joined(node.path, tensor.name)); found != tensors.end())
        tensor.tensor = *found->second;
}

}  // namespace sconce::model::structure
