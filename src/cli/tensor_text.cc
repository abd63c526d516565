#include "cli/tensor_text.h"

#include <algorithm>
#include <vector>

#include "cli/elements.h"

namespace sconce::cli {

namespace {

constexpr std::int64_t kEdge = 3;
constexpr std::size_t kLine = 80;

/// All elements, in memory, one after another; those below eight bits with a byte for each.
class Elements {
 public:
  explicit Elements(const Tensor& tensor) : dtype_(tensor.dtype()), bits_(info(dtype_).bits) {
    bytes_.resize(static_cast<std::size_t>(*bytes_of(dtype_, tensor.numel())));
    tensor.copy_to(bytes_);
  }

  [[nodiscard]] Element operator[](std::uint64_t at) const {
    if (bits_ >= 8) return decode(dtype_, bytes_.data() + at * (bits_ / 8));
    // Low bits first; an element of six bits can lie in two bytes.
    const std::uint64_t bit = at * bits_;
    unsigned window = std::to_integer<unsigned>(bytes_[bit / 8]);
    if (bit / 8 + 1 < bytes_.size()) window |= std::to_integer<unsigned>(bytes_[bit / 8 + 1]) << 8;
    const auto element = static_cast<std::byte>((window >> (bit % 8)) & ((1u << bits_) - 1));
    return decode(dtype_, &element);
  }

 private:
  DType dtype_;
  std::uint64_t bits_;
  std::vector<std::byte> bytes_;
};

std::vector<std::int64_t> row_major(std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t at = shape.size(); at > 1; --at)
    strides[at - 2] = strides[at - 1] * std::max<std::int64_t>(shape[at - 1], 1);
  return strides;
}

/// Conjugates and negates as the bits of the tensor say; `over` knows nothing of them.
Element resolved(Element element, const Tensor& tensor) {
  return std::visit(
      [&](auto value) -> Element {
        using T = decltype(value);
        if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
          if (tensor.is_conj()) value = std::conj(value);
          return tensor.is_neg() ? -value : value;
        } else if constexpr (std::is_floating_point_v<T>) {
          return tensor.is_neg() ? -value : value;
        } else {
          return value;
        }
      },
      std::move(element));
}

/// Gives the text of the element at an index, from memory or, where only edges are shown, from the file.
class ElementSource {
 public:
  ElementSource(const Tensor& tensor, bool edges_only) : tensor_(tensor), strides_(row_major(tensor.shape())) {
    if (!edges_only) elements_.emplace(tensor);
  }

  [[nodiscard]] std::string text(std::span<const std::int64_t> index) const {
    if (elements_) {
      std::int64_t at = 0;
      for (std::size_t i = 0; i < index.size(); ++i) at += index[i] * strides_[i];
      return element_text((*elements_)[static_cast<std::uint64_t>(at)]);
    }
    std::int64_t at = tensor_.storage_offset();
    for (std::size_t i = 0; i < index.size(); ++i) at += index[i] * tensor_.strides()[i];
    return element_text(resolved(Elements(Tensor::over(tensor_.storage(), tensor_.dtype(), {}, {}, at))[0], tensor_));
  }

 private:
  const Tensor& tensor_;
  std::vector<std::int64_t> strides_;
  std::optional<Elements> elements_;
};

/// Prints an array with brackets; the same walk measures the width of the widest element first.
class ArrayPrinter {
 public:
  ArrayPrinter(Output& output, const Tensor& tensor, bool full)
      : output_(output),
        tensor_(tensor),
        edges_(!full && tensor.numel() > kElideFrom),
        source_(tensor, edges_ && tensor.has_storage()),
        index_(tensor.shape().size(), 0) {}

  void print() {
    if (index_.empty()) {
      output_ << source_.text({}) << "\n";
      return;
    }
    if (std::ranges::find(tensor_.shape(), 0) != tensor_.shape().end()) {
      output_ << "[]\n";
      return;
    }
    measure();
    print_dimension(0);
    output_ << "\n";
  }

 private:
  [[nodiscard]] std::int64_t size(std::size_t dimension) const { return tensor_.shape()[dimension]; }
  [[nodiscard]] bool elided(std::size_t dimension) const { return edges_ && size(dimension) > 2 * kEdge; }
  /// The position after `at` that is shown.
  [[nodiscard]] std::int64_t after(std::size_t dimension, std::int64_t at) const {
    return elided(dimension) && at == kEdge - 1 ? size(dimension) - kEdge : at + 1;
  }

  void measure() {
    // All indices that are shown, as an odometer.
    std::fill(index_.begin(), index_.end(), 0);
    for (;;) {
      width_ = std::max(width_, columns(source_.text(index_)));
      std::size_t turn = index_.size();
      while (turn > 0) {
        index_[turn - 1] = after(turn - 1, index_[turn - 1]);
        if (index_[turn - 1] < size(turn - 1)) break;
        index_[--turn] = 0;
      }
      if (turn == 0) return;
    }
  }

  // Recursion as deep as a tensor has dimensions, which is at most some dozens.
  void print_dimension(std::size_t dimension) {
    output_ << "[";
    const bool last = dimension + 1 == index_.size();
    std::size_t line = dimension + 1;
    for (std::int64_t at = 0; at < size(dimension);) {
      index_[dimension] = at;
      if (at != 0) separate(dimension, line);
      if (last)
        append_right(output_.text(), source_.text(index_), width_);
      else
        print_dimension(dimension + 1);
      line += width_;
      const std::int64_t next = after(dimension, at);
      if (next != at + 1) {
        separate(dimension, line);
        output_ << "...";
        line += 3;
      }
      at = next;
    }
    output_ << "]";
    output_.flush_if_large();
  }

  void separate(std::size_t dimension, std::size_t& line) {
    const bool last = dimension + 1 == index_.size();
    if (last && line + 1 + width_ < kLine) {
      output_ << " ";
      ++line;
      return;
    }
    output_.text().append(last ? 1 : std::max<std::size_t>(index_.size() - dimension - 1, 1), '\n');
    output_.text().append(dimension + 1, ' ');
    line = dimension + 1;
  }

  Output& output_;
  const Tensor& tensor_;
  bool edges_;
  ElementSource source_;
  std::vector<std::int64_t> index_;
  std::size_t width_ = 0;
};

}  // namespace

void print_elements(Output& output, const Tensor& tensor, bool full) { ArrayPrinter(output, tensor, full).print(); }

void write_elements(JsonWriter& json, const Tensor& tensor) {
  const Elements elements(tensor);
  const std::span<const std::int64_t> shape = tensor.shape();
  if (shape.empty()) return write_element(json, elements[0]);
  std::vector<std::int64_t> index(shape.size(), 0);
  std::uint64_t at = 0;
  std::size_t depth = 0;  // arrays that are open
  do {
    while (depth < shape.size()) {
      json.begin_array();
      index[depth++] = 0;
      if (shape[depth - 1] == 0) break;
    }
    if (index[depth - 1] < shape[depth - 1]) {
      write_element(json, elements[at++]);
      ++index[depth - 1];
    }
    while (depth > 0 && index[depth - 1] >= shape[depth - 1]) {
      json.end_array();
      if (--depth > 0) ++index[depth - 1];
    }
  } while (depth > 0);
}

}  // namespace sconce::cli
