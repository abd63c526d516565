// Short ways to write trees in tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fail.h"
#include "tree/document.h"
#include "tree/walk.h"

namespace sconce::tree::testing {

/// A document, and nodes of it.
struct Tree {
  std::shared_ptr<Document> document = std::make_shared<Document>();

  Document* operator->() const { return document.get(); }
  Document& operator*() const { return *document; }
  NodeId text(std::string_view value) const { return document->str(value); }
  NodeId number(std::int64_t value) const { return document->integer(value); }
  NodeId tuple(std::vector<NodeId> elements) const { return document->tuple(elements); }
  NodeId list(std::vector<NodeId> elements) const { return document->list(elements); }
  /// Keys and values in turn.
  NodeId dict(const std::vector<NodeId>& pairs, DictFlavor flavor = DictFlavor::dict) const {
    const NodeId made = document->dict(flavor);
    for (std::size_t at = 0; at + 1 < pairs.size(); at += 2)
      EXPECT_TRUE(document->dict_set(made, pairs[at], pairs[at + 1]));
    return made;
  }
  NodeId frozenset(const std::vector<NodeId>& elements) const {
    const NodeId made = document->set(Kind::frozenset);
    for (const NodeId element : elements) EXPECT_TRUE(document->dict_set(made, element, kNoNode));
    return made;
  }
  NodeId tensor(std::vector<std::int64_t> shape = {2}) const {
    StorageData data;
    data.nbytes = 4;
    for (const std::int64_t size : shape) data.nbytes *= static_cast<std::uint64_t>(size);
    data.typed = true;
    data.dtype = DType::float32;
    TensorRecord record;
    record.storage = document->new_storage(data);
    return document->tensor(record, shape, {});
  }
  NodeId object(std::string_view module, std::string_view name) const {
    ObjectRecord record;
    record.how = ObjectRecord::How::newobj;
    record.callable = document->global(module, name, module, name);
    record.args = document->tuple({});
    return document->object(record);
  }
  void state(NodeId object, NodeId value) const { document->object_step(object, {ObjectRecord::Event::state, value}); }
  [[nodiscard]] Value value(NodeId node) const { return {document, node}; }
};

/// The names of all leaves under a node, in order.
inline std::vector<std::string> names(const Tree& tree, NodeId root, WalkLimits limits = {}) {
  std::vector<std::string> all;
  Walker walker(*tree, root, limits);
  while (walker.next()) all.emplace_back(walker.name());
  return all;
}

template <typename Body>
Error error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorCode::invalid_argument, "none");
}

inline auto is_error(ErrorCode code, const std::string& words) {
  return ::testing::AllOf(::testing::Property("code", &Error::code, code),
                          ::testing::Property("what", &Error::what, ::testing::HasSubstr(words)));
}

}  // namespace sconce::tree::testing
