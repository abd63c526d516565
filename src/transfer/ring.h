// Reads through io_uring: several are under way at once, and no thread waits for each.
#pragma once

#include <linux/io_uring.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "transfer/direct_file.h"

namespace sconce::transfer {

/// One queue, used by one thread at a time. The kernel's interface is used as it is: what it takes is less than a
/// library would need to be found and linked.
class Ring {
 public:
  /// Null where the kernel has no io_uring, or refuses it (a sandbox, a container, an administrator).
  [[nodiscard]] static std::unique_ptr<Ring> open();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  /// Called with the bytes that have arrived, from front to back. What it throws ends the read.
  using Arrived = std::function<void(std::span<std::byte> bytes)>;
  /// As DirectFile::read(), in pieces. Nothing is under way any more when it returns or throws.
  void read(const SourceFile& file, const DirectFile& direct, std::uint64_t offset, std::span<std::byte> into,
            const Arrived& arrived);

 private:
  Ring() = default;
  bool map(const io_uring_params& params);
  void push(int descriptor, std::uint64_t offset, std::span<std::byte> into, std::uint64_t number) noexcept;
  /// Hands over what was pushed, and waits for one answer. -errno where the kernel does not take it.
  [[nodiscard]] int submit_and_wait() noexcept;
  /// The next answer that has come, if any.
  [[nodiscard]] bool pop(io_uring_cqe& answer) noexcept;
  friend class RingRead;

  int descriptor_ = -1;
  void* rings_ = nullptr;
  std::size_t rings_size_ = 0;
  void* entries_ = nullptr;
  std::size_t entries_size_ = 0;
  std::uint32_t* sent_tail_ = nullptr;
  std::uint32_t* sent_order_ = nullptr;
  std::uint32_t sent_mask_ = 0;
  std::uint32_t* answer_head_ = nullptr;
  std::uint32_t* answer_tail_ = nullptr;
  std::uint32_t answer_mask_ = 0;
  io_uring_cqe* answers_ = nullptr;
  std::uint32_t unsent_ = 0;
};

}  // namespace sconce::transfer
