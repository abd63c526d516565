// Every state in which POSIX allows a crash to leave a file, from a journal of what a program did.
//
// The model: what was synced is there. Of what was written to a file since its last sync, any sectors may be there and
// any others not, in any order, under the old size or any size that it had since. Of what was changed in the folder
// since its last sync, each entry may have been changed or not; one entry changes as a whole.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "io/memory_file_system.h"

namespace sconce::test {

/// What a file may be after a crash, counted by state.
struct CrashCount {
  std::size_t old_file = 0;
  std::size_t new_file = 0;
  std::size_t torn = 0;  ///< neither: part of the new one, or nothing where there was something
  [[nodiscard]] std::size_t states() const { return old_file + new_file + torn; }
};

class CrashModel {
 public:
  /// `start` is on the disk, as it is.
  CrashModel(const MemoryFileSystem& start, std::size_t sector) : sector_(sector) {
    for (const auto& [name, inode] : start.names) entries_[name] = inode;
    for (std::size_t inode = 0; inode < start.inodes.size(); ++inode)
      files_[static_cast<int>(inode)].durable = start.inodes[inode].bytes;
  }

  void apply(const Operation& operation) {
    File& file = files_[operation.inode];
    switch (operation.kind) {
      case Operation::Kind::create: changes_.push_back({operation.name, operation.inode}); break;
      case Operation::Kind::resize: file.resize(operation.offset); break;
      case Operation::Kind::write: write(file, operation); break;
      case Operation::Kind::sync_file: file.sync(); break;
      case Operation::Kind::rename:
        changes_.push_back({operation.to, operation.inode});
        changes_.push_back({operation.name, std::nullopt});
        break;
      case Operation::Kind::remove: changes_.push_back({operation.name, std::nullopt}); break;
      case Operation::Kind::sync_folder:
        for (const Change& change : changes_) make(entries_, change);
        changes_.clear();
        break;
    }
  }

  /// Counts the states in which a crash now leaves the file of that name.
  [[nodiscard]] CrashCount count(const std::string& name, const std::optional<std::string>& old_bytes,
                                 const std::string& new_bytes) const {
    CrashCount count;
    for (const std::optional<int> inode : inodes_of(name)) {
      if (!inode) {
        ++(old_bytes ? count.torn : count.old_file);
        continue;
      }
      for_each_image(files_.at(*inode), [&](const std::string& image) {
        ++(image == new_bytes ? count.new_file : image == old_bytes ? count.old_file : count.torn);
      });
    }
    return count;
  }

 private:
  struct Piece {
    std::uint64_t offset;
    std::string bytes;
  };
  struct File {
    std::string durable;
    std::set<std::uint64_t> sizes;  // since the last sync
    std::vector<Piece> pieces;      // since the last sync
    std::uint64_t size = 0;

    void resize(std::uint64_t to) {
      size = to;
      sizes.insert(to);
    }
    void sync() {
      durable = image(std::vector<bool>(pieces.size(), true), size);
      sizes.clear();
      pieces.clear();
    }
    [[nodiscard]] std::string image(const std::vector<bool>& present, std::uint64_t with_size) const {
      std::string bytes = durable;
      bytes.resize(with_size);
      for (std::size_t at = 0; at < pieces.size(); ++at) {
        const Piece& piece = pieces[at];
        if (!present[at] || piece.offset >= with_size) continue;
        bytes.replace(piece.offset, std::min<std::uint64_t>(piece.bytes.size(), with_size - piece.offset), piece.bytes,
                      0, with_size - piece.offset);
      }
      return bytes;
    }
  };
  struct Change {
    std::string name;
    std::optional<int> inode;
  };
  using Entries = std::map<std::string, int>;

  void write(File& file, const Operation& operation) const {
    for (std::size_t at = 0; at < operation.bytes.size();) {
      const std::uint64_t offset = operation.offset + at;
      const std::size_t size = std::min<std::size_t>(sector_ - offset % sector_, operation.bytes.size() - at);
      file.pieces.push_back({offset, operation.bytes.substr(at, size)});
      at += size;
    }
    file.resize(std::max<std::uint64_t>(file.size, operation.offset + operation.bytes.size()));
  }

  static void make(Entries& entries, const Change& change) {
    entries.erase(change.name);
    if (change.inode) entries[change.name] = *change.inode;
  }

  // Over all subsets of the changes of the folder.
  [[nodiscard]] std::set<std::optional<int>> inodes_of(const std::string& name) const {
    std::set<std::optional<int>> inodes;
    for (std::size_t subset = 0; subset < std::size_t{1} << changes_.size(); ++subset) {
      Entries entries = entries_;
      for (std::size_t at = 0; at < changes_.size(); ++at) {
        if ((subset >> at & 1U) != 0) make(entries, changes_[at]);
      }
      const auto found = entries.find(name);
      inodes.insert(found == entries.end() ? std::nullopt : std::optional(found->second));
    }
    return inodes;
  }

  template <typename Visit>
  static void for_each_image(const File& file, Visit&& visit) {
    std::set<std::uint64_t> sizes = file.sizes;
    sizes.insert(file.durable.size());
    for (const std::vector<bool>& present : subsets(file.pieces.size())) {
      for (const std::uint64_t size : sizes) visit(file.image(present, size));
    }
  }

  // All subsets of a few; of many: none, all, every beginning, every single one missing or alone, and 200 at random.
  static std::vector<std::vector<bool>> subsets(std::size_t count) {
    std::vector<std::vector<bool>> all;
    if (count <= 10) {
      for (std::size_t bits = 0; bits < std::size_t{1} << count; ++bits) {
        std::vector<bool> subset(count);
        for (std::size_t at = 0; at < count; ++at) subset[at] = (bits >> at & 1U) != 0;
        all.push_back(std::move(subset));
      }
      return all;
    }
    for (std::size_t at = 0; at <= count; ++at) {
      std::vector<bool> beginning(count);
      std::fill_n(beginning.begin(), at, true);
      all.push_back(std::move(beginning));
      if (at == count) break;
      all.emplace_back(count, true).at(at) = false;
      all.emplace_back(count, false).at(at) = true;
    }
    std::mt19937 random(1);
    for (int times = 0; times < 200; ++times) {
      std::vector<bool>& subset = all.emplace_back(count);
      for (std::size_t at = 0; at < count; ++at) subset[at] = random() % 2 != 0;
    }
    return all;
  }

  std::size_t sector_;
  Entries entries_;
  std::vector<Change> changes_;
  std::map<int, File> files_;
};

}  // namespace sconce::test
