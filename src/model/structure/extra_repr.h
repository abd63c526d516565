// What a module's extra_repr prints, and its settings.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/structure/known_classes.h"
#include "model/structure/module_object.h"

namespace sconce::model::structure {

/// Lines are separated by newlines, as Python's are. Empty for classes whose extra_repr is not known.
[[nodiscard]] std::string extra_repr_of(const ModuleObject& module);

/// Public attributes with small plain values, as repr() has them, in the order of __dict__; and `bias` of classes that
/// print whether they have one.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> settings_of(const ModuleObject& module);

}  // namespace sconce::model::structure
