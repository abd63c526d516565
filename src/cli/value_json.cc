#include "cli/value_json.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fail.h"

namespace sconce::cli {

namespace {

constexpr std::size_t kDeepest = 1000;
constexpr std::uint64_t kMostValues = 16'000'000;

bool fits_int64(const Value& value) {
  try {
    (void)value.as_int();
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// NumPy scalars are numbers.
void write_scalar(JsonWriter& json, const Value& value) {
  const DTypeInfo& dtype = info(value.as_dtype());
  if (dtype.name == "bool")
    json.value(value.as_int() != 0);
  else if (dtype.is_complex)
    json.value(std::string_view(value.to_text()));
  else if (dtype.is_floating_point)
    json.value(value.as_float());
  else if (dtype.name == "uint64")
    json.raw(value.to_text());
  else
    json.value(value.as_int());
}

}  // namespace

void write_leaf(JsonWriter& json, const Value& value) {
  switch (value.kind()) {
    case Kind::none: json.null(); return;
    case Kind::boolean: json.value(value.as_bool()); return;
    case Kind::integer:
      if (fits_int64(value))
        json.value(value.as_int());
      else
        json.value(std::string_view(value.to_text()));
      return;
    case Kind::floating: json.value(value.as_float()); return;
    case Kind::str: json.value(value.as_str()); return;
    case Kind::scalar: write_scalar(json, value); return;
    default: json.value(std::string_view(value.to_text()));
  }
}

void write_path(JsonWriter& json, const Path& path) {
  json.begin_array();
  for (const PathStep& step : path) {
    // A key that is a tensor or an object has a position, but reads as "#0".
    const bool number = step.how == PathStep::How::index && !step.text.starts_with('#');
    if (number)
      json.value(step.index);
    else
      json.value(std::string_view(step.text));
  }
  json.end_array();
}

namespace {

/// Depth first with a stack of its own: a file decides how deep a tree is.
class TreeWriter {
 public:
  explicit TreeWriter(JsonWriter& json) : json_(json) {}

  void write(const Value& root) {
    enter(root);
    while (!open_.empty()) {
      Frame& frame = open_.back();
      if (frame.at == frame.count) {
        frame.items ? json_.end_object() : json_.end_array();
        open_.pop_back();
      } else if (frame.items) {
        const Value::Item item = (*frame.items)[frame.at++];
        json_.key(key_text(item.key, frame.at - 1));
        enter(item.value);
      } else {
        enter((*frame.elements)[frame.at++]);
      }
    }
  }

 private:
  struct Frame {
    Value value;
    std::optional<Value::Elements> elements;
    std::optional<Value::Items> items;
    std::size_t count = 0;
    std::size_t at = 0;
  };

  static std::string key_text(const Value& key, std::size_t position) {
    switch (key.kind()) {
      case Kind::str: return std::string(key.as_str());
      case Kind::tensor:
      case Kind::storage:
      case Kind::object: return "#" + std::to_string(position);
      default: return key.to_text();
    }
  }

  static void write_tensor(JsonWriter& json, const Tensor& tensor) {
    json.begin_object().key("tensor").begin_object().member("dtype", to_string(tensor.dtype()));
    json.key("shape").begin_array();
    for (const std::int64_t size : tensor.shape()) json.value(size);
    json.end_array().end_object().end_object();
  }

  void enter(const Value& value) {
    if (++written_ > kMostValues) fail(ErrorCode::limit, "the value has too many parts to be printed", {}, "");
    if (value.is_tensor()) return write_tensor(json_, value.as_tensor());
    Frame frame;
    frame.value = value;
    if (!expand(value, frame)) return write_leaf(json_, value);
    if (is_open(value) || open_.size() >= kDeepest) {
      json_.null();
      return;
    }
    frame.count = frame.items ? frame.items->size() : frame.elements->size();
    frame.items ? json_.begin_object() : json_.begin_array();
    open_.push_back(std::move(frame));
  }

  static bool expand(const Value& value, Frame& frame) {
    switch (value.kind()) {
      case Kind::dict: frame.items = value.items(); return true;
      case Kind::object:
        if (value.size() == 0) return false;
        frame.items = value.items();
        return true;
      case Kind::list:
      case Kind::tuple:
      case Kind::size:
      case Kind::set:
      case Kind::frozenset: frame.elements = value.elements(); return true;
      default: return false;
    }
  }

  [[nodiscard]] bool is_open(const Value& value) const {
    return std::any_of(open_.begin(), open_.end(), [&](const Frame& frame) { return frame.value.is(value); });
  }

  JsonWriter& json_;
  std::vector<Frame> open_;
  std::uint64_t written_ = 0;
};

}  // namespace

void write_tree(JsonWriter& json, const Value& value) { TreeWriter(json).write(value); }

}  // namespace sconce::cli
