// Writes a tree as a pickle of protocol 2. Python's own kinds are known here; everything else (tensors, storages,
// values of torch and NumPy) goes to an encoder, as the machine's calls go to a resolver.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pickle/emitter.h"
#include "tree/document.h"

namespace sconce::pickle {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

class Writer;

/// Writes the nodes that are not Python's own.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Puts one object on the loader's stack: emits opcodes at once, schedules values inside of it with Writer::then_…,
  /// and ends with Writer::made(), unless the object has no identity.
  virtual void encode(Writer& writer, NodeId node) = 0;
  /// Goes on with a node where Writer::then_resume() said so.
  virtual void resume(Writer& writer, NodeId node, std::uint32_t step) = 0;
  /// A class or function is about to be written; throws where it must not be.
  virtual void check_global(NodeId global) = 0;
  /// An object is about to be written; throws where it must not be.
  virtual void check_object(NodeId object) = 0;
};

/// Writes one tree. Shared nodes stay shared and cycles stay cycles, through the memo; nothing recurses. An instance
/// writes one pickle. Not thread-safe.
class Writer {
 public:
  /// `left_out`: nodes that must not be written, by number; may be empty. An entry of a dict or set with such a node is
  /// left out, elsewhere None takes its place. Everything must outlive the writer.
  Writer(const Document& document, Encoder& encoder, const std::vector<bool>& left_out, int protocol = 2);

  /// PROTO to STOP. Errors: `unsupported` for a value that contains itself in a way that no pickle can build, and what
  /// the encoder throws.
  [[nodiscard]] std::string run(NodeId root);

  /// Nodes of which something is missing, as they were met: those of `left_out`, and dicts with attributes that Python
  /// has no place for. A node can be there twice.
  [[nodiscard]] const std::vector<NodeId>& missing() const noexcept { return missing_; }

  // For encoders.
  [[nodiscard]] Emitter& emit() noexcept { return emitter_; }
  /// What comes behind the opcodes that were emitted, in the order of these calls.
  void then_value(NodeId node) { scheduled_.push_back({Task::What::value, Op::stop, node, 0, 0}); }
  void then_resume(NodeId node, std::uint32_t step) {
    scheduled_.push_back({Task::What::resume, Op::stop, node, step, 0});
  }
  /// A node with values inside of it is begun; made() ends it.
  void begun(NodeId node);
  /// The object of `node` is on top of the stack: remembers it. Where it was built within itself before, that one takes
  /// its place; false then.
  bool made(NodeId node);
  /// A `bytes` object: Latin-1 text and codecs.encode, as protocol 2 has it.
  void bytes(std::string_view data);

 private:
  struct Task {
    enum class What : std::uint8_t { value, op, list, default_dict, dict, tuple, call, set, object, items, resume };
    What what;
    Op op = Op::stop;  ///< that ends the group or the items
    NodeId node = kNoNode;
    std::uint32_t at = 0;     ///< how far it is
    std::uint32_t group = 0;  ///< entries since the last MARK
  };
  enum Name : std::uint8_t {
    kOrderedDict,
    kDefaultDict,
    kCounter,
    kSet,
    kFrozenset,
    kBytearray,
    kComplex,
    kSlice,
    kRange,
    kEncode,
    kLatin1,
    kNames,
  };

  void push(Task::What what, NodeId node, Op op = Op::stop) { tasks_.push_back({what, op, node, 0, 0}); }
  void name(Name which);
  void step();
  void write(NodeId node);
  [[nodiscard]] bool write_plain(NodeId node, const tree::Node& value);
  void write_leaf(NodeId node);
  void write_container(NodeId node);
  void begin_dict(NodeId node);
  void call_scheduled();

  void step_list(Task& task);
  void step_dict(Task& task);
  void end_dict(NodeId node);
  void step_tuple(Task& task);
  void end_tuple(NodeId node, std::size_t size);
  void step_call(Task& task);
  void step_set(Task& task);
  void step_object(Task& task);
  void begin_instance(NodeId node, const tree::ObjectRecord& record);
  void event(const tree::ObjectRecord::Step& event);
  void step_items(Task& task);

  /// The next entry of a dict or set, from `from` on, that can be written.
  [[nodiscard]] std::uint32_t next_entry(const tree::DictRecord& dict, std::uint32_t from, bool tell);
  /// Ends a group of entries that is full or the last, and begins one where none is open.
  void end_group(Task& task, bool last);
  void begin_group(Task& task, bool single, Op one, Op many);
  [[nodiscard]] bool is_left_out(NodeId node) const noexcept { return !left_out_.empty() && left_out_[node]; }

  const Document& document_;
  Encoder& encoder_;
  const std::vector<bool>& left_out_;
  Emitter emitter_;
  std::vector<Task> tasks_;
  std::vector<Task> scheduled_;
  std::vector<Memo> memo_;          // by node
  std::vector<std::uint8_t> open_;  // by node: how many times it is being written, one within the other
  std::vector<NodeId> missing_;
  std::array<Memo, kNames> names_;
};

}  // namespace sconce::pickle
