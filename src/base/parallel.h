// Many independent pieces of work over a few threads.
#pragma once

#include <cstddef>
#include <functional>

namespace sconce {

/// Threads that this process may run at once: what its affinity and the quota of its control groups allow; at least 1.
[[nodiscard]] unsigned available_threads() noexcept;

/// Piece number `job`, done by worker number `worker`; a worker does one piece at a time, so that it can keep buffers.
using JobFunction = std::function<void(std::size_t job, unsigned worker)>;
/// Called in the caller's thread between its pieces, and every few milliseconds while it waits for others. What it
/// throws ends the work.
using TickFunction = std::function<void()>;

/// Does all pieces [0, jobs), which are taken in order, with up to `threads` workers; 0: available_threads(). The
/// caller's thread is worker 0, and the only one where no other can be started. After an exception no further piece is
/// begun; all threads have ended on return, and of what was thrown the exception of the first piece is thrown on.
void run_parallel(std::size_t jobs, unsigned threads, const JobFunction& job, const TickFunction& tick);

/// How many workers run_parallel() uses at most.
[[nodiscard]] unsigned workers_for(std::size_t jobs, unsigned threads) noexcept;

}  // namespace sconce
