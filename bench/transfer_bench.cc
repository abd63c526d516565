// The engine against the machine: every way, hot and cold, beside the plainest program that reaches the limit.
//
//   transfer_bench FILE [RUNS]     FILE: any file, its first GiB is used; it must lie on a disk for the cold figures
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <sconce/byte_source.h>

#include "base/hash.h"
#include "base/slice.h"
#include "base/memory_block.h"
#include "transfer/region.h"
#include "transfer/residency.h"

namespace {

using namespace sconce;
using namespace sconce::transfer;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Memory that has lain free for some seconds has gone back to the machine's host, and is slow to get again.
void warm_memory() {
  MemoryBlock block(5 * kGiB / 2);
  for (std::size_t at = 0; at < block.bytes().size(); at += 4096) block.bytes()[at] = std::byte{1};
}

void must(bool well, const char* what) {
  if (well) return;
  std::perror(what);
  std::exit(1);
}

struct File {
  std::string path;
  int descriptor = -1;
  std::uint64_t size = 0;

  void make_hot() const {
    std::vector<std::byte> buffer(8 << 20);
    for (std::uint64_t at = 0; at < size; at += buffer.size())
      must(::pread(descriptor, buffer.data(), buffer.size(), static_cast<off_t>(at)) >= 0, "read");
    check(size);
  }
  void make_cold() const {
    ::fsync(descriptor);
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    check(0);
  }
  void check(std::uint64_t expected) const {
    const auto cached = cached_bytes(descriptor, 0, size);
    if (!cached || (expected == 0 ? *cached > size / 50 : *cached < size - size / 50))
      std::fprintf(stderr, "page cache: %llu of %llu bytes\n", static_cast<unsigned long long>(cached.value_or(0)),
                   static_cast<unsigned long long>(size));
  }
};

/// The limit: `threads` read 8 MiB pieces into fresh huge pages, touched before where `touched`.
double limit(const File& file, unsigned threads, bool touched) {
  double begin = now();
  MemoryBlock block(file.size);
  if (touched) {
    populate(block.bytes());
    begin = now();
  }
  std::atomic<std::uint64_t> next = 0;
  const auto work = [&] {
    constexpr std::uint64_t kPiece = 8 << 20;
    for (std::uint64_t at = next.fetch_add(kPiece); at < file.size; at = next.fetch_add(kPiece)) {
      const std::uint64_t size = std::min(kPiece, file.size - at);
      must(::pread(file.descriptor, block.bytes().data() + at, size, static_cast<off_t>(at)) ==
               static_cast<ssize_t>(size),
           "read");
    }
  };
  std::vector<std::thread> others;
  for (unsigned thread = 1; thread < threads; ++thread) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
  return now() - begin;
}

std::vector<Region> regions_of(const File& file, std::uint64_t step, bool checked) {
  const SourcePtr source = open_file(file.path);
  std::vector<Region> regions;
  std::vector<std::byte> bytes(step);
  for (std::uint64_t at = 64; at + step <= file.size; at += step + 64) {
    Region region;
    region.size = step;
    if (checked) {
      source->read_at(at, bytes);
      region.crc32 = crc32(0, bytes);
    }
    region.open = [source, at, step] { return slice(source, at, step); };
    regions.push_back(std::move(region));
  }
  return regions;
}

double load(const std::vector<Region>& regions, Way way, unsigned threads = 0) {
  EngineOptions options;
  options.way = way;
  options.threads = threads;
  EngineReport report;
  const double begin = now();
  const std::vector<HostBytes> loaded = load_to_host(regions, options, report);
  const double seconds = now() - begin;
  for (const auto& [used, bytes] : report.ways)
    if (way == Way::automatic) std::fprintf(stderr, "(%s) ", std::string(to_string(used)).c_str());
  return seconds;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const char* title, const File& file, bool hot, int runs,
             const std::vector<std::pair<std::string, std::function<double()>>>& cases) {
  std::map<std::string, std::vector<double>> seconds;
  std::map<std::string, std::vector<double>> ratios;
  for (int run = 0; run < runs; ++run) {
    for (const auto& [name, body] : cases) {
      hot ? file.make_hot() : file.make_cold();
      warm_memory();
      seconds[name].push_back(body());
      ratios[name].push_back(seconds[cases[0].first].back() / seconds[name].back());
    }
  }
  std::printf("%s\n", title);
  for (const auto& [name, body] : cases) {
    std::vector<double>& all = seconds[name];
    std::printf("  %-28s %8.1f ms (%.1f-%.1f)  %5.2f GB/s  of the limit %.2f\n", name.c_str(), 1e3 * median(all),
                1e3 * *std::min_element(all.begin(), all.end()), 1e3 * *std::max_element(all.begin(), all.end()),
                static_cast<double>(file.size) / median(all) / 1e9, median(ratios[name]));
  }
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 2) {
    std::fputs("usage: transfer_bench FILE [RUNS] [hot|cold|small]\n", stderr);
    return 2;
  }
  const int runs = count > 2 ? std::atoi(arguments[2]) : 5;
  const std::string which = count > 3 ? arguments[3] : "";
  File file{arguments[1]};
  file.descriptor = ::open(arguments[1], O_RDONLY | O_CLOEXEC);
  must(file.descriptor >= 0, arguments[1]);
  file.size = std::min<std::uint64_t>(kGiB, static_cast<std::uint64_t>(::lseek(file.descriptor, 0, SEEK_END)));
  const std::vector<Region> large = regions_of(file, file.size / 4 - 128, true);
  const std::vector<Region> bare = regions_of(file, file.size / 4 - 128, false);
  const auto by = [&](const std::vector<Region>& regions, Way way, unsigned threads = 0) {
    return [&regions, way, threads] { return load(regions, way, threads); };
  };
  if (which.empty() || which == "hot")
    compare("hot, 4 regions", file, true, runs,
            {{"limit: 2 threads", [&] { return limit(file, 2, false); }},
             {"automatic, checksums", by(large, Way::automatic)},
             {"automatic", by(bare, Way::automatic)},
             {"sequential", by(bare, Way::sequential)},
             {"copy", by(bare, Way::copy)}});
  if (which.empty() || which == "cold")
    compare("cold, 4 regions", file, false, runs,
            {{"limit: 1 thread, touched", [&] { return limit(file, 1, true); }},
             {"automatic, checksums", by(large, Way::automatic)},
             {"direct 2", by(large, Way::direct, 2)},
             {"direct 8", by(large, Way::direct, 8)},
             {"ring 1", by(large, Way::ring, 1)},
             {"ring 2", by(large, Way::ring, 2)},
             {"sequential", by(large, Way::sequential)}});
  if (which.empty() || which == "small") {
    File part = file;
    part.size = std::min<std::uint64_t>(file.size, 20000 * 10304);
    const std::vector<Region> small = regions_of(part, 10240, true);
    const std::string title = "hot, " + std::to_string(small.size()) + " regions of 10 KiB";
    compare(title.c_str(), part, true, runs,
            {{"limit: 2 threads", [&] { return limit(part, 2, false); }},
             {"automatic, checksums", by(small, Way::automatic)}});
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
