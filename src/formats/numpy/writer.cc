#include "formats/numpy/writer.h"

#include <string>

#include "base/fail.h"
#include "formats/numpy/dtypes.h"
#include "formats/numpy/header.h"
#include "formats/tensor_payload.h"

namespace sconce::formats::numpy {

namespace {

constexpr std::size_t kAlignment = 64;
// NumPy leaves room for the first size to grow to this many digits while the header stays as long as it is.
constexpr std::size_t kRoomForSize = 21;

/// The dict as NumPy writes it, with blanks and a newline so that the elements begin at a multiple of 64.
std::string header_of(const std::string& descr, std::span<const std::int64_t> shape) {
  std::string sizes;
  for (const std::int64_t size : shape) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
  if (shape.size() == 1) sizes += ',';
  std::string dict = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + sizes + "), }";
  if (!shape.empty()) dict.append(kRoomForSize - std::to_string(shape.front()).size(), ' ');
  const std::size_t before = kMagic.size() + 4;  // version, and the length itself
  dict.append(kAlignment - (before + dict.size() + 1) % kAlignment, ' ');
  dict += '\n';

  std::string header(kMagic);
  header += '\1';
  header += '\0';
  header += static_cast<char>(dict.size() & 0xFF);
  header += static_cast<char>(dict.size() >> 8);
  return header + dict;
}

}  // namespace

io::WritePlan plan_npy(const Tensor& tensor) {
  const std::optional<std::string> descr = descr_of(tensor.dtype());
  if (!descr)
    fail(ErrorCode::unsupported, "NumPy has no type like " + std::string(to_string(tensor.dtype())), {},
         "write the bare elements instead, or a .safetensors file");
  io::WritePlan plan;
  // 64 dimensions of 19 digits are far below the 65,535 bytes that version 1.0 has room for.
  plan.add_literal(header_of(*descr, tensor.shape()));
  add_elements(plan, tensor);
  return plan;
}

}  // namespace sconce::formats::numpy
