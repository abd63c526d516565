#include "model/structure/totals.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>

#include "model/structure/limits.h"
#include "model/structure/order.h"
#include "tensor/tensor_data.h"

namespace sconce::model::structure {
namespace {

/// Elements that tensors share: the same storage, place and number.
using Identity = std::tuple<const void*, std::int64_t, std::uint64_t, DType>;

/// Sums that stay below 2^64: a file can declare meta tensors of any size.
std::uint64_t saturated(std::uint64_t a, std::uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

struct Sums {
  std::uint64_t parameters = 0;
  std::uint64_t buffers = 0;
  std::uint64_t bytes = 0;
};

class Totals {
 public:
  explicit Totals(ModuleTree& tree) : tree_(tree), added_(tree.nodes.size()), taken_(tree.nodes.size()) {}

  void fill() {
    for (std::size_t index = 0; index < tree_.nodes.size(); ++index) {
      ModuleNode& node = tree_.nodes[index];
      while (!around_.empty() && tree_.nodes[around_.back()].depth >= node.depth) around_.pop_back();
      around_.push_back(index);
      for (ModuleTensor& tensor : node.tensors) meet(index, tensor);
      if (is_met_again(tree_, index)) meet_module(index);
    }
    sum_up();
  }

 private:
  struct Seen {
    std::string name;
    std::size_t last;  ///< node that had it last
  };

  void meet(std::size_t index, ModuleTensor& tensor) {
    const Sums sums = size_of(tensor);
    add(added_[index], sums);
    std::string name = joined(tree_.nodes[index].path, tensor.name);
    Seen* seen = find(tensor, name);
    if (seen == nullptr) return;
    tensor.same_as = seen->name;
    // Counted at both places: once too often in every module that both are inside of.
    add(taken_[innermost_around(seen->last)], sums);
    seen->last = index;
  }

  void meet_module(std::size_t index) {
    const std::size_t same = tree_.nodes[index].same_as;
    std::size_t& last = last_of_module_.try_emplace(same, same).first->second;
    meets_[index] = innermost_around(last);
    last = index;
  }

  /// The innermost module around the current node that an earlier node is inside of, too.
  [[nodiscard]] std::size_t innermost_around(std::size_t earlier) const {
    const auto above = std::ranges::upper_bound(around_, earlier);
    return above == around_.begin() ? 0 : *(above - 1);
  }

  /// What was met before; null where it is new, and then it is remembered.
  Seen* find(const ModuleTensor& tensor, const std::string& name) {
    if (tensor.tensor.has_storage()) {
      const Tensor& t = tensor.tensor;
      const Identity identity{t.storage().data().get(), t.storage_offset(), t.numel(), t.dtype()};
      const auto [at, first] = by_identity_.try_emplace(identity, Seen{name, index_of_last()});
      return first ? nullptr : &at->second;
    }
    if (!tensor.same_as.empty())
      if (const auto at = by_name_.find(tensor.same_as); at != by_name_.end()) return &at->second;
    by_name_.try_emplace(name, Seen{name, index_of_last()});
    return nullptr;
  }

  [[nodiscard]] std::size_t index_of_last() const { return around_.back(); }

  static Sums size_of(const ModuleTensor& tensor) {
    const std::uint64_t numel = tensor.tensor.numel();
    Sums sums;
    (tensor.buffer ? sums.buffers : sums.parameters) = numel;
    sums.bytes = bytes_of(tensor.tensor.dtype(), numel).value_or(UINT64_MAX);
    return sums;
  }

  static void add(Sums& to, const Sums& what) {
    to.parameters = saturated(to.parameters, what.parameters);
    to.buffers = saturated(to.buffers, what.buffers);
    to.bytes = saturated(to.bytes, what.bytes);
  }
  static void subtract(Sums& from, const Sums& what) {
    from.parameters -= std::min(from.parameters, what.parameters);
    from.buffers -= std::min(from.buffers, what.buffers);
    from.bytes -= std::min(from.bytes, what.bytes);
  }

  void sum_up() {
    for (const std::size_t index : children_first(tree_)) {
      ModuleNode& node = tree_.nodes[index];
      // A module inside of itself adds nothing to itself; its numbers are not known yet.
      if (is_met_again(tree_, index) && meets_[index] != node.same_as) {
        const Sums same = sums_of(tree_.nodes[node.same_as]);
        add(added_[index], same);
        add(taken_[meets_[index]], same);
      }
      subtract(added_[index], taken_[index]);
      node.parameters = added_[index].parameters;
      node.buffers = added_[index].buffers;
      node.bytes = added_[index].bytes;
      if (index != 0) add(added_[node.parent], added_[index]);
    }
  }

  static Sums sums_of(const ModuleNode& node) { return {node.parameters, node.buffers, node.bytes}; }

  ModuleTree& tree_;
  std::vector<Sums> added_;
  std::vector<Sums> taken_;
  std::vector<std::size_t> around_;  // of the current node, the root first, and the node itself
  std::unordered_map<std::size_t, std::size_t> last_of_module_;
  std::unordered_map<std::size_t, std::size_t> meets_;
  std::map<Identity, Seen> by_identity_;
  std::unordered_map<std::string, Seen> by_name_;
};

}  // namespace

void fill_totals(ModuleTree& tree) { Totals(tree).fill(); }

}  // namespace sconce::model::structure
