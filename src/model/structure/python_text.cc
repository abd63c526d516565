#include "model/structure/python_text.h"

#include <cstddef>

#include "tree/repr.h"

namespace sconce::model::structure {
namespace {

using tree::Document;
using tree::NodeId;

constexpr std::size_t kLongestText = 512;
constexpr std::size_t kMostElements = 64;
constexpr std::size_t kDeepest = 4;

bool is_plain(Kind kind) {
  switch (kind) {
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::floating:
    case Kind::complex:
    case Kind::ellipsis:
    case Kind::scalar:
    case Kind::dtype:
    case Kind::layout:
    case Kind::qscheme:
    case Kind::memory_format: return true;
    default: return false;
  }
}

std::optional<std::string> leaf_repr(const Document& document, NodeId id) {
  const Kind kind = document.kind(id);
  if (kind == Kind::str) {
    if (document.text(id).size() > kLongestText) return std::nullopt;
    return tree::leaf_text(document, id);
  }
  if (kind == Kind::device) {
    const std::string text = tree::leaf_text(document, id);
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) return "device(type='" + text + "')";
    return "device(type='" + text.substr(0, colon) + "', index=" + text.substr(colon + 1) + ")";
  }
  if (kind == Kind::layout) return "torch." + tree::leaf_text(document, id);
  if (!is_plain(kind)) return std::nullopt;
  return tree::leaf_text(document, id);
}

/// A sequence that is being written.
struct Open {
  std::span<const NodeId> elements;
  std::size_t at = 0;
  Kind kind = Kind::tuple;
};

void begin(std::string& text, Kind kind) {
  text += kind == Kind::size ? "torch.Size([" : kind == Kind::list ? "[" : "(";
}

void end(std::string& text, const Open& open) {
  if (open.kind == Kind::tuple)
    text += open.elements.size() == 1 ? ",)" : ")";
  else
    text += open.kind == Kind::size ? "])" : "]";
}

bool is_sequence(Kind kind) { return kind == Kind::tuple || kind == Kind::list || kind == Kind::size; }

}  // namespace

std::optional<std::string> python_repr(const Document& document, NodeId id) {
  if (!is_sequence(document.kind(id))) return leaf_repr(document, id);
  std::string text;
  std::vector<Open> open;
  std::size_t elements = 0;
  const auto enter = [&](NodeId node) {
    open.push_back({document.elements(node), 0, document.kind(node)});
    begin(text, open.back().kind);
    elements += open.back().elements.size();
  };
  enter(id);
  while (!open.empty()) {
    if (open.size() > kDeepest || elements > kMostElements || text.size() > 2 * kLongestText) return std::nullopt;
    Open& top = open.back();
    if (top.at == top.elements.size()) {
      end(text, top);
      open.pop_back();
      continue;
    }
    if (top.at != 0) text += ", ";
    const NodeId element = top.elements[top.at++];
    if (is_sequence(document.kind(element))) {
      enter(element);
      continue;
    }
    const auto leaf = leaf_repr(document, element);
    if (!leaf) return std::nullopt;
    text += *leaf;
  }
  return text;
}

std::optional<std::string> python_str(const Document& document, NodeId id) {
  if (document.kind(id) == Kind::str) {
    if (document.text(id).size() > kLongestText) return std::nullopt;
    return std::string(document.text(id));
  }
  if (document.kind(id) == Kind::device) return tree::leaf_text(document, id);
  return python_repr(document, id);
}

std::string str_of_repr(std::string_view repr) {
  const bool quoted = repr.size() >= 2 && (repr.front() == '\'' || repr.front() == '"') && repr.back() == repr.front();
  return std::string(quoted ? repr.substr(1, repr.size() - 2) : repr);
}

}  // namespace sconce::model::structure
