#include "formats/safetensors/node_table.h"

#include <bit>

#include "base/json_reader.h"
#include "formats/safetensors/hex.h"
#include "formats/safetensors/saved_tensor.h"
#include "formats/safetensors/sidecar.h"

namespace sconce::formats::safetensors {

namespace {

using Token = JsonReader::Token;
using tree::NodeId;

constexpr unsigned kDepth = 8;  // text, nodes, node, attributes, parts

std::optional<Kind> kind_named(std::string_view name) {
  for (auto at = static_cast<std::uint8_t>(Kind::none); at <= static_cast<std::uint8_t>(Kind::object); ++at)
    if (sconce::to_string(static_cast<Kind>(at)) == name) return static_cast<Kind>(at);
  return std::nullopt;
}

std::optional<DictFlavor> flavor_named(std::string_view name) {
  if (name == "dict") return DictFlavor::dict;
  if (name == "OrderedDict") return DictFlavor::ordered_dict;
  if (name == "defaultdict") return DictFlavor::default_dict;
  if (name == "Counter") return DictFlavor::counter;
  return std::nullopt;
}

class TableReader {
 public:
  TableReader(tree::Document& document, std::string_view text) : document_(document), json_(text, 0, kDepth) {}

  NodeTable read() {
    json_.expect(Token::begin_object, "the sidecar");
    member("version");
    if (json_.expect_u64("version") != kSidecarVersion) json_.wrong("a version that this Sconce does not know");
    member("roots");
    json_.expect(Token::begin_array, "roots");
    for (Token token = json_.next(); token != Token::end_array; token = json_.next())
      table_.roots.push_back(node_number(token));
    member("storages");
    json_.expect(Token::begin_array, "storages");
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) storage(token);
    member("nodes");
    json_.expect(Token::begin_array, "nodes");
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) node(token);
    json_.expect(Token::end_object, "the sidecar after its nodes");
    (void)json_.next();
    check_numbers();
    return std::move(table_);
  }

 private:
  void member(std::string_view name) {
    json_.expect(Token::key, name);
    if (json_.text() != name) json_.wrong("the member \"" + std::string(name) + "\" expected");
  }

  std::uint32_t node_number(Token token) {
    if (token == Token::null) return kNotHeld;
    if (token != Token::number) json_.wrong("the number of a node expected");
    const std::uint64_t number = json_.as_u64("the number of a node");
    if (number >= kNotHeld) json_.wrong("no node has this number");
    return static_cast<std::uint32_t>(number);
  }

  void storage(Token token) {
    if (token != Token::begin_array) json_.wrong("a storage must be an array");
    charge(sizeof(SharedStorage) * 2);
    SharedStorage storage;
    if (const Token dtype = json_.next(); dtype == Token::string) {
      storage.dtype = dtype_from_string(json_.text());
      if (!storage.dtype) json_.wrong("no dtype: " + std::string(json_.text()));
    } else if (dtype != Token::null) {
      json_.wrong("a dtype or null expected");
    }
    storage.location = json_.expect_string("a device");
    charge(storage.location.size());
    json_.expect(Token::end_array, "a storage");
    table_.storages.push_back(std::move(storage));
  }

  void node(Token token) {
    charge(2 * sizeof(SavedNode));
    SavedNode node;
    switch (token) {
      case Token::null: node.made = document_.none(); break;
      case Token::boolean: node.made = document_.boolean(json_.boolean()); break;
      case Token::number: node.made = number(); break;
      case Token::string: node.made = document_.str(json_.text()); break;
      case Token::begin_array: node = tagged(); break;
      default: json_.wrong("a node expected");
    }
    if (node.made != tree::kNoNode) node.kind = document_.kind(node.made);
    table_.nodes.push_back(node);
  }

  NodeId number() {
    const bool is_integer = json_.number().find_first_of(".eE") == std::string_view::npos;
    return is_integer ? document_.integer(json_.as_i64()) : document_.floating(json_.as_double());
  }

  SavedNode tagged() {
    const std::string tag = json_.expect_string("the kind of a node");
    SavedNode node;
    if (tag == "int") return leaf(document_.big_integer(hex("an integer")));
    if (tag == "float") return leaf(document_.floating(real(json_.next())));
    if (tag == "str2") return leaf(document_.str(hex("a string"), tree::StrKind::python2));
    const auto kind = kind_named(tag);
    if (!kind) json_.wrong("no kind of node: \"" + tag + "\"");
    switch (*kind) {
      case Kind::str: return leaf(document_.str(hex("a string")));
      case Kind::bytes: return leaf(document_.bytes(hex("bytes")));
      case Kind::bytearray: return leaf(document_.bytes(hex("bytes"), true));
      case Kind::complex: return complex();
      case Kind::scalar: return scalar();
      case Kind::global: return global();
      case Kind::ellipsis:
      case Kind::dtype:
      case Kind::device:
      case Kind::layout:
      case Kind::qscheme:
      case Kind::memory_format: return symbol(*kind);
      case Kind::tensor:
      case Kind::storage: return tensor(*kind);
      case Kind::object: return object();
      case Kind::dict: return dict();
      case Kind::list:
      case Kind::tuple:
      case Kind::size:
      case Kind::set:
      case Kind::frozenset:
      case Kind::slice:
      case Kind::range: break;
      default: json_.wrong("a node of this kind has no array");
    }
    node.kind = *kind;
    return operands(node);
  }

  SavedNode leaf(NodeId made) {
    SavedNode node;
    node.made = made;
    json_.expect(Token::end_array, "the end of a node");
    return node;
  }

  std::string hex(std::string_view what) {
    json_.expect(Token::string, what);
    const auto bytes = from_hex(json_.text());
    if (!bytes) json_.wrong("pairs of hexadecimal digits expected");
    return *bytes;
  }

  /// A number, or the bits of one that JSON does not have.
  double real(Token token) { return read_real(json_, token); }

  SavedNode complex() {
    const double real_part = real(json_.next());
    return leaf(document_.complex(real_part, real(json_.next())));
  }

  SavedNode scalar() {
    const auto dtype = dtype_from_string(json_.expect_string("a dtype"));
    if (!dtype) json_.wrong("no dtype");
    const std::string element = hex("an element");
    if (element.size() != element_size(*dtype)) json_.wrong("an element of another size than its dtype's");
    return leaf(document_.scalar(*dtype, element));
  }

  SavedNode global() {
    const std::string module = json_.expect_string("a module");
    const std::string name = json_.expect_string("a name");
    const std::string python3_module = json_.expect_string("a module");
    return leaf(document_.global(module, name, python3_module, json_.expect_string("a name")));
  }

  SavedNode symbol(Kind kind) {
    return leaf(document_.symbol(kind, kind == Kind::ellipsis ? std::string() : json_.expect_string("a name")));
  }

  SavedNode tensor(Kind kind) {
    SavedNode node;
    node.kind = kind;
    node.first = static_cast<std::uint32_t>(table_.tensors.size());
    charge(2 * sizeof(SavedTensor));
    table_.tensors.push_back(read_saved_tensor(json_, document_.budget()));
    json_.expect(Token::end_array, "the end of a tensor");
    return node;
  }

  /// Keys stand as they are; they become nodes of the document, which nobody else numbers.
  SavedNode object() {
    SavedNode node;
    node.kind = Kind::dict;
    node.of_object = true;
    node.first = static_cast<std::uint32_t>(table_.operands.size());
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
      if (token != Token::string) json_.wrong("the name of a part expected");
      charge(4 * sizeof(std::uint32_t));
      table_.operands.push_back(document_.str(json_.text()));
      table_.operands.push_back(node_number(json_.next()));
      node.count += 2;
    }
    return node;
  }

  SavedNode dict() {
    SavedNode node;
    node.kind = Kind::dict;
    const auto flavor = flavor_named(json_.expect_string("the kind of a dict"));
    if (!flavor) json_.wrong("no kind of dict");
    node.flavor = *flavor;
    node = operands(node);
    if (node.count < 2 || node.count % 2 != 0)
      json_.wrong("a dict needs attributes, a factory, and a value for every key");
    return node;
  }

  SavedNode operands(SavedNode node) {
    node.first = static_cast<std::uint32_t>(table_.operands.size());
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
      charge(2 * sizeof(std::uint32_t));
      table_.operands.push_back(node_number(token));
      ++node.count;
    }
    if ((node.kind == Kind::slice || node.kind == Kind::range) && node.count != 3)
      json_.wrong("start, stop and step expected");
    return node;
  }

  void check_number(std::uint32_t number) const {
    if (number != kNotHeld && number >= table_.nodes.size()) json_.wrong("there is no node " + std::to_string(number));
  }

  void check_numbers() const {
    for (const std::uint32_t root : table_.roots) check_number(root);
    for (const SavedNode& node : table_.nodes) {
      const auto numbers = node.made == tree::kNoNode && node.kind != Kind::tensor && node.kind != Kind::storage
                               ? table_.operands_of(node)
                               : std::span<const std::uint32_t>();
      for (std::size_t at = 0; at < numbers.size(); ++at)
        if (!node.of_object || at % 2 == 1) check_number(numbers[at]);
    }
    for (const SavedTensor& tensor : table_.tensors) {
      check_number(tensor.type);
      check_number(tensor.state);
      for (const auto& part : tensor.parts) check_number(part.second);
      if (tensor.storage && *tensor.storage >= table_.storages.size()) json_.wrong("a tensor of no storage");
    }
  }

  void charge(std::uint64_t bytes) { document_.budget().charge(bytes); }

  tree::Document& document_;
  JsonReader json_;
  NodeTable table_;
};

}  // namespace

NodeTable read_node_table(tree::Document& document, std::string_view text) {
  return TableReader(document, text).read();
}

}  // namespace sconce::formats::safetensors
