#include <algorithm>
#include <unordered_set>

#include <sconce/training.h>

#include "model/compatibility/needs.h"
#include "model/state.h"

namespace sconce::model::compatibility {

namespace {

/// Which tensors are the model's: those under the paths of its parts; all, where no part is a model.
class ModelNames {
 public:
  explicit ModelNames(const TrainingState& state) {
    for (const TrainingPart& part : state.parts)
      if (part.kind == PartKind::model) prefixes_.push_back(part.path.empty() ? "" : part.path + ".");
  }
  [[nodiscard]] bool has(std::string_view name) const {
    if (prefixes_.empty()) return true;
    const auto begins = [&](const std::string& prefix) { return name.starts_with(prefix); };
    return std::ranges::any_of(prefixes_, begins);
  }
  [[nodiscard]] bool known() const noexcept { return !prefixes_.empty(); }

 private:
  std::vector<std::string> prefixes_;
};

/// The module that must stay together: up to the first number in the name ("layers.0"), else all but the last step.
std::string_view block_of(std::string_view name) {
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    const std::string_view step = name.substr(at, end - at);
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!step.empty() && std::ranges::all_of(step, digit) && end < name.size()) return name.substr(0, end);
    at = end + 1;
  }
  const std::size_t last = name.rfind('.');
  return last == std::string_view::npos ? name : name.substr(0, last);
}

/// The fuller of two devices where blocks go in order, the cut at the best border.
std::uint64_t fuller_of_two(const std::vector<std::uint64_t>& blocks, std::uint64_t total) {
  std::uint64_t best = total;
  std::uint64_t first = 0;
  for (const std::uint64_t block : blocks) {
    first += block;
    best = std::min(best, std::max(first, total - first));
  }
  return best;
}

}  // namespace

DeviceNeeds device_needs(const Checkpoint& checkpoint) {
  DeviceNeeds needs;
  const TrainingState state = training_state(checkpoint);
  const ModelNames model(state);
  needs.optimizer = state.bytes_of(PartKind::optimizer);
  std::unordered_set<std::uint64_t> seen;
  std::vector<std::uint64_t> blocks;  // of the model, in order
  std::string block;
  WalkOptions options;
  options.values = false;
  checkpoint.walk(options, [&](const Leaf& leaf) {
    const Tensor tensor = leaf.tensor();
    if (!tensor.has_storage()) return true;
    const std::string& location = tensor.storage().location();
    if (std::ranges::find(needs.saved_on, location) == needs.saved_on.end() && needs.saved_on.size() < 64)
      needs.saved_on.push_back(location);
    const auto number = leaf.storage_number();
    if (!number || !seen.insert(*number).second) return true;
    const std::uint64_t nbytes = tensor.storage().nbytes();
    needs.everything += nbytes;
    if (!model.has(leaf.name())) return true;
    needs.weights += nbytes;
    const std::string_view name = block_of(leaf.name());
    if (blocks.empty() || name != block) {
      blocks.push_back(0);
      block = std::string(name);
    }
    blocks.back() += nbytes;
    return true;
  });
  if (!model.known()) needs.weights -= std::min(needs.weights, needs.optimizer);
  const auto is_elsewhere = [](const std::string& location) { return location != "cpu" && location != "meta"; };
  needs.map_location_needed = std::ranges::any_of(needs.saved_on, is_elsewhere);
  // torch.load reads every storage into memory of its own, once; a bare pickle holds its bytes as a value first.
  needs.torch_load_peak = checkpoint.file().format == "pickle" ? 2 * needs.everything : needs.everything;
  needs.sconce_load_peak = needs.everything;
  needs.one_gpu = needs.weights;
  needs.two_gpus = fuller_of_two(blocks, needs.weights);
  return needs;
}

}  // namespace sconce::model::compatibility
