// A command queue, ours or the caller's. Every command has an event until somebody waited for it, so that no failure is
// lost: a queue alone does not tell which of its commands failed.
#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "device/opencl/casts.h"
#include "device/opencl/core.h"

namespace sconce::device::opencl {
namespace {

constexpr std::size_t kMostPending = 512;
constexpr std::uint64_t kBounce = std::uint64_t{4} << 20;

class QueueStream final : public Stream {
 public:
  QueueStream(CorePtr core, Queue external);
  ~QueueStream() override;

  void copy_in(const Range& to, std::span<const std::byte> from) override;
  void copy_out(std::span<std::byte> into, const Range& from) override;
  void copy_on(const Range& to, const Range& from) override;
  void fill(const Range& to, std::byte value) override;
  void cast(const Range& to, DType to_dtype, const Range& from, DType from_dtype) override;
  Ticket mark() override;
  void wait(Ticket ticket) override;
  void synchronise() override;

 private:
  template <typename Enqueue>
  void run(const Block& block, bool blocks, std::string_view what, Enqueue&& enqueue);
  template <typename Enqueue>
  void run_elsewhere(const Block& block, std::string_view what, Enqueue&& enqueue);
  [[nodiscard]] Held<Queue> queue_for(const Block& block) const;
  void remember(Event event, std::string_view what);
  void bounce(const Range& to, const Range& from);
  [[nodiscard]] Kernel kernel(const char* name);
  [[nodiscard]] bool here(const Range& range) const noexcept { return block_of(range).context() == context_; }

  struct Pending {
    Held<Event> event;
    std::string_view what;
  };

  const CorePtr core_;
  Held<Queue> queue_;
  Context context_ = nullptr;
  std::deque<Pending> pending_;  // commands done_ + 1 … queued
  Ticket done_ = 0;
  std::vector<std::pair<const char*, Held<Kernel>>> kernels_;
};

QueueStream::QueueStream(CorePtr core, Queue external)
    : core_(std::move(core)), queue_(nullptr, core_->api->release_queue), context_(core_->context.get()) {
  if (external == nullptr) {
    queue_ = core_->new_queue(context_);
    return;
  }
  const std::string doing = core_->doing("using the caller's queue for");
  check(core_->api->retain_queue(external), doing);
  queue_.reset(external);
  Flags properties = 0;
  check(core_->api->get_queue_info(external, kQueueContext, sizeof context_, &context_, nullptr), doing);
  check(core_->api->get_queue_info(external, kQueueProperties, sizeof properties, &properties, nullptr), doing);
  if ((properties & kQueueOutOfOrder) != 0)
    fail(ErrorCode::unsupported, "the caller's queue runs its commands in any order", {},
         "give a command queue without CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE");
}

QueueStream::~QueueStream() {
  if (!pending_.empty()) core_->api->finish(queue_.get());
}

/// Queues a command that touches `block`. One that blocks is done on return, and everything before it, too.
template <typename Enqueue>
void QueueStream::run(const Block& block, bool blocks, std::string_view what, Enqueue&& enqueue) {
  if (block.context() != context_) return run_elsewhere(block, what, enqueue);
  Event event = nullptr;
  check(enqueue(queue_.get(), blocks ? kTrue : kFalse, blocks ? nullptr : &event), core_->doing(what));
  if (blocks) return synchronise();
  remember(event, what);
}

/// Memory of another context cannot be reached from this queue: the work is done at once, on one that can, behind what
/// was queued here.
template <typename Enqueue>
void QueueStream::run_elsewhere(const Block& block, std::string_view what, Enqueue&& enqueue) {
  synchronise();
  const Held<Queue> queue = queue_for(block);
  check(enqueue(queue.get(), kTrue, nullptr), core_->doing(what));
  check(core_->api->finish(queue.get()), core_->doing(what));
}

Held<Queue> QueueStream::queue_for(const Block& block) const {
  if (block.stream() == nullptr) return core_->new_queue(block.context());
  const auto external = static_cast<Queue>(block.stream());
  check(core_->api->retain_queue(external), core_->doing("using the caller's queue for"));
  return {external, core_->api->release_queue};
}

void QueueStream::remember(Event event, std::string_view what) {
  Held<Event> held(event, core_->api->release_event);
  pending_.push_back({std::move(held), what});
  if (pending_.size() > kMostPending) wait(done_ + kMostPending / 2);
}

void QueueStream::copy_in(const Range& to, std::span<const std::byte> from) {
  if (from.empty()) return;
  const Block& block = block_of(to);
  run(block, !core_->staging.holds(from), "copying to", [&](Queue queue, std::uint32_t blocks, Event* event) {
    return core_->api->enqueue_write(queue, block.mem(), blocks, static_cast<std::size_t>(to.offset), from.size(),
                                     from.data(), 0, nullptr, event);
  });
}

void QueueStream::copy_out(std::span<std::byte> into, const Range& from) {
  if (into.empty()) return;
  const Block& block = block_of(from);
  run(block, !core_->staging.holds(into), "copying from", [&](Queue queue, std::uint32_t blocks, Event* event) {
    return core_->api->enqueue_read(queue, block.mem(), blocks, static_cast<std::size_t>(from.offset), into.size(),
                                    into.data(), 0, nullptr, event);
  });
}

void QueueStream::copy_on(const Range& to, const Range& from) {
  if (to.size == 0) return;
  if (block_of(to).context() != block_of(from).context()) return bounce(to, from);
  run(block_of(to), false, "copying within", [&](Queue queue, std::uint32_t, Event* event) {
    return core_->api->enqueue_copy(queue, block_of(from).mem(), block_of(to).mem(),
                                    static_cast<std::size_t>(from.offset), static_cast<std::size_t>(to.offset),
                                    static_cast<std::size_t>(to.size), 0, nullptr, event);
  });
}

/// From one context to another there is only the way through the host.
void QueueStream::bounce(const Range& to, const Range& from) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(kBounce, to.size)));
  for (std::uint64_t done = 0; done < to.size;) {
    const std::uint64_t size = std::min<std::uint64_t>(buffer.size(), to.size - done);
    const auto part = std::span(buffer).first(static_cast<std::size_t>(size));
    copy_out(part, {from.memory, from.offset + done, size});
    copy_in({to.memory, to.offset + done, size}, part);
    done += size;
  }
}

void QueueStream::fill(const Range& to, std::byte value) {
  if (to.size == 0) return;
  run(block_of(to), false, "filling memory of", [&](Queue queue, std::uint32_t, Event* event) {
    return core_->api->enqueue_fill(queue, block_of(to).mem(), &value, 1, static_cast<std::size_t>(to.offset),
                                    static_cast<std::size_t>(to.size), 0, nullptr, event);
  });
}

void QueueStream::cast(const Range& to, DType to_dtype, const Range& from, DType from_dtype) {
  const char* const name = cast_kernel(to_dtype, from_dtype);
  if (name == nullptr || core_->cast_program() == nullptr)
    fail(ErrorCode::unsupported, core_->info.device.to_string() + " does not cast " +
                                     std::string(to_string(from_dtype)) + " to " + std::string(to_string(to_dtype)));
  const std::uint64_t count = to.size / element_size(to_dtype);
  if (count == 0) return;
  const Core& core = *core_;
  if (context_ != core.context.get() || !here(to) || !here(from))
    fail(ErrorCode::unsupported, "casts on " + core.info.device.to_string() + " need memory of Sconce's own context",
         {}, "cast on the CPU");
  Kernel work = kernel(name);
  const Mem to_mem = block_of(to).mem();
  const Mem from_mem = block_of(from).mem();
  const auto argument = [&](std::uint32_t at, const auto& value) {
    check(core.api->set_kernel_arg(work, at, sizeof value, &value), core.doing("casting on"));
  };
  argument(0, to_mem);
  argument(1, to.offset);
  argument(2, from_mem);
  argument(3, from.offset);
  argument(4, count);
  const std::size_t group = core.group_size;
  const std::size_t items = (static_cast<std::size_t>(count) + group - 1) / group * group;
  run(block_of(to), false, "casting on", [&](Queue queue, std::uint32_t, Event* event) {
    return core.api->enqueue_kernel(queue, work, 1, nullptr, &items, &group, 0, nullptr, event);
  });
}

/// Kernels hold their arguments, so that each stream needs its own.
Kernel QueueStream::kernel(const char* name) {
  const auto known = std::ranges::find_if(kernels_, [name](const auto& entry) { return entry.first == name; });
  if (known != kernels_.end()) return known->second.get();
  Status status = kSuccess;
  Held<Kernel> made(core_->api->create_kernel(core_->cast_program(), name, &status), core_->api->release_kernel);
  check(status, core_->doing("preparing a cast on"));
  return kernels_.emplace_back(name, std::move(made)).second.get();
}

Ticket QueueStream::mark() {
  if (!pending_.empty()) check(core_->api->flush(queue_.get()), core_->doing("sending work to"));
  return done_ + pending_.size();
}

void QueueStream::wait(Ticket ticket) {
  Status failure = kSuccess;
  std::string_view what;
  while (done_ < ticket && !pending_.empty()) {
    const Pending& first = pending_.front();
    const Event event = first.event.get();
    Status status = core_->api->wait_for_events(1, &event);
    // The event knows more than "a command failed".
    Status result = kSuccess;
    if (core_->api->get_event_info(event, kEventExecutionStatus, sizeof result, &result, nullptr) == kSuccess &&
        result < 0)
      status = result;
    if (status != kSuccess && failure == kSuccess) {
      failure = status;
      what = first.what;
    }
    pending_.pop_front();
    ++done_;
  }
  check(failure, core_->doing(what));
}

void QueueStream::synchronise() { wait(done_ + pending_.size()); }

}  // namespace

std::unique_ptr<Stream> make_stream(CorePtr core, void* external) {
  return std::make_unique<QueueStream>(std::move(core), static_cast<Queue>(external));
}

}  // namespace sconce::device::opencl
