// For preadv2; the build asks for no GNU extensions elsewhere.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include "transfer/residency.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/checked.h"
#include "transfer/pages.h"

namespace sconce::transfer {
namespace {

constexpr long kCachestat = 451;  // on every architecture; older headers do not have it

// As linux/mman.h has them since 6.5.
struct CacheRange {
  std::uint64_t offset;
  std::uint64_t size;
};
struct CacheCounts {
  std::uint64_t cached;
  std::uint64_t dirty;
  std::uint64_t writeback;
  std::uint64_t evicted;
  std::uint64_t recently_evicted;
};

std::optional<std::uint64_t> by_cachestat(int descriptor, std::uint64_t offset, std::uint64_t size) {
  CacheRange range{offset, size};
  CacheCounts counts{};
  if (::syscall(kCachestat, descriptor, &range, &counts, 0U) != 0) return std::nullopt;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min(size, counts.cached * page);
}

/// Others are told that everything is there.
bool told_the_truth(int descriptor) {
  struct stat status = {};
  return ::fstat(descriptor, &status) == 0 && (status.st_uid == ::geteuid() || ::geteuid() == 0);
}

std::optional<std::uint64_t> by_mincore(int descriptor, std::uint64_t offset, std::uint64_t size) {
  if (!told_the_truth(descriptor)) return std::nullopt;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = offset & ~(page - 1);
  const std::uint64_t length = align_up(offset + size, page) - begin;
  void* const at = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, descriptor, static_cast<off_t>(begin));
  if (at == MAP_FAILED) return std::nullopt;
  std::vector<unsigned char> there(length / page);
  const int result = ::mincore(at, length, there.data());
  ::munmap(at, length);
  if (result != 0) return std::nullopt;
  const auto count = std::count_if(there.begin(), there.end(), [](unsigned char bits) { return (bits & 1) != 0; });
  return std::min(size, static_cast<std::uint64_t>(count) * page);
}

std::optional<std::uint64_t> by_no_wait(int descriptor, std::uint64_t offset, std::uint64_t size) {
  constexpr std::uint64_t kSamples = 16;
  const std::uint64_t samples = std::clamp<std::uint64_t>(size / kPage, 1, kSamples);
  std::uint64_t hits = 0;
  for (std::uint64_t sample = 0; sample < samples; ++sample) {
    std::byte byte{};
    const iovec into{&byte, 1};
    const std::uint64_t at = offset + size / samples * sample + size / samples / 2;
    const ssize_t got = ::preadv2(descriptor, &into, 1, static_cast<off_t>(at), RWF_NOWAIT);
    if (got < 0 && errno != EAGAIN) return std::nullopt;
    hits += got > 0 ? 1 : 0;
  }
  return size / samples * hits + (hits == samples ? size % samples : 0);
}

}  // namespace

std::optional<std::uint64_t> cached_bytes_by(Evidence evidence, int descriptor, std::uint64_t offset,
                                             std::uint64_t size) {
  if (size == 0) return 0;
  switch (evidence) {
    case Evidence::cachestat: return by_cachestat(descriptor, offset, size);
    case Evidence::mincore: return by_mincore(descriptor, offset, size);
    case Evidence::no_wait: return by_no_wait(descriptor, offset, size);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> cached_bytes(int descriptor, std::uint64_t offset, std::uint64_t size) {
  for (const Evidence evidence : {Evidence::cachestat, Evidence::mincore, Evidence::no_wait})
    if (const auto bytes = cached_bytes_by(evidence, descriptor, offset, size)) return bytes;
  return std::nullopt;
}

}  // namespace sconce::transfer
