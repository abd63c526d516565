// The integers of an index tensor, in row-major order, through a window.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sconce/options.h>
#include <sconce/tensor.h>

namespace sconce::model {

/// Not thread-safe.
class IndexReader {
 public:
  /// `name` is for errors. Errors: `damaged` where the elements are neither int32 nor int64; those of opening; `limit`.
  IndexReader(const Tensor& tensor, std::string name, const Limits& limits);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// The number at a position; positions that go forwards are read once.
  [[nodiscard]] std::int64_t operator[](std::uint64_t at) {
    if (at - begin_ >= window_.size()) fill(at);
    return window_[static_cast<std::size_t>(at - begin_)];
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  void fill(std::uint64_t at);

  std::string name_;
  SourcePtr source_;
  std::uint64_t size_;
  std::size_t width_;
  std::uint64_t begin_ = 0;
  std::vector<std::int64_t> window_;
  std::vector<std::byte> bytes_;
};

}  // namespace sconce::model
