// Running a pickle with a resolver that makes an opaque object of everything and a listener that writes down what it
// hears.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/slice.h"
#include "pickle/machine.h"
#include "pickle/python_names.h"
#include "tree/repr.h"

namespace sconce::pickle::testing {

/// Keeps everything as data, as any resolver does with what it does not know.
class OpaqueResolver {
 public:
  explicit OpaqueResolver(Document& document) : document_(document) {}

  NodeId global(std::uint64_t, std::string_view module, std::string_view name, int protocol) {
    const PythonName python = python3_name(module, name, protocol);
    return document_.global(module, name, python.module, python.name);
  }
  NodeId reduce(std::uint64_t, NodeId callable, NodeId args) {
    return made(tree::ObjectRecord::How::reduce, callable, args);
  }
  NodeId new_object(std::uint64_t, NodeId cls, NodeId args, NodeId kwargs) {
    return made(tree::ObjectRecord::How::newobj, cls, args, kwargs);
  }
  NodeId instance(std::uint64_t, NodeId cls, NodeId args) { return made(tree::ObjectRecord::How::instance, cls, args); }
  NodeId build(std::uint64_t, NodeId target, NodeId state) {
    if (document_.kind(target) == Kind::object)
      document_.object_step(target, {tree::ObjectRecord::Event::state, state});
    return target;
  }
  void append(std::uint64_t, NodeId target, std::span<const NodeId> items, bool several) {
    step(target, several ? tree::ObjectRecord::Event::extend : tree::ObjectRecord::Event::append, items);
  }
  void set_items(std::uint64_t, NodeId target, std::span<const NodeId> pairs) {
    step(target, tree::ObjectRecord::Event::set_item, pairs);
  }
  void add_items(std::uint64_t, NodeId target, std::span<const NodeId> items) {
    step(target, tree::ObjectRecord::Event::add, items);
  }
  NodeId persistent(std::uint64_t, NodeId id) {
    return made(tree::ObjectRecord::How::persistent, kNoNode, document_.tuple({&id, 1}));
  }
  NodeId extension(std::uint64_t, std::uint32_t code) {
    const std::string name = "extension_" + std::to_string(code);
    return document_.global("copyreg", name, "copyreg", name);
  }
  NodeId buffer(std::uint64_t) { fail(ErrorCode::unsupported, "a buffer from outside"); }

 private:
  NodeId made(tree::ObjectRecord::How how, NodeId callable, NodeId args, NodeId kwargs = kNoNode) {
    tree::ObjectRecord record;
    record.how = how;
    record.callable = callable;
    record.args = args;
    record.kwargs = kwargs;
    return document_.object(record);
  }
  void step(NodeId target, tree::ObjectRecord::Event event, std::span<const NodeId> items) {
    if (document_.kind(target) != Kind::object)
      fail(ErrorCode::damaged, "items for a " + std::string(to_string(document_.kind(target))));
    document_.object_step(target, {event, document_.tuple(items)});
  }

  Document& document_;
};

/// One line for each event: "12 import os.system", "20 call os.system", "31 state argparse.Namespace", "9 persistent".
class EventLog {
 public:
  explicit EventLog(const Document& document) : document_(document) {}
  void imported(std::uint64_t offset, NodeId global) { add(offset, "import", document_.class_name(global)); }
  void called(std::uint64_t offset, NodeId callable, NodeId) { add(offset, "call", document_.class_name(callable)); }
  void state_set(std::uint64_t offset, NodeId target, NodeId) {
    const Kind kind = document_.kind(target);
    add(offset, "state",
        kind == Kind::object || kind == Kind::global ? document_.class_name(target) : std::string(to_string(kind)));
  }
  void persistent(std::uint64_t offset, NodeId) { add(offset, "persistent", {}); }

  std::vector<std::string> lines;

 private:
  void add(std::uint64_t offset, std::string_view what, const std::string& name) {
    lines.push_back(std::to_string(offset) + " " + std::string(what) + (name.empty() ? "" : " " + name));
  }
  const Document& document_;
};

/// A pickle that was run, or the error that ended it.
struct Ran {
  std::shared_ptr<MemoryBudget> budget;
  std::shared_ptr<Document> document;
  MachineResult result;
  std::vector<std::string> events;
  std::optional<Error> error;

  [[nodiscard]] NodeId root() const { return result.root; }
  [[nodiscard]] Kind kind() const { return document->kind(result.root); }
  /// The root as Python writes it, for leaves and tuples of them.
  [[nodiscard]] std::string text() const {
    if (error) return std::string("error: ") + error->what();
    return tree::key_text(*document, result.root);
  }
};

inline Ran run(std::string stream, const Limits& limits = {}) {
  Ran ran;
  ran.budget = std::make_shared<MemoryBudget>(limits);
  ran.document = std::make_shared<Document>(ran.budget);
  ByteReader reader(string_source(std::move(stream)));
  OpaqueResolver resolver(*ran.document);
  EventLog log(*ran.document);
  try {
    ran.result = Machine(reader, *ran.document, resolver, log).run();
  } catch (const Error& error) {
    ran.error = error;
  }
  ran.events = std::move(log.lines);
  return ran;
}

/// The error of a stream that must not run.
inline Error error_of_stream(std::string stream, const Limits& limits = {}) {
  Ran ran = run(std::move(stream), limits);
  if (ran.error) return *ran.error;
  ADD_FAILURE() << "the stream ran, and gave " << ran.text();
  return Error(ErrorCode::invalid_argument, "none");
}

/// For EXPECT_THAT on an Error.
inline auto is_error(ErrorCode code, const std::string& words) {
  return ::testing::AllOf(::testing::Property("code", &Error::code, code),
                          ::testing::Property("what", &Error::what, ::testing::HasSubstr(words)));
}

}  // namespace sconce::pickle::testing
