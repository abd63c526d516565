// Decides what the names and calls of a PyTorch pickle become in the tree. Nothing is imported, nothing is called.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "formats/torch_common/known_names.h"
#include "formats/torch_common/persistent.h"
#include "tree/document.h"

namespace sconce::formats::torch_common {

/// The resolver of pickle::Machine for every format of PyTorch. What it does not know becomes an opaque object that
/// keeps an ordered log of how it was made. Errors: `damaged` where a known call has arguments that PyTorch would
/// refuse.
class Resolver {
 public:
  /// `open_bytes` opens the bytes of a file inside the file and returns its root, copied into the document; it may be
  /// empty where there can be none.
  using OpenBytes = std::function<NodeId(std::uint64_t offset, NodeId bytes)>;

  Resolver(tree::Document& document, PersistentLoader& persistent, OpenBytes open_bytes = {})
      : document_(document), persistent_(persistent), open_bytes_(std::move(open_bytes)) {}

  [[nodiscard]] NodeId global(std::uint64_t offset, std::string_view module, std::string_view name, int protocol);
  [[nodiscard]] NodeId reduce(std::uint64_t offset, NodeId callable, NodeId args);
  [[nodiscard]] NodeId new_object(std::uint64_t offset, NodeId cls, NodeId args, NodeId kwargs);
  [[nodiscard]] NodeId instance(std::uint64_t offset, NodeId cls, NodeId args);
  [[nodiscard]] NodeId build(std::uint64_t offset, NodeId target, NodeId state);
  void append(std::uint64_t offset, NodeId target, std::span<const NodeId> items, bool several);
  void set_items(std::uint64_t offset, NodeId target, std::span<const NodeId> pairs);
  void add_items(std::uint64_t offset, NodeId target, std::span<const NodeId> items);
  [[nodiscard]] NodeId persistent(std::uint64_t offset, NodeId id) { return persistent_.load(offset, id); }
  [[nodiscard]] NodeId extension(std::uint64_t offset, std::uint32_t code);
  [[nodiscard]] NodeId buffer(std::uint64_t offset);

 private:
  [[nodiscard]] Known known(NodeId callable) const {
    return document_.kind(callable) == Kind::global ? static_cast<Known>(document_.global_tag(callable))
                                                    : Known::unknown;
  }
  [[nodiscard]] NodeId call_known(std::uint64_t offset, Known what, NodeId callable, std::span<const NodeId> args);
  [[nodiscard]] NodeId opaque(tree::ObjectRecord::How how, NodeId callable, NodeId args, NodeId kwargs = tree::kNoNode);
  [[nodiscard]] NodeId from_type(std::uint64_t offset, NodeId callable, std::span<const NodeId> args);
  void need_object(NodeId target, std::string_view what) const;

  tree::Document& document_;
  PersistentLoader& persistent_;
  OpenBytes open_bytes_;
};

}  // namespace sconce::formats::torch_common
