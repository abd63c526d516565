#include "transfer/ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <vector>

#include "base/checked.h"
#include "base/memory_block.h"
#include "io/system_error.h"
#include "transfer/pages.h"

namespace sconce::transfer {
namespace {

/// Answers that say "again", and not "never".
bool may_retry(int result) noexcept { return result == -EINTR || result == -EAGAIN || result == -EBUSY; }

constexpr std::uint32_t kDepth = 8;                       // reads under way at once
constexpr std::uint64_t kPiece = std::uint64_t{2} << 20;  // bytes of one

template <typename Type>
Type* at(void* base, std::uint32_t offset) {
  return reinterpret_cast<Type*>(static_cast<std::byte*>(base) + offset);
}

std::uint32_t acquire(std::uint32_t& word) { return std::atomic_ref(word).load(std::memory_order_acquire); }
void release(std::uint32_t& word, std::uint32_t value) {
  std::atomic_ref(word).store(value, std::memory_order_release);
}

}  // namespace

std::unique_ptr<Ring> Ring::open() {
  io_uring_params params = {};
  std::unique_ptr<Ring> ring(new Ring);
  ring->descriptor_ = static_cast<int>(::syscall(SYS_io_uring_setup, kDepth, &params));
  // The last of these came with plain reads (Linux 5.6).
  constexpr std::uint32_t kNeeded = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS;
  if (ring->descriptor_ < 0 || (params.features & kNeeded) != kNeeded || !ring->map(params)) return nullptr;
  return ring;
}

bool Ring::map(const io_uring_params& params) {
  const auto shared = [&](std::size_t size, std::uint64_t what) {
    void* const got =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor_, static_cast<off_t>(what));
    return got == MAP_FAILED ? nullptr : got;
  };
  rings_size_ = std::max<std::size_t>(params.sq_off.array + params.sq_entries * sizeof(std::uint32_t),
                                      params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
  entries_size_ = params.sq_entries * sizeof(io_uring_sqe);
  rings_ = shared(rings_size_, IORING_OFF_SQ_RING);
  entries_ = shared(entries_size_, IORING_OFF_SQES);
  if (rings_ == nullptr || entries_ == nullptr) return false;
  sent_tail_ = at<std::uint32_t>(rings_, params.sq_off.tail);
  sent_order_ = at<std::uint32_t>(rings_, params.sq_off.array);
  sent_mask_ = *at<std::uint32_t>(rings_, params.sq_off.ring_mask);
  answer_head_ = at<std::uint32_t>(rings_, params.cq_off.head);
  answer_tail_ = at<std::uint32_t>(rings_, params.cq_off.tail);
  answer_mask_ = *at<std::uint32_t>(rings_, params.cq_off.ring_mask);
  answers_ = at<io_uring_cqe>(rings_, params.cq_off.cqes);
  return true;
}

Ring::~Ring() {
  if (entries_ != nullptr) ::munmap(entries_, entries_size_);
  if (rings_ != nullptr) ::munmap(rings_, rings_size_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Ring::push(int descriptor, std::uint64_t offset, std::span<std::byte> into, std::uint64_t number) noexcept {
  const std::uint32_t tail = *sent_tail_;
  io_uring_sqe& entry = static_cast<io_uring_sqe*>(entries_)[tail & sent_mask_];
  entry = {};
  entry.opcode = IORING_OP_READ;
  entry.fd = descriptor;
  entry.off = offset;
  entry.addr = reinterpret_cast<std::uintptr_t>(into.data());
  entry.len = static_cast<std::uint32_t>(into.size());
  entry.user_data = number;
  sent_order_[tail & sent_mask_] = tail & sent_mask_;
  release(*sent_tail_, tail + 1);
  ++unsent_;
}

int Ring::submit_and_wait() noexcept {
  const long taken = ::syscall(SYS_io_uring_enter, descriptor_, unsent_, 1U, IORING_ENTER_GETEVENTS, nullptr, 0UL);
  if (taken < 0) return -errno;
  unsent_ -= static_cast<std::uint32_t>(taken);
  return 0;
}

bool Ring::pop(io_uring_cqe& answer) noexcept {
  const std::uint32_t head = *answer_head_;
  if (head == acquire(*answer_tail_)) return false;
  answer = answers_[head & answer_mask_];
  release(*answer_head_, head + 1);
  return true;
}

/// One call of Ring::read().
class RingRead {
 public:
  RingRead(Ring& ring, const SourceFile& file, const DirectFile& direct, std::uint64_t offset,
           std::span<std::byte> into, const Ring::Arrived& arrived)
      : ring_(ring),
        file_(file),
        direct_(direct),
        offset_(offset),
        into_(into),
        arrived_(arrived),
        before_(offset % kPage),
        pages_(into.data() - before_, align_up(before_ + into.size(), kPage)),
        done_((pages_.size() + kPiece - 1) / kPiece) {}
  RingRead(const RingRead&) = delete;
  RingRead& operator=(const RingRead&) = delete;
  /// The kernel writes into memory that is the caller's: it is waited for, whatever has happened.
  ~RingRead() {
    while (under_way_ > 0) {
      io_uring_cqe answer = {};
      if (ring_.pop(answer))
        --under_way_;
      else if (const int result = ring_.submit_and_wait(); result < 0 && !may_retry(result))
        break;
    }
  }

  void run() {
    while (told_ < done_.size()) {
      while (next_ < done_.size() && under_way_ < kDepth) begin(next_++);
      wait();
      tell();
    }
  }

 private:
  [[nodiscard]] std::span<std::byte> piece(std::size_t number) const {
    const std::uint64_t from = number * kPiece;
    return pages_.subspan(from, std::min<std::uint64_t>(kPiece, pages_.size() - from));
  }

  void begin(std::size_t number) {
    populate(piece(number));  // while those before it are on their way
    ring_.push(direct_.descriptor(), offset_ - before_ + number * kPiece, piece(number), number);
    ++under_way_;
  }

  void wait() {
    io_uring_cqe answer = {};
    bool any = false;
    while (ring_.pop(answer)) {
      any = true;
      take(answer);
    }
    if (any) return;
    const int result = ring_.submit_and_wait();
    if (result < 0 && !may_retry(result)) io::fail_system(-result, "reading through io_uring", file_.name(), offset_);
  }

  void take(const io_uring_cqe& answer) {
    --under_way_;
    const std::uint64_t number = answer.user_data;
    // What came short or failed is read again in the plain way, which knows what to say.
    if (answer.res < 0 || static_cast<std::size_t>(answer.res) < piece(number).size()) read_again(number);
    done_[number] = true;
  }

  void read_again(std::uint64_t number) {
    const std::span<std::byte> bytes = wanted(number);
    direct_.read(file_, offset_ + static_cast<std::uint64_t>(bytes.data() - into_.data()), bytes);
  }

  /// The bytes of a piece that were asked for.
  [[nodiscard]] std::span<std::byte> wanted(std::size_t number) const {
    std::span<std::byte> bytes = piece(number);
    if (number == 0) bytes = bytes.subspan(before_);
    const auto at = static_cast<std::size_t>(bytes.data() - into_.data());
    return into_.subspan(at, std::min(bytes.size(), into_.size() - at));
  }

  void tell() {
    for (; told_ < done_.size() && done_[told_]; ++told_) arrived_(wanted(told_));
  }

  Ring& ring_;
  const SourceFile& file_;
  const DirectFile& direct_;
  std::uint64_t offset_;
  std::span<std::byte> into_;
  const Ring::Arrived& arrived_;
  std::uint64_t before_;
  std::span<std::byte> pages_;
  std::vector<bool> done_;  // by piece
  std::size_t next_ = 0;    // the piece to begin
  std::size_t told_ = 0;    // pieces that were handed over
  std::uint32_t under_way_ = 0;
};

void Ring::read(const SourceFile& file, const DirectFile& direct, std::uint64_t offset, std::span<std::byte> into,
                const Arrived& arrived) {
  RingRead(*this, file, direct, offset, into, arrived).run();
}

}  // namespace sconce::transfer
