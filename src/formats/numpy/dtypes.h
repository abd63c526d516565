// NumPy's names of element types, as the header of an `.npy` file has them, and PyTorch's.
#pragma once

#include <bit>
#include <optional>
#include <string>
#include <string_view>

#include <sconce/dtype.h>

namespace sconce::formats::numpy {

/// The type of the elements and the order of their bytes.
struct ElementType {
  DType dtype = DType::uint8;
  std::endian order = std::endian::little;
};

/// What `descr` names ("<f4", "|b1"). Nothing where its elements are no numbers that a tensor can have.
[[nodiscard]] std::optional<ElementType> element_type(std::string_view descr) noexcept;

/// Why element_type() gives nothing, for people: "the elements are text (\"<U7\")", and what to do about it.
struct NotNumbers {
  std::string message;
  std::string advice;
  bool objects = false;  ///< a pickle stands where the elements should
};
[[nodiscard]] NotNumbers why_not_numbers(std::string_view descr);

/// The name of a dtype, little-endian; nothing where NumPy has no such type.
[[nodiscard]] std::optional<std::string> descr_of(DType dtype);

}  // namespace sconce::formats::numpy
