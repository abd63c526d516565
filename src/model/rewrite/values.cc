#include "model/rewrite/values.h"

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "model/rewrite/replace.h"
#include "tensor/numbers.h"
#include "tensor/storage_data.h"
#include "tree/children.h"
#include "tree/references.h"

namespace sconce::model::rewrite {

using tree::Document;
using tree::kNoNode;
using tree::NodeId;

namespace {

using Fate = Changes::Fate;

constexpr std::int64_t kLongestRange = 100'000;  // that is written out

class ValuePlan {
 public:
  ValuePlan(Checkpoint::State& state, const Target& target, bool plain, Changes& changes)
      : state_(state),
        document_(*state.document),
        target_(target),
        plain_(plain),
        changes_(changes),
        replacements_(state) {}

  void run() {
    const std::vector<NodeId> nodes = plain_ ? outside_of_objects() : tree::reachable(document_, state_.roots);
    in_key_ = nodes_in_keys(document_, nodes);
    for (const NodeId node : nodes) look(node);
    tell_names(nodes);
    changes_.name(state_);
    make_number_tensors();
    for (const NodeId array : arrays_) document_.mutable_tensor(array).numpy = false;
    for (const auto& [node, made] : becoming_) document_.become(node, made);
    for (const NodeId dict : plain_dicts_) document_.set_dict_flavor(dict, DictFlavor::dict);
    replacements_.apply();
  }

 private:
  /// Objects that are left had to stay, and so has what they are made of.
  [[nodiscard]] std::vector<NodeId> outside_of_objects() const {
    std::vector<bool> inside(document_.node_count(), false);
    std::vector<NodeId> objects;
    for (const NodeId node : tree::reachable(document_, state_.roots))
      if (document_.kind(node) == Kind::object) objects.push_back(node);
    for (const NodeId node : tree::reachable(document_, objects)) inside[node] = true;
    std::vector<NodeId> nodes = tree::reachable(document_, state_.roots);
    std::erase_if(nodes, [&](NodeId node) { return inside[node]; });
    return nodes;
  }

  void changed(std::string what, NodeId node) { changes_.add(Fate::changed, std::move(what), node); }
  void remains(const std::string& what, NodeId node) {
    changes_.add(Fate::remaining, what + ", which " + target_.name() + " does not open", node);
  }

  void look(NodeId node) {
    switch (document_.kind(node)) {
      case Kind::tensor: return tensor(node);
      case Kind::scalar: return scalar(node);
      case Kind::dict: return dict(node);
      case Kind::set:
        if (!target_.small_values()) to_list(node, "a set becomes a list");
        return;
      case Kind::frozenset: return frozenset(node);
      case Kind::bytes:
      case Kind::bytearray: return bytes(node);
      case Kind::floating:
        if (!target_.floats()) number(node, "a float");
        return;
      case Kind::complex:
        if (!target_.small_values()) number(node, "a complex number");
        return;
      case Kind::str: return text(node);
      case Kind::slice: return slice(node);
      case Kind::range: return range(node);
      case Kind::ellipsis: return remains("an Ellipsis", node);
      case Kind::dtype: {
        const auto dtype = dtype_from_string(document_.text(node));
        if (!dtype || !target_.dtype_value(*dtype)) symbol(node, "a torch.dtype");
        return;
      }
      case Kind::device:
        if (!target_.small_values()) symbol(node, "a torch.device");
        return;
      case Kind::qscheme:
        if (!target_.small_values()) symbol(node, "a torch.qscheme");
        return;
      case Kind::memory_format: return symbol(node, "a torch.memory_format");
      case Kind::object:
        // make_objects_plain() has said why it stays.
        if (!plain_) remains("an object of class " + document_.class_name(node), node);
        return;
      default: return;
    }
  }

  void tensor(NodeId node) {
    const tree::TensorRecord& record = document_.tensor_record(node);
    if (record.numpy) {
      changed("a NumPy array becomes a tensor", node);
      arrays_.push_back(node);
    }
    // 2.0 to 2.3 took every subclass of Tensor that could be imported.
    const bool any_subclass = target_.is_at_least(2, 0) && !target_.is_at_least(2, 4);
    if (!plain_ && record.extra != nullptr && record.extra->type != kNoNode && !any_subclass)
      remains("a tensor of class " + document_.class_name(record.extra->type), node);
  }

  void scalar(NodeId node) {
    const DType dtype = document_.scalar_dtype(node);
    const NodeId number = number_of(dtype, document_.text(node));
    if (number == kNoNode) return remains("a NumPy scalar of " + std::string(to_string(dtype)), node);
    changed("a NumPy scalar becomes a number of Python", node);
    replacements_.add(node, number);
    // The new number may be one that this release does not know, either.
    if (document_.kind(number) == Kind::floating && !target_.floats()) this->number(node, "a float", number);
    if (document_.kind(number) == Kind::complex && !target_.small_values())
      this->number(node, "a complex number", number);
  }

  NodeId number_of(DType dtype, std::string_view element) {
    if (dtype == DType::boolean) return document_.boolean(element != std::string_view("\0", 1));
    if (dtype == DType::uint64) {
      std::string wide(element);
      wide += '\0';  // the sign
      return document_.big_integer(wide);
    }
    std::array<double, 2> numbers{};
    const std::size_t count = tensor::numbers_per_element(dtype);
    if (count > 2 || element.size() != element_size(dtype)) return kNoNode;
    if (dtype == DType::int64) {
      std::int64_t number = 0;
      std::memcpy(&number, element.data(), sizeof(number));
      return document_.integer(number);
    }
    tensor::to_doubles(dtype, std::as_bytes(std::span(element)), std::span(numbers).first(count));
    if (info(dtype).is_complex) return document_.complex(numbers[0], numbers[1]);
    if (info(dtype).is_floating_point) return document_.floating(numbers[0]);
    return document_.integer(static_cast<std::int64_t>(numbers[0]));
  }

  void dict(NodeId node) {
    const DictFlavor flavor = document_.dict_record(node).flavor;
    if (flavor == DictFlavor::default_dict) {
      changed("a defaultdict becomes a dict, which makes no entries by itself", node);
      plain_dicts_.push_back(node);
    } else if (flavor == DictFlavor::counter && !target_.small_values()) {
      changed("a Counter becomes a dict", node);
      plain_dicts_.push_back(node);
    }
  }

  void frozenset(NodeId node) {
    if (in_key_[node]) return remains("a frozenset as a key", node);
    if (!target_.small_values()) return to_list(node, "a frozenset becomes a list");
    const NodeId made = document_.set(Kind::set);
    const tree::DictRecord record = document_.dict_record(node);
    for (std::uint32_t at = 0; at < record.count; ++at)
      (void)document_.dict_set(made, record.pairs[2 * std::size_t{at}], kNoNode);
    changed("a frozenset becomes a set", node);
    becoming_.emplace_back(node, made);
  }

  void to_list(NodeId node, std::string what) {
    if (in_key_[node]) return remains("a set as a key", node);
    std::vector<NodeId> elements;
    const tree::DictRecord& record = document_.dict_record(node);
    for (std::uint32_t at = 0; at < record.count; ++at) elements.push_back(record.pairs[2 * std::size_t{at}]);
    changed(std::move(what), node);
    becoming_.emplace_back(node, document_.list(elements));
  }

  void bytes(NodeId node) {
    if (target_.small_values()) return;
    if (!plain_ || in_key_[node]) return remains("a bytes object", node);
    tree::TensorRecord record;
    record.storage = document_.leaf_storage(node, DType::uint8, std::endian::little);
    record.dtype = DType::uint8;
    const std::int64_t shape[] = {static_cast<std::int64_t>(document_.text(node).size())};
    changed("a bytes object becomes a tensor of uint8", node);
    replacements_.add(node, document_.tensor(record, shape, {}));
  }

  void text(NodeId node) {
    if (document_.str_kind(node) != tree::StrKind::python2) return;
    if (!is_utf8(document_.text(node))) return;  // torch.load asks for an encoding, whatever the mode
    changed("a str of Python 2 becomes one of Python 3", node);
    replacements_.add(node, document_.str(document_.text(node)));
  }

  void slice(NodeId node) {
    changed("a slice becomes a tuple (start, stop, step)", node);
    replacements_.add(node, document_.tuple(document_.elements(node)));
  }

  void range(NodeId node) {
    std::array<std::int64_t, 3> numbers{};
    const auto parts = document_.elements(node);
    for (std::size_t at = 0; at < parts.size() && at < 3; ++at) {
      if (document_.kind(parts[at]) != Kind::integer || document_.is_big(parts[at])) return remains("a range", node);
      numbers[at] = document_.integer_value(parts[at]);
    }
    const auto [start, stop, step] = numbers;
    const __int128 distance = static_cast<__int128>(stop) - start;
    if (parts.size() != 3 || step == 0 || in_key_[node]) return remains("a range", node);
    const __int128 count =
        distance == 0 || (distance > 0) != (step > 0) ? 0 : (distance + step + (step > 0 ? -1 : 1)) / step;
    if (count > kLongestRange) return remains("a range of more than 100,000 numbers", node);
    std::vector<NodeId> elements;
    for (std::int64_t at = 0; at < static_cast<std::int64_t>(count); ++at)
      elements.push_back(document_.integer(start + at * step));
    changed("a range becomes a list of its numbers", node);
    replacements_.add(node, document_.list(elements));
  }

  void symbol(NodeId node, const std::string& what) {
    if (!plain_) return remains(what, node);
    changed(what + " becomes its name", node);
    const Kind kind = document_.kind(node);
    const std::string prefix = kind == Kind::device ? "" : "torch.";
    replacements_.add(node, document_.str(prefix + std::string(document_.text(node))));
  }

  /// A number becomes a tensor without dimensions. All of them are views of two storages, so that a file of many floats
  /// does not become one of many records.
  void number(NodeId node, const std::string& what, NodeId value = kNoNode) {
    if (value == kNoNode) value = node;
    if (!plain_ || in_key_[node]) return remains(what, node);
    const bool is_complex = document_.kind(value) == Kind::complex;
    changed(what + " becomes a tensor without dimensions, of " + (is_complex ? "complex128" : "float64"), node);
    if (is_complex) {
      complex_.emplace_back(node, document_.complex_value(value));
    } else {
      floats_.emplace_back(node, document_.floating_value(value));
    }
  }

  void make_number_tensors() {
    std::vector<double> numbers;
    for (const auto& [node, number] : floats_) numbers.push_back(number);
    views(floats_, DType::float64, numbers);
    numbers.clear();
    for (const auto& [node, number] : complex_) numbers.insert(numbers.end(), {number.first, number.second});
    views(complex_, DType::complex128, numbers);
  }

  template <typename Number>
  void views(const std::vector<std::pair<NodeId, Number>>& all, DType dtype, const std::vector<double>& numbers) {
    if (all.empty()) return;
    const std::int64_t shape[] = {static_cast<std::int64_t>(all.size())};
    const Tensor whole = Tensor::copy_of(dtype, std::as_bytes(std::span(numbers)), shape);
    tree::TensorRecord record;
    record.storage = document_.add_storage(whole.storage());
    record.dtype = dtype;
    for (const auto& [node, number] : all) {
      replacements_.add(node, document_.tensor(record, {}, {}));
      ++record.offset;
    }
  }

  /// Classes and functions that are values; what an object is made by counts with the object.
  void tell_names(const std::vector<NodeId>& nodes) {
    if (plain_) return;
    for (const NodeId node : nodes) {
      if (document_.kind(node) == Kind::object) continue;
      for_each_value(document_, node, [&](NodeId value) {
        if (document_.kind(value) == Kind::global)
          remains("the class or function " + document_.class_name(value), value);
      });
    }
    for (const NodeId root : state_.roots)
      if (document_.kind(root) == Kind::global) remains("a class or function", root);
  }

  Checkpoint::State& state_;
  Document& document_;
  const Target& target_;
  bool plain_;
  Changes& changes_;
  Replacements replacements_;
  std::vector<bool> in_key_;
  std::vector<NodeId> arrays_;
  std::vector<NodeId> plain_dicts_;
  std::vector<std::pair<NodeId, NodeId>> becoming_;
  std::vector<std::pair<NodeId, double>> floats_;
  std::vector<std::pair<NodeId, std::pair<double, double>>> complex_;
};

}  // namespace

void rewrite_values(Checkpoint::State& state, const Target& target, bool plain, Changes& changes) {
  ValuePlan(state, target, plain, changes).run();
}

}  // namespace sconce::model::rewrite
