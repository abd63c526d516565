// Memory of the process for what is loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sconce::transfer {

/// Fresh anonymous memory, zero until it is written; in huge pages where the kernel gives them. With pages of 4 KiB the
/// faults of fresh memory cost four times as much as the bytes that are read into it.
class HostBlock {
 public:
  /// `size` > 0. Errors: `memory`.
  explicit HostBlock(std::uint64_t size);
  HostBlock(const HostBlock&) = delete;
  HostBlock& operator=(const HostBlock&) = delete;
  ~HostBlock();

  /// Begins at a page; at a huge page where there is room for one. The size is rounded up to whole pages.
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {bytes_, size_}; }

 private:
  std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
};

/// Takes the page faults of a range now, so that nobody waits for them later. Where the kernel cannot, nothing happens.
void populate(std::span<std::byte> range) noexcept;

}  // namespace sconce::transfer
