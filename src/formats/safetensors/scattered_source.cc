// The bytes of a storage, from the elements of its views.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/checked.h"
#include "base/slice.h"
#include "formats/safetensors/view.h"
#include "tensor/elements.h"
#include "tensor/shape.h"

namespace sconce::formats::safetensors {

namespace {

/// The elements of one view in the order in which they lie in the storage, and where each of them goes.
class Piece {
 public:
  explicit Piece(const FilledView& filled) : element_(info(filled.view.dtype).bits / 8) {
    const View& view = filled.view;
    if (element_ == 0) {  // elements that share bytes: dense, so that bytes are as good
      element_ = 1;
      const std::uint64_t size = filled.elements.nbytes();
      begin_ = static_cast<std::uint64_t>(view.offset) * info(view.dtype).bits / 8;
      dims_ = {{size, 1, size}};
      packed_ = open_storage(*filled.elements.data());
    } else {
      begin_ = static_cast<std::uint64_t>(view.offset) * element_;
      permute(view, filled.elements);
    }
    std::uint64_t inner = 1;
    for (std::size_t at = dims_.size(); at-- > 0;) {
      dims_[at].inner = inner;
      inner *= dims_[at].size;
    }
    run_ = !dims_.empty() && dims_.back().stride == 1 ? dims_.back().size : 1;
  }

  [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }

  /// Puts what lies in [offset, offset + into.size()) there.
  void fill(std::uint64_t offset, std::span<std::byte> into, std::vector<std::byte>& scratch) const {
    std::uint64_t first = elements_before(offset);
    if (first != 0 && place_of(first - 1) + element_ > offset) --first;
    const std::uint64_t last = elements_before(offset + into.size());
    if (first >= last) return;
    scratch.resize(static_cast<std::size_t>((last - first) * element_));
    packed_->read_at(first * element_, scratch);
    for (std::uint64_t at = first; at < last;) {
      const std::uint64_t run = std::min(run_ - at % run_, last - at);
      copy_run(place_of(at), std::span(scratch).subspan((at - first) * element_, run * element_), offset, into);
      at += run;
    }
  }

 private:
  struct Dim {
    std::uint64_t size;
    std::uint64_t stride;     // elements of the storage
    std::uint64_t inner = 1;  // elements of the view inside of one step
  };

  void permute(const View& view, const Storage& elements) {
    const std::vector<std::int64_t> dense = tensor::contiguous_strides(view.shape);
    std::vector<std::size_t> order;
    for (std::size_t at = 0; at < view.shape.size(); ++at)
      if (view.shape[at] > 1 && view.strides[at] != 0) order.push_back(at);
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return view.strides[a] > view.strides[b]; });
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides;
    for (const std::size_t at : order) {
      shape.push_back(view.shape[at]);
      strides.push_back(dense[at]);
      dims_.push_back({static_cast<std::uint64_t>(view.shape[at]), static_cast<std::uint64_t>(view.strides[at])});
    }
    packed_ = tensor::element_source(Tensor::over(elements, view.dtype, shape, strides, 0));
  }

  /// How many elements begin before this byte of the storage.
  [[nodiscard]] std::uint64_t elements_before(std::uint64_t byte) const noexcept {
    if (byte <= begin_) return 0;
    std::uint64_t place = (byte - begin_ + element_ - 1) / element_;
    std::uint64_t before = 0;
    for (const Dim& dim : dims_) {
      const std::uint64_t steps = std::min(place / dim.stride, dim.size);
      before += steps * dim.inner;
      if (steps == dim.size) return before;
      place -= steps * dim.stride;
    }
    return before + (place != 0 ? 1 : 0);
  }

  /// The byte of the storage at which an element begins.
  [[nodiscard]] std::uint64_t place_of(std::uint64_t element) const noexcept {
    std::uint64_t place = 0;
    for (const Dim& dim : dims_) {
      place += element / dim.inner * dim.stride;
      element %= dim.inner;
    }
    return begin_ + place * element_;
  }

  static void copy_run(std::uint64_t place, std::span<const std::byte> run, std::uint64_t offset,
                       std::span<std::byte> into) {
    const std::uint64_t from = std::max(place, offset);
    const std::uint64_t to = std::min(place + run.size(), offset + into.size());
    if (from < to) std::memcpy(into.data() + (from - offset), run.data() + (from - place), to - from);
  }

  std::uint64_t element_;  // bytes
  std::uint64_t begin_ = 0;
  std::vector<Dim> dims_;  // outermost first
  std::uint64_t run_ = 1;  // elements that lie behind one another
  SourcePtr packed_;
};

class ScatteredSource final : public ByteSource {
 public:
  ScatteredSource(std::span<const FilledView> views, std::uint64_t size) : size_(size) {
    pieces_.reserve(views.size());
    for (const FilledView& view : views) {
      name_ = open_storage(*view.elements.data())->name();
      pieces_.emplace_back(view);
    }
    std::ranges::stable_sort(pieces_, {}, &Piece::begin);
  }

  std::uint64_t size() const override { return size_; }
  const std::string& name() const noexcept override { return name_; }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (!fits(offset, into.size(), size_)) past_end(*this, offset, into.size());
    std::vector<std::byte> scratch;
    while (!into.empty()) {
      const auto part = into.first(std::min(into.size(), kWindow));
      std::ranges::fill(part, std::byte{0});
      for (const Piece& piece : pieces_) {
        if (piece.begin() >= offset + part.size()) break;
        piece.fill(offset, part, scratch);
      }
      offset += part.size();
      into = into.subspan(part.size());
    }
  }

 private:
  static constexpr std::size_t kWindow = std::size_t{1} << 20;
  std::uint64_t size_;
  std::string name_;
  std::vector<Piece> pieces_;
};

}  // namespace

SourcePtr scattered_source(std::span<const FilledView> views, std::uint64_t size) {
  return std::make_shared<ScatteredSource>(views, size);
}

}  // namespace sconce::formats::safetensors
