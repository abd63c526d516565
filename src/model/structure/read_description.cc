// Reading a description back: hostile until proven otherwise. docs/structure.md has the schema.
#include <sconce/structure.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/fail.h"
#include "base/json_reader.h"
#include "model/structure/description.h"
#include "model/structure/limits.h"
#include "model/structure/python_json.h"
#include "model/structure/totals.h"
#include "tensor/tensor_data.h"

namespace sconce {
namespace model::structure {
namespace {

using Token = JsonReader::Token;

constexpr std::size_t kMostDims = 64;
constexpr std::size_t kMostTensors = 4'000'000;
constexpr unsigned kDeepestJson = 32;

/// A tensor of which only dtype and shape are known.
Tensor described_tensor(DType dtype, std::vector<std::int64_t> shape) {
  auto data = std::make_shared<TensorData>();
  data->dtype = dtype;
  data->has_storage = false;
  data->meta = true;
  data->ndim = static_cast<std::uint32_t>(shape.size());
  data->dims = std::move(shape);
  auto extras = std::make_shared<TensorExtras>();
  extras->device = "meta";
  data->extras = std::move(extras);
  return Tensor(std::move(data));
}

class DescriptionReader {
 public:
  explicit DescriptionReader(std::string_view json) : json_(json, 0, kDeepestJson), budget_(kMostTensors) {}

  ModuleTree read() {
    json_.expect(Token::begin_object, "the description");
    members([&](std::string_view key) {
      if (key == "format") {
        if (json_.expect_string("format") != kDescriptionFormat) json_.wrong("the format is not \"sconce.structure\"");
        named_ = true;
      } else if (key == "version") {
        const std::uint64_t version = json_.expect_u64("version");
        if (version != kDescriptionVersion)
          json_.wrong("a description of version " + std::to_string(version) + "; this Sconce knows version 1");
      } else if (key == "model") {
        tree_.source_path = text("model");
      } else if (key == "inferred") {
        tree_.inferred = truth("inferred");
      } else if (key == "modules") {
        read_modules();
      } else if (key == "notes") {
        read_notes();
      } else {
        json_.skip_value();
      }
    });
    if (!named_) json_.wrong("the description does not say \"format\": \"sconce.structure\"");
    if (json_.next() != Token::end) json_.wrong("something follows the description");
    tree_.described = true;
    fill_totals(tree_);
    return std::move(tree_);
  }

 private:
  /// Calls `member` with each key of the object that was just begun; twice the same is an error.
  template <typename Member>
  void members(Member&& member) {
    std::unordered_set<std::string> seen;
    while (true) {
      const Token token = json_.next();
      if (token == Token::end_object) return;
      std::string key(json_.text());
      budget_.text(key.size());
      if (!seen.insert(key).second) json_.wrong("the key \"" + key.substr(0, 100) + "\" stands twice in one object");
      member(std::string_view(key));
    }
  }

  std::string text(std::string_view what) {
    std::string value = json_.expect_string(what);
    budget_.text(value.size());
    return value;
  }
  bool truth(std::string_view what) {
    json_.expect(Token::boolean, what);
    return json_.boolean();
  }

  void read_notes() {
    json_.expect(Token::begin_array, "notes");
    while (true) {
      const Token token = json_.next();
      if (token == Token::end_array) return;
      if (token != Token::string) json_.wrong("a note is a string");
      budget_.text(json_.text().size());
      tree_.notes.emplace_back(json_.text());
    }
  }

  void read_modules() {
    json_.expect(Token::begin_array, "modules");
    while (true) {
      const Token token = json_.next();
      if (token == Token::end_array) break;
      if (token != Token::begin_object) json_.wrong("a module is an object");
      if (tree_.nodes.size() == kMostNodes) json_.wrong("more than a million modules");
      read_module();
    }
    if (tree_.nodes.empty()) json_.wrong("a description has at least one module, the model itself");
  }

  void read_module() {
    ModuleNode node;
    std::optional<std::uint64_t> parent;
    std::optional<std::uint64_t> same_as;
    members([&](std::string_view key) {
      if (key == "path")
        node.path = text("path");
      else if (key == "name")
        node.name = text("name");
      else if (key == "parent")
        parent = json_.expect_u64("parent");
      else if (key == "type")
        node.type = text("type");
      else if (key == "class")
        node.class_name = text("class");
      else if (key == "inferred")
        node.inferred = truth("inferred");
      else if (key == "same_as")
        same_as = json_.expect_u64("same_as");
      else if (key == "settings")
        read_settings(node);
      else if (key == "repr")
        node.extra_repr = text("repr");
      else if (key == "version")
        node.version = static_cast<std::int64_t>(json_.expect_u64("version") & INT64_MAX);
      else if (key == "training")
        node.training = truth("training");
      else if (key == "tensors")
        read_tensors(node);
      else
        json_.skip_value();  // numbers of the subtree are counted again
    });
    place(node, parent, same_as);
    tree_.nodes.push_back(std::move(node));
  }

  /// Modules stand as a walk from the root meets them: each after the one that it is in, and the modules of one before
  /// those of the next.
  void place(ModuleNode& node, std::optional<std::uint64_t> parent, std::optional<std::uint64_t> same_as) {
    const std::size_t index = tree_.nodes.size();
    if (same_as) {
      if (*same_as >= index) json_.wrong("same_as must be the number of a module that stands before");
      if (tree_.nodes[*same_as].same_as != SIZE_MAX) json_.wrong("same_as names a module that is another one itself");
      if (!node.tensors.empty()) json_.wrong("a module that is another one has no tensors of its own");
      node.same_as = static_cast<std::size_t>(*same_as);
    }
    if (index == 0) {
      if (parent || !node.path.empty())
        json_.wrong("the first module is the model: it has no parent, and the path \"\"");
      open_.push_back(0);
      return;
    }
    if (!parent) json_.wrong("a module needs the number of its parent");
    while (!open_.empty() && open_.back() != *parent) open_.pop_back();
    if (open_.empty()) json_.wrong("the parent must be the module before, or one around it");
    node.parent = static_cast<std::size_t>(*parent);
    ModuleNode& above = tree_.nodes[node.parent];
    if (above.same_as != SIZE_MAX) json_.wrong("the parent is another module; its modules stand there");
    if (node.path != joined(above.path, node.name))
      json_.wrong("the path must be that of the parent and the name, joined by a dot");
    node.depth = above.depth + 1;
    if (node.depth > kDeepest) json_.wrong("modules inside modules, more than " + std::to_string(kDeepest) + " deep");
    above.children.push_back(index);
    open_.push_back(index);
  }

  void read_settings(ModuleNode& node) {
    json_.expect(Token::begin_object, "settings");
    members([&](std::string_view key) {
      node.settings.emplace_back(key, read_python_value(json_, json_.next()));
      budget_.text(node.settings.back().second.size());
    });
  }

  void read_tensors(ModuleNode& node) {
    json_.expect(Token::begin_array, "tensors");
    std::unordered_set<std::string> names;
    while (true) {
      const Token token = json_.next();
      if (token == Token::end_array) return;
      if (token != Token::begin_object) json_.wrong("a tensor is an object");
      if (!budget_.take(1)) json_.wrong("more tensors than any model has");
      node.tensors.push_back(read_tensor());
      if (!names.insert(node.tensors.back().name).second)
        json_.wrong("the tensor \"" + node.tensors.back().name.substr(0, 100) + "\" stands twice in one module");
    }
  }

  ModuleTensor read_tensor() {
    ModuleTensor tensor;
    std::optional<DType> dtype;
    std::optional<std::vector<std::int64_t>> shape;
    bool has_name = false;
    members([&](std::string_view key) {
      if (key == "name") {
        tensor.name = text("name");
        has_name = true;
      } else if (key == "dtype") {
        dtype = dtype_from_string(json_.expect_string("dtype"));
        if (!dtype) json_.wrong("no such dtype: \"" + std::string(json_.text().substr(0, 100)) + "\"");
      } else if (key == "shape") {
        shape = read_shape();
      } else if (key == "buffer") {
        tensor.buffer = truth("buffer");
      } else if (key == "persistent") {
        tensor.persistent = truth("persistent");
      } else if (key == "same_as") {
        tensor.same_as = text("same_as");
      } else {
        json_.skip_value();
      }
    });
    if (!has_name || !dtype || !shape) json_.wrong("a tensor needs name, dtype and shape");
    tensor.tensor = described_tensor(*dtype, std::move(*shape));
    return tensor;
  }

  std::vector<std::int64_t> read_shape() {
    json_.expect(Token::begin_array, "shape");
    std::vector<std::int64_t> shape;
    std::uint64_t numel = 1;
    while (true) {
      const Token token = json_.next();
      if (token == Token::end_array) return shape;
      if (token != Token::number) json_.wrong("a size is a number");
      const std::uint64_t size = json_.as_u64("size");
      if (shape.size() == kMostDims) json_.wrong("more than 64 dimensions");
      if (size > INT64_MAX || (size != 0 && numel > INT64_MAX / size))
        json_.wrong("a tensor of more than 2^63 elements");
      numel *= std::max<std::uint64_t>(size, 1);
      shape.push_back(static_cast<std::int64_t>(size));
    }
  }

  JsonReader json_;
  TreeBudget budget_;
  ModuleTree tree_;
  std::vector<std::size_t> open_;  // the module before, and those around it
  bool named_ = false;
};

}  // namespace
}  // namespace model::structure

inline namespace v0 {

ModuleTree tree_from_json(std::string_view json) {
  using namespace model::structure;
  if (json.size() > kMostJson)
    fail(ErrorCode::limit, "a description of a model's structure of more than 64 MiB",
         in_record(std::string(kStructurePart)));
  return with_place(in_record(std::string(kStructurePart)), [&] { return DescriptionReader(json).read(); });
}

}  // namespace v0
}  // namespace sconce
