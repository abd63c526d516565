// The machine that runs a pickle. It imports nothing and calls nothing: containers and leaves become nodes of a
// document; names, calls, states and persistent ids go to a resolver, which decides what node they become.
//
// Both the resolver and the listener are template parameters: one pass, no virtual call for an opcode. Rules of stack,
// marks and memo are those of CPython's C unpickler. Every length is compared with the bytes that are left before
// anything is allocated; nothing recurses.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "base/fail.h"
#include "base/hash.h"
#include "pickle/opcodes.h"
#include "pickle/text_arguments.h"
#include "tree/document.h"

namespace sconce::pickle {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

/// Hears what a stream would make Python do. Offsets are those of the opcode. Derive and hide what is of interest. One
/// that has `void opcode(offset, code, end)` hears every opcode but STOP, too, after it was run; `end` is behind its
/// argument.
struct NoListener {
  void imported(std::uint64_t /*offset*/, NodeId /*global*/) {}
  void called(std::uint64_t /*offset*/, NodeId /*callable*/, NodeId /*args*/) {}
  void state_set(std::uint64_t /*offset*/, NodeId /*target*/, NodeId /*state*/) {}
  void persistent(std::uint64_t /*offset*/, NodeId /*id*/) {}
};

/// What is left to say when a stream has been run.
struct MachineResult {
  NodeId root = kNoNode;
  int protocol = 0;  ///< of the PROTO opcode; 0 where there is none
  std::uint64_t opcodes = 0;
  std::size_t left_on_stack = 0;  ///< items under the result: legal for CPython, odd all the same
  std::uint64_t end = 0;          ///< offset behind STOP
};

/// Runs one pickle of a reader.
///
/// A Resolver has:
///   NodeId global(offset, module, name, protocol);
///   NodeId reduce(offset, callable, args);                 // args is a tuple
///   NodeId new_object(offset, cls, args, kwargs);          // kwargs: dict or kNoNode
///   NodeId instance(offset, cls, args);                    // INST and OBJ
///   NodeId build(offset, target, state);                   // the target, or what takes its place on the stack
///   void append(offset, target, items, several);           // target is no list
///   void set_items(offset, target, pairs);                 // target is no dict; key, value, key, value …
///   void add_items(offset, target, items);                 // target is no set
///   NodeId persistent(offset, id);
///   NodeId extension(offset, code);
///   NodeId buffer(offset);                                 // NEXT_BUFFER
template <typename Resolver, typename Listener = NoListener>
class Machine {
 public:
  Machine(ByteReader& reader, Document& document, Resolver& resolver, Listener& listener)
      : reader_(reader), document_(document), resolver_(resolver), listener_(listener) {}

  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() { document_.budget().release(charged_); }  // stack and memo go; the tree stays

  /// Runs up to STOP. Errors: `truncated`, `damaged`, `limit`, each with the offset of the opcode; of its argument
  /// where the data ends inside of that.
  MachineResult run() {
    try {
      return run_to_stop();
    } catch (Error& error) {
      error.add_place(at_offset(opcode_at_));
      throw;
    }
  }

 private:
  MachineResult run_to_stop();
  // Each handles one family of opcodes and says whether this was one of them.
  bool step_common(Op op);  // what PyTorch writes for every tensor
  bool step_containers(Op op);
  bool step_objects(Op op);
  bool step_leaves(Op op);
  bool step_text(Op op);
  void step_other(std::uint8_t code);

  [[noreturn]] static void wrong(std::string message) {
    fail(ErrorCode::damaged, std::move(message), {}, "this is no pickle that Python could load; fetch the file again");
  }

  // The stack. Items below the innermost mark cannot be reached.
  void push(NodeId node) {
    if (stack_.size() == stack_.capacity()) reserve(stack_);
    stack_.push_back(node);
  }
  NodeId pop() {
    if (stack_.size() <= fence()) underflow();
    const NodeId node = stack_.back();
    stack_.pop_back();
    return node;
  }
  [[nodiscard]] NodeId top() const {
    if (stack_.size() <= fence()) underflow();
    return stack_.back();
  }
  [[nodiscard]] std::size_t fence() const noexcept { return marks_.empty() ? 0 : marks_.back(); }
  [[noreturn]] void underflow() const {
    wrong(marks_.empty() ? "the pickle takes more from the stack than it put there"
                         : "the pickle takes a mark for a value");
  }
  void mark() {
    if (marks_.size() == marks_.capacity()) reserve(marks_);
    marks_.push_back(static_cast<std::uint32_t>(stack_.size()));
  }
  /// The items above the innermost mark; the mark is gone, the items are until drop().
  [[nodiscard]] std::span<const NodeId> above_mark() {
    if (marks_.empty()) wrong("the pickle ends a group that it did not begin (no mark)");
    const std::size_t begin = marks_.back();
    marks_.pop_back();
    return std::span<const NodeId>(stack_).subspan(begin);
  }
  void drop(std::size_t count) { stack_.resize(stack_.size() - count); }
  template <typename T>
  void reserve(std::vector<T>& items) {
    const std::size_t more = items.capacity() == 0 ? 256 : items.capacity();
    charge(more * sizeof(T));
    items.reserve(items.capacity() + more);
  }

  void charge(std::uint64_t bytes) {
    document_.budget().charge(bytes);
    charged_ += bytes;
  }

  // The memo: dense as CPython fills it, sparse for an index that a bomb chose.
  void put(std::uint64_t index, NodeId node);
  [[nodiscard]] NodeId get(std::uint64_t index) const;

  // Arguments.
  [[nodiscard]] std::uint64_t checked_size(std::uint64_t size) const {
    if (size > 0xFFFFFFFE || !reader_.has(size))
      fail(ErrorCode::truncated, "a value of " + std::to_string(size) + " bytes is declared, but fewer are left", {},
           "fetch the file again");
    return size;
  }
  /// The next `size` bytes: in the window, or in scratch_ where they are more than a window holds.
  [[nodiscard]] std::string_view text(std::uint64_t size) {
    const std::uint64_t checked = checked_size(size);
    if (checked <= kSmallText) return reader_.take(static_cast<std::size_t>(checked));
    if (checked <= ByteReader::kWindow) {
      const std::string_view taken = reader_.take(static_cast<std::size_t>(checked));
      meter();
      return taken;
    }
    scratch_.resize(static_cast<std::size_t>(checked));
    reader_.read(std::as_writable_bytes(std::span(scratch_)));
    meter();
    return scratch_;
  }
  void meter() {
    document_.budget().grow(reader_.offset() - metered_);
    metered_ = reader_.offset();
  }
  [[nodiscard]] std::string_view line() {
    const auto found = reader_.line(kLongestLine);
    if (!found)
      fail(reader_.has(kLongestLine) ? ErrorCode::limit : ErrorCode::truncated, "a line of the pickle has no end", {},
           "fetch the file again");
    return *found;
  }
  [[nodiscard]] NodeId unicode(std::string_view utf8);

  void do_global(std::string_view module, std::string_view name);
  void do_stack_global();
  void do_extension(std::int64_t code);
  void do_reduce();
  void do_new_object(bool with_keywords);
  void do_instance(NodeId cls, std::span<const NodeId> items);
  void do_obj();
  void do_inst();
  void do_build();
  void do_append();
  void do_appends();
  void do_set_item();
  void do_set_items();
  void do_add_items();
  void do_dict();
  void do_frozenset();
  void do_persistent(NodeId id);
  void do_frame(std::uint64_t size);
  void set_pairs(NodeId target, std::span<const NodeId> pairs);

  static constexpr std::size_t kSmallText = 1024;  // so that what is not metered yet stays small
  static constexpr std::size_t kLongestLine = std::size_t{64} << 20;

  ByteReader& reader_;
  Document& document_;
  Resolver& resolver_;
  Listener& listener_;
  std::vector<NodeId> stack_;
  std::vector<std::uint32_t> marks_;
  std::vector<NodeId> memo_;
  std::unordered_map<std::uint64_t, NodeId, NumberHash> sparse_memo_;
  std::uint64_t memo_size_ = 0;
  std::uint64_t opcode_at_ = 0;
  std::uint64_t opcodes_ = 0;
  std::uint64_t charged_ = 0;    // for stack and memo
  std::uint64_t metered_ = 0;    // offset up to which the budget has grown
  std::uint64_t frame_end_ = 0;  // 0: no frame
  int protocol_ = 0;
  std::string scratch_;
};

}  // namespace sconce::pickle

#include "pickle/machine_steps.h"
