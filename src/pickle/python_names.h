// Names of Python 2 in pickles below protocol 3, and what Python 3 reads for them.
#pragma once

#include <string_view>

namespace sconce::pickle {

struct PythonName {
  std::string_view module;
  std::string_view name;
};

/// The name that Python 3 looks up for a name in a pickle of that protocol (0 to 2: Python 2's names are translated, as
/// pickle.load with fix_imports does).
[[nodiscard]] PythonName python3_name(std::string_view module, std::string_view name, int protocol);

}  // namespace sconce::pickle
