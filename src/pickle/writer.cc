#include "pickle/writer.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"

namespace sconce::pickle {

namespace {

using tree::ObjectRecord;

constexpr std::uint32_t kBatch = 1000;  // as CPython's _BATCHSIZE

// A tuple or call can be met again while its parts are written: the parts then lead back to it, and each round must
// remember a list, dict or object on the way. What goes round more often is made to explode.
constexpr std::uint8_t kRounds = 64;

struct PythonGlobal {
  std::string_view module, name;
};
constexpr PythonGlobal kGlobals[] = {
    {"collections", "OrderedDict"}, {"collections", "defaultdict"}, {"collections", "Counter"}, {"builtins", "set"},
    {"builtins", "frozenset"},      {"builtins", "bytearray"},      {"builtins", "complex"},    {"builtins", "slice"},
    {"builtins", "range"},          {"_codecs", "encode"},
};

}  // namespace

Writer::Writer(const Document& document, Encoder& encoder, const std::vector<bool>& left_out, int protocol)
    : document_(document),
      encoder_(encoder),
      left_out_(left_out),
      emitter_(protocol),
      memo_(document.node_count(), kNoMemo),
      open_(document.node_count(), 0) {
  names_.fill(kNoMemo);
}

std::string Writer::run(NodeId root) {
  write(root);
  while (!tasks_.empty()) step();
  return emitter_.finish();
}

void Writer::name(Name which) {
  emitter_.once(names_[which], [&] { emitter_.global(kGlobals[which].module, kGlobals[which].name); });
}

void Writer::begun(NodeId node) {
  if (++open_[node] > kRounds)
    fail(ErrorCode::unsupported, "a " + std::string(to_string(document_.kind(node))) +
                                     " contains itself in a way that no pickle of protocol 2 can build");
}

bool Writer::made(NodeId node) {
  if (open_[node] != 0) --open_[node];
  if (memo_[node] != kNoMemo) {
    emitter_.op(Op::pop);
    emitter_.get(memo_[node]);
    return false;
  }
  memo_[node] = emitter_.put();
  return true;
}

void Writer::bytes(std::string_view data) {
  name(kEncode);
  emitter_.unicode(latin1_text(data));
  emitter_.once(names_[kLatin1], [&] { emitter_.unicode("latin1"); });
  emitter_.tuple_of(2);
  emitter_.op(Op::reduce);
}

void Writer::step() {
  Task& task = tasks_.back();
  const NodeId node = task.node;
  switch (task.what) {
    case Task::What::value: tasks_.pop_back(); return write(node);
    case Task::What::op: emitter_.op(task.op); return tasks_.pop_back();
    case Task::What::resume: {
      const std::uint32_t at = task.at;
      tasks_.pop_back();
      encoder_.resume(*this, node, at);
      return call_scheduled();
    }
    case Task::What::list: return step_list(task);
    case Task::What::default_dict:
      tasks_.pop_back();
      emitter_.tuple_of(1);
      emitter_.op(Op::reduce);
      if (made(node)) push(Task::What::dict, node);
      return;
    case Task::What::dict: return step_dict(task);
    case Task::What::tuple: return step_tuple(task);
    case Task::What::call: return step_call(task);
    case Task::What::set: return step_set(task);
    case Task::What::object: return step_object(task);
    case Task::What::items: return step_items(task);
  }
}

void Writer::call_scheduled() {
  tasks_.insert(tasks_.end(), scheduled_.rbegin(), scheduled_.rend());
  scheduled_.clear();
}

// ------------------------------------------------------------------------------------------------------------ values

void Writer::write(NodeId node) {
  if (is_left_out(node)) {
    missing_.push_back(node);
    return emitter_.none();
  }
  if (write_plain(node, document_[node])) return;
  if (memo_[node] != kNoMemo) return emitter_.get(memo_[node]);
  switch (document_.kind(node)) {
    case Kind::list:
    case Kind::tuple:
    case Kind::dict:
    case Kind::set:
    case Kind::frozenset:
    case Kind::slice:
    case Kind::range:
    case Kind::object: return write_container(node);
    case Kind::complex:
    case Kind::str:
    case Kind::bytes:
    case Kind::bytearray:
    case Kind::ellipsis:
    case Kind::global: return write_leaf(node);
    default: encoder_.encode(*this, node); return call_scheduled();
  }
}

/// Values without identity, which are never remembered.
bool Writer::write_plain(NodeId node, const tree::Node& value) {
  switch (value.kind) {
    case Kind::none: emitter_.none(); return true;
    case Kind::boolean: emitter_.boolean(document_.boolean_value(node)); return true;
    case Kind::integer:
      if (document_.is_big(node))
        emitter_.big_integer(document_.text(node));
      else
        emitter_.integer(document_.integer_value(node));
      return true;
    case Kind::floating: emitter_.floating(document_.floating_value(node)); return true;
    case Kind::tuple:
      if (value.size == 0) emitter_.op(Op::empty_tuple);
      return value.size == 0;
    default: return false;
  }
}

void Writer::write_leaf(NodeId node) {
  switch (document_.kind(node)) {
    case Kind::str:
      if (document_.str_kind(node) == tree::StrKind::python2)
        emitter_.python2_str(document_.text(node));
      else
        emitter_.unicode(document_.text(node));
      break;
    case Kind::bytes: bytes(document_.text(node)); break;
    case Kind::bytearray:
      name(kBytearray);
      if (document_.text(node).empty()) {
        emitter_.op(Op::empty_tuple);
      } else {
        bytes(document_.text(node));
        emitter_.tuple_of(1);
      }
      emitter_.op(Op::reduce);
      break;
    case Kind::complex:
      name(kComplex);
      emitter_.floating(document_.complex_value(node).first);
      emitter_.floating(document_.complex_value(node).second);
      emitter_.tuple_of(2);
      emitter_.op(Op::reduce);
      break;
    case Kind::ellipsis: emitter_.global("builtins", "Ellipsis"); break;
    default: {
      encoder_.check_global(node);
      const tree::GlobalRecord& record = document_.global_record(node);
      emitter_.global(record.python3_module, record.python3_name);
    }
  }
  (void)made(node);
}

void Writer::write_container(NodeId node) {
  switch (document_.kind(node)) {
    case Kind::list:
      emitter_.op(Op::empty_list);
      (void)made(node);
      return push(Task::What::list, node);
    case Kind::dict: return begin_dict(node);
    case Kind::object:
      encoder_.check_object(node);
      begun(node);
      return push(Task::What::object, node);
    case Kind::tuple:
      begun(node);
      if (document_.elements(node).size() > 3) emitter_.op(Op::mark);
      return push(Task::What::tuple, node);
    case Kind::slice:
    case Kind::range:
      begun(node);
      name(document_.kind(node) == Kind::slice ? kSlice : kRange);
      return push(Task::What::call, node);
    default:
      begun(node);
      name(document_.kind(node) == Kind::set ? kSet : kFrozenset);
      emitter_.op(Op::empty_list);
      return push(Task::What::set, node);
  }
}

void Writer::begin_dict(NodeId node) {
  const tree::DictRecord& dict = document_.dict_record(node);
  if (dict.flavor == DictFlavor::dict) {
    emitter_.op(Op::empty_dict);
  } else {
    name(dict.flavor == DictFlavor::ordered_dict ? kOrderedDict
         : dict.flavor == DictFlavor::counter    ? kCounter
                                                 : kDefaultDict);
    if (dict.flavor == DictFlavor::default_dict && dict.factory != kNoNode) {
      begun(node);
      push(Task::What::default_dict, node);
      return write(dict.factory);
    }
    emitter_.op(Op::empty_tuple);
    emitter_.op(Op::reduce);
  }
  (void)made(node);
  push(Task::What::dict, node);
}

// -------------------------------------------------------------------------------------------------------- containers

void Writer::end_group(Task& task, bool last) {
  if (task.group == 0 || (!last && task.group < kBatch)) return;
  emitter_.op(task.op);
  task.group = 0;
}

void Writer::begin_group(Task& task, bool single, Op one, Op many) {
  if (task.group != 0) return;
  task.op = single ? one : many;
  if (!single) emitter_.op(Op::mark);
}

void Writer::step_list(Task& task) {
  const auto elements = document_.elements(task.node);
  end_group(task, task.at == elements.size());
  if (task.at == elements.size()) return tasks_.pop_back();
  begin_group(task, task.at + 1 == elements.size(), Op::append, Op::appends);
  ++task.group;
  write(elements[task.at++]);
}

std::uint32_t Writer::next_entry(const tree::DictRecord& dict, std::uint32_t from, bool tell) {
  for (; from < dict.count; ++from) {
    const NodeId key = dict.pairs[std::size_t{2} * from];
    const NodeId value = dict.pairs[std::size_t{2} * from + 1];
    const bool bad_key = is_left_out(key);
    if (!bad_key && (value == kNoNode || !is_left_out(value))) break;
    if (tell) missing_.push_back(bad_key ? key : value);
  }
  return from;
}

/// `at` is twice the number of the entry; and one more where its key is written.
void Writer::step_dict(Task& task) {
  const tree::DictRecord& dict = document_.dict_record(task.node);
  if ((task.at & 1U) != 0) {
    const NodeId value = dict.pairs[task.at++];
    ++task.group;
    return write(value);
  }
  const std::uint32_t entry = next_entry(dict, task.at / 2, true);
  end_group(task, entry == dict.count);
  if (entry == dict.count) return end_dict(task.node);
  begin_group(task, next_entry(dict, entry + 1, false) == dict.count, Op::setitem, Op::setitems);
  task.at = 2 * entry + 1;
  write(dict.pairs[std::size_t{2} * entry]);
}

void Writer::end_dict(NodeId node) {
  tasks_.pop_back();
  const tree::DictRecord& dict = document_.dict_record(node);
  if (dict.attributes == kNoNode || document_.dict_record(dict.attributes).count == 0) return;
  if (dict.flavor == DictFlavor::dict || dict.flavor == DictFlavor::default_dict)
    return missing_.push_back(node);  // Python's own dict and defaultdict have no __dict__
  push(Task::What::op, kNoNode, Op::build);
  write(dict.attributes);
}

void Writer::step_tuple(Task& task) {
  const auto elements = document_.elements(task.node);
  if (task.at < elements.size()) return write(elements[task.at++]);
  const NodeId node = task.node;
  tasks_.pop_back();
  end_tuple(node, elements.size());
}

void Writer::end_tuple(NodeId node, std::size_t size) {
  if (memo_[node] == kNoMemo) {
    emitter_.tuple_of(size);
  } else {  // one of the elements led back here: made() throws one value away, so all but one go first
    if (size > 3) {
      emitter_.op(Op::pop_mark);
      emitter_.none();
    } else {
      for (std::size_t at = 1; at < size; ++at) emitter_.op(Op::pop);
    }
  }
  (void)made(node);
}

void Writer::step_call(Task& task) {
  const auto elements = document_.elements(task.node);
  if (task.at < elements.size()) return write(elements[task.at++]);
  const NodeId node = task.node;
  tasks_.pop_back();
  emitter_.tuple_of(elements.size());
  emitter_.op(Op::reduce);
  (void)made(node);
}

void Writer::step_set(Task& task) {
  const tree::DictRecord& set = document_.dict_record(task.node);
  const std::uint32_t entry = next_entry(set, task.at, true);
  end_group(task, entry == set.count);
  if (entry == set.count) {
    const NodeId node = task.node;
    tasks_.pop_back();
    emitter_.tuple_of(1);
    emitter_.op(Op::reduce);
    (void)made(node);
    return;
  }
  begin_group(task, next_entry(set, entry + 1, false) == set.count, Op::append, Op::appends);
  ++task.group;
  task.at = entry + 1;
  write(set.pairs[std::size_t{2} * entry]);
}

// ----------------------------------------------------------------------------------------------------------- objects

/// `at`: 0 to 2 callable, arguments, keywords; 3 the call; then the events.
void Writer::step_object(Task& task) {
  const ObjectRecord& record = document_.object_record(task.node);
  const NodeId node = task.node;
  const std::uint32_t at = task.at++;
  if (record.how == ObjectRecord::How::instance && at < 3) {
    task.at = 3;
    return begin_instance(node, record);
  }
  switch (at) {
    case 0: return write(record.callable);
    case 1: return write(record.args);
    case 2:
      if (record.how == ObjectRecord::How::newobj_ex) write(record.kwargs);
      return;
    case 3:
      if (record.how != ObjectRecord::How::instance)
        emitter_.op(record.how == ObjectRecord::How::reduce   ? Op::reduce
                    : record.how == ObjectRecord::How::newobj ? Op::newobj
                                                              : Op::newobj_ex);
      if (!made(node)) tasks_.pop_back();
      return;
    default:
      if (at - 4 < record.step_count) return event(record.steps[at - 4]);
      return tasks_.pop_back();
  }
}

void Writer::begin_instance(NodeId, const ObjectRecord& record) {
  emitter_.op(Op::mark);
  push(Task::What::items, record.args, Op::obj);
  write(record.callable);
}

void Writer::event(const ObjectRecord::Step& event) {
  if (event.event == ObjectRecord::Event::state) {
    push(Task::What::op, kNoNode, Op::build);
    return write(event.value);
  }
  const std::size_t size = document_.elements(event.value).size();
  switch (event.event) {
    case ObjectRecord::Event::append: return push(Task::What::items, event.value, Op::append);
    case ObjectRecord::Event::set_item:
      if (size == 2) return push(Task::What::items, event.value, Op::setitem);
      emitter_.op(Op::mark);
      return push(Task::What::items, event.value, Op::setitems);
    case ObjectRecord::Event::extend: emitter_.op(Op::mark); return push(Task::What::items, event.value, Op::appends);
    default: emitter_.op(Op::mark); return push(Task::What::items, event.value, Op::additems);
  }
}

void Writer::step_items(Task& task) {
  const auto elements = document_.elements(task.node);
  if (task.at < elements.size()) return write(elements[task.at++]);
  emitter_.op(task.op);
  tasks_.pop_back();
}

}  // namespace sconce::pickle
