// A file system of which chosen calls fail or are short.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/file_system.h"

namespace sconce::test {

/// What happens to one call instead of what was asked for.
struct Fault {
  std::size_t call = 0;     ///< number of the call, from 0
  int error = 0;            ///< errno; 0: the call is short instead
  std::size_t divisor = 0;  ///< of a short call: it gets 1/divisor of the bytes, 0: one byte
};

/// Hands every call on to another file system, counts and names them, and lets the chosen ones fail. close() closes
/// also when it fails, as Linux does.
class FaultyFileSystem final : public io::FileSystem {
 public:
  explicit FaultyFileSystem(io::FileSystem& inner, std::vector<Fault> faults = {})
      : inner_(inner), faults_(std::move(faults)) {}

  /// Names of all calls so far, in order.
  std::vector<std::string> calls;
  /// Runs before every call; for what others do meanwhile.
  std::function<void(const std::string& call)> before;

  int open_read(const std::string& path) override {
    return run("open_read", [&] { return inner_.open_read(path); });
  }
  int open_write(const std::string& path) override {
    return run("open_write", [&] { return inner_.open_write(path); });
  }
  int create(const std::string& path, std::uint32_t mode) override {
    return run("create", [&] { return inner_.create(path, mode); });
  }
  int open_folder(const std::string& path) override {
    return run("open_folder", [&] { return inner_.open_folder(path); });
  }
  int status(const std::string& path, io::FileStatus& status) override {
    return run("status", [&] { return inner_.status(path, status); });
  }
  int resolve(const std::string& path, std::string& resolved) override {
    return run("resolve", [&] { return inner_.resolve(path, resolved); });
  }
  std::int64_t read(int descriptor, std::span<std::byte> into, std::uint64_t offset) override {
    return transfer("read", into, [&](auto part) { return inner_.read(descriptor, part, offset); });
  }
  std::int64_t write(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset) override {
    return transfer("write", bytes, [&](auto part) { return inner_.write(descriptor, part, offset); });
  }
  std::int64_t write_next(int descriptor, std::span<const std::byte> bytes) override {
    return transfer("write_next", bytes, [&](auto part) { return inner_.write_next(descriptor, part); });
  }
  int reserve(int descriptor, std::uint64_t size) override {
    return run("reserve", [&] { return inner_.reserve(descriptor, size); });
  }
  int change_mode(int descriptor, std::uint32_t mode) override {
    return run("change_mode", [&] { return inner_.change_mode(descriptor, mode); });
  }
  int set_direct(int descriptor, bool direct) override {
    return run(direct ? "set_direct" : "leave_direct", [&] { return inner_.set_direct(descriptor, direct); });
  }
  int start_writeback(int descriptor, std::uint64_t offset, std::uint64_t size) override {
    return run("start_writeback", [&] { return inner_.start_writeback(descriptor, offset, size); });
  }
  int sync(int descriptor) override {
    return run("sync", [&] { return inner_.sync(descriptor); });
  }
  int close(int descriptor) override {
    const int result = inner_.close(descriptor);
    return run("close", [&] { return result; });
  }
  int rename(const std::string& from, const std::string& to) override {
    return run("rename", [&] { return inner_.rename(from, to); });
  }
  int rename_new(const std::string& from, const std::string& to) override {
    return run("rename_new", [&] { return inner_.rename_new(from, to); });
  }
  int remove(const std::string& path) override {
    return run("remove", [&] { return inner_.remove(path); });
  }
  std::uint64_t random() override { return inner_.random(); }

 private:
  const Fault* enter(const char* name) {
    if (before) before(name);
    calls.push_back(name);
    const auto found = std::find_if(faults_.begin(), faults_.end(),
                                    [&](const Fault& fault) { return fault.call == calls.size() - 1; });
    return found == faults_.end() ? nullptr : &*found;
  }

  template <typename Call>
  int run(const char* name, Call&& call) {
    const Fault* fault = enter(name);
    return fault != nullptr && fault->error != 0 ? -fault->error : call();
  }

  template <typename Byte, typename Call>
  std::int64_t transfer(const char* name, std::span<Byte> bytes, Call&& call) {
    const Fault* fault = enter(name);
    if (fault == nullptr) return call(bytes);
    if (fault->error != 0) return -fault->error;
    const std::size_t part = fault->divisor == 0 ? 1 : bytes.size() / fault->divisor;
    return call(bytes.first(std::clamp<std::size_t>(part, 1, bytes.size())));
  }

  io::FileSystem& inner_;
  std::vector<Fault> faults_;
};

}  // namespace sconce::test
