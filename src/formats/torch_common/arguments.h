// Taking apart the arguments of known calls: each with what was expected, for the message.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"
#include "tree/document.h"

namespace sconce::formats::torch_common {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

[[noreturn]] void wrong_argument(std::string_view call, std::string_view what);

/// The arguments of one call, checked as they are taken.
class Arguments {
 public:
  Arguments(const Document& document, std::string_view call, std::span<const NodeId> nodes)
      : document_(document), call_(call), nodes_(nodes) {}

  void expect_count(std::size_t least, std::size_t most) const;
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] NodeId node(std::size_t at) const { return nodes_[at]; }
  [[nodiscard]] std::span<const NodeId> all() const noexcept { return nodes_; }
  [[nodiscard]] Kind kind(std::size_t at) const { return document_.kind(nodes_[at]); }

  [[nodiscard]] std::uint32_t storage(std::size_t at) const;  ///< number in the document
  [[nodiscard]] std::int64_t integer(std::size_t at) const;
  [[nodiscard]] bool boolean(std::size_t at) const;
  [[nodiscard]] double number(std::size_t at) const;
  [[nodiscard]] std::string_view text(std::size_t at) const;
  [[nodiscard]] std::vector<std::int64_t> integers(std::size_t at) const;  ///< a tuple, size or list of integers
  [[nodiscard]] DType dtype(std::size_t at) const;
  [[nodiscard]] NodeId tensor(std::size_t at) const;
  /// Elements of a tuple (or list).
  [[nodiscard]] Arguments tuple(std::size_t at) const;

  [[noreturn]] void wrong(std::size_t at, std::string_view expected) const;

 private:
  const Document& document_;
  std::string_view call_;
  std::span<const NodeId> nodes_;
};

}  // namespace sconce::formats::torch_common
