#include "model/matching/names.h"

#include <algorithm>

namespace sconce::model::matching {

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

std::string torch_size(std::span<const std::int64_t> shape) { return "torch.Size(" + shape_text(shape) + ")"; }

bool shape_fits(std::span<const std::int64_t> source, std::span<const std::int64_t> target) noexcept {
  return std::ranges::equal(source, target) || (target.empty() && source.size() == 1 && source[0] == 1);
}

}  // namespace sconce::model::matching
