// Fresh memory in huge pages, where the kernel gives them.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace bench {

constexpr std::size_t kHuge = std::size_t{2} << 20;

inline void must(bool well, const std::string& what) {
  if (!well) throw std::runtime_error(what + ": " + std::strerror(errno));
}

class Memory {
 public:
  explicit Memory(std::size_t size) : size_(std::max<std::size_t>(size, 1)), mapped_(size_ + kHuge) {
    base_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(base_ != MAP_FAILED, "mmap");
    const auto address = (reinterpret_cast<std::uintptr_t>(base_) + kHuge - 1) & ~(kHuge - 1);
    bytes_ = reinterpret_cast<std::byte*>(address);
    ::madvise(bytes_, size_, MADV_HUGEPAGE);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { ::munmap(base_, mapped_); }
  [[nodiscard]] std::byte* at(std::uint64_t offset) const { return bytes_ + offset; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void populate() const {
    for (std::size_t offset = 0; offset < size_; offset += 4096) bytes_[offset] = std::byte{1};
  }

 private:
  std::size_t size_;
  std::size_t mapped_;
  void* base_ = nullptr;
  std::byte* bytes_ = nullptr;
};

}  // namespace bench
