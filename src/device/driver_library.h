// The library of a driver, opened at run time. It is never closed: drivers do not survive that.
#pragma once

#include <dlfcn.h>

#include <cstring>
#include <string>

namespace sconce::device {

/// Looks functions up one after another.
class DriverLibrary {
 public:
  explicit DriverLibrary(const std::string& name) : handle_(::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ != nullptr) return;
    const char* const reason = ::dlerror();
    absence_ = std::string("no driver: ") + (reason != nullptr ? reason : name.c_str());
  }

  /// Why there is none; empty where there is.
  [[nodiscard]] const std::string& absence() const noexcept { return absence_; }
  /// The first function that was looked for and is not there; null where all are.
  [[nodiscard]] const char* missing() const noexcept { return missing_; }

  template <typename Function>
  void find(Function& function, const char* name) {
    void* const symbol = ::dlsym(handle_, name);
    if (symbol == nullptr && missing_ == nullptr) missing_ = name;
    static_assert(sizeof function == sizeof symbol);
    std::memcpy(&function, &symbol, sizeof symbol);
  }

 private:
  void* handle_;
  std::string absence_;
  const char* missing_ = nullptr;
};

}  // namespace sconce::device
