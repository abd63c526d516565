#include "base/budget.h"

#include "base/fail.h"
#include "base/text.h"

namespace sconce {

void MemoryBudget::exceeded(std::uint64_t bytes) const {
  fail(ErrorCode::limit,
       "metadata would need more than " + human_bytes(limit_) + " of memory (" + human_bytes(used_) + " used, " +
           human_bytes(bytes) + " more asked for), out of proportion to the bytes that were read",
       {}, "if the file is trusted, raise Limits::memory_base");
}

void MemoryBudget::cancelled() { fail(ErrorCode::cancelled, "cancelled"); }

}  // namespace sconce
