#include "formats/torch_common/persistent.h"

#include <string>

#include "base/checked.h"
#include "formats/torch_common/arguments.h"

namespace sconce::formats::torch_common {

namespace {
constexpr std::string_view kCall = "persistent id";
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
  auto known = seen_.find(storage.key);
  if (known == seen_.end()) {
    const std::uint32_t number = first_seen(storage);
    document_.budget().charge(sizeof(Seen) + 32);
    const Seen seen{storage.cls.dtype.value_or(DType::uint8),
                    storage.cls.dtype.has_value(),
                    storage.numel,
                    number,
                    document_.storage(number),
                    location};
    known = seen_.emplace(storage.key, seen).first;
  } else {
    check_same(known->second, storage, location);
  }
  return storage.view ? view_of(known->second, storage) : known->second.node;
}

StorageId StorageLoader::parse(std::span<const NodeId> parts) const {
  const Arguments arguments(document_, kCall, parts);
  arguments.expect_count(5, 6);
  if (document_.kind(parts[1]) != Kind::global) arguments.wrong(1, "a storage class");
  const auto cls = storage_class(document_.global_record(parts[1]).name);
  if (!cls) arguments.wrong(1, "a storage class of PyTorch");
  StorageId id;
  id.cls = *cls;
  id.key = parts[2];
  id.key_text = arguments.text(2);
  id.location = arguments.text(3);
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
    if (offset < 0 || size < 0 || !fits(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size), id.numel))
      wrong_argument(kCall, "a view of " + std::to_string(size) + " elements at " + std::to_string(offset) +
                                " does not lie inside its storage of " + std::to_string(id.numel));
    id.view = StorageView{view.node(0), static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size)};
  }
  return id;
}

void StorageLoader::check_same(const Seen& seen, const StorageId& id, NodeId location) const {
  const bool same_class = seen.typed == id.cls.dtype.has_value() && (!seen.typed || seen.dtype == *id.cls.dtype);
  if (same_class && seen.numel == id.numel && seen.location == location) return;
  wrong_argument(kCall, "storage \"" + std::string(id.key_text) + "\" was declared before with another " +
                            (!same_class              ? "class"
                             : seen.numel != id.numel ? "size"
                                                      : "device"));
}

NodeId StorageLoader::view_of(const Seen& root, const StorageId& id) {
  const auto [known, added] = views_.try_emplace({id.key, id.view->key}, kNoNode, *id.view);
  if (!added) {
    if (known->second.second.offset != id.view->offset || known->second.second.numel != id.view->numel)
      wrong_argument(kCall, "a storage view was declared before with another place");
    return known->second.first;
  }
  // A view is a part of its root, so that tensors over both still share; their offsets are counted from the root's
  // start.
  document_.budget().charge(64);
  const std::uint64_t unit = id.numel == 0 ? 1 : id.nbytes / id.numel;
  known->second.first = document_.storage(root.storage, {id.view->offset * unit, id.view->numel * unit});
  return known->second.first;
}

}  // namespace sconce::formats::torch_common
