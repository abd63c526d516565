#include "cli/value_text.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/fail.h"
#include "base/text.h"

namespace sconce::cli {

namespace {

constexpr std::size_t kDeepest = 1000;
constexpr std::uint64_t kMostValues = 16'000'000;

/// A container that is being printed.
struct Frame {
  Value value;
  std::optional<Value::Elements> elements;
  std::optional<Value::Items> items;
  std::string_view close;
  std::size_t count = 0;
  std::size_t at = 0;
  bool lines = false;  ///< one entry a line
};

bool is_container(Kind kind) {
  switch (kind) {
    case Kind::dict:
    case Kind::object:
    case Kind::list:
    case Kind::tuple:
    case Kind::size:
    case Kind::set:
    case Kind::frozenset: return true;
    default: return false;
  }
}

/// Sequences of leaves stand in one line.
bool only_leaves(const Value::Elements& elements) {
  for (const Value element : elements)
    if (is_container(element.kind()) || element.is_tensor()) return false;
  return true;
}

class TreePrinter {
 public:
  explicit TreePrinter(Output& output) : out_(output) {}

  void print(const Value& root) {
    enter(root);
    while (!open_.empty()) {
      Frame& frame = open_.back();
      if (frame.at == frame.count) {
        leave();
        continue;
      }
      if (frame.at != 0) out_ << (frame.lines ? "," : ", ");
      if (frame.lines) new_line(open_.size());
      next(frame);
    }
    out_ << "\n";
  }

 private:
  void next(Frame& frame) {
    if (frame.items) {
      const Value::Item item = (*frame.items)[frame.at++];
      const bool attribute = frame.value.kind() == Kind::object && item.key.kind() == Kind::str;
      if (attribute)
        out_ << escaped(item.key.as_str()) << "=";
      else
        out_ << escaped(item.key.to_text()) << ": ";
      enter(item.value);
    } else {
      enter((*frame.elements)[frame.at++]);
    }
  }

  void leave() {
    const Frame& frame = open_.back();
    const bool single = frame.value.kind() == Kind::tuple && frame.count == 1;
    if (single) out_ << ",";
    const std::string_view close = frame.close;
    const bool lines = frame.lines;
    open_.pop_back();
    if (lines) new_line(open_.size());
    out_ << close;
    out_.flush_if_large();
  }

  void new_line(std::size_t depth) {
    out_ << "\n";
    out_.text().append(2 * depth, ' ');
  }

  void enter(const Value& value) {
    if (++printed_ > kMostValues) fail(ErrorCode::limit, "the value has too many parts to be printed");
    const Kind kind = value.kind();
    if (kind == Kind::tensor) {
      out_ << "tensor(" << tensor_line(value.as_tensor()) << ")";
      return;
    }
    if (!is_container(kind)) {
      out_ << escaped(value.to_text());
      return;
    }
    if (open_.size() >= kDeepest ||
        std::any_of(open_.begin(), open_.end(), [&](const Frame& frame) { return frame.value.is(value); })) {
      out_ << "...";
      return;
    }
    Frame frame;
    frame.value = value;
    out_ << expand(frame);
    frame.count = frame.items ? frame.items->size() : frame.elements->size();
    frame.lines = frame.count != 0 && (frame.items ? true : !only_leaves(*frame.elements));
    open_.push_back(std::move(frame));
  }

  /// Fills in what a container holds; gives what opens it.
  static std::string expand(Frame& frame) {
    switch (frame.value.kind()) {
      case Kind::dict:
        frame.items = frame.value.items();
        frame.close = "}";
        return "{";
      case Kind::object:
        frame.items = frame.value.items();
        frame.close = ")";
        return escaped(frame.value.class_name()) + "(";
      default: break;
    }
    frame.elements = frame.value.elements();
    switch (frame.value.kind()) {
      case Kind::list: frame.close = "]"; return "[";
      case Kind::set: frame.close = "}"; return "{";
      case Kind::frozenset: frame.close = "})"; return "frozenset({";
      case Kind::size: frame.close = "])"; return "torch.Size([";
      default: frame.close = ")"; return "(";
    }
  }

  Output& out_;
  std::vector<Frame> open_;
  std::uint64_t printed_ = 0;
};

}  // namespace

std::string leaf_line(const Value& value) {
  constexpr std::size_t kLongest = 8192;  // more than any line shows; a text of megabytes is not quoted for nothing
  if (value.kind() != Kind::str || value.as_str().size() <= kLongest) return escaped(value.to_text());
  const std::string_view text = value.as_str();
  return escaped("text of " + std::to_string(text.size()) + " bytes: " + python_quoted(text.substr(0, kLongest / 2)) +
                 "…");
}

void print_tree(Output& output, const Value& value) { TreePrinter(output).print(value); }

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

std::string tensor_line(const Tensor& tensor) {
  return std::string(to_string(tensor.dtype())) + " " + shape_text(tensor.shape());
}

}  // namespace sconce::cli
