// The whole bridge to libtorch, header-only. Each part stands alone: a program that needs tensors includes
// sconce/libtorch/tensor.h and compiles in a fraction of the time.
//
// Link Sconce::libtorch: find_package(Sconce COMPONENTS libtorch).
#pragma once

#include <sconce/libtorch/check_outputs.h>
#include <sconce/libtorch/dtype.h>
#include <sconce/libtorch/load_into.h>
#include <sconce/libtorch/module.h>
#include <sconce/libtorch/names.h>
#include <sconce/libtorch/optimizer.h>
#include <sconce/libtorch/random.h>
#include <sconce/libtorch/save.h>
#include <sconce/libtorch/scheduler.h>
#include <sconce/libtorch/tensor.h>
