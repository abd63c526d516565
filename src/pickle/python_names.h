// Names of Python 2 in pickles below protocol 3, and what Python 3 reads for them.
#pragma once

#include <optional>
#include <string_view>

namespace sconce::pickle {

struct PythonName {
  std::string_view module;
  std::string_view name;
};

/// The name that Python 3 looks up for a name in a pickle of that protocol (0 to 2: Python 2's names are translated, as
/// pickle.load with fix_imports does).
[[nodiscard]] PythonName python3_name(std::string_view module, std::string_view name, int protocol);

/// The name that is written into a pickle of protocol 2 for a name of Python 3, as CPython's pickler does; Python 3
/// reads it back as that name. Nothing where no name does: Python 3 would read every spelling as something else.
[[nodiscard]] std::optional<PythonName> python2_name(std::string_view module, std::string_view name);

}  // namespace sconce::pickle
