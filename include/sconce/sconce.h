// The front door. Everything public is in namespace sconce; no header of a third party is included.
#pragma once

#include <sconce/byte_source.h>
#include <sconce/check.h>
#include <sconce/checkpoint.h>
#include <sconce/copy_into.h>
#include <sconce/device.h>
#include <sconce/diff.h>
#include <sconce/dtype.h>
#include <sconce/error.h>
#include <sconce/load_state_dict.h>
#include <sconce/make_tensor.h>
#include <sconce/options.h>
#include <sconce/rewrite.h>
#include <sconce/save.h>
#include <sconce/structure.h>
#include <sconce/tensor.h>
#include <sconce/training.h>
#include <sconce/transfer.h>
#include <sconce/value.h>
#include <sconce/verify.h>
#include <sconce/version.h>
