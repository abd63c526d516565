#include "formats/torch_common/persistent.h"

#include <charconv>
#include <optional>
#include <string>

#include "base/checked.h"
#include "formats/torch_common/arguments.h"

namespace sconce::formats::torch_common {

namespace {
constexpr std::string_view kCall = "persistent id";
constexpr std::size_t kLongestText = 4096;  // of a key or a device; longer texts are not interned

/// The number that a key spells, in the one way in which numbers are spelled.
std::optional<std::uint32_t> small_number(std::string_view text) noexcept {
  if (text.empty() || text.size() > 9 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

NodeId key_node(Document& document, NodeId key) {
  const std::string_view text = document.text(key);
  if (text.size() > kLongestText) return kNoNode;
  return document.str_kind(key) == tree::StrKind::unicode ? key : document.str(text);
}

NodeId ForeignIds::load(std::uint64_t, NodeId id) {
  tree::ObjectRecord record;
  record.how = tree::ObjectRecord::How::persistent;
  record.args = document_.tuple({&id, 1});
  return document_.object(record);
}

NodeId StorageLoader::other(NodeId, std::string_view tag) {
  wrong_argument(kCall, tag.empty() ? "a tuple that begins with 'storage' expected"
                                    : "'storage' expected, not '" + std::string(tag) + "'");
}

NodeId StorageLoader::load(std::uint64_t, NodeId id) {
  if (document_.kind(id) != Kind::tuple || document_.elements(id).empty()) return other(id, {});
  const auto parts = document_.elements(id);
  if (document_.kind(parts[0]) != Kind::str) return other(id, {});
  if (document_.text(parts[0]) != "storage") return other(id, document_.text(parts[0]));

  const StorageId storage = parse(parts);
  const NodeId location = parts[3];
  const Seen* known = find_key(storage.key);
  if (known == nullptr) {
    if (views_.contains(storage.key)) wrong_argument(kCall, "a storage has the key of a storage view");
    const std::uint32_t number = first_seen(storage);
    known = &remember(storage, {storage.cls.dtype.value_or(DType::uint8), storage.cls.dtype.has_value(), storage.numel,
                                number, document_.storage(number), location});
  } else {
    check_same(*known, storage, location);
  }
  return storage.view ? view_of(*known, storage) : known->node;
}

const StorageLoader::Seen* StorageLoader::find_key(NodeId key) const noexcept {
  const auto number = small_number(document_.text(key));
  if (number && *number < place_of_number_.size() && place_of_number_[*number] != 0)
    return &seen_[place_of_number_[*number] - 1];
  const auto found = place_of_node_.find(key);
  return found != place_of_node_.end() ? &seen_[found->second - 1] : nullptr;
}

const StorageLoader::Seen& StorageLoader::remember(const StorageId& id, const Seen& seen) {
  document_.budget().charge(2 * sizeof(Seen));
  seen_.push_back(seen);
  const auto place = static_cast<std::uint32_t>(seen_.size());
  const auto number = small_number(id.key_text);
  if (number && *number < 2 * seen_.size()) {
    if (*number >= place_of_number_.size()) place_of_number_.resize(2 * seen_.size(), 0);
    place_of_number_[*number] = place;
  } else {
    document_.budget().charge(64);
    place_of_node_.emplace(id.key, place);
  }
  return seen_.back();
}

StorageId StorageLoader::parse(std::span<const NodeId> parts) const {
  const Arguments arguments(document_, kCall, parts);
  arguments.expect_count(5, takes_views() ? 6 : 5);
  if (document_.kind(parts[1]) != Kind::global) arguments.wrong(1, "a storage class");
  const auto cls = storage_class(document_.global_record(parts[1]).name);
  if (!cls) arguments.wrong(1, "a storage class of PyTorch");
  StorageId id;
  id.cls = *cls;
  id.key_text = arguments.text(2);
  id.key = key_node(document_, parts[2]);
  if (id.key == kNoNode) arguments.wrong(2, "a key of at most 4096 bytes");
  id.location = arguments.text(3);
  if (id.location.size() > kLongestText) arguments.wrong(3, "a device of at most 4096 bytes");
  const std::int64_t numel = arguments.integer(4);
  if (numel < 0) arguments.wrong(4, "a count that is not negative");
  id.numel = static_cast<std::uint64_t>(numel);
  const auto nbytes = storage_nbytes(*cls, id.numel);
  if (!nbytes || *nbytes > INT64_MAX) arguments.wrong(4, "a count whose bytes fit 63 bits");
  id.nbytes = *nbytes;
  if (parts.size() == 6 && arguments.kind(5) != Kind::none) {
    const Arguments view = arguments.tuple(5);
    view.expect_count(3, 3);
    const std::int64_t offset = view.integer(1);
    const std::int64_t size = view.integer(2);
    (void)view.text(0);
    const NodeId view_key = key_node(document_, view.node(0));
    if (view_key == kNoNode) view.wrong(0, "a key of at most 4096 bytes");
    if (offset < 0 || size < 0 || !fits(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size), id.numel))
      wrong_argument(kCall, "a view of " + std::to_string(size) + " elements at " + std::to_string(offset) +
                                " does not lie inside its storage of " + std::to_string(id.numel));
    id.view = StorageView{view_key, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size)};
  }
  return id;
}

void StorageLoader::check_same(const Seen& seen, const StorageId& id, NodeId location) const {
  const bool same_class = seen.typed == id.cls.dtype.has_value() && (!seen.typed || seen.dtype == *id.cls.dtype);
  const bool same_location = seen.location == location || document_.text(seen.location) == id.location;
  if (same_class && seen.numel == id.numel && same_location) return;
  wrong_argument(kCall, "storage \"" + std::string(id.key_text) + "\" was declared before with another " +
                            (!same_class              ? "class"
                             : seen.numel != id.numel ? "size"
                                                      : "device"));
}

NodeId StorageLoader::view_of(const Seen& root, const StorageId& id) {
  // PyTorch has one table for both: under the key of a root it would find that instead of the view.
  if (id.view->key == id.key || find_key(id.view->key) != nullptr)
    wrong_argument(kCall, "a storage view has the key of a storage");
  const auto [known, added] = views_.try_emplace(id.view->key, View{kNoNode, root.storage, *id.view});
  if (!added) {
    if (known->second.root != root.storage || known->second.place.offset != id.view->offset ||
        known->second.place.numel != id.view->numel)
      wrong_argument(kCall, "a storage view was declared before with another place");
    return known->second.node;
  }
  // A view is a part of its root, so that tensors over both still share; their offsets are counted from the root's
  // start.
  document_.budget().charge(64);
  const std::uint64_t unit = id.numel == 0 ? 1 : id.nbytes / id.numel;
  known->second.node = document_.storage(root.storage, {id.view->offset * unit, id.view->numel * unit});
  return known->second.node;
}

}  // namespace sconce::formats::torch_common
