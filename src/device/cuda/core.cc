#include "device/cuda/core.h"

#include <string>
#include <utility>

#include "device/cuda/cast_ptx.h"

namespace sconce::device::cuda {

Core::~Core() {
  if (context_ == nullptr) return;
  if (casts_ != nullptr) {
    const CurrentIfPossible current(*this);
    api->module_unload(casts_);
  }
  api->primary_context_release(id);
}

Context Core::context() const {
  const std::lock_guard lock(context_mutex_);
  if (context_ == nullptr) {
    Context made = nullptr;
    check(api->primary_context_retain(&made, id), "opening");
    context_ = made;
  }
  return context_;
}

Context Core::context_if_any() const noexcept {
  const std::lock_guard lock(context_mutex_);
  return context_;
}

void Core::check(Status status, std::string_view what) const {
  if (status != kSuccess) api->check(status, std::string(what) + " " + info.device.to_string());
}

/// All kernels at once, so that a cast later can fail only as every other work does.
void Core::load_casts() const {
  const Current current(*this);
  check(api->module_load_data(&casts_, cast_ptx().c_str()), "compiling casts for");
  for (const CastKernel& kernel : cast_kernels())
    for (const char* name : {kernel.name, kernel.bytewise})
      check(api->module_get_function(&functions_[name], casts_, name), "finding casts for");
}

Function Core::cast_function(const char* name) const noexcept {
  const std::lock_guard lock(casts_mutex_);
  if (!casts_tried_) {
    casts_tried_ = true;
    try {
      load_casts();
    } catch (const std::exception&) {
      functions_.clear();  // the host casts; what is wrong with the device, its next use will tell
    }
  }
  const auto known = functions_.find(name);
  return known != functions_.end() ? known->second : nullptr;
}

Current::Current(const Core& core) : core_(core) { core.check(core.api->context_push(core.context()), "turning to"); }
Current::~Current() {
  Context ours = nullptr;
  core_.api->context_pop(&ours);
}

CurrentIfPossible::CurrentIfPossible(const Core& core) noexcept : core_(core) {
  const Context context = core.context_if_any();
  pushed_ = context != nullptr && core.api->context_push(context) == kSuccess;
}
CurrentIfPossible::~CurrentIfPossible() {
  Context ours = nullptr;
  if (pushed_) core_.api->context_pop(&ours);
}

}  // namespace sconce::device::cuda
