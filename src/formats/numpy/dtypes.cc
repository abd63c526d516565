#include "formats/numpy/dtypes.h"

#include <array>

#include "base/text.h"
#include "tensor/numpy_code.h"

namespace sconce::formats::numpy {

namespace {

/// What the letter behind the order mark says of types that are no numbers of a tensor.
struct Kind {
  char letter;
  std::string_view what;
  std::string_view advice;
};

constexpr std::string_view kLeaveOut = "leave this array out, or save its numbers as an array of their own";

constexpr std::array<Kind, 8> kKinds = {{
    {'O', "Python objects, stored as a pickle",
     "save the numbers in it as arrays of their own; loading it in Python can execute code"},
    {'U', "text", kLeaveOut},
    {'S', "byte strings", kLeaveOut},
    {'a', "byte strings", kLeaveOut},
    {'V', "bytes without a type (bfloat16 and float8 of other packages are saved so)",
     "name their type before they are saved: array.astype('float32')"},
    {'M', "dates", "save them as integers: array.astype('int64')"},
    {'m', "differences of dates", "save them as integers: array.astype('int64')"},
    {'f', "floating-point numbers of a width that PyTorch lacks", "save them narrower: array.astype('float64')"},
}};

bool is_order_mark(char c) { return c == '<' || c == '>' || c == '|' || c == '='; }

}  // namespace

std::optional<ElementType> element_type(std::string_view descr) noexcept {
  if (descr.empty() || !is_order_mark(descr.front())) return std::nullopt;
  const char mark = descr.front();
  descr.remove_prefix(1);
  const std::optional<DType> dtype = tensor::dtype_of_numpy_code(descr);
  if (!dtype) return std::nullopt;
  // "=" and "|" are the order of the machine that wrote the file: known only where it makes no difference.
  if (info(*dtype).swap_unit > 1 && mark != '<' && mark != '>') return std::nullopt;
  return ElementType{*dtype, mark == '>' ? std::endian::big : std::endian::little};
}

NotNumbers why_not_numbers(std::string_view descr) {
  const std::string shown = python_quoted(descr.substr(0, 64));
  if (descr.starts_with('[') || descr.starts_with('('))
    return {"the elements are records of several fields: " + shown,
            "save each field as an array of its own: numpy.savez(path, **{name: array[name] for name in "
            "array.dtype.names})",
            descr.find("'O'") != std::string_view::npos || descr.find("|O") != std::string_view::npos};
  std::string_view code = descr;
  if (!code.empty() && is_order_mark(code.front())) code.remove_prefix(1);
  for (const Kind& kind : kKinds)
    if (code.starts_with(kind.letter) && !element_type("<" + std::string(code)))
      return {"the elements are " + std::string(kind.what) + ": dtype " + shown, std::string(kind.advice),
              kind.letter == 'O'};
  if (element_type("<" + std::string(code)))
    return {"the dtype " + shown + " does not say the order of its bytes", "save the array again with numpy.save"};
  return {"the elements are of a type that PyTorch lacks: dtype " + shown, std::string(kLeaveOut)};
}

std::optional<std::string> descr_of(DType dtype) {
  const std::string_view code = tensor::numpy_code(dtype);
  if (code.empty()) return std::nullopt;
  return (info(dtype).swap_unit == 1 ? "|" : "<") + std::string(code);
}

}  // namespace sconce::formats::numpy
