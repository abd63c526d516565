// A target from another checkpoint: what its state_dict has.
#include <algorithm>
#include <map>
#include <tuple>

#include <sconce/load_state_dict.h>

#include "base/fail.h"
#include "model/matching/entries.h"

namespace sconce {
inline namespace v0 {

namespace {

using model::matching::Entries;
using model::matching::Entry;

/// A state_dict does not say which of its tensors are buffers; these are in every module of PyTorch that has them.
bool is_buffer_name(std::string_view name) {
  constexpr std::string_view kNames[] = {"running_mean", "running_var", "num_batches_tracked"};
  return std::ranges::find(kNames, model::matching::leaf_of(name)) != std::end(kNames);
}

/// Numbers for tensors that are the very same view of one storage, as tied weights are.
class Ties {
 public:
  explicit Ties(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries)
      if (has_view(entry)) ++counts_[view_of(entry.tensor)].uses;
  }
  /// 0 for a tensor that nothing shares.
  std::uint64_t number_of(const Entry& entry) {
    if (!has_view(entry)) return 0;
    Group& group = counts_[view_of(entry.tensor)];
    if (group.uses < 2) return 0;
    if (group.number == 0) group.number = ++last_;
    return group.number;
  }

 private:
  using View = std::tuple<const void*, std::int64_t, std::vector<std::int64_t>, std::vector<std::int64_t>, DType>;
  struct Group {
    std::size_t uses = 0;
    std::uint64_t number = 0;
  };

  static bool has_view(const Entry& entry) {
    return entry.tensor.defined() && entry.tensor.has_storage() && entry.tensor.numel() != 0;
  }
  static View view_of(const Tensor& tensor) {
    const auto copy = [](std::span<const std::int64_t> sizes) {
      return std::vector<std::int64_t>(sizes.begin(), sizes.end());
    };
    return {tensor.storage().data().get(), tensor.storage_offset(), copy(tensor.shape()), copy(tensor.strides()),
            tensor.dtype()};
  }

  std::map<View, Group> counts_;
  std::uint64_t last_ = 0;
};

}  // namespace

Target target_of(const Checkpoint& like, std::string_view which) {
  const Entries entries = model::matching::read_entries(like, which);
  Ties ties(entries.all);
  Target target;
  target.entries.reserve(entries.all.size());
  for (const Entry& entry : entries.all) {
    TargetEntry& wanted = target.entries.emplace_back();
    wanted.name = entry.name;
    if (!entry.tensor.defined()) {
      wanted.value = true;
      continue;
    }
    wanted.dtype = entry.tensor.dtype();
    wanted.shape.assign(entry.tensor.shape().begin(), entry.tensor.shape().end());
    wanted.buffer = is_buffer_name(entry.name);
    wanted.shared = ties.number_of(entry);
  }
  for (const auto& module : entries.modules) target.modules.push_back({module.path, module.type, module.version});
  return target;
}

}  // namespace v0
}  // namespace sconce
