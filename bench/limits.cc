// The machine's limits, by the plainest programs that reach them; and the state of memory and page cache before a run.
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "memory.h"
#include "protocol.h"
#include "touch.h"

namespace {

using namespace bench;

constexpr std::uint64_t kPiece = std::uint64_t{8} << 20;
constexpr std::uint64_t kDirectPiece = std::uint64_t{4} << 20;

class File {
 public:
  File(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    must(descriptor_ >= 0, path);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor_); }
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] std::uint64_t size() const {
    struct stat facts {};
    must(::fstat(descriptor_, &facts) == 0, "fstat");
    return static_cast<std::uint64_t>(facts.st_size);
  }
  void read(std::byte* into, std::uint64_t size, std::uint64_t at) const {
    while (size > 0) {
      const ssize_t got = ::pread(descriptor_, into, size, static_cast<off_t>(at));
      must(got > 0, "read");
      into += got;
      at += static_cast<std::uint64_t>(got);
      size -= static_cast<std::uint64_t>(got);
    }
  }

 private:
  int descriptor_;
};

/// Calls `work(offset, size)` for pieces of a whole, in `threads` threads. Whatever fails ends the program: a limit
/// that was not reached is no limit.
void in_pieces(std::uint64_t whole, std::uint64_t piece, std::uint64_t threads,
               const std::function<void(std::uint64_t, std::uint64_t)>& work) {
  std::atomic<std::uint64_t> next = 0;
  const auto loop = [&] {
    for (std::uint64_t at = next.fetch_add(piece); at < whole; at = next.fetch_add(piece))
      work(at, std::min(piece, whole - at));
  };
  std::vector<std::thread> others;
  for (std::uint64_t thread = 1; thread < threads; ++thread) others.emplace_back(loop);
  loop();
  for (std::thread& thread : others) thread.join();
}

void touch(const Memory& memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory.at(0));
  const std::uint64_t size = memory.size();
  volatile std::uint64_t sum = bench_touch(&address, &size, 1);
  static_cast<void>(sum);
}

Answer seconds_since(double begin) { return {{{"seconds", now() - begin}}, {}}; }

/// Bytes of a file that are in the page cache.
double resident(const File& file) {
  const std::uint64_t size = file.size();
  if (size == 0) return 0;
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  must(map != MAP_FAILED, "mmap");
  std::vector<unsigned char> pages((size + 4095) / 4096);
  const int result = ::mincore(map, size, pages.data());
  ::munmap(map, size);
  must(result == 0, "mincore");
  const auto count = std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
  return std::min(static_cast<double>(count) * 4096, static_cast<double>(size));
}

Answer cache_state(const File& file) {
  return {{{"resident", resident(file)}, {"size", static_cast<double>(file.size())}}, {}};
}

/// hot FILE: all of it is in the page cache afterwards.
Answer make_hot(const Words& words) {
  const File file(word(words, 0), O_RDONLY);
  if (resident(file) < static_cast<double>(file.size())) {
    std::vector<std::byte> buffer(kPiece);
    for (std::uint64_t at = 0; at < file.size(); at += kPiece)
      file.read(buffer.data(), std::min(kPiece, file.size() - at), at);
  }
  return cache_state(file);
}

/// cold FILE: nothing of it is.
Answer make_cold(const Words& words) {
  const File file(word(words, 0), O_RDONLY);
  must(::fsync(file.get()) == 0, "fsync");
  must(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0, "fadvise");
  return cache_state(file);
}

/// warm MIB: memory that has lain free for some seconds has gone back to the host of a virtual machine, and whoever
/// touches it first would be blamed for that.
Answer warm(const Words& words) {
  const double begin = now();
  const Memory memory(number(words, 0) << 20);
  in_pieces(memory.size(), kHuge, std::thread::hardware_concurrency(), [&](std::uint64_t at, std::uint64_t size) {
    for (std::uint64_t offset = 0; offset < size; offset += 4096) *memory.at(at + offset) = std::byte{1};
  });
  return seconds_since(begin);
}

/// read FILE THREADS: read() in pieces of 8 MiB into fresh huge pages.
Answer read_parallel(const Words& words) {
  const std::uint64_t threads = number(words, 1);
  const double begin = now();
  const File file(word(words, 0), O_RDONLY);
  const Memory memory(file.size());
  in_pieces(file.size(), kPiece, threads,
            [&](std::uint64_t at, std::uint64_t size) { file.read(memory.at(at), size, at); });
  touch(memory);
  return seconds_since(begin);
}

/// sequential FILE: one thread, front to back, into huge pages that were touched before.
Answer read_sequential(const Words& words) {
  const File file(word(words, 0), O_RDONLY);
  const Memory memory(file.size());
  memory.populate();
  const double begin = now();
  file.read(memory.at(0), file.size(), 0);
  touch(memory);
  return seconds_since(begin);
}

/// ranges FILE OFFSET SIZE [OFFSET SIZE …]: these bytes and no others.
Answer read_ranges(const Words& words) {
  const double begin = now();
  const File file(word(words, 0), O_RDONLY);
  for (std::size_t index = 1; index + 1 < words.size(); index += 2) {
    const Memory memory(number(words, index + 1));
    file.read(memory.at(0), number(words, index + 1), number(words, index));
    touch(memory);
  }
  return seconds_since(begin);
}

/// sum FILE THREADS: every byte of a mapped file is read once.
Answer sum(const Words& words) {
  const double begin = now();
  const File file(word(words, 0), O_RDONLY);
  const std::uint64_t whole = file.size();
  void* map = ::mmap(nullptr, whole, PROT_READ, MAP_SHARED, file.get(), 0);
  must(map != MAP_FAILED, "mmap");
  std::atomic<std::uint64_t> total = 0;
  in_pieces(whole, kPiece, number(words, 1), [&](std::uint64_t at, std::uint64_t size) {
    const auto* values = reinterpret_cast<const std::uint64_t*>(static_cast<const std::byte*>(map) + at);
    std::uint64_t part = 0;
    for (std::uint64_t index = 0; index < size / 8; ++index) part += values[index];
    total += part;
  });
  ::munmap(map, whole);
  Answer answer = seconds_since(begin);
  answer.words["sum"] = std::to_string(total.load());
  return answer;
}

/// Random bytes, the same memory as long as the size stays: making them takes longer than what they are for.
const Memory& random_bytes(std::uint64_t size) {
  static std::unique_ptr<Memory> kept;
  if (kept && kept->size() == size) return *kept;
  kept.reset();
  kept = std::make_unique<Memory>(size);
  std::uint64_t state = 88172645463325252U;
  for (std::size_t at = 0; at + 8 <= size; at += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(kept->at(at), &state, 8);
  }
  return *kept;
}

/// write BYTES PATH THREADS: room is reserved, then O_DIRECT in pieces of 4 MiB, then fdatasync.
Answer write_direct(const Words& words) {
  const std::uint64_t size = (number(words, 0) + 4095) / 4096 * 4096;
  const Memory& memory = random_bytes(size);
  const double begin = now();
  {
    const File file(word(words, 1), O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT);
    must(::fallocate(file.get(), 0, 0, static_cast<off_t>(size)) == 0, "fallocate");
    in_pieces(size, kDirectPiece, number(words, 2), [&](std::uint64_t at, std::uint64_t piece) {
      must(::pwrite(file.get(), memory.at(at), piece, static_cast<off_t>(at)) == static_cast<ssize_t>(piece), "write");
    });
    must(::fdatasync(file.get()) == 0, "fdatasync");
  }
  return seconds_since(begin);
}

/// memcpy BYTES THREADS fresh|touched: into huge pages.
Answer copy(const Words& words) {
  const Memory& from = random_bytes(number(words, 0));
  double begin = now();
  const Memory into(number(words, 0));
  if (word(words, 2) == "touched") {
    into.populate();
    begin = now();
  }
  in_pieces(from.size(), kPiece, number(words, 1),
            [&](std::uint64_t at, std::uint64_t size) { std::memcpy(into.at(at), from.at(at), size); });
  touch(into);
  return seconds_since(begin);
}

/// run COMMAND …: a whole process, its output thrown away. A child inherits the peak of memory of who starts it, so
/// this program is started anew for it and does nothing else.
Answer run(const Words& words) {
  std::vector<char*> arguments;
  for (const std::string& text : words) arguments.push_back(const_cast<char*>(text.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  must(::posix_spawn_file_actions_init(&actions) == 0, "spawn");
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  const double begin = now();
  pid_t child = 0;
  const int result = ::posix_spawnp(&child, word(words, 0).c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (result != 0) throw std::runtime_error(words[0] + ": " + std::strerror(result));
  int status = 0;
  struct rusage usage {};
  must(::wait4(child, &status, 0, &usage) == child, "wait");
  Answer answer = seconds_since(begin);
  if (status != 0) throw std::runtime_error(words[0] + " ended with status " + std::to_string(status));
  answer.numbers["memory"] = static_cast<double>(usage.ru_maxrss) * 1024;
  return answer;
}

}  // namespace

int main() {
  return serve({{"run", run},
                {"resident", [](const Words& words) { return cache_state(File(word(words, 0), O_RDONLY)); }},
                {"hot", make_hot},
                {"cold", make_cold},
                {"warm", warm},
                {"read", read_parallel},
                {"sequential", read_sequential},
                {"ranges", read_ranges},
                {"sum", sum},
                {"write", write_direct},
                {"memcpy", copy}});
}
