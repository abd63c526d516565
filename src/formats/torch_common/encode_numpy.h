// NumPy arrays and scalars as every NumPy reads them from a pickle.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "pickle/writer.h"
#include "tree/document.h"

namespace sconce::formats::torch_common {

/// Emits NumPy's objects; the memo knows its functions and dtypes after the first. One for each pickle.
class NumpyEncoder {
 public:
  explicit NumpyEncoder(const tree::Document& document);

  /// The array of a tensor record, in row-major or (as it says itself) column-major order. Without put.
  void array(pickle::Writer& writer, tree::NodeId node);
  /// An array of these little-endian, row-major elements.
  void array_of(pickle::Writer& writer, std::span<const std::int64_t> shape, DType dtype, std::string_view elements);
  void scalar(pickle::Writer& writer, tree::NodeId node);

 private:
  void count(const Storage& storage, const tree::TensorRecord& record);
  void dtype(pickle::Writer& writer, DType dtype);
  void begin_array(pickle::Writer& writer);
  void state(pickle::Writer& writer, std::span<const std::int64_t> shape, DType type, bool fortran,
             std::string_view elements);

  const tree::Document& document_;
  pickle::Memo reconstruct_ = pickle::kNoMemo;
  pickle::Memo ndarray_ = pickle::kNoMemo;
  pickle::Memo scalar_ = pickle::kNoMemo;
  pickle::Memo dtype_class_ = pickle::kNoMemo;
  std::array<pickle::Memo, kDTypeCount> dtypes_;
  std::set<std::pair<const StorageOrigin*, std::uint64_t>> held_;  // runs of bytes that arrays view
  std::uint64_t held_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;
};

/// A tuple of integers.
void integers(pickle::Emitter& emitter, std::span<const std::int64_t> numbers);

}  // namespace sconce::formats::torch_common
