// A CUDA stream, ours or the caller's.
#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "device/cuda/cast_ptx.h"
#include "device/cuda/core.h"

namespace sconce::device::cuda {
namespace {

constexpr std::size_t kMostMarks = 1024;

struct DestroyEvent {
  const Core* core;
  void operator()(EventHandle event) const noexcept {
    const CurrentIfPossible current(*core);
    core->api->event_destroy(event);
  }
};
using Event = std::unique_ptr<std::remove_pointer_t<EventHandle>, DestroyEvent>;

class CudaStream final : public Stream {
 public:
  CudaStream(CorePtr core, StreamHandle external);
  ~CudaStream() override;

  void copy_in(const Range& to, std::span<const std::byte> from) override;
  void copy_out(std::span<std::byte> into, const Range& from) override;
  void copy_on(const Range& to, const Range& from) override;
  void fill(const Range& to, std::byte value) override;
  void cast(const Range& to, DType to_dtype, const Range& from, DType from_dtype) override;
  Ticket mark() override;
  void wait(Ticket ticket) override;
  void synchronise() override;

 private:
  void follow(const Block& block);
  [[nodiscard]] Event take_event();

  struct Mark {
    Ticket ticket;
    std::uint64_t work;  // that was queued before it
    Event event;
  };

  const CorePtr core_;
  const bool own_;
  StreamHandle handle_;
  std::uint64_t work_ = 0;  // commands that were queued
  std::uint64_t done_ = 0;  // of them, that were waited for
  Ticket last_ = 0;
  std::deque<Mark> marks_;
  std::vector<Event> spare_;
};

CudaStream::CudaStream(CorePtr core, StreamHandle external)
    : core_(std::move(core)), own_(external == nullptr), handle_(external) {
  const Current current(*core_);  // also with the caller's stream: a device that is gone is told here
  if (own_) core_->check(core_->api->stream_create(&handle_, kStreamNonBlocking), "making a stream for");
}

CudaStream::~CudaStream() {
  const CurrentIfPossible current(*core_);
  if (done_ != work_) core_->api->stream_synchronize(handle_);
  if (own_) core_->api->stream_destroy(handle_);
}

Event CudaStream::take_event() {
  if (!spare_.empty()) {
    Event event = std::move(spare_.back());
    spare_.pop_back();
    return event;
  }
  EventHandle made = nullptr;
  core_->check(core_->api->event_create(&made, kEventDisableTiming), "making an event for");
  return Event(made, DestroyEvent{core_.get()});
}

/// What others queued on a block of theirs comes first.
void CudaStream::follow(const Block& block) {
  if (block.stream() == nullptr || block.stream() == handle_) return;
  Event event = take_event();
  core_->check(core_->api->event_record(event.get(), static_cast<StreamHandle>(block.stream())),
               "looking at the caller's stream of");
  core_->check(core_->api->stream_wait_event(handle_, event.get(), 0), "waiting for the caller's stream of");
  spare_.push_back(std::move(event));  // the stream waits for what was recorded now, whatever becomes of the event
}

void CudaStream::copy_in(const Range& to, std::span<const std::byte> from) {
  if (from.empty()) return;
  const Current current(*core_);
  follow(block_of(to));
  ++work_;
  core_->check(core_->api->copy_in(address_of(to), from.data(), from.size(), handle_), "copying to");
  // Memory that somebody else pinned would be read later.
  if (!core_->staging.holds(from)) synchronise();
}

void CudaStream::copy_out(std::span<std::byte> into, const Range& from) {
  if (into.empty()) return;
  const Current current(*core_);
  follow(block_of(from));
  ++work_;
  core_->check(core_->api->copy_out(into.data(), address_of(from), into.size(), handle_), "copying from");
  if (!core_->staging.holds(into)) synchronise();
}

void CudaStream::copy_on(const Range& to, const Range& from) {
  if (to.size == 0) return;
  const Current current(*core_);
  const auto size = static_cast<std::size_t>(to.size);
  follow(block_of(to));
  follow(block_of(from));
  const Core& target = block_of(to).core();
  const Core& source = block_of(from).core();
  ++work_;
  core_->check(
      &target == &source
          ? core_->api->copy_on(address_of(to), address_of(from), size, handle_)
          : core_->api->copy_peer(address_of(to), target.context(), address_of(from), source.context(), size, handle_),
      &target == &source ? std::string("copying on") : "copying from " + source.info.device.to_string() + " through");
}

void CudaStream::fill(const Range& to, std::byte value) {
  if (to.size == 0) return;
  const Current current(*core_);
  follow(block_of(to));
  ++work_;
  core_->check(core_->api->memset_d8(address_of(to), std::to_integer<unsigned char>(value),
                                     static_cast<std::size_t>(to.size), handle_),
               "filling memory of");
}

void CudaStream::cast(const Range& to, DType to_dtype, const Range& from, DType from_dtype) {
  Address target = address_of(to);
  Address source = address_of(from);
  const CastKernel* const kernel = cast_kernel(to_dtype, from_dtype);
  const Function function =
      kernel != nullptr ? core_->cast_function(kernel->is_aligned(target, source) ? kernel->name : kernel->bytewise)
                        : nullptr;
  if (function == nullptr)
    fail(ErrorCode::unsupported,
         core_->info.device.to_string() + " does not cast " + std::string(to_string(from_dtype)) + " to " +
             std::string(to_string(to_dtype)),
         {}, "cast on the CPU");
  std::uint64_t count = to.size / element_size(to_dtype);
  if (count == 0) return;
  const Current current(*core_);
  follow(block_of(to));
  follow(block_of(from));
  void* arguments[] = {&target, &source, &count};
  const std::uint64_t groups = std::min<std::uint64_t>((count + kCastGroup - 1) / kCastGroup, kCastGroups);
  ++work_;
  core_->check(core_->api->launch_kernel(function, static_cast<unsigned>(groups), 1, 1, kCastGroup, 1, 1, 0, handle_,
                                         arguments, nullptr),
               "casting on");
}

Ticket CudaStream::mark() {
  if (marks_.size() == kMostMarks) wait(marks_.front().ticket);
  const Current current(*core_);
  Event event = take_event();
  core_->check(core_->api->event_record(event.get(), handle_), "marking a point in the work of");
  marks_.push_back({++last_, work_, std::move(event)});
  return last_;
}

void CudaStream::wait(Ticket ticket) {
  const auto end = std::ranges::upper_bound(marks_, ticket, {}, &Mark::ticket);
  if (end == marks_.begin()) return;
  const Current current(*core_);
  const Mark& mark = *std::prev(end);
  core_->check(core_->api->event_synchronize(mark.event.get()), "waiting for");
  done_ = std::max(done_, mark.work);
  for (auto it = marks_.begin(); it != end; ++it) spare_.push_back(std::move(it->event));
  marks_.erase(marks_.begin(), end);
}

void CudaStream::synchronise() {
  const Current current(*core_);
  core_->check(core_->api->stream_synchronize(handle_), "waiting for");
  done_ = work_;
  for (Mark& mark : marks_) spare_.push_back(std::move(mark.event));
  marks_.clear();
}

}  // namespace

std::unique_ptr<Stream> make_stream(CorePtr core, void* external) {
  return std::make_unique<CudaStream>(std::move(core), static_cast<StreamHandle>(external));
}

}  // namespace sconce::device::cuda
