// PyTorch's own modules: how print() names them, and what their extra_repr prints, as data.
#pragma once

#include <string>
#include <string_view>

namespace sconce::model::structure {

/// What an extra_repr is made of.
///
/// In a pattern, `{name}` is str() of an attribute, `{name!r}` its repr(), `{name?}` whether it is something else than
/// None. `[name+|text]` gives the text where the attribute is not None, `[name-|text]` where it is, `[name|text]` where
/// it is true, and `[name!=value|text]` where it is another value, or a sequence of which some element is.
struct KnownClass {
  std::string_view keys;      ///< of class_key(), separated by spaces
  std::string_view name;      ///< of _get_name(); empty: the class's own
  std::string_view pattern;   ///< empty: nothing
  std::string_view defaults;  ///< of attributes that old files lack: "name=repr;name=repr"
  bool hides_packed = false;  ///< __repr__ leaves out modules of packed parameters
};

/// What a class of torch.nn or torch.ao.nn is known by, whatever file of PyTorch it lay in at the time: "Conv2d",
/// "quantized.dynamic.Linear". Empty for classes of others.
[[nodiscard]] std::string class_key(std::string_view class_name);

/// Null where there is nothing to know: a class of others, or one that prints its children only.
[[nodiscard]] const KnownClass* find_known(std::string_view class_key);

/// Whether __repr__ of a module that hides them leaves out a child of this class.
[[nodiscard]] bool is_packed_parameters(std::string_view class_key);

}  // namespace sconce::model::structure
