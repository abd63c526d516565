#include "formats/safetensors/saved_tensor.h"

#include <bit>

#include "formats/safetensors/hex.h"
#include "tensor/shape.h"

namespace sconce::formats::safetensors {

namespace {

using Token = JsonReader::Token;

class SavedTensorReader {
 public:
  SavedTensorReader(JsonReader& json, MemoryBudget& budget) : json_(json), budget_(budget) {}

  SavedTensor read() {
    json_.expect(Token::begin_array, "the names of a tensor");
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
      if (token != Token::string) json_.wrong("the name of a tensor expected");
      budget_.charge(2 * sizeof(std::string) + json_.text().size());
      tensor_.names.emplace_back(json_.text());
    }
    json_.expect(Token::begin_object, "the attributes of a tensor");
    while (json_.next() == Token::key) attribute(std::string(json_.text()));
    if (tensor_.dtype.has_value() != shape_seen_) json_.wrong("dtype and shape come together");
    return std::move(tensor_);
  }

 private:
  void attribute(const std::string& name) {
    if (name == "dtype") {
      tensor_.dtype = dtype_from_string(json_.expect_string(name));
      if (!tensor_.dtype) json_.wrong("no dtype");
    } else if (name == "shape") {
      shape_seen_ = true;
      tensor_.shape = integers(name);
    } else if (name == "storage") {
      tensor_.storage = number(name);
    } else if (name == "strides") {
      tensor_.strides = integers(name);
    } else if (name == "offset") {
      tensor_.offset = integer(name);
    } else if (name == "layout") {
      tensor_.layout = layout();
    } else if (name == "parts") {
      parts();
    } else if (name == "type") {
      tensor_.type = number(name);
    } else if (name == "state") {
      tensor_.state = number(name);
    } else if (name == "device") {
      tensor_.device = json_.expect_string(name);
      budget_.charge(tensor_.device.size());
    } else if (!quantised(name) && !flag(name)) {
      json_.wrong("a tensor has no attribute \"" + name + "\"");
    }
  }

  bool quantised(const std::string& name) {
    if (name == "qscheme") {
      const std::string scheme = json_.expect_string(name);
      if (scheme != "per_tensor" && scheme != "per_channel") json_.wrong("no qscheme");
      tensor_.qscheme = scheme == "per_tensor" ? QScheme::per_tensor_affine : QScheme::per_channel_affine;
    } else if (name == "scale") {
      tensor_.scale = read_real(json_, json_.next());
    } else if (name == "zero_point") {
      tensor_.zero_point = integer(name);
    } else if (name == "axis") {
      tensor_.axis = integer(name);
    } else {
      return false;
    }
    return true;
  }

  bool flag(const std::string& name) {
    bool* const flag = name == "parameter"       ? &tensor_.parameter
                       : name == "requires_grad" ? &tensor_.requires_grad
                       : name == "numpy"         ? &tensor_.numpy
                       : name == "fortran"       ? &tensor_.fortran
                       : name == "from_cpu"      ? &tensor_.from_cpu
                                                 : nullptr;
    if (flag == nullptr && name != "coalesced") return false;
    json_.expect(Token::boolean, name);
    if (flag != nullptr)
      *flag = json_.boolean();
    else
      tensor_.coalesced = json_.boolean();
    return true;
  }

  Layout layout() {
    const std::string name = json_.expect_string("a layout");
    for (auto at = static_cast<std::uint8_t>(Layout::strided); at < static_cast<std::uint8_t>(Layout::wrapper); ++at)
      if (sconce::to_string(static_cast<Layout>(at)) == name) return static_cast<Layout>(at);
    json_.wrong("no layout: " + name);
  }

  void parts() {
    json_.expect(Token::begin_object, "the parts of a tensor");
    while (json_.next() == Token::key) {
      if (tensor_.parts.size() == std::size(tree::TensorExtra{}.parts)) json_.wrong("too many parts");
      tensor_.parts.emplace_back(part_named(json_.text()), 0);
      tensor_.parts.back().second = number("a part");
    }
  }

  tree::PartName part_named(std::string_view name) const {
    for (auto at = static_cast<std::uint8_t>(tree::PartName::indices);
         at <= static_cast<std::uint8_t>(tree::PartName::storage_offsets); ++at)
      if (tree::to_string(static_cast<tree::PartName>(at)) == name) return static_cast<tree::PartName>(at);
    json_.wrong("no part of a tensor: " + std::string(name));
  }

  std::uint32_t number(std::string_view what) {
    const std::uint64_t value = json_.expect_u64(what);
    if (value >= kNotHeld) json_.wrong("no such number");
    return static_cast<std::uint32_t>(value);
  }

  std::int64_t integer(std::string_view what) {
    json_.expect(Token::number, what);
    return json_.as_i64();
  }

  std::vector<std::int64_t> integers(std::string_view what) {
    json_.expect(Token::begin_array, what);
    std::vector<std::int64_t> values;
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
      if (token != Token::number) json_.wrong("an integer expected");
      if (values.size() == tensor::kMaxDims) json_.wrong("more than 64 dimensions");
      budget_.charge(2 * sizeof(std::int64_t));
      values.push_back(json_.as_i64());
    }
    return values;
  }

  JsonReader& json_;
  MemoryBudget& budget_;
  SavedTensor tensor_;
  bool shape_seen_ = false;
};

}  // namespace

SavedTensor read_saved_tensor(JsonReader& json, MemoryBudget& budget) { return SavedTensorReader(json, budget).read(); }

double read_real(JsonReader& json, Token token) {
  if (token == Token::number) return json.as_double();
  if (token != Token::string) json.wrong("a number expected");
  const auto bytes = from_hex(json.text());
  if (!bytes || bytes->size() != 8) json.wrong("the 16 hexadecimal digits of a number expected");
  std::uint64_t bits = 0;
  for (const char byte : *bytes) bits = bits << 8 | static_cast<unsigned char>(byte);
  return std::bit_cast<double>(bits);
}

}  // namespace sconce::formats::safetensors
