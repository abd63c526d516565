#include "model/diff_tensors.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "base/parallel.h"
#include "base/work.h"
#include "model/diff_attributes.h"
#include "model/diff_elements.h"
#include "tensor/elements.h"
#include "tensor/storage_data.h"
#include "tensor/strided_read.h"
#include "tensor/tensor_data.h"

namespace sconce::model {

namespace {

// A piece is what one thread takes; a window is what it holds of each side: small enough for the second level cache
// where the bytes lie as they are wanted, and as large as a strided read likes it where they do not.
constexpr std::uint64_t kPiece = std::uint64_t{16} << 20;
constexpr std::uint64_t kPlainWindow = std::uint64_t{256} << 10;

/// Two tensors whose elements are compared, once for all names that lead to both.
struct Pair {
  const SideLeaf* a;
  const SideLeaf* b;
  ElementStats stats;
};

struct Piece {
  std::uint32_t pair = 0;
  std::uint64_t first = 0;  ///< element
  std::uint64_t count = 0;
};

std::uint64_t bytes_for(DType dtype, std::uint64_t count) { return bytes_of(dtype, count).value_or(UINT64_MAX); }

/// Bits of an element, those of the wider dtype where they differ.
std::uint64_t widest(const Tensor& a, const Tensor& b) { return std::max(info(a.dtype()).bits, info(b.dtype()).bits); }

/// Elements that fit into `bytes` bytes: whole blocks.
std::uint64_t elements_in(std::uint64_t bytes, std::uint64_t bits) {
  return std::max<std::uint64_t>(bytes * 8 / bits / kElementBlock, 1) * kElementBlock;
}

/// Whether reads may begin anywhere; compressed bytes must be read from their start.
bool reads_anywhere(const Tensor& tensor) {
  const SourcePtr bytes = open_storage(*tensor.storage().data());
  return bytes->extent(0, bytes->size()).has_value() || bytes->view(0, bytes->size()) != nullptr;
}

class PairReader {
 public:
  PairReader(const Side& a, const Side& b, const DiffOptions& options) : a_(a), b_(b), options_(options) {}

  /// Number of the pair.
  std::size_t add(const SideLeaf& a, const SideLeaf& b) {
    const std::uint64_t key = (std::uint64_t{a.node} << 32) | b.node;
    const auto [place, added] = numbers_.try_emplace(key, pairs_.size());
    if (added) {
      pairs_.push_back({&a, &b, {}});
      in_place(pairs_.back(), [&](const Tensor& x, const Tensor& y) { cut(x, y); });
    }
    return place->second;
  }

  void run() {
    buffers_.resize(workers_for(pieces_.size(), 0));
    WorkMeter meter(options_.progress, options_.cancel, "compare", total_);
    std::uint64_t told = 0;
    run_parallel(
        pieces_.size(), 0, [this](std::size_t job, unsigned worker) { compare(pieces_[job], worker); },
        [&] {
          const std::uint64_t done = done_;
          meter.advance(done - told);
          told = done;
        });
  }

  [[nodiscard]] const ElementStats& stats(std::size_t pair) const { return pairs_[pair].stats; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return total_; }

 private:
  /// Errors of a pair name it.
  template <typename Body>
  void in_place(const Pair& pair, Body&& body) const {
    ErrorPlace place;
    place.key = pair.a->name;
    with_place(place, [&] { body(a_.tensor(*pair.a), b_.tensor(*pair.b)); });
  }

  void cut(const Tensor& a, const Tensor& b) {
    tensor::check_expansion(*a.data_handle(), a_.state->limits);
    tensor::check_expansion(*b.data_handle(), b_.state->limits);
    const std::uint64_t numel = a.numel();
    const std::uint64_t piece = elements_in(kPiece, widest(a, b));
    const std::uint64_t step = numel > piece && reads_anywhere(a) && reads_anywhere(b) ? piece : numel;
    for (std::uint64_t first = 0; first < numel; first += step)
      pieces_.push_back({static_cast<std::uint32_t>(pairs_.size() - 1), first, std::min(step, numel - first)});
    total_ += bytes_for(a.dtype(), numel);
  }

  void compare(const Piece& piece, unsigned worker) {
    Pair& pair = pairs_[piece.pair];
    in_place(pair, [&](const Tensor& a, const Tensor& b) {
      const ElementStats found = read(piece, a, b, buffers_[worker]);
      if (found.different == 0) return;
      const std::lock_guard lock(mutex_);
      pair.stats.merge(found);
    });
  }

  struct Buffers {
    std::vector<std::byte> a;
    std::vector<std::byte> b;
  };

  ElementStats read(const Piece& piece, const Tensor& a, const Tensor& b, Buffers& buffers) {
    const ElementRules rules{a.dtype(), b.dtype(), options_.rtol, options_.atol, options_.strict};
    const bool plain = tensor::is_plain(*a.data_handle()) && tensor::is_plain(*b.data_handle());
    const std::uint64_t window = elements_in(plain ? kPlainWindow : tensor::kWindow, widest(a, b));
    const SourcePtr from_a = tensor::element_source(a);
    const SourcePtr from_b = tensor::element_source(b);
    ElementStats stats;
    for (std::uint64_t done = 0; done < piece.count; done += window) {
      const std::uint64_t first = piece.first + done;
      const std::uint64_t count = std::min(window, piece.count - done);
      fill(*from_a, rules.a, first, count, buffers.a);
      fill(*from_b, rules.b, first, count, buffers.b);
      compare_elements(rules, buffers.a, buffers.b, first, static_cast<std::size_t>(count), stats);
      done_ += buffers.a.size();
      if (options_.cancel.stop_requested()) fail(ErrorCode::cancelled, "cancelled");
    }
    return stats;
  }

  /// `first` is a multiple of a block, so that sub-byte elements begin with a byte.
  static void fill(const ByteSource& source, DType dtype, std::uint64_t first, std::uint64_t count,
                   std::vector<std::byte>& buffer) {
    buffer.resize(static_cast<std::size_t>(bytes_for(dtype, count)));
    source.read_at(bytes_for(dtype, first), buffer);
  }

  const Side& a_;
  const Side& b_;
  const DiffOptions& options_;
  std::unordered_map<std::uint64_t, std::size_t> numbers_;  // nodes of both sides -> pair
  std::vector<Pair> pairs_;
  std::vector<Piece> pieces_;
  std::vector<Buffers> buffers_;
  std::mutex mutex_;  // of stats
  std::atomic<std::uint64_t> done_ = 0;
  std::uint64_t total_ = 0;
};

/// The index of element number `at`.
std::vector<std::int64_t> index_of(std::uint64_t at, std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t dim = shape.size(); dim-- > 0;) {
    const auto size = static_cast<std::uint64_t>(shape[dim]);
    index[dim] = static_cast<std::int64_t>(at % size);
    at /= size;
  }
  return index;
}

class TensorDiff {
 public:
  TensorDiff(const Side& a, const Side& b, const DiffOptions& options)
      : a_(a), b_(b), options_(options), reader_(a, b, options) {}

  void run(DiffReport& report) {
    std::vector<bool> matched(b_.tensors.all().size(), false);
    for (std::size_t number = 0; number < a_.tensors.all().size(); ++number) {
      const SideLeaf& leaf = a_.tensors.all()[number];
      const auto at = b_.tensors.find(leaf.name);
      if (!at) {
        report.only_a.push_back(leaf.name);
        continue;
      }
      matched[*at] = true;
      ++report.tensors_compared;
      look_at(number, leaf, b_.tensors.all()[*at]);
    }
    for (std::size_t at = 0; at < matched.size(); ++at)
      if (!matched[at]) report.only_b.push_back(b_.tensors.all()[at].name);
    reader_.run();
    finish(report);
  }

 private:
  /// A name that both sides have, with what differs already.
  struct Named {
    std::size_t leaf;  ///< of a
    std::size_t pair;
    std::size_t found_end;  ///< in found_: what this name added ends here
  };
  static constexpr std::size_t kNoPair = SIZE_MAX;

  void look_at(std::size_t number, const SideLeaf& a, const SideLeaf& b) {
    const Tensor x = a_.tensor(a);
    const Tensor y = b_.tensor(b);
    const std::size_t before = found_.size();
    diff_attributes(a.name, x, y, options_.strict, found_);
    const bool readable = comparable_elements(x, y);
    if (readable || found_.size() != before) {
      names_.push_back({number, readable ? reader_.add(a, b) : kNoPair, found_.size()});
    }
    if (x.layout() == Layout::wrapper || y.layout() == Layout::wrapper) ++wrappers_;
  }

  void finish(DiffReport& report) {
    report.bytes_compared = reader_.bytes();
    std::size_t at = 0;
    for (const Named& named : names_) {
      for (; at < named.found_end; ++at) report.tensors.push_back(std::move(found_[at]));
      if (named.pair == kNoPair || reader_.stats(named.pair).different == 0) continue;
      report.tensors.push_back(values_difference(a_.tensors.all()[named.leaf], reader_.stats(named.pair)));
    }
    if (wrappers_ != 0)
      report.notes.push_back(
          std::to_string(wrappers_) +
          " tensors are of a subclass without a storage of its own; what they wrap was not compared");
  }

  [[nodiscard]] TensorDifference values_difference(const SideLeaf& leaf, const ElementStats& stats) const {
    const Tensor tensor = a_.tensor(leaf);
    TensorDifference difference;
    difference.name = leaf.name;
    difference.what = "values";
    difference.numel = tensor.numel();
    difference.different = stats.different;
    difference.max_abs = stats.max_abs;
    difference.max_rel = stats.max_rel;
    difference.first = index_of(stats.first, tensor.shape());
    return difference;
  }

  const Side& a_;
  const Side& b_;
  const DiffOptions& options_;
  PairReader reader_;
  std::vector<Named> names_;
  std::vector<TensorDifference> found_;
  std::size_t wrappers_ = 0;
};

}  // namespace

void diff_tensors(const Side& a, const Side& b, const DiffOptions& options, DiffReport& report) {
  TensorDiff(a, b, options).run(report);
}

}  // namespace sconce::model
