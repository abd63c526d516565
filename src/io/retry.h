// Calls that a signal interrupted.
#pragma once

#include <cerrno>

namespace sconce::io {

/// Calls again for as long as the answer is -EINTR. Never for sync, close and rename: whether an interrupted one has
/// done its work, and which error it has swallowed, is not known.
template <typename Call>
[[nodiscard]] auto uninterrupted(Call&& call) {
  auto result = call();
  while (result == -EINTR) result = call();
  return result;
}

}  // namespace sconce::io
