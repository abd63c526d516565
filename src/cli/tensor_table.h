// The table of tensors that inspect prints.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cli/listing.h"
#include "cli/output.h"

namespace sconce::cli {

/// One line of the table. Text lies in the pool of the table, so that a million rows stay small.
struct TensorRow {
  std::uint64_t text = 0;  ///< position in the pool: name, shape and remark follow each other
  std::uint32_t name_size = 0;
  std::uint16_t shape_size = 0;
  std::uint16_t remark_size = 0;
  std::uint64_t numel = 0;
  std::uint64_t nbytes = 0;
  std::uint32_t tensors = 1;  ///< of which the row is the sum (--depth)
  std::uint16_t dims = 0;
  DType dtype = DType::float32;
  bool hashed = false;  ///< 64 digits follow the remark
  bool cut = false;     ///< the name is of what is above the tensors (--depth)
};

/// Text that stays where it is, in blocks: nothing is copied as it grows.
class TextPool {
 public:
  /// Where a text of `size` bytes, which append() gives piece by piece, will begin.
  std::uint64_t begin(std::size_t size);
  void append(std::string_view piece) { blocks_.back() += piece; }
  /// From there to the end of the block.
  [[nodiscard]] std::string_view text(std::uint64_t at) const {
    return std::string_view(blocks_[static_cast<std::size_t>(at / kBlock)])
        .substr(static_cast<std::size_t>(at % kBlock));
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 20;  // a longer text has a block of its own
  std::deque<std::string> blocks_;
};

/// What is told in the head and the last line.
struct TensorTotals {
  std::uint64_t tensors = 0;
  std::uint64_t parameters = 0;
  std::uint64_t shared = 0;  ///< views of a storage that an earlier tensor showed
  std::uint64_t bytes = 0;   ///< of storages, each once
  std::map<std::string_view, std::uint64_t> dtypes;
  std::map<std::string, std::uint64_t, std::less<>> devices;
};

class TensorTable {
 public:
  explicit TensorTable(std::uint64_t depth) : depth_(depth) {}

  void add(const ListedTensor& listed, bool is_part);
  /// Orders the rows by a value of --sort.
  void sort(std::string_view key);
  void print(Output& output, const Style& style, std::uint64_t limit, bool tree) const;
  [[nodiscard]] const TensorTotals& totals() const noexcept { return totals_; }

 private:
  struct Columns;
  [[nodiscard]] std::string_view name(const TensorRow& row) const { return cut(row, 0, row.name_size); }
  [[nodiscard]] std::string_view shape(const TensorRow& row) const { return cut(row, row.name_size, row.shape_size); }
  [[nodiscard]] std::string_view remark(const TensorRow& row) const {
    return cut(row, std::size_t{row.name_size} + row.shape_size, row.remark_size);
  }
  [[nodiscard]] std::string_view hash(const TensorRow& row) const {
    return cut(row, std::size_t{row.name_size} + row.shape_size + row.remark_size, row.hashed ? 64 : 0);
  }
  [[nodiscard]] std::string_view cut(const TensorRow& row, std::size_t skip, std::size_t size) const {
    return pool_.text(row.text).substr(skip, size);
  }
  void count(const ListedTensor& listed, bool is_part);
  [[nodiscard]] std::string remark_of(const ListedTensor& listed) const;
  bool fold(std::string_view shown, const ListedTensor& listed);
  [[nodiscard]] Columns measure(std::uint64_t limit, bool tree, std::size_t width) const;
  void print_row(std::string& out, const Style& style, const TensorRow& row, std::string_view name,
                 const Columns& columns) const;
  void print_branches(std::string& out, const Style& style, std::string_view name, std::string_view before) const;

  std::uint64_t depth_;
  std::deque<TensorRow> rows_;
  TextPool pool_;
  std::unordered_map<std::string_view, std::uint32_t> row_of_;  // with --depth: the names are those of the pool
  std::vector<std::uint32_t> first_of_storage_;                 // number of the row that showed a storage first
  TensorTotals totals_;
};

}  // namespace sconce::cli
