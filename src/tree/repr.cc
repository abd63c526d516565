#include "tree/repr.h"

#include <bit>
#include <cmath>

#include "base/endian.h"
#include "base/text.h"

namespace sconce::tree {

namespace {

constexpr std::size_t kLongestKey = 256;
constexpr std::size_t kMostIntegerBytes = 2048;

std::string complex_text(double real, double imaginary) {
  const auto part = [](double value) {
    std::string text = python_float(value);
    if (text.ends_with(".0")) text.resize(text.size() - 2);  // Python writes (1+2j)
    return text;
  };
  if (real == 0 && !std::signbit(real)) return part(imaginary) + "j";
  std::string text = "(" + part(real);
  if (!std::signbit(imaginary) || std::isnan(imaginary)) text += "+";
  return text + part(imaginary) + "j)";
}

std::string bytes_text(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text = "b'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\')
      (text += '\\') += c;
    else if (c == '\n')
      text += "\\n";
    else if (c == '\r')
      text += "\\r";
    else if (c == '\t')
      text += "\\t";
    else if (byte < 0x20 || byte >= 0x7F)
      ((text += "\\x") += kHex[byte >> 4]) += kHex[byte & 15];
    else
      text += c;
  }
  return text + "'";
}

/// Bytes that are a payload of their own are not for reading.
std::string long_bytes_text(std::string_view bytes) {
  constexpr std::size_t kMostBytes = std::size_t{64} << 10;
  return bytes.size() <= kMostBytes ? bytes_text(bytes) : std::to_string(bytes.size()) + " bytes";
}

std::string scalar_text(const Document& document, NodeId id) {
  if (document.scalar_dtype(id) == DType::boolean) return *scalar_integer(document, id) != 0 ? "True" : "False";
  if (const auto integer = scalar_integer(document, id)) {
    if (document.scalar_dtype(id) == DType::uint64) return std::to_string(static_cast<std::uint64_t>(*integer));
    return std::to_string(*integer);
  }
  if (const auto real = scalar_float(document, id)) return python_float(*real);
  return std::string(sconce::to_string(document.scalar_dtype(id))) + " scalar";
}

std::string container_text(const Document& document, NodeId id) {
  const Kind kind = document.kind(id);
  const bool sequence =
      kind == Kind::list || kind == Kind::tuple || kind == Kind::size || kind == Kind::slice || kind == Kind::range;
  const std::size_t size = sequence ? document.elements(id).size() : document.dict_record(id).count;
  return std::string(sconce::to_string(kind)) + " of " + std::to_string(size);
}

std::string tensor_text(const Document& document, NodeId id) {
  const TensorRecord& record = document.tensor_record(id);
  std::string text = "tensor " + std::string(sconce::to_string(record.dtype)) + " [";
  for (std::size_t at = 0; at < record.ndim; ++at) text += (at == 0 ? "" : ", ") + std::to_string(record.shape()[at]);
  return text + "]";
}

/// A str or bytes leaf as Python's repr has it, cut where it is long.
std::string short_text(const Document& document, NodeId id) {
  const std::string_view whole = document.text(id);
  const std::string_view shown = whole.substr(0, kLongestKey);
  std::string text = document.kind(id) == Kind::str ? python_quoted(shown) : bytes_text(shown);
  if (shown.size() < whole.size()) text += "…";
  return text;
}

/// A slice or a range with its three parts, of which a hostile file may make anything: those inside are not followed.
std::string bounds_text(const Document& document, NodeId id) {
  std::string text = std::string(sconce::to_string(document.kind(id))) + "(";
  for (const NodeId part : document.elements(id)) {
    if (text.back() != '(') text += ", ";
    const Kind kind = document.kind(part);
    text += kind == Kind::slice || kind == Kind::range ? container_text(document, part) : leaf_text(document, part);
  }
  return text + ")";
}

}  // namespace

std::string integer_text(const Document& document, NodeId id) {
  if (!document.is_big(id)) return std::to_string(document.integer_value(id));
  const std::string_view bytes = document.text(id);
  if (bytes.size() > kMostIntegerBytes) return "int of " + std::to_string(bytes.size() * 8) + " bits";
  return decimal(bytes);
}

std::optional<std::int64_t> scalar_integer(const Document& document, NodeId id) {
  const char* bytes = document.text(id).data();
  switch (document.scalar_dtype(id)) {
    case DType::boolean:
    case DType::uint8: return load_le<std::uint8_t>(bytes);
    case DType::int8: return static_cast<std::int8_t>(load_le<std::uint8_t>(bytes));
    case DType::uint16: return load_le<std::uint16_t>(bytes);
    case DType::int16: return static_cast<std::int16_t>(load_le<std::uint16_t>(bytes));
    case DType::uint32: return load_le<std::uint32_t>(bytes);
    case DType::int32: return static_cast<std::int32_t>(load_le<std::uint32_t>(bytes));
    case DType::uint64:
    case DType::int64: return static_cast<std::int64_t>(load_le<std::uint64_t>(bytes));
    default: return std::nullopt;
  }
}

std::optional<double> scalar_float(const Document& document, NodeId id) {
  const char* bytes = document.text(id).data();
  switch (document.scalar_dtype(id)) {
    case DType::float64: return std::bit_cast<double>(load_le<std::uint64_t>(bytes));
    case DType::float32: return std::bit_cast<float>(load_le<std::uint32_t>(bytes));
    case DType::float16: return static_cast<double>(static_cast<float>(Float16{load_le<std::uint16_t>(bytes)}));
    default: break;
  }
  if (const auto integer = scalar_integer(document, id)) return static_cast<double>(*integer);
  return std::nullopt;
}

std::string leaf_text(const Document& document, NodeId id) {
  switch (document.kind(id)) {
    case Kind::none: return "None";
    case Kind::ellipsis: return "Ellipsis";
    case Kind::boolean: return document.boolean_value(id) ? "True" : "False";
    case Kind::integer: return integer_text(document, id);
    case Kind::floating: return python_float(document.floating_value(id));
    case Kind::complex: return complex_text(document.complex_value(id).first, document.complex_value(id).second);
    case Kind::str: return python_quoted(document.text(id));
    case Kind::bytes: return long_bytes_text(document.text(id));
    case Kind::bytearray: return "bytearray(" + long_bytes_text(document.text(id)) + ")";
    case Kind::scalar: return scalar_text(document, id);
    case Kind::dtype:
    case Kind::qscheme:
    case Kind::memory_format: return "torch." + std::string(document.text(id));
    case Kind::device:
    case Kind::layout: return std::string(document.text(id));
    case Kind::global:
    case Kind::object: return document.class_name(id);
    case Kind::tensor: return tensor_text(document, id);
    case Kind::storage: return "storage of " + std::to_string(document.storage_slice(id).nbytes) + " bytes";
    case Kind::slice:
    case Kind::range: return bounds_text(document, id);
    default: return container_text(document, id);
  }
}

std::string key_text(const Document& document, NodeId id) {
  // Iterative, with an explicit stack of tuples in progress: a key can be nested as deep as the file says.
  struct Open {
    std::span<const NodeId> elements;
    std::size_t at;
  };
  std::string text;
  std::vector<Open> open;
  const auto write = [&](NodeId node) {
    const Kind kind = document.kind(node);
    if (kind == Kind::str || kind == Kind::bytes) {  // never escape megabytes for a name
      text += short_text(document, node);
      return;
    }
    if (kind == Kind::tuple || kind == Kind::size) {
      text += "(";
      open.push_back({document.elements(node), 0});
    } else {
      text += leaf_text(document, node);
    }
  };
  write(id);
  while (!open.empty()) {
    if (text.size() > kLongestKey) return text + "…";
    Open& top = open.back();
    if (top.at == top.elements.size()) {
      text += top.elements.size() == 1 ? ",)" : ")";
      open.pop_back();
      continue;
    }
    if (top.at != 0) text += ", ";
    write(top.elements[top.at++]);
  }
  return text;
}

}  // namespace sconce::tree
