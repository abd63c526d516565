// A folder in memory that keeps a journal of what was asked of it, refuses what it is told to refuse, and is strict
// where real ones are: unaligned direct writes, names that exist, descriptors that are closed twice.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "io/file_system.h"

namespace sconce::test {

/// One thing that changed, or that was made durable.
struct Operation {
  enum class Kind : std::uint8_t { create, resize, write, sync_file, rename, remove, sync_folder };
  Kind kind;
  int inode = -1;
  std::string name;          ///< of create and remove; where rename comes from
  std::string to;            ///< where rename goes to
  std::uint64_t offset = 0;  ///< of write; new size of resize
  std::string bytes;
};

class MemoryFileSystem : public io::FileSystem {
 public:
  struct Inode {
    std::string bytes;
    std::uint32_t mode = 0644;
  };

  // What it refuses.
  bool can_reserve = true;
  bool can_direct = true;
  bool folder_writable = true;
  bool syncs_files = true;  ///< false: says yes and does nothing
  bool syncs_folders = true;
  std::uint64_t capacity = UINT64_MAX;   ///< bytes of all files
  std::size_t longest_write = SIZE_MAX;  ///< longer ones are short

  // What is in it. Paths are absolute.
  std::map<std::string, int> names;
  std::map<std::string, std::string> links;  ///< symbolic; also followed where names has the target
  std::set<std::string> folders = {"/models/"};
  std::vector<Inode> inodes;
  std::vector<Operation> journal;
  std::uint64_t direct_bytes = 0;
  std::uint64_t writebacks = 0;

  void put(const std::string& path, std::string bytes, std::uint32_t mode = 0644) {
    names[path] = static_cast<int>(inodes.size());
    inodes.push_back({std::move(bytes), mode});
  }
  [[nodiscard]] const Inode* find(const std::string& path) const {
    const auto found = names.find(path);
    return found == names.end() ? nullptr : &inodes[static_cast<std::size_t>(found->second)];
  }
  [[nodiscard]] std::size_t open_descriptors() const { return open_.size(); }

  int open_read(const std::string&) override { return -ENOSYS; }
  int open_write(const std::string&) override { return -ENOSYS; }

  int create(const std::string& path, std::uint32_t mode) override {
    if (!folder_writable) return -EACCES;
    if (names.contains(path) || links.contains(path)) return -EEXIST;
    put(path, "", mode & ~022U);
    journal.push_back({.kind = Operation::Kind::create, .inode = names[path], .name = path});
    return open(names[path]);
  }

  int open_folder(const std::string& path) override { return folders.contains(path) ? open(kFolder) : -ENOENT; }

  int status(const std::string& path, io::FileStatus& status) override {
    status = {};
    if (folders.contains(path + "/")) {
      status.kind = io::FileKind::folder;
    } else if (const Inode* inode = find(follow(path))) {
      status = {io::FileKind::regular, inode->mode};
    }
    return 0;
  }

  int resolve(const std::string& path, std::string& resolved) override {
    resolved = follow(path);
    return folders.contains(resolved.substr(0, resolved.rfind('/') + 1)) ? 0 : -ENOENT;
  }

  std::int64_t read(int, std::span<std::byte>, std::uint64_t) override { return -ENOSYS; }

  std::int64_t write(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) override {
    Open& file = open_.at(descriptor);
    if (file.direct &&
        !(aligned(offset) && aligned(bytes.size()) && aligned(reinterpret_cast<std::uintptr_t>(bytes.data()))))
      return -EINVAL;
    bytes = bytes.first(std::min(bytes.size(), longest_write));
    std::string& all = inodes[static_cast<std::size_t>(file.inode)].bytes;
    if (const std::uint64_t end = offset + bytes.size(); end > all.size()) {
      if (used() + end - all.size() > capacity) return -ENOSPC;
      all.resize(end);
    }
    std::memcpy(all.data() + offset, bytes.data(), bytes.size());
    if (file.direct) direct_bytes += bytes.size();
    journal.push_back({.kind = Operation::Kind::write,
                       .inode = file.inode,
                       .offset = offset,
                       .bytes = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
    return static_cast<std::int64_t>(bytes.size());
  }

  std::int64_t write_next(int, std::span<const std::byte>) override { return -ENOSYS; }

  int reserve(int descriptor, std::uint64_t size) override {
    if (!can_reserve) return -EOPNOTSUPP;
    Inode& inode = inodes[static_cast<std::size_t>(open_.at(descriptor).inode)];
    if (used() - inode.bytes.size() + size > capacity) return -ENOSPC;
    inode.bytes.resize(size);
    journal.push_back({.kind = Operation::Kind::resize, .inode = open_.at(descriptor).inode, .offset = size});
    return 0;
  }

  int change_mode(int descriptor, std::uint32_t mode) override {
    inodes[static_cast<std::size_t>(open_.at(descriptor).inode)].mode = mode;
    return 0;
  }

  int set_direct(int descriptor, bool direct) override {
    if (direct && !can_direct) return -EINVAL;
    open_.at(descriptor).direct = direct;
    return 0;
  }

  int start_writeback(int, std::uint64_t, std::uint64_t size) override {
    writebacks += size;
    return 0;
  }

  int sync(int descriptor) override {
    const int inode = open_.at(descriptor).inode;
    if (inode == kFolder && syncs_folders) journal.push_back({.kind = Operation::Kind::sync_folder});
    if (inode != kFolder && syncs_files) journal.push_back({.kind = Operation::Kind::sync_file, .inode = inode});
    return 0;
  }

  int close(int descriptor) override { return open_.erase(descriptor) == 1 ? 0 : -EBADF; }

  int rename(const std::string& from, const std::string& to) override {
    if (!names.contains(from)) return -ENOENT;
    names[to] = names[from];
    names.erase(from);
    journal.push_back({.kind = Operation::Kind::rename, .inode = names[to], .name = from, .to = to});
    return 0;
  }

  int rename_new(const std::string& from, const std::string& to) override {
    return names.contains(to) || links.contains(to) ? -EEXIST : rename(from, to);
  }

  int remove(const std::string& path) override {
    if (names.erase(path) == 0) return -ENOENT;
    journal.push_back({.kind = Operation::Kind::remove, .name = path});
    return 0;
  }

  std::uint64_t random() override { return ++random_; }

 private:
  static constexpr int kFolder = -1;
  struct Open {
    int inode;
    bool direct = false;
  };

  static bool aligned(std::uint64_t value) { return value % 512 == 0; }

  int open(int inode) {
    const int descriptor = next_descriptor_++;
    open_[descriptor] = {inode};
    return descriptor;
  }

  [[nodiscard]] std::string follow(std::string path) const {
    while (links.contains(path)) path = links.at(path);
    return path;
  }

  [[nodiscard]] std::uint64_t used() const {
    std::uint64_t sum = 0;
    for (const auto& [name, inode] : names) sum += inodes[static_cast<std::size_t>(inode)].bytes.size();
    return sum;
  }

  std::map<int, Open> open_;
  int next_descriptor_ = 3;
  std::uint64_t random_ = 0;
};

}  // namespace sconce::test
