// What each opcode does. Included by machine.h only.
#pragma once

#include <algorithm>

#include "base/endian.h"
#include "base/text.h"

namespace sconce::pickle {

template <typename R, typename L>
MachineResult Machine<R, L>::run_to_stop() {
  constexpr std::uint64_t kMeterEvery = 1024;
  opcode_at_ = metered_ = reader_.offset();
  for (;;) {
    opcode_at_ = reader_.offset();
    if (opcode_at_ == frame_end_) frame_end_ = 0;
    if (++opcodes_ % kMeterEvery == 0) meter();
    const std::uint8_t code = reader_.u8();
    const auto op = static_cast<Op>(code);
    if (op == Op::stop) break;
    if (!step_common(op) && !step_containers(op) && !step_leaves(op) && !step_objects(op) && !step_text(op))
      step_other(code);
    if constexpr (requires { listener_.opcode(opcode_at_, code, reader_.offset()); })
      listener_.opcode(opcode_at_, code, reader_.offset());
    if (frame_end_ != 0 && reader_.offset() > frame_end_)
      fail(ErrorCode::damaged, "the argument of an opcode crosses the end of its frame", {},
           "two readers would see two different programs; do not load this file");
  }
  meter();
  MachineResult result;
  result.root = pop();
  result.protocol = protocol_;
  result.opcodes = opcodes_;
  result.left_on_stack = stack_.size();
  result.end = reader_.offset();
  return result;
}

template <typename R, typename L>
bool Machine<R, L>::step_common(Op op) {
  switch (op) {
    case Op::binput: put(reader_.u8(), top()); return true;
    case Op::long_binput: put(reader_.u32(), top()); return true;
    case Op::binget: push(get(reader_.u8())); return true;
    case Op::long_binget: push(get(reader_.u32())); return true;
    case Op::memoize: put(memo_size_, top()); return true;
    case Op::binint1: push(document_.integer(reader_.u8())); return true;
    case Op::binint2: push(document_.integer(reader_.u16())); return true;
    case Op::binint: push(document_.integer(static_cast<std::int32_t>(reader_.u32()))); return true;
    case Op::binunicode: push(unicode(text(reader_.u32()))); return true;
    case Op::short_binunicode: push(unicode(text(reader_.u8()))); return true;
    case Op::mark: mark(); return true;
    case Op::tuple: {
      const auto items = above_mark();
      const NodeId made = document_.tuple(items);
      drop(items.size());
      push(made);
      return true;
    }
    case Op::tuple1:
    case Op::tuple2:
    case Op::tuple3: {
      const std::size_t count = static_cast<std::size_t>(op) - static_cast<std::size_t>(Op::tuple1) + 1;
      if (stack_.size() < fence() + count) underflow();
      const NodeId made = document_.tuple(std::span<const NodeId>(stack_).last(count));
      drop(count);
      push(made);
      return true;
    }
    case Op::empty_tuple: push(document_.tuple({})); return true;
    case Op::newtrue: push(document_.boolean(true)); return true;
    case Op::newfalse: push(document_.boolean(false)); return true;
    case Op::none: push(document_.none()); return true;
    case Op::reduce: do_reduce(); return true;
    case Op::binpersid: do_persistent(pop()); return true;
    default: return false;
  }
}

template <typename R, typename L>
bool Machine<R, L>::step_containers(Op op) {
  switch (op) {
    case Op::empty_dict: push(document_.dict()); return true;
    case Op::empty_list: push(document_.list()); return true;
    case Op::empty_set: push(document_.set(Kind::set)); return true;
    case Op::setitem: do_set_item(); return true;
    case Op::setitems: do_set_items(); return true;
    case Op::append: do_append(); return true;
    case Op::appends: do_appends(); return true;
    case Op::additems: do_add_items(); return true;
    case Op::frozenset: do_frozenset(); return true;
    case Op::dict: do_dict(); return true;
    case Op::list: {
      const auto items = above_mark();
      const NodeId made = document_.list(items);
      drop(items.size());
      push(made);
      return true;
    }
    case Op::pop:
      if (!marks_.empty() && marks_.back() == stack_.size())
        marks_.pop_back();  // CPython pops an empty group's mark
      else
        (void)pop();
      return true;
    case Op::pop_mark: drop(above_mark().size()); return true;
    case Op::dup: push(top()); return true;
    default: return false;
  }
}

template <typename R, typename L>
bool Machine<R, L>::step_leaves(Op op) {
  switch (op) {
    case Op::binfloat: {
      const std::uint64_t bits = load_be<std::uint64_t>(reader_.take(8).data());
      push(document_.floating(std::bit_cast<double>(bits)));
      return true;
    }
    case Op::long1: push(document_.big_integer(text(reader_.u8()))); return true;
    case Op::long4: {
      const auto size = static_cast<std::int32_t>(reader_.u32());
      if (size < 0) wrong("an integer of negative length");
      push(document_.big_integer(text(static_cast<std::uint64_t>(size))));
      return true;
    }
    case Op::binunicode8: push(unicode(text(reader_.u64()))); return true;
    case Op::short_binbytes: push(document_.bytes(text(reader_.u8()))); return true;
    case Op::binbytes: push(document_.bytes(text(reader_.u32()))); return true;
    case Op::binbytes8: push(document_.bytes(text(reader_.u64()))); return true;
    case Op::bytearray8: push(document_.bytes(text(reader_.u64()), true)); return true;
    case Op::short_binstring: push(document_.str(text(reader_.u8()), tree::StrKind::python2)); return true;
    case Op::binstring: {
      const auto size = static_cast<std::int32_t>(reader_.u32());
      if (size < 0) wrong("a string of negative length");
      push(document_.str(text(static_cast<std::uint64_t>(size)), tree::StrKind::python2));
      return true;
    }
    default: return false;
  }
}

template <typename R, typename L>
bool Machine<R, L>::step_objects(Op op) {
  switch (op) {
    case Op::global: {
      const std::string module(line());
      do_global(module, line());
      return true;
    }
    case Op::stack_global: do_stack_global(); return true;
    case Op::newobj: do_new_object(false); return true;
    case Op::newobj_ex: do_new_object(true); return true;
    case Op::obj: do_obj(); return true;
    case Op::inst: do_inst(); return true;
    case Op::build: do_build(); return true;
    case Op::persid: {
      const std::string_view id = line();
      if (!std::ranges::all_of(id, [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
        wrong("a persistent id that is not ASCII");
      do_persistent(document_.str(id));
      return true;
    }
    case Op::ext1: do_extension(reader_.u8()); return true;
    case Op::ext2: do_extension(reader_.u16()); return true;
    case Op::ext4: do_extension(static_cast<std::int32_t>(reader_.u32())); return true;
    case Op::next_buffer: push(resolver_.buffer(opcode_at_)); return true;
    case Op::readonly_buffer: (void)top(); return true;
    default: return false;
  }
}

template <typename R, typename L>
bool Machine<R, L>::step_text(Op op) {
  std::size_t line_size = 0;
  const auto number_text = [&] {
    const std::string_view all = line();
    line_size = all.size();
    return all.substr(0, all.find('\0'));
  };
  switch (op) {
    case Op::int_text: {
      const std::string_view digits = number_text();
      const auto bytes = parse_integer(digits);
      if (!bytes) wrong("a decimal integer expected");
      const NodeId value = document_.big_integer(*bytes);
      // Protocol 0 writes True and False as the two-character integers 01 and 00.
      const bool truth = line_size == 2 && !document_.is_big(value) && (document_.integer_value(value) | 1) == 1;
      push(truth ? document_.boolean(document_.integer_value(value) == 1) : value);
      return true;
    }
    case Op::long_text: {
      const auto bytes = parse_integer(number_text());
      if (!bytes) wrong("a decimal integer of at most 4300 digits expected");
      push(document_.big_integer(*bytes));
      return true;
    }
    case Op::float_text: {
      const auto value = parse_float(number_text());
      if (!value) wrong("a decimal float expected");
      push(document_.floating(*value));
      return true;
    }
    case Op::string_text: {
      const auto value = unescape_string(line());
      if (!value) wrong("a quoted string expected");
      push(document_.str(*value, tree::StrKind::python2));
      return true;
    }
    case Op::unicode_text: {
      const auto value = unescape_unicode(line());
      if (!value) wrong("a text with complete \\u escapes expected");
      push(document_.str(*value));
      return true;
    }
    case Op::get:
    case Op::put: {
      const auto index = parse_index(line());
      if (!index) wrong("a memo index expected");
      if (op == Op::get)
        push(get(*index));
      else
        put(*index, top());
      return true;
    }
    default: return false;
  }
}

template <typename R, typename L>
void Machine<R, L>::step_other(std::uint8_t code) {
  switch (static_cast<Op>(code)) {
    case Op::proto: {
      const int version = reader_.u8();
      if (version > kHighestProtocol)
        fail(ErrorCode::unsupported, "pickle protocol " + std::to_string(version) + "; protocols 0 to 5 exist");
      protocol_ = version;
      return;
    }
    case Op::frame: do_frame(reader_.u64()); return;
    default: break;
  }
  constexpr char kHex[] = "0123456789abcdef";
  const char digits[] = {kHex[code >> 4], kHex[code & 15], '\0'};
  wrong(std::string("0x") + digits + " is no pickle opcode");
}

template <typename R, typename L>
void Machine<R, L>::put(std::uint64_t index, NodeId node) {
  // Real pickles count up, from 0 or (Python 2) from 1. An index far beyond what was stored is kept in a map, so that
  // it costs an entry and no array.
  constexpr std::uint64_t kGap = 64;
  if (index >= memo_.size() && index <= memo_.size() + kGap) {
    while (memo_.size() <= index) {
      if (memo_.size() == memo_.capacity()) reserve(memo_);
      memo_.push_back(kNoNode);
    }
  }
  if (index < memo_.size()) {
    if (memo_[index] == kNoNode && !sparse_memo_.contains(index)) ++memo_size_;
    memo_[index] = node;
    return;
  }
  const auto [entry, added] = sparse_memo_.insert_or_assign(index, node);
  if (!added) return;
  charge(64);
  ++memo_size_;
}

template <typename R, typename L>
NodeId Machine<R, L>::get(std::uint64_t index) const {
  if (index < memo_.size() && memo_[index] != kNoNode) return memo_[index];
  const auto found = sparse_memo_.find(index);
  if (found == sparse_memo_.end())
    wrong("the pickle takes entry " + std::to_string(index) + " from its memo, which was never stored");
  return found->second;
}

template <typename R, typename L>
NodeId Machine<R, L>::unicode(std::string_view utf8) {
  if (!is_utf8(utf8, true)) wrong("a text that is not UTF-8");
  return document_.str(utf8);
}

template <typename R, typename L>
void Machine<R, L>::do_global(std::string_view module, std::string_view name) {
  if (!is_utf8(module) || !is_utf8(name)) wrong("the name of a class or function that is not UTF-8");
  const NodeId global = resolver_.global(opcode_at_, module, name, protocol_);
  listener_.imported(opcode_at_, global);
  push(global);
}

template <typename R, typename L>
void Machine<R, L>::do_stack_global() {
  const NodeId name = pop();
  const NodeId module = pop();
  if (document_.kind(name) != Kind::str || document_.kind(module) != Kind::str)
    wrong("the name of a class or function must be a string; here it is computed");
  // Names of megabytes could be asked for again and again by a few bytes each: looking them up counts as memory.
  constexpr std::size_t kFreeName = 256;
  const std::size_t size = document_.text(module).size() + document_.text(name).size();
  if (size > kFreeName) document_.budget().charge(size);
  do_global(document_.text(module), document_.text(name));
}

template <typename R, typename L>
void Machine<R, L>::do_extension(std::int64_t code) {
  if (code <= 0) wrong("an extension code that is not positive");
  const NodeId global = resolver_.extension(opcode_at_, static_cast<std::uint32_t>(code));
  listener_.imported(opcode_at_, global);
  push(global);
}

template <typename R, typename L>
void Machine<R, L>::do_reduce() {
  const NodeId args = pop();
  const NodeId callable = pop();
  if (document_.kind(args) != Kind::tuple) wrong("the arguments of a call must be a tuple");
  listener_.called(opcode_at_, callable, args);
  push(resolver_.reduce(opcode_at_, callable, args));
}

template <typename R, typename L>
void Machine<R, L>::do_new_object(bool with_keywords) {
  const NodeId kwargs = with_keywords ? pop() : kNoNode;
  const NodeId args = pop();
  const NodeId cls = pop();
  if (document_.kind(args) != Kind::tuple) wrong("the arguments of a new object must be a tuple");
  if (with_keywords && document_.kind(kwargs) != Kind::dict)
    wrong("the keyword arguments of a new object must be a dict");
  listener_.called(opcode_at_, cls, args);
  push(resolver_.new_object(opcode_at_, cls, args, kwargs));
}

template <typename R, typename L>
void Machine<R, L>::do_instance(NodeId cls, std::span<const NodeId> items) {
  const NodeId args = document_.tuple(items);
  listener_.called(opcode_at_, cls, args);
  push(resolver_.instance(opcode_at_, cls, args));
}

template <typename R, typename L>
void Machine<R, L>::do_obj() {
  const auto items = above_mark();
  if (items.empty()) wrong("an object without a class");
  const std::vector<NodeId> arguments(items.begin() + 1, items.end());
  const NodeId cls = items.front();
  drop(items.size());
  do_instance(cls, arguments);
}

template <typename R, typename L>
void Machine<R, L>::do_inst() {
  const std::string module(line());
  const std::string name(line());
  const auto items = above_mark();
  const std::vector<NodeId> arguments(items.begin(), items.end());
  drop(items.size());
  do_global(module, name);
  do_instance(pop(), arguments);
}

template <typename R, typename L>
void Machine<R, L>::do_build() {
  const NodeId state = pop();
  const NodeId target = pop();
  listener_.state_set(opcode_at_, target, state);
  push(resolver_.build(opcode_at_, target, state));
}

template <typename R, typename L>
void Machine<R, L>::do_append() {
  const NodeId item = pop();
  const NodeId target = top();
  if (document_.kind(target) == Kind::list)
    document_.list_append(target, {&item, 1});
  else
    resolver_.append(opcode_at_, target, {&item, 1}, false);
}

template <typename R, typename L>
void Machine<R, L>::do_appends() {
  const auto items = above_mark();
  const std::size_t count = items.size();
  if (stack_.size() <= fence() + count) underflow();
  const NodeId target = stack_[stack_.size() - count - 1];
  if (document_.kind(target) == Kind::list)
    document_.list_append(target, items);
  else if (count != 0)
    resolver_.append(opcode_at_, target, items, true);
  drop(count);
}

template <typename R, typename L>
void Machine<R, L>::set_pairs(NodeId target, std::span<const NodeId> pairs) {
  if (document_.kind(target) != Kind::dict) {
    if (!pairs.empty()) resolver_.set_items(opcode_at_, target, pairs);
    return;
  }
  for (std::size_t at = 0; at < pairs.size(); at += 2)
    if (!document_.dict_set(target, pairs[at], pairs[at + 1]))
      wrong("a " + std::string(to_string(document_.kind(pairs[at]))) + " cannot be a key of a dict");
}

template <typename R, typename L>
void Machine<R, L>::do_set_item() {
  const NodeId value = pop();
  const NodeId key = pop();
  const NodeId pair[] = {key, value};
  set_pairs(top(), pair);
}

template <typename R, typename L>
void Machine<R, L>::do_set_items() {
  const auto items = above_mark();
  const std::size_t count = items.size();
  if (stack_.size() <= fence() + count) underflow();
  if (count % 2 != 0) wrong("a key without a value");
  set_pairs(stack_[stack_.size() - count - 1], items);
  drop(count);
}

template <typename R, typename L>
void Machine<R, L>::do_add_items() {
  const auto items = above_mark();
  const std::size_t count = items.size();
  if (stack_.size() <= fence() + count) underflow();
  const NodeId target = stack_[stack_.size() - count - 1];
  if (document_.kind(target) != Kind::set) {
    if (count != 0) resolver_.add_items(opcode_at_, target, items);
  } else {
    for (const NodeId item : items)
      if (!document_.dict_set(target, item, kNoNode)) wrong("an element that no set can hold");
  }
  drop(count);
}

template <typename R, typename L>
void Machine<R, L>::do_dict() {
  const auto items = above_mark();
  const std::size_t count = items.size();
  if (count % 2 != 0) wrong("a key without a value");
  const NodeId made = document_.dict();
  set_pairs(made, items);
  drop(count);
  push(made);
}

template <typename R, typename L>
void Machine<R, L>::do_frozenset() {
  const auto items = above_mark();
  const NodeId made = document_.set(Kind::frozenset);
  for (const NodeId item : items)
    if (!document_.dict_set(made, item, kNoNode)) wrong("an element that no set can hold");
  drop(items.size());
  push(made);
}

template <typename R, typename L>
void Machine<R, L>::do_persistent(NodeId id) {
  listener_.persistent(opcode_at_, id);
  push(resolver_.persistent(opcode_at_, id));
}

template <typename R, typename L>
void Machine<R, L>::do_frame(std::uint64_t size) {
  if (frame_end_ != 0) wrong("a frame inside a frame");
  if (!reader_.has(size))
    fail(ErrorCode::truncated, "a frame of " + std::to_string(size) + " bytes is declared, but fewer are left", {},
         "fetch the file again");
  frame_end_ = size == 0 ? 0 : reader_.offset() + size;
}

}  // namespace sconce::pickle
