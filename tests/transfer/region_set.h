// Files full of noise, and regions of them, for tests of the engine.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sconce/byte_source.h>

#include "base/hash.h"
#include "base/slice.h"
#include "io/temporary_folder.h"
#include "transfer/region.h"

namespace sconce::transfer::test {

inline std::string noise(std::size_t size, std::uint32_t seed) {
  std::string bytes(size, '\0');
  std::mt19937_64 random(seed);
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, size - at));
  }
  return bytes;
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Regions, and what they must become.
class RegionSet {
 public:
  /// A file of the set's folder, with this content.
  SourcePtr file(const std::string& name, const std::string& bytes, FileAccess access = FileAccess::mapped) {
    sconce::test::write_file(folder_ / name, bytes);
    content_.push_back(bytes);
    sources_.push_back(open_file(folder_ / name, access));
    return sources_.back();
  }

  /// A part of a file of the set; `number`: which file.
  Region& add(std::size_t number, std::uint64_t offset, std::uint64_t size, bool checked = true) {
    const SourcePtr part = slice(sources_[number], offset, size);
    return add_source(part, content_[number].substr(offset, size), checked);
  }

  Region& add_source(SourcePtr source, std::string bytes, bool checked = true) {
    Region region;
    region.size = bytes.size();
    if (checked) region.crc32 = crc32(bytes);
    region.open = [source = std::move(source)] { return source; };
    region.explain = [name = "record " + std::to_string(regions_.size())](Error& error) {
      ErrorPlace place;
      place.record = name;
      error.add_place(place);
    };
    expected_.push_back(std::move(bytes));
    regions_.push_back(std::move(region));
    return regions_.back();
  }

  [[nodiscard]] std::vector<Region>& regions() noexcept { return regions_; }
  [[nodiscard]] const std::vector<std::string>& expected() const noexcept { return expected_; }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }

  void expect(std::span<const HostBytes> loaded) const {
    ASSERT_EQ(loaded.size(), expected_.size());
    for (std::size_t at = 0; at < loaded.size(); ++at)
      ASSERT_TRUE(text_of(loaded[at].bytes) == expected_[at]) << "region " << at << " of " << expected_[at].size();
  }

 private:
  sconce::test::TemporaryFolder folder_;
  std::vector<std::string> content_;
  std::vector<SourcePtr> sources_;
  std::vector<Region> regions_;
  std::vector<std::string> expected_;
};

/// A source that has its bytes nowhere in one piece: as what inflates does.
class MakingSource final : public ByteSource {
 public:
  explicit MakingSource(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    std::memcpy(into.data(), bytes_.data() + offset, into.size());
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  std::string bytes_;
  std::string name_ = "made";
};

/// Writes what is dirty, and takes the file out of the page cache.
inline void make_cold(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  ::fsync(descriptor);
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  ::close(descriptor);
}

/// Bytes of address space that this process has: what is mapped and not given back shows here.
inline std::uint64_t address_space() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  file >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace sconce::transfer::test
