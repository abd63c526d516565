#include "formats/safetensors/contents.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/fail.h"
#include "formats/safetensors/names.h"
#include "tensor/elements.h"
#include "tensor/tensor_data.h"

namespace sconce::formats::safetensors {

namespace {

using tree::Document;
using tree::NodeId;

/// The bytes of a bare storage as a tensor of one dimension.
Tensor tensor_of_storage(const Document& document, NodeId id) {
  const Storage& storage = document.storage_at(document.storage_number(id));
  const tree::StorageSlice slice = document.storage_slice(id);
  DType dtype = storage.dtype().value_or(DType::uint8);
  const std::uint64_t size = element_size(dtype);
  if (info(dtype).bits < 8 || slice.offset % size != 0 || slice.nbytes % size != 0) dtype = DType::uint8;
  const auto unit = static_cast<std::int64_t>(element_size(dtype));
  const std::int64_t shape[] = {static_cast<std::int64_t>(slice.nbytes) / unit};
  const std::int64_t strides[] = {1};
  return Tensor::over(storage, dtype, shape, strides, static_cast<std::int64_t>(slice.offset) / unit);
}

bool has_bytes(const Document& document, NodeId id) {
  const Kind kind = document.kind(id);
  return kind == Kind::storage || (kind == Kind::tensor && document.tensor_record(id).has_storage());
}

/// Finds out, storage by storage, how its tensors lie in it.
class Sharing {
 public:
  Sharing(const PlanContext& context, Contents& contents) : context_(context), contents_(contents) {}

  void run() {
    std::map<const StorageData*, std::size_t> numbers;
    std::vector<std::vector<HeldTensor*>> groups;
    for (HeldTensor& held : contents_.tensors) {
      const auto [found, added] = numbers.emplace(held.tensor.storage().data().get(), groups.size());
      if (added) groups.emplace_back();
      groups[found->second].push_back(&held);
    }
    for (const auto& group : groups) storage(group);
    if (hidden_ != 0)
      context_.report.notes.push_back(std::to_string(hidden_) +
                                      " bytes of storages that no tensor shows are not in the file");
  }

 private:
  void storage(std::span<HeldTensor* const> group) {
    std::vector<HeldTensor*> members;
    std::vector<View> views;
    std::vector<Interval> intervals;
    for (HeldTensor* held : group) {
      const TensorData& data = *held->tensor.data_handle();
      View view{data.dtype,
                {data.shape().begin(), data.shape().end()},
                {data.strides().begin(), data.strides().end()},
                data.offset};
      const auto interval = interval_of(view);
      if (data.conj || data.neg || !interval || !same_order(*group.front(), *held)) {
        note_alone(*held, group.size());
        continue;
      }
      members.push_back(held);
      views.push_back(std::move(view));
      intervals.push_back(*interval);
    }
    count_hidden(group.front()->tensor.storage(), intervals);
    share(members, views, intervals);
  }

  /// Elements are written little-endian: what views of a big-endian storage share depends on their units.
  static bool same_order(const HeldTensor& a, const HeldTensor& b) {
    return a.tensor.storage().byte_order() == std::endian::little ||
           info(a.tensor.dtype()).swap_unit == info(b.tensor.dtype()).swap_unit;
  }

  void share(std::span<HeldTensor* const> members, std::span<const View> views, std::span<const Interval> intervals) {
    if (members.empty()) return;
    std::uint64_t begin = UINT64_MAX;
    std::uint64_t end = 0;
    std::uint64_t unit = 1;
    for (std::size_t at = 0; at < views.size(); ++at) {
      unit = std::max<std::uint64_t>(unit, element_size(views[at].dtype));
      if (intervals[at].begin == intervals[at].end) continue;
      begin = std::min(begin, intervals[at].begin);
      end = std::max(end, intervals[at].end);
    }
    begin = end == 0 ? 0 : begin - begin % unit;
    if (!can_be_filled(views, intervals, end - begin)) {
      for (HeldTensor* held : members) note_alone(*held, members.size());
      return;
    }
    if (members.size() == 1 && is_default(*members[0], views[0])) return;
    const Storage& storage = members[0]->tensor.storage();
    const auto number = static_cast<std::uint32_t>(contents_.storages.size());
    contents_.storages.push_back(
        {storage.dtype(), context_.options.keep_device ? storage.location() : std::string("cpu")});
    for (std::size_t at = 0; at < members.size(); ++at) {
      const std::uint64_t bits = info(views[at].dtype).bits;
      members[at]->shared = number;
      members[at]->strides = views[at].strides;
      members[at]->offset =
          intervals[at].begin < begin ? 0 : static_cast<std::int64_t>((intervals[at].begin - begin) * 8 / bits);
    }
  }

  static bool can_be_filled(std::span<const View> views, std::span<const Interval> intervals, std::uint64_t size) {
    const auto needed = needed_views(views, intervals);
    if (!needed) return false;
    std::uint64_t shown = 0;
    for (const std::size_t at : *needed)
      shown += intervals[at].end - intervals[at].begin > size ? 0 : elements_bytes(views[at]);
    return is_worthwhile(size, shown);
  }

  static std::uint64_t elements_bytes(const View& view) {
    std::uint64_t count = 1;
    for (std::size_t at = 0; at < view.shape.size(); ++at)
      if (view.strides[at] != 0) count *= static_cast<std::uint64_t>(view.shape[at]);
    return bytes_of(view.dtype, count).value_or(0);
  }

  /// Whether a reader makes the same of a tensor of which it knows nothing but the header.
  bool is_default(const HeldTensor& held, const View& view) const {
    const Storage& storage = held.tensor.storage();
    if (context_.document.kind(held.node) == Kind::storage) return false;
    return is_dense(view) && storage.dtype() == view.dtype && is_row_major(view) &&
           (!context_.options.keep_device || storage.location() == "cpu");
  }

  /// Strides of dimensions of size 1 mean nothing, but are kept.
  static bool is_row_major(const View& view) {
    std::int64_t step = 1;
    for (std::size_t at = view.shape.size(); at-- > 0;) {
      if (view.strides[at] != step) return false;
      step *= std::max<std::int64_t>(view.shape[at], 1);
    }
    return true;
  }

  void note_alone(const HeldTensor& held, std::size_t sharing) {
    const TensorData& data = *held.tensor.data_handle();
    std::string what = data.conj || data.neg ? "its conj or neg bit is resolved" : "its elements are written in full";
    if (sharing > 1) what += ", and it shares its storage no longer";
    context_.report.notes.push_back(held.names.front() + ": " + what);
  }

  void count_hidden(const Storage& storage, std::vector<Interval> intervals) {
    std::ranges::sort(intervals, {}, &Interval::begin);
    std::uint64_t reached = 0;
    std::uint64_t shown = 0;
    for (const Interval& interval : intervals) {
      const std::uint64_t from = std::max(reached, interval.begin);
      if (interval.end <= from) continue;
      shown += interval.end - from;
      reached = interval.end;
    }
    if (!intervals.empty() && storage.nbytes() > shown) hidden_ += storage.nbytes() - shown;
  }

  const PlanContext& context_;
  Contents& contents_;
  std::uint64_t hidden_ = 0;
};

void check_tensor(const HeldTensor& held, const Limits& limits) {
  ErrorPlace place;
  place.key = held.names.front();
  with_place(place, [&] { tensor::check_expansion(*held.tensor.data_handle(), limits); });
}

}  // namespace

Contents contents_of(const PlanContext& context, const Outline& outline) {
  const Document& document = context.document;
  Contents contents;
  contents.places.assign(outline.nodes().size(), kNotHeld);
  for (std::uint32_t number = 0; number < outline.nodes().size(); ++number) {
    const NodeId id = outline.nodes()[number];
    if (!has_bytes(document, id)) continue;
    HeldTensor held;
    held.node = id;
    held.tensor = document.kind(id) == Kind::storage ? tensor_of_storage(document, id) : document.tensor_handle(id);
    held.spelling = spelling_of(held.tensor.dtype(), held.tensor.shape());
    contents.places[number] = static_cast<std::uint32_t>(contents.tensors.size());
    contents.tensors.push_back(std::move(held));
  }
  UniqueNames names;
  for (const PathTo& path : paths_to(document, context.roots, context.limits)) {
    const std::uint32_t number = outline.number(path.node);
    const std::uint32_t place = number < contents.places.size() ? contents.places[number] : kNotHeld;
    if (place != kNotHeld) contents.tensors[place].names.push_back(names.make(path.path));
  }
  for (HeldTensor& held : contents.tensors) {
    // A key of a dict, or deeper than paths go.
    if (held.names.empty()) held.names.push_back(names.make("tensor." + std::to_string(outline.number(held.node))));
    check_tensor(held, context.limits);
  }
  Sharing(context, contents).run();
  return contents;
}

}  // namespace sconce::formats::safetensors
