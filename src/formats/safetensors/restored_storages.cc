#include "formats/safetensors/restored_storages.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/slice.h"
#include "tensor/shape.h"

namespace sconce::formats::safetensors {

namespace {

[[noreturn]] void contradiction(std::string message) { fail(ErrorCode::damaged, std::move(message)); }

bool has_same_form(const Header& header, const TensorEntry& a, const TensorEntry& b) {
  return a.code == b.code && std::ranges::equal(header.shape(a), header.shape(b));
}

/// Marks every name as taken and gives the entry of the first.
const TensorEntry& take_names(const SavedTensor& tensor, const Header& header, std::vector<bool>& taken) {
  const TensorEntry* first = nullptr;
  for (const std::string& name : tensor.names) {
    const auto number = header.find(name);
    if (!number) contradiction("it names a tensor \"" + name + "\", and the file has none");
    if (taken[*number]) contradiction("it names the tensor \"" + name + "\" twice");
    taken[*number] = true;
    const TensorEntry& entry = header.tensors()[*number];
    if (first != nullptr && !has_same_form(header, *first, entry))
      contradiction("\"" + name + "\" is said to be the same tensor as \"" + std::string(first->name) +
                    "\", and is of another form");
    if (first == nullptr) first = &entry;
  }
  return *first;
}

MatchedTensor match(const SavedTensor& tensor, const TensorEntry& entry, const Header& header) {
  MatchedTensor matched;
  matched.file_offset = header.data_begin() + entry.begin;
  matched.nbytes = entry.nbytes();
  View& view = matched.view;
  view.dtype = tensor.dtype.value_or(dtype_of(entry.code));
  const auto shape = tensor.dtype ? std::span<const std::int64_t>(tensor.shape) : header.shape(entry);
  view.shape.assign(shape.begin(), shape.end());
  const auto numel = tensor::numel_of(view.shape);
  if (!numel || bytes_of(view.dtype, *numel) != entry.nbytes() ||
      spelling_of(view.dtype, view.shape).code != entry.code)
    contradiction("it gives \"" + std::string(entry.name) + "\" a dtype or a shape that the header has not");
  view.strides = tensor.storage ? tensor.strides : tensor::contiguous_strides(view.shape);
  view.offset = tensor.storage ? tensor.offset : 0;
  if (!interval_of(view)) contradiction("\"" + std::string(entry.name) + "\" has impossible strides");
  return matched;
}

/// A storage that is put together from views.
class ScatteredOrigin final : public StorageOrigin {
 public:
  [[nodiscard]] std::uint64_t add(std::vector<FilledView> views) {
    storages_.push_back(std::move(views));
    return storages_.size() - 1;
  }
  [[nodiscard]] SourcePtr open(std::uint64_t handle, std::uint64_t nbytes) const override {
    return scattered_source(storages_[handle], nbytes);
  }

 private:
  std::vector<std::vector<FilledView>> storages_;
};

/// The tensors of one storage.
struct Group {
  std::vector<std::uint32_t> members;
  std::vector<std::size_t> needed;  ///< of members
  std::uint64_t nbytes = 0;
};

std::uint64_t shown_bytes(const Group& group, std::span<const MatchedTensor> matched) {
  std::uint64_t shown = 0;
  for (const std::size_t at : group.needed) shown += matched[group.members[at]].nbytes;  // lies in the file
  return shown;
}

Group prove(std::vector<std::uint32_t> members, std::span<const MatchedTensor> matched) {
  Group group{.members = std::move(members)};
  std::vector<View> views;
  std::vector<Interval> intervals;
  for (const std::uint32_t member : group.members) {
    views.push_back(matched[member].view);
    intervals.push_back(*interval_of(views.back()));
    if (intervals.back().begin != intervals.back().end) group.nbytes = std::max(group.nbytes, intervals.back().end);
  }
  for (const View& view : views)
    if (const auto why = tensor::why_not_inside(view.dtype, view.shape, view.strides, view.offset, group.nbytes))
      contradiction("a storage cannot be put together: " + *why);
  auto needed = needed_views(views, intervals);
  if (!needed) contradiction("a storage cannot be put together from views that overlap");
  group.needed = std::move(*needed);
  if (!is_worthwhile(group.nbytes, shown_bytes(group, matched)))
    contradiction("a storage of " + std::to_string(group.nbytes) + " bytes, of which its tensors show only " +
                  std::to_string(shown_bytes(group, matched)));
  return group;
}

class StorageMaker {
 public:
  StorageMaker(tree::Document& document, const NodeTable& table, std::span<const MatchedTensor> matched,
               const SourcePtr& source, const StorageOrigin* origin)
      : document_(document), table_(table), matched_(matched), source_(source), origin_(origin) {}

  std::vector<std::uint32_t> make() {
    const std::vector<Group> groups = prove_groups();
    std::vector<std::uint32_t> numbers(table_.tensors.size(), kNotHeld);
    std::vector<std::uint32_t> shared(groups.size(), kNotHeld);
    for (std::size_t at = 0; at < numbers.size(); ++at) {
      const SavedTensor& tensor = table_.tensors[at];
      if (tensor.names.empty()) continue;
      if (!tensor.storage) {
        StorageData data = data_of(matched_[at]);
        data.typed = true;
        data.dtype = matched_[at].view.dtype;
        numbers[at] = document_.new_storage(data);
        continue;
      }
      std::uint32_t& number = shared[*tensor.storage];
      if (number == kNotHeld) number = new_shared(table_.storages[*tensor.storage], groups[*tensor.storage]);
      numbers[at] = number;
    }
    if (scattered_ != nullptr) (void)document_.keep_origin(scattered_);
    return numbers;
  }

 private:
  std::vector<Group> prove_groups() const {
    std::vector<std::vector<std::uint32_t>> members(table_.storages.size());
    for (std::uint32_t at = 0; at < table_.tensors.size(); ++at)
      if (table_.tensors[at].storage && !table_.tensors[at].names.empty())
        members[*table_.tensors[at].storage].push_back(at);
    std::vector<Group> groups;
    groups.reserve(members.size());
    for (auto& group : members) groups.push_back(prove(std::move(group), matched_));
    return groups;
  }

  StorageData data_of(const MatchedTensor& tensor) const {
    StorageData data;
    data.origin = origin_;
    data.handle = tensor.file_offset;
    data.nbytes = tensor.nbytes;
    data.byte_order = std::endian::little;
    return data;
  }

  std::uint32_t new_shared(const SharedStorage& storage, const Group& group) {
    StorageData data;
    data.byte_order = std::endian::little;
    const auto whole = std::ranges::find_if(group.needed, [&](std::size_t at) {
      const MatchedTensor& tensor = matched_[group.members[at]];
      return tensor.view.offset == 0 && tensor.nbytes == group.nbytes && is_dense(tensor.view);
    });
    if (whole != group.needed.end())
      data = data_of(matched_[group.members[*whole]]);
    else if (group.nbytes != 0)
      scatter(group, data);
    data.location = document_.location(storage.location);
    data.typed = storage.dtype.has_value();
    if (storage.dtype) data.dtype = *storage.dtype;
    return document_.new_storage(data);
  }

  void scatter(const Group& group, StorageData& data) {
    constexpr std::uint64_t kViewCost = 512;
    if (scattered_ == nullptr) scattered_ = std::make_shared<ScatteredOrigin>();
    std::vector<FilledView> views;
    for (const std::size_t at : group.needed) {
      document_.budget().charge(kViewCost);
      const MatchedTensor& tensor = matched_[group.members[at]];
      views.push_back({tensor.view, storage_over(slice(source_, tensor.file_offset, tensor.nbytes), tensor.view.dtype,
                                                 std::endian::little)});
    }
    data.origin = scattered_.get();
    data.handle = scattered_->add(std::move(views));
    data.nbytes = group.nbytes;
  }

  tree::Document& document_;
  const NodeTable& table_;
  std::span<const MatchedTensor> matched_;
  const SourcePtr& source_;
  const StorageOrigin* origin_;
  std::shared_ptr<ScatteredOrigin> scattered_;
};

}  // namespace

std::vector<MatchedTensor> match_tensors(const NodeTable& table, const Header& header) {
  std::vector<bool> taken(header.tensors().size(), false);
  std::vector<MatchedTensor> matched(table.tensors.size());
  for (std::size_t at = 0; at < matched.size(); ++at)
    if (!table.tensors[at].names.empty())
      matched[at] = match(table.tensors[at], take_names(table.tensors[at], header, taken), header);
  if (const auto left = std::ranges::find(taken, false); left != taken.end())
    contradiction("it does not know the tensor \"" +
                  std::string(header.tensors()[static_cast<std::size_t>(left - taken.begin())].name) + "\"");
  return matched;
}

std::vector<std::uint32_t> make_storages(tree::Document& document, const NodeTable& table,
                                         std::span<const MatchedTensor> matched, const SourcePtr& source,
                                         const StorageOrigin* origin) {
  return StorageMaker(document, table, matched, source, origin).make();
}

}  // namespace sconce::formats::safetensors
