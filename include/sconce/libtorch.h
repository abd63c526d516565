// The whole bridge to libtorch, header-only. Each part stands alone: a program that needs tensors includes
// sconce/libtorch/tensor.h and compiles in a fraction of the time.
//
// Link Sconce::libtorch: find_package(Sconce COMPONENTS libtorch).
#pragma once

#include <sconce/libtorch/dtype.h>
#include <sconce/libtorch/module.h>
#include <sconce/libtorch/names.h>
#include <sconce/libtorch/tensor.h>
