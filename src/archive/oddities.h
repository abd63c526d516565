// The list of what is odd in an archive, kept short: a file may be odd a million times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "archive/zip_names.h"
#include "archive/zip_reader.h"

namespace sconce::archive {

class Oddities {
 public:
  void add(std::string message, std::uint64_t offset) {
    if (count_++ < kMost) list_.push_back({std::move(message), offset});
  }
  /// "what: name"; nothing is put together where the list is full.
  void add(std::string_view what, std::string_view name, std::uint64_t offset) {
    if (count_ < kMost) return add(std::string(what) + ": " + short_name(name), offset);
    ++count_;
  }
  /// The first of them, and how many more there were.
  [[nodiscard]] std::vector<ZipOddity> finish() && {
    if (count_ > kMost) list_.push_back({"and " + std::to_string(count_ - kMost) + " more of such things", 0});
    return std::move(list_);
  }

 private:
  static constexpr std::uint64_t kMost = 64;
  std::uint64_t count_ = 0;
  std::vector<ZipOddity> list_;
};

}  // namespace sconce::archive
